/* The rows of blobs: finding, replacing and removing what stands under a name. Part of airlock-core. */
#include "core/blobs.h"

#include <string.h>

#include "core/audit.h"
#include "core/place.h"
#include "core/usage.h"
#include "model/conditional.h"
#include "model/name.h"

#define REPEATS_US (3600LL * 1000000) /* a listener gives a lost answer up within seconds */
#define MINUTE_US 60000000
#define MINUTES_KEPT 5

void blob_done(struct blob *b)
{
    free(b->etag);
    free(b->properties);
    free(b->metadata);
    free(b->object);
    free(b->commit_id);
    *b = (struct blob){0};
}

int blob_find(struct core *core, const char *request, const char *name, struct blob *ret, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int r = db_first(core->db, Q_BLOB_GET, ARGS(DB_T(request), DB_T(name)), &row, err);

    if (r != 1)
        return r;
    *ret = (struct blob){.id = db_int(row, 0),
                         .size = db_int(row, 1),
                         .footprint = db_int(row, 2),
                         .etag = xstrdup(db_text(row, 3)),
                         .properties = xstrdup(db_text(row, 4)),
                         .metadata = xstrdup(db_text(row, 5)),
                         .object = db_is_null(row, 6) ? NULL : xstrdup(db_text(row, 6)),
                         .commit_id = xstrdup(db_text(row, 7)),
                         .created = db_int(row, 8),
                         .modified = db_int(row, 9)};
    return 1;
}

static int staging_find(struct core *core, const char *request, const char *name, struct staging *ret,
                        struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int r = db_first(core->db, Q_STAGING_GET, ARGS(DB_T(request), DB_T(name)), &row, err);

    if (r != 1)
        return r;
    (void)str_copy(ret->object, sizeof ret->object, db_text(row, 0)); /* written by us: fits */
    ret->high = db_int(row, 1);
    ret->block_size = db_int(row, 2);
    ret->blocks = db_int(row, 3);
    ret->bytes = db_int(row, 4);
    return 1;
}

int standing_load(struct core *core, const char *request, const char *name, struct standing *ret, struct error *err)
{
    int r = blob_find(core, request, name, &ret->blob, err);
    if (r >= 0)
        r = staging_find(core, request, name, &ret->staged, err);
    return r < 0 ? r : 0;
}

int standing_need(struct core *core, const char *request, const char *name, struct standing *ret, struct error *err)
{
    int r = standing_load(core, request, name, ret, err);
    if (r == 0 && !ret->blob.id && !*ret->staged.object)
        return error_set(err, E_BLOB_NOT_FOUND, "The specified blob does not exist");
    return r;
}

int standing_objects(struct core *core, const struct standing *s, json_t *ret_list, struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    int r = s->blob.id ? db_select(core->db, Q_EXTENT_OBJECTS, ARGS(DB_I(s->blob.id)), &rows, err) : 0;

    while (r == 0 && rows && (r = db_rows_next(rows, err)) == 1) {
        json_array_append_new(ret_list, json_string(db_text(rows, 0)));
        r = 0;
    }
    if (r == 0 && *s->staged.object)
        json_array_append_new(ret_list, json_string(s->staged.object));
    return r;
}

/* What the request's counters lose when it goes. */
static struct usage standing_usage(const char *name, const struct standing *s)
{
    struct usage u = {.staged_names = *s->staged.object != '\0',
                      .staged_bytes = s->staged.bytes,
                      .held = s->blob.footprint + s->staged.bytes};
    if (s->blob.id) {
        u.files = 1;
        u.bytes = s->blob.size;
        u.text_bytes = (int64_t)(strlen(name) + strlen(s->blob.properties) + strlen(s->blob.metadata));
    }
    return u;
}

/* Rows only. Blocks staged under a name are gone once the name has new content. */
static int standing_delete_rows(struct core *core, const struct call *call, const char *request, const char *name,
                                const struct standing *s, struct error *err)
{
    int r = 0;

    if (s->blob.id) {
        r = db_exec(core->db, Q_COMMIT_PAST_ADD,
                    ARGS(DB_T(s->blob.commit_id), DB_T(request), DB_T(name), DB_T(s->blob.etag),
                         DB_I(s->blob.modified), DB_I(call->now)),
                    err);
        if (r >= 0)
            r = db_exec(core->db, Q_BLOB_DELETE, ARGS(DB_I(s->blob.id)), err);
    }
    if (r >= 0 && *s->staged.object) {
        r = db_exec(core->db, Q_BLOCK_DELETE, ARGS(DB_T(request), DB_T(name)), err);
        if (r >= 0)
            r = db_exec(core->db, Q_STAGING_DELETE, ARGS(DB_T(request), DB_T(name)), err);
    }
    return r < 0 ? r : 0;
}

