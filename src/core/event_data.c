/* Documents of events. Part of airlock-core. A text of a person's own goes into one only where events.personal_data
 * says so, and a link never does. */
#include "core/event_data.h"

#include <string.h>

#include "core/link.h"
#include "core/place.h"

#define FILES_MAX 1000 /* listed in an event; the others are counted */
#define URL_MAX 4096

/* As AzureTRE names them. */
static const struct {
    unsigned bit;
    const char *name;
} RECIPIENTS[] = {
    {NOTIFY_REQUESTOR, "requestor"},
    {NOTIFY_MANAGERS, "airlock_managers"},
    {NOTIFY_OWNERS, "workspace_owners"},
    {NOTIFY_RESEARCHERS, "workspace_researchers"},
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

static int count_files(struct core *core, const struct request *req, json_t *object, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int r = db_first(core->db, Q_BLOB_TOTALS, ARGS(DB_T(req->id)), &row, err);

    if (r == 1)
        json_object_set_new(object, "file_count", json_integer((json_int_t)db_int(row, 0)));
    return r < 0 ? r : 0;
}

/* The list, and "file_count", into object. */
static int set_files(struct core *core, const struct request *req, const char *field, bool digests, json_t *object,
                     struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    json_t *files = json_array();

    json_object_set_new(object, field, files);
    int r = db_select(core->db, Q_BLOB_FILES_FIRST, ARGS(DB_T(req->id), DB_I(FILES_MAX)), &rows, err);
    while (r == 0 && (r = db_rows_next(rows, err)) == 1) {
        json_t *file = json_pack("{s:s, s:I}", "name", db_text(rows, 0), "size", (json_int_t)db_int(rows, 1));
        if (digests)
            json_object_set_new(file, "sha256", json_string(db_text(rows, 2)));
        json_array_append_new(files, file);
        r = 0;
    }
    return r < 0 ? r : count_files(core, req, object, err);
}

int event_data_step(struct core *core, const struct request *req, enum job_kind step, int64_t version, json_t **ret,
                    struct error *err)
{
    AUTO_JSON json_t *document = json_pack("{s:s}", "completed_step", job_name(step));

    if (req->version != version)
        json_object_set_new(document, "new_status", json_string(status_name(req->status)));
    set_message(req, document);
    int r = set_files(core, req, "request_files", false, document, err);
    if (r == 0)
        *ret = TAKE_PTR(document);
    return r;
}

json_t *event_data_scan(const struct request *req, enum verdict verdict, const json_t *gates)
{
    json_t *list = json_array();
    json_t *document = json_pack("{s:s, s:b, s:s, s:o}", "verdict", verdict_name(verdict), "clean",
                                 verdict == VERDICT_PASS, "manifest_digest", req->manifest_digest, "gates", list);
    size_t i;
    const json_t *part;

    json_array_foreach(gates, i, part)
    {
        const char *gate = json_text(part, "gate"), *said = json_text(part, "verdict");
        json_array_append_new(list, json_pack("{s:s, s:s}", "gate", gate, "verdict", said));
        if (strcmp(gate, gate_facts(GATE_MALWARE)->name) == 0) /* in the words of Azure's scanner */
            json_object_set_new(
                document, "scanResultType",
                json_string(strcmp(said, verdict_name(VERDICT_BLOCK)) == 0 ? "Malicious" : "No threats found"));
    }
    set_message(req, document);
    return document;
}

/* Which account the files are, or were, in; ret_zone may be NULL. */
static int account_of(const struct request *req, enum zone *ret_zone, char ret[static ACCOUNT_NAME_MAX + 1],
                      struct error *err)
{
    char request[UUID_TEXT_SIZE];
    enum zone zone;
    int64_t token;

    if (!place_read(req->dir, &zone, ret, request, &token))
        return error_set(err, E_INTERNAL, "The request's place cannot be read");
    if (ret_zone)
        *ret_zone = zone;
    return 0;
}

int event_data_arrival(struct core *core, const struct request *req, json_t **ret, struct error *err)
{
    char account[ACCOUNT_NAME_MAX + 1];
    int r = account_of(req, NULL, account, err);

    if (r != 0)
        return r;
    AUTO_FREE char *topic = xasprintf("/airlock/%s/storageAccounts/%s", core->config.tre_id, account);
    AUTO_JSON json_t *document = json_pack("{s:s, s:s, s:s}", "account", account, "container", req->id, "topic", topic);
    set_message(req, document);
    r = set_files(core, req, "files", true, document, err);
    if (r == 0)
        *ret = TAKE_PTR(document);
    return r;
}

int event_data_deletion(struct core *core, const struct request *req, json_t **ret, struct error *err)
{
    AUTO_STR struct str url = STR_INIT(URL_MAX);
    char account[ACCOUNT_NAME_MAX + 1];
    enum zone zone;
    int r = account_of(req, &zone, account, err);

    if (r != 0)
        return r;
    link_append_container(&url, core->config.blob_url[zone], account, req->id);
    str_append_char(&url, '/');
    *ret = json_pack("{s:s}", "blob_to_delete", str_text(&url));
    set_message(req, *ret);
    return 0;
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

/* Those whom the rules tell at once. */
static json_t *recipients(const struct core *core, const struct request *req)
{
    const struct rule *rule;
    unsigned notify = 0;
    size_t at = 0;
    json_t *list = json_array();

    while ((rule = rules_next(&core->config.rules, req->status, req->type, &at)))
        notify |= rule->delay_s ? 0 : rule->whom;

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
                                           "recipients", recipients(core, req), "request", request, "workspace", "id", w.id,
                                           "display_name", w.display_name, "description", w.description);
    set_message(req, document);
    r = set_files(core, req, "files", false, request, err);
    if (r == 0 && core->config.personal_data)
        r = set_emails(core, req, document, err);
    if (r == 0)
        *ret = TAKE_PTR(document);
    return r;
}
