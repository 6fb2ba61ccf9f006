/* Loading and creating requests. Part of airlock-core. */
#include "core/request.h"

#include <string.h>

#include "core/apply.h"
#include "model/validate.h"

void request_done(struct request *r)
{
    free(r->title);
    free(r->justification);
    free(r->status_message);
    free(r->policy_note);
    free(r->created_by);
    free(r->updated_by);
    free(r->gate_report);
    *r = (struct request){0};
}

static char *text_or_null(const struct db_rows *row, int column)
{
    return db_is_null(row, column) ? NULL : xstrdup(db_text(row, column));
}

void request_read(const struct db_rows *row, struct request *ret)
{
    struct request r = {.failed_from = STATUS_NONE};

    /* Everything here was written by us within these sizes. */
    (void)str_copy(r.id, sizeof r.id, db_text(row, 0));
    (void)str_copy(r.workspace, sizeof r.workspace, db_text(row, 1));
    (void)request_type_by_name(db_text(row, 2), &r.type);
    r.title = xstrdup(db_text(row, 3));
    r.justification = xstrdup(db_text(row, 4));
    (void)status_by_name(db_text(row, 5), &r.status);
    r.status_message = text_or_null(row, 6);
    if (!db_is_null(row, 7))
        (void)status_by_name(db_text(row, 7), &r.failed_from);
    r.version = db_int(row, 8);
    r.generation = db_int(row, 9);
    r.fence = db_int(row, 10);
    (void)str_copy(r.dir, sizeof r.dir, db_text(row, 11));
    (void)str_copy(r.manifest_digest, sizeof r.manifest_digest, db_text(row, 12));
    r.policy_note = text_or_null(row, 13);
    r.delivered = db_int(row, 14);
    (void)str_copy(r.creator, sizeof r.creator, db_text(row, 15));
    r.created_by = xstrdup(db_text(row, 16));
    r.created = db_int(row, 17);
    r.updated_by = xstrdup(db_text(row, 18));
    r.updated = db_int(row, 19);
    r.gate_report = text_or_null(row, 20);
    *ret = r;
}

static int request_first(struct core *core, enum db_query query, const struct db_value *args, size_t count,
                         struct request *ret, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int r = db_first(core->db, query, args, count, &row, err);

    if (r == 0)
        return error_set(err, E_NOT_FOUND, "Airlock request does not exist");
    if (r < 0)
        return r;
    request_read(row, ret);
    return 0;
}

int request_load(struct core *core, const char *workspace, const char *id, struct request *ret, struct error *err)
{
    return request_first(core, Q_REQUEST_GET, ARGS(DB_T(id), DB_T(workspace)), ret, err);
}

int request_load_by_id(struct core *core, const char *id, struct request *ret, struct error *err)
{
    return request_first(core, Q_REQUEST_BY_ID, ARGS(DB_T(id)), ret, err);
}

int request_for_call(struct core *core, struct call *call, struct request *ret, struct error *err)
{
    int r = request_load(core, call->workspace, json_text(call->in, "request"), ret, err);
    if (r == 0)
        (void)str_copy(call->request, sizeof call->request, ret->id);
    return r;
}

struct actor request_actor(const struct request *r, const struct call *call)
{
    return (struct actor){.roles = call->who.roles,
                          .is_requestor = call->who.known && strcmp(r->creator, call->who.subject) == 0};
}

int request_create(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_WORKSPACE struct workspace w = {0};
    struct request_input input;
    int r = workspace_load(core, call->workspace, &w, err);

    if (r == 0 && !w.enable_airlock)
        return error_set(err, E_DISABLED, "Airlock is not enabled in this workspace.");
    if (r == 0)
        r = validate_request(call->in, &input, err);
    if (r == 0)
        r = apply_create(core, call, &w, &input, err);
    return r ? r : request_envelope(core, call, call->request, ret_ok, err);
}

int request_get(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_REQUEST struct request req = {0};
    int r = request_for_call(core, call, &req, err);
    return r ? r : request_envelope(core, call, req.id, ret_ok, err);
}
