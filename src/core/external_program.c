/* The programs of a step before a movement (flow.steps, gates.commands). Part of airlock-core: one job of airlock-gate runs
 * them on the files where they lie, beside the job that waits, and their word is taken as an external check's answer. */
#include "core/external.h"

#include <string.h>

#include "base/log.h"
#include "core/apply.h"
#include "core/audit.h"
#include "core/gates.h"
#include "model/gate_answer.h"

#define REASON_MAX 500

int external_programs_begin(struct core *core, const struct call *call, const struct request *req, bool is_drained,
                            struct error *err)
{
    return apply_queue(core, call, req, JOB_STEP, is_drained, err);
}

int external_programs_end(struct core *core, const char *request, struct error *err)
{
    int r = db_exec(core->db, Q_JOB_END_KIND, ARGS(DB_T(request), DB_T(job_name(JOB_STEP))), err);
    return r < 0 ? r : 0;
}

/* A call that a program answers. */
struct program {
    int64_t call, job;
    char name[EXTERNAL_NAME_MAX + 1];
    char digest[SHA256_HEX_SIZE];
};

struct programs {
    size_t count;
    struct program items[FLOW_STEP_CHECKS_MAX];
};

static int programs_load(struct core *core, const char *request, struct programs *ret, struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    int r = db_select(core->db, Q_CALL_PROGRAMS, ARGS(DB_T(request)), &rows, err);

    ret->count = 0;
    while (r == 0 && (r = db_rows_next(rows, err)) == 1) {
        if (ret->count == FLOW_STEP_CHECKS_MAX)
            return error_set(err, E_INTERNAL, "A step has more programs than a setting can name");
        struct program *program = &ret->items[ret->count++];
        *program = (struct program){.call = db_int(rows, 0), .job = db_int(rows, 2)};
        (void)str_copy(program->name, sizeof program->name, db_text(rows, 1)); /* all written by us: they fit */
        (void)str_copy(program->digest, sizeof program->digest, db_text(rows, 3));
        r = 0;
    }
    return r;
}

int external_programs_describe(struct core *core, const struct request *req, json_t *out, struct error *err)
{
    struct programs programs;
    json_t *names = json_array();
    int r = programs_load(core, req->id, &programs, err);

    json_object_set_new(out, "commands", names);
    if (r != 0)
        return r;
    for (size_t i = 0; i < programs.count; i++)
        json_array_append_new(names, json_string(programs.items[i].name));
    json_object_set_new(out, "gates", json_array());
    json_object_set_new(out, "policy", json_object());
    json_object_set_new(out, "direction", json_string(request_type_name(req->type)));
    json_object_set_new(out, "workspace", json_string(req->workspace));
    json_object_set_new(out, "draft", json_boolean(*req->manifest_digest == '\0'));
    if (programs.count > 0)
        json_object_set_new(out, "manifestDigest", json_string(programs.items[0].digest));
    return 0;
}

/* --- What they said --- */

/* The findings of one file of a report, as an answer has them. A file that is blocked without one says why. */
static void add_findings(const json_t *file, json_t *findings)
{
    size_t i;
    const json_t *found;
    bool blocks = strcmp(json_text(file, "verdict"), verdict_name(VERDICT_BLOCK)) == 0;

    json_array_foreach(json_object_get(file, "findings"), i, found)
    {
        json_t *copy = json_copy((json_t *)(uintptr_t)found);
        (void)json_object_del(copy, "verdict");
        json_object_set(copy, "file", json_object_get(file, "name"));
        if (json_array_size(findings) < GATE_ANSWER_FINDINGS_MAX)
            json_array_append_new(findings, copy);
        else
            json_decref(copy);
    }
    if (blocks && json_array_size(json_object_get(file, "findings")) == 0 &&
        json_array_size(findings) < GATE_ANSWER_FINDINGS_MAX)
        json_array_append_new(findings, json_pack("{s:O, s:s, s:s}", "file", json_object_get(file, "name"), "code",
                                                  "check-broken", "detail", json_text(file, "detail")));
}