static struct usage usage_minus(struct usage a, struct usage b)
{
    return (struct usage){.files = a.files - b.files,
                          .bytes = a.bytes - b.bytes,
                          .staged_names = a.staged_names - b.staged_names,
                          .staged_bytes = a.staged_bytes - b.staged_bytes,
                          .text_bytes = a.text_bytes - b.text_bytes,
                          .held = a.held - b.held};
}

int standing_remove(struct core *core, const struct call *call, const struct access *a, const char *name,
                    const struct standing *s, struct error *err)
{
    struct usage change = usage_minus((struct usage){0}, standing_usage(name, s));
    int r = standing_delete_rows(core, call, a->request.id, name, s, err);
    return r ? r : usage_add(core, &a->request, &change, err);
}

int staging_drop_all(struct core *core, const struct request *req, struct error *err)
{
    struct usage present;
    int r = usage_load(core, req->id, &present, err);

    if (r == 0) /* held stays: their bytes do, until the sweep */
        r = usage_add(core, req, &(struct usage){.staged_names = -present.staged_names,
                                                 .staged_bytes = -present.staged_bytes}, err);
    if (r == 0)
        r = db_exec(core->db, Q_BLOCK_DELETE_ALL, ARGS(DB_T(req->id)), err);
    if (r >= 0)
        r = db_exec(core->db, Q_STAGING_DELETE_ALL, ARGS(DB_T(req->id)), err);
    return r < 0 ? r : 0;
}

int blob_check_conditions(const struct call *call, const struct blob *b, struct error *err)
{
    struct conditional conditional;
    int r = conditional_from_json(json_object_get(call->in, "cond"), &conditional, err);
    return r ? r : conditional_check(&conditional, b->id != 0, b->etag, b->modified, false, err);
}

/* Two names that look alike to a person, or to a file system, may not stand in one request. */
static int check_twin(struct core *core, const struct access *a, const char *name, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    AUTO_FREE char *twin = name_fold(name);
    int r = db_first(core->db, Q_NAME_TWIN, ARGS(DB_T(a->request.id), DB_T(twin), DB_T(name)), &row, err);

    if (r == 1)
        return error_set(err, E_CONFLICT,
                         "The file \"%.200s\" is there already; its name differs only in letter case or accents' "
                         "spelling",
                         db_text(row, 0));
    return r;
}

int blob_check_name(struct core *core, const struct call *call, const struct access *a, struct error *err)
{
    const char *name = json_text(call->in, "blob");
    int r = name_check(name, strlen(name), err);
    return r ? r : check_twin(core, a, name, err);
}

void etag_new(char out[static ETAG_SIZE])
{
    unsigned char bytes[7];
    char hex[2 * sizeof bytes + 1];
    random_fill(bytes, sizeof bytes);
    hex_encode(bytes, sizeof bytes, hex);
    for (char *c = hex; *c; c++)
        if (*c >= 'a')
            *c = (char)(*c - 'a' + 'A');
    (void)str_copy(out, ETAG_SIZE, "0x8D");
    (void)str_copy(out + 4, ETAG_SIZE - 4, hex);
}

static int blob_insert(struct core *core, const struct call *call, const struct blob_commit *commit, struct blob *b,
                       struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    AUTO_FREE char *twin = name_fold(commit->name);
    int r = db_first(core->db, Q_BLOB_INSERT,
                     ARGS(DB_T(commit->access->request.id), DB_T(commit->name), DB_T(twin), DB_I(b->size),
                          DB_I(b->footprint), DB_T(b->etag), DB_T(b->properties), DB_T(b->metadata),
                          DB_T(commit->sha256), DB_T(commit->commit_id),
                          DB_I(commit->old->blob.id ? commit->old->blob.created : call->now), DB_I(call->now)),
                     &row, err);
    if (r < 0)
        return r;
    b->id = db_int(row, 0);
    return audit_add(core, call, "upload", commit->access->subject,
                     json_pack("{s:s, s:I, s:s?}", "name", commit->name, "size", (json_int_t)commit->size, "sha256",
                               commit->sha256),
                     err);
}

int blob_replace(struct core *core, struct call *call, const struct blob_commit *commit, struct blob *ret_blob,
                 struct error *err)
{
    AUTO_STR struct str properties = STR_INIT(BLOB_JSON_MAX), metadata = STR_INIT(BLOB_JSON_MAX);
    const struct request *req = &commit->access->request;
    char etag[ETAG_SIZE];

