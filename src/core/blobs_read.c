/* Reading blobs: opening one, the end of a download. Part of airlock-core. */
#include <string.h>

#include "core/audit.h"
#include "core/blobs.h"
#include "core/link_use.h"
#include "core/place.h"

#define MINUTE_US 60000000
#define DOWNLOAD_RESTS_US 5000000 /* between two ranges of one download there is less */

/* The bytes a reader wants, both ends included. */
struct range {
    int64_t first;
    int64_t last;
};

static int open_read_range(const json_t *in, struct range *ret, struct error *err)
{
    int r = json_get_int(in, "first", 0, 0, INT64_MAX, &ret->first, err);
    return r ? r : json_get_int(in, "last", INT64_MAX, ret->first, INT64_MAX, &ret->last, err);
}

/* The extents that overlap the range, and where in the blob the first of them begins. */
static int open_extents(struct core *core, const struct blob *b, const struct range *range, json_t *ret_list,
                        int64_t *ret_at, struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    int r;

    if (b->object) {
        json_array_append_new(ret_list, json_pack("[s,i,I]", b->object, 0, (json_int_t)b->size));
        return 0;
    }
    r = db_select(core->db, Q_EXTENT_RANGE, ARGS(DB_I(b->id), DB_I(range->first), DB_I(range->last)), &rows, err);
    if (r != 0)
        return r;
    while ((r = db_rows_next(rows, err)) == 1) {
        if (json_array_size(ret_list) == 0)
            *ret_at = db_int(rows, 3);
        json_array_append_new(ret_list, json_pack("[s,I,I]", db_text(rows, 0), (json_int_t)db_int(rows, 1),
                                                  (json_int_t)db_int(rows, 2)));
    }
    return r;
}

/* The intent to send bytes is on record before the first one leaves: once a link, blob, address and minute. */
static int open_record_use(struct core *core, const struct call *call, const struct access *a, const char *name,
                           int64_t *ret_use, struct error *err)
{
    AUTO_ROWS struct db_rows *added = NULL;
    AUTO_ROWS struct db_rows *found = NULL;
    int64_t minute = call->now / MINUTE_US;
    int r = db_first(core->db, Q_USE_ADD,
                     ARGS(DB_T(call->link_id), DB_T(a->request.id), DB_T(a->subject), DB_T(name), DB_T(call->address),
                          DB_I(minute)),
                     &added, err);
    if (r < 0)
        return r;
    if (r == 1) {
        *ret_use = db_int(added, 0);
        json_t *detail = json_pack("{s:s}", "name", name);
        if (json_flag(call->in, "copy"))
            json_object_set_new(detail, "copy", json_true());
        return audit_add(core, call, "download", a->subject, detail, err);
    }
    r = db_first(core->db, Q_USE_FIND, ARGS(DB_T(call->link_id), DB_T(name), DB_T(call->address), DB_I(minute)), &found,
                 err);
    if (r != 1)
        return r;
    *ret_use = db_int(found, 0);
    /* The minute's row may be a plain download's, which would hide that bytes went into another container. */
    return json_flag(call->in, "copy") ? link_use_record(core, call, a, "copy", err) : 0;
}

static json_t *open_overrides(const struct sas_fields *sas)
{
    const struct {
        const char *name;
        const char *value;
    } fields[] = {{"cacheControl", sas->rscc},
                  {"contentDisposition", sas->rscd},
                  {"contentEncoding", sas->rsce},
                  {"contentLanguage", sas->rscl},
                  {"contentType", sas->rsct}};
    json_t *override = json_object();
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (fields[i].value && *fields[i].value)
            json_object_set_new(override, fields[i].name, json_string(fields[i].value));
    return override;
}

int blob_open(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_ACCESS struct access a = {0};
    AUTO_BLOB struct blob b = {0};
    AUTO_JSON json_t *extents = json_array();
    const char *name = json_text(call->in, "blob");
    struct range range = {0};
    int64_t use = 0, at = 0;
    int r = access_check(core, call, PERM_READ, &a, err);

    if (r == 0)
        r = open_read_range(call->in, &range, err);
    if (r == 0)
        r = blob_find(core, a.request.id, name, &b, err);
    if (r == 0)
        return error_set(err, E_BLOB_NOT_FOUND, "The specified blob does not exist");
    if (r == 1)
        r = open_extents(core, &b, &range, extents, &at, err);
    if (r == 0)
        r = json_flag(call->in, "body") ? open_record_use(core, call, &a, name, &use, err)
                                        : link_use_record(core, call, &a, "look", err);
    if (r != 0)
        return r;
    *ret_ok = json_pack("{s:s, s:I, s:I, s:I, s:o, s:o, s:s, s:O, s:I, s:I, s:I, s:I, s:o}", "etag", b.etag, "size",
                        (json_int_t)b.size, "created", (json_int_t)b.created, "modified", (json_int_t)b.modified,
                        "properties", json_loads(b.properties, 0, NULL), "metadata", json_loads(b.metadata, 0, NULL),
                        "dir", place_in_zone(a.request.dir), "extents", extents, "at", (json_int_t)at,
                        "leftMs", (json_int_t)access_left_ms(&a, call->now), "generation",
                        (json_int_t)a.request.generation, "use", (json_int_t)use, "override", open_overrides(&a.sas));
    return 0;
}

/* A client fetches one blob in many ranges: what they sent is added up, and told once the download rests. */
int blob_closed(struct core *core, struct call *call, json_t **ret_ok UNUSED, struct error *err)
{
    int64_t sent = json_int(call->in, "sent");
    if (sent <= 0)
        return 0;
    int r = db_exec(core->db, Q_USE_SENT, ARGS(DB_I(json_int(call->in, "use")), DB_I(sent), DB_I(call->now)), err);
    return r < 0 ? r : 0;
}

static int download_tell(struct core *core, const struct db_rows *row, int64_t now, struct error *err)
{
    struct call call = {.now = now, .address = db_text(row, 5)};

    (void)str_copy(call.link_id, sizeof call.link_id, db_text(row, 1)); /* written by us: they fit */
    (void)str_copy(call.request, sizeof call.request, db_text(row, 2));
    (void)str_copy(call.workspace, sizeof call.workspace, db_text(row, 7));
    int r = audit_add(core, &call, "download.end", db_text(row, 3),
                      json_pack("{s:s, s:I}", "name", db_text(row, 4), "sent", (json_int_t)db_int(row, 6)), err);
    if (r == 0)
        r = db_exec(core->db, Q_USE_TOLD, ARGS(DB_I(db_int(row, 0))), err);
    return r < 0 ? r : 0;
}

int downloads_tell_ended(struct core *core, int64_t now, struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    int r = db_select(core->db, Q_USE_ENDED, ARGS(DB_I(now - DOWNLOAD_RESTS_US)), &rows, err);

    while (r == 0 && (r = db_rows_next(rows, err)) == 1)
        r = download_tell(core, rows, now, err);
    return r;
}
