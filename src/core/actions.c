/* People's acts on a request: the checks that belong to each, then the edge. Part of airlock-core. */
#include "core/actions.h"

#include <string.h>

#include "core/approvals.h"
#include "core/apply.h"
#include "core/audit.h"
#include "core/blobs.h"
#include "core/caller.h"
#include "model/name.h"

/* The names of an import become a directory tree, so they must be able to. */
static int submit_check_names(struct core *core, const struct request *req, struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    size_t count = 0, cap = 16;
    char **names = xcalloc(cap, sizeof *names);
    int r = db_select(core->db, Q_BLOB_FILES, ARGS(DB_T(req->id)), &rows, err);

    while (r == 0 && (r = db_rows_next(rows, err)) == 1) {
        if (count == cap)
            names = xrealloc(names, (cap *= 2) * sizeof *names);
        names[count++] = xstrdup(db_text(rows, 1));
        r = 0;
    }
    if (r == 0)
        r = name_check_tree((const char *const *)names, count, err);
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
    return r;
}

static int submit_check(struct core *core, const struct request *req, json_t *detail, struct error *err)
{
    AUTO_WORKSPACE struct workspace w = {0};
    AUTO_ROWS struct db_rows *row = NULL;
    int r = workspace_load(core, req->workspace, &w, err);

    if (r == 0)
        r = db_first(core->db, Q_BLOB_TOTALS, ARGS(DB_T(req->id)), &row, err);
    if (r < 0)
        return r;
    r = policy_check_submit(&w.policy, db_int(row, 0), db_int(row, 1), err);
    if (r != 0)
        return r;
    json_object_set_new(detail, "files", json_integer(db_int(row, 0)));
    json_object_set_new(detail, "bytes", json_integer(db_int(row, 1)));
    return req->type == REQUEST_IMPORT ? submit_check_names(core, req, err) : 0;
}

int request_submit(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_REQUEST struct request req = {0};
    AUTO_JSON json_t *detail = json_object();
    const struct transition *edge;
    int r = request_for_call(core, call, &req, err);

    if (r != 0)
        return r;
    struct actor actor = request_actor(&req, call); /* the edge first, so that a stranger learns nothing of the files */
    r = flow_decide(req.status, EVENT_SUBMIT, &actor, &edge, err);
    if (r == 0)
        r = submit_check(core, &req, detail, err);
    if (r == 0)
        r = staging_drop_all(core, &req, err);
    if (r == 0)
        r = apply_event(core, call, &req, EVENT_SUBMIT, NULL, NULL, TAKE_PTR(detail), err);
    return r ? r : request_envelope(core, call, req.id, ret_ok, err);
}

int request_cancel(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_REQUEST struct request req = {0};
    int r = request_for_call(core, call, &req, err);

    if (r == 0)
        r = apply_event(core, call, &req, EVENT_CANCEL, NULL, NULL, NULL, err);
    return r ? r : request_envelope(core, call, req.id, ret_ok, err);
}

static int review_add(struct core *core, const struct call *call, const struct request *req, const char *decision,
                      const char *explanation, struct error *err)
{
    char id[UUID_TEXT_SIZE];
    AUTO_JSON json_t *reviewer = caller_render(&call->who);
    AUTO_FREE char *text = json_dumps(reviewer, JSON_COMPACT);

    uuid_new(id);
    int r = db_exec(core->db, Q_REVIEW_ADD,
                    ARGS(DB_T(id), DB_T(req->id), DB_T(text), DB_T(decision), DB_T(explanation),
                         DB_T(*req->manifest_digest ? req->manifest_digest : NULL), DB_I(call->now)),
                    err);
    return r < 0 ? r : 0;
}

/* A decision names bytes: those of the one manifest, which a caller may spell out. */
static int review_check_digest(const struct request *req, const struct review_input *input, struct error *err)
{
    if (!input->manifest_digest || strcmp(input->manifest_digest, req->manifest_digest) == 0)
        return 0;
    return error_set_field(err, E_STALE, "manifestDigest",
                           "The request's manifest digest is %s: look at the files again", req->manifest_digest);
}

/* An approval that is not the last one needed is on record and changes no status. */
static int review_wait(struct core *core, const struct call *call, const struct request *req, const char *explanation,
                       int64_t missing, struct error *err)
{
    AUTO_FREE char *message =
        xasprintf("Approved; %lld more %s of other people needed.", (long long)missing,
                  missing == 1 ? "approval is" : "approvals are");
    int r = db_exec(core->db, Q_REQUEST_SET_MESSAGE, ARGS(DB_T(req->id), DB_T(message)), err);

    return r < 0 ? r
                 : audit_add(core, call, "review.approved", "",
                             json_pack("{s:s, s:I, s:s}", "explanation", explanation, "missing", (json_int_t)missing,
                                       "manifestDigest", req->manifest_digest),
                             err);
}

