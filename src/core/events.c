/* Writing of events and their deliveries, in the transaction of what they tell. Part of airlock-core. An event holds no
 * link, and nothing that names a person or is a person's words unless a setting asks for it: its reader is outside. */
#include "core/events.h"

#include <string.h>

#include "core/event_data.h"
#include "core/notices.h"

int delivery_add(struct core *core, int64_t event, const char *endpoint, const char *subject, const char *detail,
                 int64_t from_us, struct error *err)
{
    int r = db_exec(core->db, Q_DELIVERY_ADD,
                    ARGS(DB_I(event), DB_T(endpoint), DB_T(subject), DB_T(detail), DB_I(from_us)), err);
    if (r < 0)
        return r;
    effect_add(core, &(struct effect){.kind = EFFECT_WAKE_NOTIFY});
    return 0;
}

static int fan_out(struct core *core, const struct call *call, const struct request *req, enum cloud_event kind,
                   int64_t event, struct error *err)
{
    for (size_t i = 0; i < core->endpoints.count; i++) {
        const struct endpoint *endpoint = &core->endpoints.items[i];
        if (!(endpoint->kinds & 1U << kind) ||
            (*endpoint->workspace && strcmp(endpoint->workspace, req->workspace) != 0))
            continue;
        int r = delivery_add(core, event, endpoint->name, "", "", call->now, err);
        if (r != 0)
            return r;
    }
    return 0;
}

static int next_sequence(struct core *core, const struct request *req, int64_t *ret, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int r = db_first(core->db, Q_EVENT_NEXT_SEQUENCE, ARGS(DB_T(req->id)), &row, err);

    if (r != 1)
        return r < 0 ? r : error_set(err, E_INTERNAL, "An event got no number");
    *ret = db_int(row, 0);
    return 0;
}

/* version: which one of the request it tells of. document: its data, which gets the fields that all have. */
static int event_insert(struct core *core, const struct call *call, const struct request *req, enum cloud_event kind,
                        int64_t version, json_t *document, int64_t *ret_id, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int64_t sequence = 0;
    int r = next_sequence(core, req, &sequence, err);

    if (r != 0)
        return r;
    event_data_common(req, version, sequence, document);
    AUTO_FREE char *text = json_dumps(document, JSON_COMPACT);
    if (!text)
        return error_set(err, E_INTERNAL, "An event could not be written down");
    r = db_first(core->db, Q_EVENT_ADD,
                 ARGS(DB_T(req->id), DB_T(req->workspace), DB_I(version), DB_T(cloud_event_name(kind)), DB_I(sequence),
                      DB_I(call->now), DB_T(text)),
                 &row, err);
    if (r != 1)
        return r < 0 ? r : error_set(err, E_INTERNAL, "An event got no id");
    *ret_id = db_int(row, 0);
    event_feed_look(core);
    return fan_out(core, call, req, kind, *ret_id, err);
}

static int add_notification(struct core *core, const struct call *call, const struct request *req, struct error *err)
{
    AUTO_JSON json_t *document = NULL;
    int64_t id = 0;
    int r = event_data_notification(core, req, &document, err);

    if (r == 0)
        r = event_insert(core, call, req, CLOUD_EVENT_NOTIFICATION, req->version, document, &id, err);
    return r ? r : notices_add(core, call, req, id, err);
}

int events_add_status(struct core *core, const struct call *call, const struct request *req, enum status from,
                      struct error *err)
{
    AUTO_JSON json_t *document = event_data_status(req, from);
    int64_t id;
    int r = event_insert(core, call, req, CLOUD_EVENT_STATUS_CHANGED, req->version, document, &id, err);

    return r != 0 || from == req->status ? r : add_notification(core, call, req, err);
}

int events_add_step(struct core *core, const struct call *call, const struct request *req, enum job_kind step,
                    int64_t version, struct error *err)
{
    AUTO_JSON json_t *document = NULL;
    int64_t id;
    int r = event_data_step(core, req, step, version, &document, err);

    return r ? r : event_insert(core, call, req, CLOUD_EVENT_STEP_RESULT, version, document, &id, err);
}

int events_add_scan(struct core *core, const struct call *call, const struct request *req, int64_t version,
                    enum verdict verdict, const json_t *gates, struct error *err)
{
    AUTO_JSON json_t *document = event_data_scan(req, verdict, gates);
    int64_t id;

    return event_insert(core, call, req, CLOUD_EVENT_SCAN_RESULT, version, document, &id, err);
}

int events_add_arrival(struct core *core, const struct call *call, const struct request *req, struct error *err)
{
    AUTO_JSON json_t *document = NULL;
    int64_t id;
    int r = event_data_arrival(core, req, &document, err);

    return r ? r : event_insert(core, call, req, CLOUD_EVENT_BLOB_CREATED, req->version, document, &id, err);
}

int events_add_deletion(struct core *core, const struct call *call, const struct request *req, struct error *err)
{
    AUTO_JSON json_t *document = NULL;
    int64_t id;
    int r = event_data_deletion(core, req, &document, err);

    return r ? r : event_insert(core, call, req, CLOUD_EVENT_DATA_DELETION, req->version, document, &id, err);
}
