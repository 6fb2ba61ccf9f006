/* What an external gate answers. Part of airlock-core: only the account that the setting names may, only while the gate
 * is waited for, only about the request's present files, and only once. */
#include "core/external.h"

#include <string.h>

#include "core/audit.h"
#include "core/caller.h"
#include "model/gate_answer.h"

/* A TRE user who is not the account learns nothing of the workspace; its members and the administrator may know. */
static int answer_account(const struct core *core, const struct call *call, struct error *err)
{
    const struct external_gate *gate = external_gates_find(&core->config.externals, json_text(call->in, "gate"));

    if (gate && strcmp(gate->subject, call->who.subject) == 0)
        return 0;
    if (call->who.is_core_token && !(call->who.roles & ROLE_TRE_ADMIN))
        return error_set(err, E_NOT_FOUND, "Workspace does not exist");
    if (!gate)
        return error_set_field(err, E_NOT_FOUND, "gate", "There is no external check of this name");
    return error_set(err, E_FORBIDDEN, "Only the account that gates.external names answers for the check %s", gate->name);
}

/* One row of CALL_OF_GATE against what came; 1: it is the very answer that was taken before. */
static int answer_judge(const struct db_rows *row, const struct call *call, const struct gate_answer *answer,
                        const char *text, struct error *err)
{
    const char *gate = json_text(call->in, "gate"), *state = db_text(row, 2);

    if (strcmp(answer->manifest_digest, db_text(row, 5)) != 0)
        return error_set_field(err, E_STALE, "manifestDigest",
                               "The request's files are others than those that were looked at");
    if (strcmp(state, "answered") == 0)
        return strcmp(db_text(row, 4), text) == 0
                   ? 1
                   : error_set(err, E_CONFLICT, "The check %s has given another answer already", gate);
    if (strcmp(state, "open") != 0)
        return error_set(err, E_CONFLICT, "The check %s is not waited for any more", gate);
    if (db_int(row, 3) <= call->now)
        return error_set(err, E_CONFLICT, "The time of the check %s is over", gate);
    return 0;
}

static int answer_record(struct core *core, const struct call *call, const struct gate_answer *answer,
                         struct error *err)
{
    return audit_add(core, call, "gate.answer", "",
                     json_pack("{s:s, s:s, s:s, s:I}", "gate", json_text(call->in, "gate"), "verdict",
                               verdict_name(answer->verdict), "manifestDigest", answer->manifest_digest, "findings",
                               (json_int_t)json_array_size(answer->findings)),
                     err);
}

static int answer_take(struct core *core, struct call *call, const struct gate_answer *answer, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    AUTO_FREE char *text = gate_answer_text(answer);
    int r = db_first(core->db, Q_CALL_OF_GATE, ARGS(DB_T(call->request), DB_T(json_text(call->in, "gate"))), &row, err);

    if (r == 0)
        return error_set(err, E_CONFLICT, "The check %s is not waited for", json_text(call->in, "gate"));
    if (r == 1)
        r = answer_judge(row, call, answer, text, err);
    if (r != 0)
        return r < 0 ? r : 0;
    r = db_exec(core->db, Q_CALL_ANSWER,
                ARGS(DB_I(db_int(row, 0)), DB_T(text), DB_I(call->now), DB_T(call->who.subject)), err);
    if (r >= 0)
        r = answer_record(core, call, answer, err);
    return r < 0 ? r : external_settle(core, call, db_int(row, 1), err);
}

int request_answer_gate(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_REQUEST struct request req = {0};
    struct gate_answer answer;
    int r = answer_account(core, call, NULL) == E_NOT_FOUND ? answer_account(core, call, err) : 0;

    if (r == 0)
        r = request_for_call(core, call, &req, err);
    if (r == 0)
        r = answer_account(core, call, err);
    if (r == 0)
        r = caller_fresh(core, call, err);
    if (r == 0)
        r = gate_answer_check(call->in, &answer, err);
    if (r == 0)
        r = answer_take(core, call, &answer, err);
    if (r != 0)
        return r;
    *ret_ok = json_pack("{s:s, s:s}", "gate", json_text(call->in, "gate"), "verdict", verdict_name(answer.verdict));
    return 0;
}