/* The decision, unless it waits for more people. */
static int review_decide(struct core *core, struct call *call, struct request *req, const struct review_input *input,
                         struct error *err)
{
    enum event event = input->approve ? EVENT_APPROVE : EVENT_REJECT;
    int64_t missing = 0;
    int r = input->approve ? approvals_missing(core, call, req, &missing, err) : 0;

    if (r == 0)
        r = review_add(core, call, req, input->approve ? "approved" : "rejected", input->explanation, err);
    if (r != 0)
        return r;
    if (missing > 0)
        return review_wait(core, call, req, input->explanation, missing, err);
    return apply_event(core, call, req, event, NULL, NULL, json_pack("{s:s}", "explanation", input->explanation), err);
}

int request_review(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_REQUEST struct request req = {0};
    struct review_input input;
    const struct transition *edge;
    int r = request_for_call(core, call, &req, err);

    if (r == 0)
        r = validate_review(call->in, &input, err);
    if (r == 0)
        r = caller_fresh(core, call, err);
    if (r != 0)
        return r;
    enum event event = input.approve ? EVENT_APPROVE : EVENT_REJECT;
    struct actor actor = request_actor(&req, call);
    r = flow_decide(req.status, event, &actor, &edge, err);
    if (r == 0)
        r = review_check_digest(&req, &input, err);
    if (r == 0)
        r = review_decide(core, call, &req, &input, err);
    return r ? r : request_envelope(core, call, req.id, ret_ok, err);
}

int request_revoke(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_REQUEST struct request req = {0};
    const char *reason;
    int r = request_for_call(core, call, &req, err);

    if (r == 0)
        r = validate_revoke(call->in, &reason, err);
    if (r == 0)
        r = caller_fresh(core, call, err);
    if (r == 0)
        r = apply_event(core, call, &req, EVENT_REVOKE, NULL,
                        req.type == REQUEST_IMPORT
                            ? "Removed from the workspace; copies already taken stay with those who took them."
                            : "Removed; copies already taken stay with those who took them.",
                        json_pack("{s:s}", "reason", reason), err);
    if (r == 0)
        r = review_add(core, call, &req, "revoked", reason, err);
    return r ? r : request_envelope(core, call, req.id, ret_ok, err);
}

int request_review_resource(struct core *core, struct call *call, json_t **ret_ok UNUSED, struct error *err)
{
    AUTO_REQUEST struct request req = {0};
    int r = request_for_call(core, call, &req, err);

    if (r != 0)
        return r;
    return error_set(
        err, E_INVALID,
        "Failed to retrieve Airlock Review configuration for workspace %s. Please ask your TRE administrator to "
        "check the configuration. Details: no review provider is configured",
        call->workspace);
}

/* 1: the request's gates wait for their next try or for an answer from outside: that is asked for now. */
static int retry_waiting(struct core *core, const struct call *call, const struct request *req, struct error *err)
{
    int r = req->status == STATUS_SUBMITTED
                ? db_exec(core->db, Q_JOB_HURRY, ARGS(DB_T(req->id), DB_T(job_name(JOB_GATES)), DB_I(call->now)), err)
                : 0;

    if (r == 0)
        r = db_exec(core->db, Q_CALL_HURRY, ARGS(DB_T(req->id), DB_I(call->now)), err);
    if (r <= 0)
        return r;
    effect_add(core, &(struct effect){.kind = EFFECT_WAKE_WORKERS});
    effect_add(core, &(struct effect){.kind = EFFECT_WAKE_NOTIFY});
    r = audit_add(core, call, "gates.retry", "", NULL, err);
    return r ? r : 1;
}

int admin_retry(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_REQUEST struct request req = {0};
    int r = request_load_by_id(core, json_text(call->in, "request"), &req, err);
    if (r != 0)
        return r;
    (void)str_copy(call->request, sizeof call->request, req.id);
    (void)str_copy(call->workspace, sizeof call->workspace, req.workspace);
    r = retry_waiting(core, call, &req, err);
    if (r == 0)
        r = apply_event(core, call, &req, EVENT_RETRY, NULL, NULL, NULL, err);
    return r < 0 ? r : request_envelope(core, call, req.id, ret_ok, err);
}