/* Its verdict is the heaviest of what it said of each file. */
static int read_part(const json_t *part, struct gate_answer *ret, json_t *findings, struct error *err)
{
    enum verdict verdict;
    size_t i;
    const json_t *file;

    if (!part || !verdict_by_name(json_text(part, "verdict"), &ret->verdict))
        ret->verdict = VERDICT_UNSURE;
    json_array_foreach(part ? json_object_get(part, "files") : NULL, i, file)
    {
        if (!verdict_by_name(json_text(file, "verdict"), &verdict))
            verdict = VERDICT_UNSURE;
        if (verdict > ret->verdict)
            ret->verdict = verdict;
        add_findings(file, findings);
    }
    ret->findings = findings;
    return ret->verdict == VERDICT_UNSURE
               ? error_set(err, E_STALE, "The report of the step is not complete, or cannot be understood")
               : 0;
}

static int take_program(struct outcome *o, const struct program *program, const json_t *gates, struct error *err)
{
    AUTO_JSON json_t *findings = json_array();
    struct gate_answer answer = {.manifest_digest = program->digest};
    int r = read_part(gates_part(gates, program->name), &answer, findings, err);

    if (r != 0)
        return r;
    AUTO_FREE char *text = gate_answer_text(&answer);
    r = db_exec(o->core->db, Q_CALL_ANSWER,
                ARGS(DB_I(program->call), DB_T(text), DB_I(o->call->now), DB_T(SYSTEM_GATE)), err);
    return r < 0 ? r
                 : audit_add(o->core, o->call, "gate.answer", SYSTEM_GATE,
                             json_pack("{s:s, s:s, s:s, s:I}", "gate", program->name, "verdict",
                                       verdict_name(answer.verdict), "manifestDigest", program->digest, "findings",
                                       (json_int_t)json_array_size(findings)),
                             err);
}

/* The report, with the names that the rows have. */
static int take_report(struct outcome *o, const struct programs *programs, struct error *err)
{
    AUTO_JSON json_t *gates = json_deep_copy(json_object_get(o->in, "gates"));
    int r = gates_name_files(o, gates, err);

    for (size_t i = 0; i < programs->count && r == 0; i++)
        r = take_program(o, &programs->items[i], gates, err);
    return r;
}

int external_programs_take_checked(struct outcome *o, struct error *err)
{
    struct programs programs;
    int r = programs_load(o->core, o->req.id, &programs, err);

    if (r == 0 && programs.count == 0)
        r = error_set(err, E_STALE, "Nobody waits for the programs of this step");
    if (r == 0 && strcmp(json_text(o->in, "manifestDigest"), programs.items[0].digest) != 0)
        r = error_set(err, E_STALE, "The report is about the files of another manifest");
    if (r == 0)
        r = take_report(o, &programs, err);
    if (r == 0)
        r = outcome_close_job(o, err);
    return r ? r : external_settle(o->core, o->call, programs.items[0].job, err);
}

int external_programs_take_unsure(struct outcome *o, struct error *err)
{
    struct programs programs;
    char reason[REASON_MAX];
    int r = programs_load(o->core, o->req.id, &programs, err);

    (void)snprintf(reason, sizeof reason, "%s", json_text(o->in, "detail")); /* a long one is cut */
    log_warning("request %s: a step before a movement could not be run, and is tried again: %s", o->req.id, reason);
    if (r == 0)
        r = db_exec(o->core->db, Q_CALL_PROGRAMS_UNSURE, ARGS(DB_T(o->req.id), DB_T(reason)), err);
    if (r > 0 && programs.count > 0)
        r = external_tell_waiting(o->core, &o->req, programs.items[0].job, err);
    return r ? r : outcome_again(o, o->core->config.scan_retry_ms, o->core->config.scan_retry_max_ms, reason, err);
}
