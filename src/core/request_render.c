/* How a request is shown: AzureTRE's fields and ours. Part of airlock-core. */
#include "core/caller.h"
#include "core/request.h"
#include "model/flow.h"
#include "model/name_warning.h"

#define CONTENT_TYPES_MAX 100 /* shown of a request */

static double seconds(int64_t us)
{
    return (double)us / 1e6;
}

static json_t *json_stored(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    return value ? value : json_null();
}

/* NULL for a name without. */
static json_t *render_warnings(const char *name)
{
    unsigned found = name_warnings(name);
    json_t *list = found ? json_array() : NULL;

    for (int w = 0; w < NAME_WARNING_COUNT; w++)
        if (found & (1U << w))
            json_array_append_new(list, json_string(name_warning_name((enum name_warning)w)));
    return list;
}

/* What the manifest says of a file: everything that will leave with it. Content types are few: they are collected. */
static void render_sealed(const struct db_rows *row, json_t *file, json_t *ret_types)
{
    AUTO_JSON json_t *properties = json_stored(db_text(row, 4));
    AUTO_JSON json_t *metadata = json_stored(db_text(row, 5));
    AUTO_JSON json_t *warnings = render_warnings(db_text(row, 1));
    const char *type = json_text(properties, "contentType");

    json_object_set_new(file, "sha256", json_string(db_text(row, 3)));
    if (json_object_size(metadata) > 0)
        json_object_set(file, "metadata", metadata);
    if (warnings)
        json_object_set(file, "warnings", warnings);
    if (*type && json_object_size(ret_types) < CONTENT_TYPES_MAX)
        json_object_set_new(ret_types, type, json_true());
}

/* The file list is fixed by the submit: a draft shows none. */
static int render_files(struct core *core, const struct request *r, json_t *ret_list, json_t *ret_types,
                        struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    int got;

    if (r->status == STATUS_DRAFT || (r->status == STATUS_CANCELLED && !*r->manifest_digest))
        return 0;
    got = db_select(core->db, Q_BLOB_FILES, ARGS(DB_T(r->id)), &rows, err);
    if (got != 0)
        return got;
    while ((got = db_rows_next(rows, err)) == 1) {
        json_t *file = json_pack("{s:s, s:I}", "name", db_text(rows, 1), "size", (json_int_t)db_int(rows, 2));
        if (*r->manifest_digest)
            render_sealed(rows, file, ret_types);
        json_array_append_new(ret_list, file);
    }
    return got;
}

static int render_history(struct core *core, const struct request *r, json_t *ret_list, struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    int got = db_select(core->db, Q_HISTORY_LIST, ARGS(DB_T(r->id)), &rows, err);

    if (got != 0)
        return got;
    while ((got = db_rows_next(rows, err)) == 1)
        json_array_append_new(ret_list,
                              json_pack("{s:I, s:f, s:o, s:{s:s}}", "resourceVersion", (json_int_t)db_int(rows, 0),
                                        "updatedWhen", seconds(db_int(rows, 3)), "updatedBy",
                                        json_stored(db_text(rows, 2)), "properties", "previousStatus",
                                        db_text(rows, 1)));
    return got;
}

static int render_reviews(struct core *core, const struct request *r, json_t *ret_list, struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    int got = db_select(core->db, Q_REVIEW_LIST, ARGS(DB_T(r->id)), &rows, err);

    if (got != 0)
        return got;
    while ((got = db_rows_next(rows, err)) == 1) {
        json_t *review = json_pack("{s:s, s:o, s:f, s:s, s:s}", "id", db_text(rows, 0), "reviewer",
                                   json_stored(db_text(rows, 1)), "dateCreated", seconds(db_int(rows, 5)),
                                   "reviewDecision", db_text(rows, 2), "decisionExplanation", db_text(rows, 3));
        if (!db_is_null(rows, 4))
            json_object_set_new(review, "manifestDigest", json_string(db_text(rows, 4)));
        json_array_append_new(ret_list, review);
    }
    return got;
}

static json_t *render_properties(const struct request *r, const json_t *types)
{
    const char *type;
    json_t *unused;
    json_t *properties = json_object();
    if (*r->manifest_digest)
        json_object_set_new(properties, "manifestDigest", json_string(r->manifest_digest));
    if (json_object_size(types) > 0)
        json_object_set_new(properties, "contentTypes", json_array());
    json_object_foreach((json_t *)types, type, unused)
        json_array_append_new(json_object_get(properties, "contentTypes"), json_string(type));
    if (r->policy_note)
        json_object_set_new(properties, "scan", json_string(r->policy_note));
    if (r->gate_report)
        json_object_set_new(properties, "gateReport", json_stored(r->gate_report));
    if (r->delivered)
        json_object_set_new(properties, "deliveredWhen", json_real(seconds(r->delivered)));
    return properties;
}

int request_render(struct core *core, const struct request *r, json_t **ret, struct error *err)
{
    AUTO_JSON json_t *files = json_array();
    AUTO_JSON json_t *history = json_array();
    AUTO_JSON json_t *reviews = json_array();
    AUTO_JSON json_t *types = json_object();
    int got = render_files(core, r, files, types, err);

    if (got == 0)
        got = render_history(core, r, history, err);
    if (got == 0)
        got = render_reviews(core, r, reviews, err);
    if (got != 0)
        return got;
    AUTO_FREE char *etag = xasprintf("\"%lld\"", (long long)r->version);
    *ret = json_pack("{s:s, s:I, s:o, s:f, s:o, s:f, s:O, s:s, s:s, s:O, s:s, s:s, s:s, s:s?, s:O, s:s, s:{}, s:o}",
                     "id", r->id, "resourceVersion", (json_int_t)r->version, "createdBy", json_stored(r->created_by),
                     "createdWhen", seconds(r->created), "updatedBy", json_stored(r->updated_by), "updatedWhen",
                     seconds(r->updated), "history", history, "workspaceId", r->workspace, "type",
                     request_type_name(r->type), "files", files, "title", r->title, "businessJustification",
                     r->justification, "status", status_name(r->status), "statusMessage", r->status_message, "reviews",
                     reviews, "_etag", etag, "reviewUserResources", "properties", render_properties(r, types));
    return *ret ? 0 : error_set(err, E_INTERNAL, "A request could not be shown");
}

static json_t *render_actions(const struct request *r, const struct call *call)
{
    const char *actions[FLOW_ACTIONS_MAX];
    struct actor actor = request_actor(r, call);
    json_t *list = json_array();
    size_t count = flow_allowed_actions(r->status, &actor, actions);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(actions[i]));
    return list;
}

static int envelope_of(struct core *core, const struct call *call, const struct request *r, json_t **ret,
                       struct error *err)
{
    json_t *shown = NULL;
    int got = request_render(core, r, &shown, err);
    if (got == 0)
        *ret = json_pack("{s:o, s:o}", "airlockRequest", shown, "allowedUserActions", render_actions(r, call));
    return got;
}

int request_envelope(struct core *core, const struct call *call, const char *id, json_t **ret_ok, struct error *err)
{
    AUTO_REQUEST struct request r = {0};
    int got = request_load_by_id(core, id, &r, err);
    return got ? got : envelope_of(core, call, &r, ret_ok, err);
}

int request_append(struct core *core, const struct call *call, const struct request *r, bool with_actions,
                   json_t *ret_list, struct error *err)
{
    json_t *shown = NULL;
    int got = with_actions ? envelope_of(core, call, r, &shown, err) : request_render(core, r, &shown, err);
    if (got == 0)
        json_array_append_new(ret_list, shown);
    return got;
}
