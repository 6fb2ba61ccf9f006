/* Rows of the outbox. Part of airlock-core. A row holds no justification and no link: its reader may be outside. */
#include "core/outbox.h"

#include "model/status.h"

#define KEPT_US (30LL * 24 * 3600 * 1000000)

static const struct {
    unsigned bit;
    const char *name;
} RECIPIENTS[] = {
    {NOTIFY_REQUESTOR, "requestor"},
    {NOTIFY_MANAGERS, "airlock_managers"},
    {NOTIFY_OWNERS, "workspace_owners"},
};

static json_t *recipients_render(unsigned notify)
{
    json_t *list = json_array();

    for (size_t i = 0; i < ARRAY_LEN(RECIPIENTS); i++)
        if (notify & RECIPIENTS[i].bit)
            json_array_append_new(list, json_string(RECIPIENTS[i].name));
    return list;
}

static int outbox_insert(struct core *core, const struct call *call, const struct request *req, const char *kind,
                         const json_t *document, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    AUTO_FREE char *text = json_dumps(document, JSON_COMPACT);
    int r = db_first(core->db, Q_OUTBOX_NEXT_SEQUENCE, ARGS(DB_T(req->id)), &row, err);

    if (r != 1)
        return r < 0 ? r : error_set(err, E_INTERNAL, "The outbox gave no number");
    r = db_exec(core->db, Q_OUTBOX_ADD,
                ARGS(DB_T(req->id), DB_I(req->version), DB_T(kind), DB_I(db_int(row, 0)), DB_I(call->now), DB_T(text)),
                err);
    return r < 0 ? r : 0;
}

static json_t *status_document(const struct request *req)
{
    json_t *document = json_pack("{s:s, s:s, s:s, s:s, s:I}", "request_id", req->id, "workspace_id", req->workspace,
                                 "type", request_type_name(req->type), "status", status_name(req->status), "version",
                                 (json_int_t)req->version);
    if (req->status_message)
        json_object_set_new(document, "status_message", json_string(req->status_message));
    return document;
}

int outbox_add_status(struct core *core, const struct call *call, const struct request *req, enum status from,
                      struct error *err)
{
    AUTO_JSON json_t *document = status_document(req);
    unsigned notify = from == req->status ? NOTIFY_NOBODY : status_facts(req->status)->notify;
    int r = outbox_insert(core, call, req, "status_changed", document, err);

    if (r != 0 || notify == NOTIFY_NOBODY)
        return r;
    json_object_set_new(document, "recipients", recipients_render(notify));
    return outbox_insert(core, call, req, "notification", document, err);
}

int outbox_prune(struct core *core, int64_t now, struct error *err)
{
    int r = db_exec(core->db, Q_OUTBOX_PRUNE, ARGS(DB_I(now - KEPT_US)), err);
    return r < 0 ? r : 0;
}
