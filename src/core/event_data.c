/* Documents of events. Part of airlock-core. A text of a person's own goes into one only where events.personal_data says
 * so, and a link never does. */
#include "core/event_data.h"

#define FILES_MAX 1000 /* listed in an event; the others are counted */

static const struct {
    unsigned bit;
    const char *name;
} RECIPIENTS[] = {
    {NOTIFY_REQUESTOR, "requestor"},
    {NOTIFY_MANAGERS, "airlock_managers"},
    {NOTIFY_OWNERS, "workspace_owners"},
};

static double seconds(int64_t us)
{
    return (double)us / 1e6;
}

void event_data_common(const struct request *req, int64_t version, int64_t sequence, json_t *document)
{
    json_object_set_new(document, "request_id", json_string(req->id));
    json_object_set_new(document, "workspace_id", json_string(req->workspace));
    json_object_set_new(document, "type", json_string(request_type_name(req->type)));
    json_object_set_new(document, "status", json_string(status_name(req->status)));
    json_object_set_new(document, "version", json_integer((json_int_t)version));
    json_object_set_new(document, "sequence", json_integer((json_int_t)sequence));
}

static void set_message(const struct request *req, json_t *document)
{
    if (req->status_message)
        json_object_set_new(document, "status_message", json_string(req->status_message));
}

json_t *event_data_status(const struct request *req, enum status from)
{
    json_t *document = json_pack("{s:s, s:o}", "new_status", status_name(req->status), "previous_status",
                                 from == STATUS_NONE ? json_null() : json_string(status_name(from)));
    set_message(req, document);
    return document;
}

/* "files" and "file_count" into object. */
static int set_files(struct core *core, const struct request *req, const char *field, json_t *object, struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    json_t *files = json_array();
    int64_t count = 0;

    json_object_set_new(object, field, files);
    int r = db_select(core->db, Q_BLOB_FILES, ARGS(DB_T(req->id)), &rows, err);
    while (r == 0 && (r = db_rows_next(rows, err)) == 1) {
        if (count++ < FILES_MAX)
            json_array_append_new(
                files, json_pack("{s:s, s:I}", "name", db_text(rows, 1), "size", (json_int_t)db_int(rows, 2)));
        r = 0;
    }
    json_object_set_new(object, "file_count", json_integer((json_int_t)count));
    return r < 0 ? r : 0;
}

static json_t *person(const char *stored)
{
    AUTO_JSON json_t *who = json_loads(stored, 0, NULL);
    return json_pack("{s:s, s:s}", "name", json_text(who, "name"), "email", json_text(who, "email"));
}

/* AzureTRE's fields; those that name people or are their words only where the setting says so. */
static json_t *notification_request(const struct core *core, const struct request *req)
{
    json_t *request = json_pack("{s:s, s:f, s:f, s:s, s:s}", "id", req->id, "created_when", seconds(req->created),
                                "updated_when", seconds(req->updated), "request_type", request_type_name(req->type),
                                "status", status_name(req->status));
    if (core->config.personal_data) {
        json_object_set_new(request, "created_by", person(req->created_by));
        json_object_set_new(request, "updated_by", person(req->updated_by));
        json_object_set_new(request, "business_justification", json_string(req->justification));
        json_object_set_new(request, "title", json_string(req->title));
    }
    return request;
}

static json_t *recipients(const struct request *req)
{
    unsigned notify = status_facts(req->status)->notify;
    json_t *list = json_array();

    for (size_t i = 0; i < ARRAY_LEN(RECIPIENTS); i++)
        if (notify & RECIPIENTS[i].bit)
            json_array_append_new(list, json_string(RECIPIENTS[i].name));
    return list;
}

/* Addresses by AzureTRE's names of roles. */
static int set_emails(struct core *core, const struct request *req, json_t *document, struct error *err)
{
    static const struct {
        const char *role, *name;
    } ROLES[] = {{"WorkspaceOwner", "workspace_owner"},
                 {"WorkspaceResearcher", "workspace_researcher"},
                 {"AirlockManager", "airlock_manager"}};
    json_t *by_role = json_object();
    int r = 0;

    json_object_set_new(document, "recipient_emails_by_role", by_role);
    for (size_t i = 0; i < ARRAY_LEN(ROLES) && r == 0; i++) {
        AUTO_ROWS struct db_rows *rows = NULL;
        json_t *list = json_array();
        json_object_set_new(by_role, ROLES[i].name, list);
        r = db_select(core->db, Q_MEMBER_EMAILS, ARGS(DB_T(req->workspace), DB_T(ROLES[i].role)), &rows, err);
        while (r == 0 && (r = db_rows_next(rows, err)) == 1) {
            json_array_append_new(list, json_string(db_text(rows, 0)));
            r = 0;
        }
    }
    return r < 0 ? r : 0;
}

int event_data_notification(struct core *core, const struct request *req, json_t **ret, struct error *err)
{
    AUTO_WORKSPACE struct workspace w = {0};
    int r = workspace_load(core, req->workspace, &w, err);

    if (r != 0)
        return r;
    json_t *request = notification_request(core, req);
    AUTO_JSON json_t *document = json_pack("{s:s, s:o, s:o, s:{s:s, s:s, s:s}}", "event_type", "status_changed",
                                           "recipients", recipients(req), "request", request, "workspace", "id", w.id,
                                           "display_name", w.display_name, "description", w.description);
    set_message(req, document);
    r = set_files(core, req, "files", request, err);
    if (r == 0 && core->config.personal_data)
        r = set_emails(core, req, document, err);
    if (r == 0)
        *ret = TAKE_PTR(document);
    return r;
}