    json_append_value(&properties, json_object_get(call->in, "properties"));
    json_append_value(&metadata, json_object_get(call->in, "metadata"));
    if (properties.overflow || metadata.overflow)
        return error_set(err, E_TOO_LARGE, "The blob's headers and metadata are too large");
    etag_new(etag);
    *ret_blob = (struct blob){.size = commit->size,
                              .footprint = commit->footprint,
                              .etag = xstrdup(etag),
                              .properties = xstrdup(properties.len ? str_text(&properties) : "{}"),
                              .metadata = xstrdup(metadata.len ? str_text(&metadata) : "{}"),
                              .modified = call->now};
    const struct standing fresh = {.blob = {.id = 1,
                                            .size = commit->size,
                                            .footprint = commit->footprint,
                                            .properties = ret_blob->properties,
                                            .metadata = ret_blob->metadata}};
    struct usage change = usage_minus(standing_usage(commit->name, &fresh), standing_usage(commit->name, commit->old));
    int r = usage_check(core, req, &change, err);
    if (r == 0)
        r = usage_add(core, req, &change, err);
    if (r == 0)
        r = standing_delete_rows(core, call, req->id, commit->name, commit->old, err);
    return r ? r : blob_insert(core, call, commit, ret_blob, err);
}

int extent_add(struct core *core, int64_t blob, const struct extent *e, struct error *err)
{
    int r = db_exec(core->db, Q_EXTENT_ADD,
                    ARGS(DB_I(blob), DB_I(e->seq), DB_T(e->block_id), DB_T(e->object), DB_I(e->start), DB_I(e->length),
                         DB_T(e->sha256), DB_I(e->at)),
                    err);
    return r < 0 ? r : 0;
}

int objects_unused(struct core *core, const json_t *candidates, json_t *ret_list, struct error *err)
{
    size_t i;
    const json_t *item;
    json_array_foreach(candidates, i, item)
    {
        AUTO_ROWS struct db_rows *row = NULL;
        const char *object = json_string_value(item);
        int r = db_first(core->db, Q_OBJECT_IN_USE, ARGS(DB_T(object ? object : "")), &row, err);
        if (r < 0)
            return r;
        if (r == 0 && object)
            json_array_append_new(ret_list, json_string(object));
    }
    return 0;
}

int blob_commit_answer(struct core *core, const struct access *a, const struct blob *b, const json_t *candidates,
                       json_t **ret_ok, struct error *err)
{
    AUTO_JSON json_t *drop = json_array();
    int r = objects_unused(core, candidates, drop, err);

    if (r == 0)
        *ret_ok = json_pack("{s:s, s:I, s:s, s:O}", "etag", b->etag, "modified", (json_int_t)b->modified, "dir",
                            place_in_zone(a->request.dir), "drop", drop);
    return r;
}

/* A commit whose content is no more. 1: b says what was answered then. */
static int commit_past_find(struct core *core, const char *commit_id, const char *request, const char *name,
                            struct blob *b, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int r = db_first(core->db, Q_COMMIT_PAST_GET, ARGS(DB_T(commit_id), DB_T(request), DB_T(name)), &row, err);

    if (r != 1)
        return r;
    blob_done(b);
    b->etag = xstrdup(db_text(row, 0));
    b->modified = db_int(row, 1);
    return 1;
}

int blob_is_repeat(struct core *core, const struct call *call, const char *commit_id, json_t **ret_ok,
                   struct error *err)
{
    AUTO_ACCESS struct access a = {0};
    AUTO_BLOB struct blob b = {0};
    const char *name = json_text(call->in, "blob");
    int r = request_load_by_id(core, json_text(call->in, "container"), &a.request, err);

    if (r != 0)
        return r == E_NOT_FOUND ? 0 : r;
    r = blob_find(core, a.request.id, name, &b, err);
    if (r == 0 || (r == 1 && strcmp(b.commit_id, commit_id) != 0))
        r = commit_past_find(core, commit_id, a.request.id, name, &b, err);
    if (r != 1)
        return r;
    r = blob_commit_answer(core, &a, &b, NULL, ret_ok, err);
    return r ? r : 1;
}

int blobs_forget(struct core *core, int64_t now, struct error *err)
{
    int r = db_exec(core->db, Q_COMMIT_PAST_FORGET, ARGS(DB_I(now - REPEATS_US)), err);
    if (r >= 0)
        r = db_exec(core->db, Q_LINK_USE_FORGET, ARGS(DB_I(now / MINUTE_US - MINUTES_KEPT)), err);
    return r < 0 ? r : 0;
}
