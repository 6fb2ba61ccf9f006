/* Blobs: the rules of writing one. Part of airlock-core. */
#include "core/blobs.h"

#include <string.h>

#include "core/audit.h"
#include "core/place.h"
#include "model/conditional.h"
#include "model/name.h"
#include "model/policy.h"

#define BLOB_SIZE_MAX (5LL << 40)
#define NAMES_BEYOND_POLICY 1000 /* a draft may hold more files than it may be submitted with, but not without end */
#define STAGED_TIMES 2           /* blocks that wait for their list may take the request's bytes so often */

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
                         .size = db_int(row, 2),
                         .etag = xstrdup(db_text(row, 3)),
                         .properties = xstrdup(db_text(row, 4)),
                         .metadata = xstrdup(db_text(row, 5)),
                         .object = db_is_null(row, 7) ? NULL : xstrdup(db_text(row, 7)),
                         .commit_id = xstrdup(db_text(row, 8)),
                         .created = db_int(row, 9),
                         .modified = db_int(row, 10)};
    return 1;
}

int blob_check_conditions(struct core *core, const struct call *call, const char *request, const char *name,
                          struct error *err)
{
    AUTO_BLOB struct blob b = {0};
    struct conditional conditional;
    int r = conditional_from_json(json_object_get(call->in, "cond"), &conditional, err);
    if (r != 0)
        return r;
    int found = blob_find(core, request, name, &b, err);
    if (found < 0)
        return found;
    return conditional_check(&conditional, found == 1, b.etag, b.modified, false, err);
}

/* Two names that look alike to a person, or to a file system, may not stand in one request. */
static int blob_check_twin(struct core *core, const struct access *a, const char *name, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    AUTO_FREE char *twin = name_fold(name);
    int r = db_first(core->db, Q_BLOB_TWIN, ARGS(DB_T(a->request.id), DB_T(twin)), &row, err);

    if (r == 1 && strcmp(db_text(row, 0), name) != 0)
        return error_set(err, E_CONFLICT,
                         "A file whose name differs only in letter case or accents' spelling is there already");
    return r < 0 ? r : 0;
}

/* The request's bytes are bounded twice: in files, and in blocks that no list has named yet. */
static int blob_check_room(struct core *core, const struct call *call, const struct request *req, int64_t size,
                           struct error *err)
{
    const char *name = json_text(call->in, "blob");
    bool is_block = call->message == MESSAGE_BLOCK_BEGIN;
    AUTO_WORKSPACE struct workspace w = {0};
    AUTO_ROWS struct db_rows *files = NULL;
    AUTO_ROWS struct db_rows *staged = NULL;
    int r = workspace_load(core, req->workspace, &w, err);

    if (r == 0)
        r = db_first(core->db, Q_DRAFT_TOTALS, ARGS(DB_T(req->id), DB_T(name)), &files, err);
    if (r >= 0)
        r = db_first(core->db, Q_STAGING_TOTALS, ARGS(DB_T(req->id)), &staged, err);
    if (r < 0)
        return r;
    if (db_int(files, 0) + db_int(staged, 0) > w.policy.max_files + NAMES_BEYOND_POLICY)
        return error_set(err, E_TOO_LARGE, "The request holds too many files; it may be submitted with %lld",
                         (long long)w.policy.max_files);
    if (size > BLOB_SIZE_MAX || (size > 0 && size > w.policy.max_bytes - db_int(files, 1)))
        return error_set(err, E_TOO_LARGE, "The request may hold %lld bytes in all", (long long)w.policy.max_bytes);
    if (is_block && size > STAGED_TIMES * w.policy.max_bytes - db_int(staged, 1))
        return error_set(err, E_TOO_LARGE, "The uncommitted blocks of a request may take %d times its %lld bytes",
                         STAGED_TIMES, (long long)w.policy.max_bytes);
    return 0;
}

int blob_check_new(struct core *core, const struct call *call, const struct access *a, int64_t size, struct error *err)
{
    const char *name = json_text(call->in, "blob");
    int r = name_check(name, strlen(name), err);

    if (r == 0)
        r = blob_check_twin(core, a, name, err);
    return r ? r : blob_check_room(core, call, &a->request, size, err);
}

int blob_check_write(struct core *core, struct call *call, struct access *ret, struct error *err)
{
    AUTO_BLOB struct blob b = {0};
    int r = access_check(core, call, PERM_CREATE | PERM_WRITE, ret, err);

    if (r != 0)
        return r;
    int found = blob_find(core, ret->request.id, json_text(call->in, "blob"), &b, err);
    if (found < 0)
        return found;
    return found == 1 ? sas_check_permission(&ret->sas, PERM_WRITE, err) : 0;
}

int blob_begin(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_ACCESS struct access a = {0};
    int r = blob_check_write(core, call, &a, err);

    if (r == 0)
        r = blob_check_conditions(core, call, a.request.id, json_text(call->in, "blob"), err);
    if (r == 0)
        r = blob_check_new(core, call, &a, json_int(call->in, "size"), err);
    if (r == 0)
        *ret_ok = json_pack("{s:s, s:I}", "dir", place_in_zone(a.request.dir), "generation",
                            (json_int_t)a.request.generation);
    return r;
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

int blob_replace(struct core *core, struct call *call, const struct blob_commit *commit, int64_t *ret_id,
                 struct error *err)
{
    AUTO_BLOB struct blob old = {0};
    AUTO_ROWS struct db_rows *row = NULL;
    AUTO_STR struct str properties = STR_INIT(BLOB_JSON_MAX), metadata = STR_INIT(BLOB_JSON_MAX);
    AUTO_FREE char *twin = name_fold(commit->name);
    const char *request = commit->access->request.id;
    char etag[ETAG_SIZE];

    int r = blob_find(core, request, commit->name, &old, err);
    if (r == 1)
        r = db_exec(core->db, Q_BLOB_DELETE, ARGS(DB_I(old.id)), err);
    if (r < 0)
        return r;
    json_append_value(&properties, json_object_get(call->in, "properties"));
    json_append_value(&metadata, json_object_get(call->in, "metadata"));
    if (properties.overflow || metadata.overflow)
        return error_set(err, E_TOO_LARGE, "The blob's headers and metadata are too large");
    etag_new(etag);
    r = db_first(core->db, Q_BLOB_INSERT,
                 ARGS(DB_T(request), DB_T(commit->name), DB_T(twin), DB_I(commit->size), DB_T(etag),
                      DB_T(properties.len ? str_text(&properties) : "{}"),
                      DB_T(metadata.len ? str_text(&metadata) : "{}"), DB_T(commit->sha256), DB_T(commit->commit_id),
                      DB_I(old.id ? old.created : call->now), DB_I(call->now)),
                 &row, err);
    if (r < 0)
        return r;
    *ret_id = db_int(row, 0);
    return audit_add(core, call, "upload", commit->access->subject,
                     json_pack("{s:s, s:I, s:s?}", "name", commit->name, "size", (json_int_t)commit->size, "sha256",
                               commit->sha256),
                     err);
}

int extent_add(struct core *core, int64_t blob, const struct extent *e, struct error *err)
{
    int r = db_exec(core->db, Q_EXTENT_ADD,
                    ARGS(DB_I(blob), DB_I(e->seq), DB_T(e->block_id), DB_T(e->object), DB_I(e->start), DB_I(e->length),
                         DB_T(e->sha256), DB_I(e->at)),
                    err);
    return r < 0 ? r : 0;
}

/* Blocks staged under a name are gone once the name has new content. */
static int staging_drop(struct core *core, const char *request, const char *name, struct error *err)
{
    int r = db_exec(core->db, Q_BLOCK_DELETE, ARGS(DB_T(request), DB_T(name)), err);
    if (r >= 0)
        r = db_exec(core->db, Q_STAGING_DELETE, ARGS(DB_T(request), DB_T(name)), err);
    return r < 0 ? r : 0;
}

int staging_drop_all(struct core *core, const char *request, struct error *err)
{
    int r = db_exec(core->db, Q_BLOCK_DELETE_ALL, ARGS(DB_T(request)), err);
    if (r >= 0)
        r = db_exec(core->db, Q_STAGING_DELETE_ALL, ARGS(DB_T(request)), err);
    return r < 0 ? r : 0;
}

int blob_objects(struct core *core, const char *request, const char *name, json_t *ret_list, struct error *err)
{
    AUTO_BLOB struct blob b = {0};
    AUTO_ROWS struct db_rows *staged = NULL;
    AUTO_ROWS struct db_rows *rows = NULL;
    int r = blob_find(core, request, name, &b, err);

    if (r == 1) {
        r = db_select(core->db, Q_EXTENT_OBJECTS, ARGS(DB_I(b.id)), &rows, err);
        while (r == 0 && (r = db_rows_next(rows, err)) == 1) {
            json_array_append_new(ret_list, json_string(db_text(rows, 0)));
            r = 0;
        }
    }
    if (r < 0)
        return r;
    r = db_first(core->db, Q_STAGING_GET, ARGS(DB_T(request), DB_T(name)), &staged, err);
    if (r == 1)
        json_array_append_new(ret_list, json_string(db_text(staged, 0)));
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

int blob_commit_answer(struct core *core, const struct access *a, const char *name, const json_t *candidates,
                       json_t **ret_ok, struct error *err)
{
    AUTO_BLOB struct blob b = {0};
    AUTO_JSON json_t *drop = json_array();
    int r = blob_find(core, a->request.id, name, &b, err);

    if (r == 1)
        r = objects_unused(core, candidates, drop, err);
    if (r == 0)
        *ret_ok = json_pack("{s:s, s:I, s:s, s:O}", "etag", b.etag ? b.etag : "", "modified", (json_int_t)b.modified,
                            "dir", place_in_zone(a->request.dir), "drop", drop);
    return r;
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
    if (r != 1)
        return r;
    if (strcmp(b.commit_id, commit_id) != 0)
        return 0;
    r = blob_commit_answer(core, &a, name, NULL, ret_ok, err);
    return r ? r : 1;
}

static bool is_digest(const char *text)
{
    unsigned char raw[SHA256_SIZE];
    return hex_decode(text, raw, sizeof raw);
}

/* The frame's commit: everything is judged again, in the transaction that adds the row. */
static int put_write(struct core *core, struct call *call, const struct access *a, json_t *objects, struct error *err)
{
    struct blob_commit commit = {.access = a,
                                 .name = json_text(call->in, "blob"),
                                 .commit_id = json_text(call->in, "object"),
                                 .size = json_int(call->in, "size"),
                                 .sha256 = json_text(call->in, "sha256")};
    int64_t id = 0;

    if (!uuid_is_v4(commit.commit_id) || !is_digest(commit.sha256) || commit.size < 0)
        return error_set(err, E_INVALID, "The commit is malformed");
    int r = blob_check_conditions(core, call, a->request.id, commit.name, err);
    if (r == 0)
        r = blob_check_new(core, call, a, commit.size, err);
    if (r == 0)
        r = blob_objects(core, a->request.id, commit.name, objects, err);
    if (r == 0)
        r = staging_drop(core, a->request.id, commit.name, err);
    if (r == 0)
        r = blob_replace(core, call, &commit, &id, err);
    const struct extent whole = {.object = commit.commit_id, .length = commit.size, .sha256 = commit.sha256};
    return r ? r : extent_add(core, id, &whole, err);
}

int blob_put(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_ACCESS struct access a = {0};
    AUTO_JSON json_t *objects = json_array();
    int r = blob_is_repeat(core, call, json_text(call->in, "object"), ret_ok, err);

    if (r != 0)
        return r < 0 ? r : 0;
    r = blob_check_write(core, call, &a, err);
    if (r == 0)
        r = put_write(core, call, &a, objects, err);
    return r ? r : blob_commit_answer(core, &a, json_text(call->in, "blob"), objects, ret_ok, err);
}

int blob_delete(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_ACCESS struct access a = {0};
    AUTO_BLOB struct blob b = {0};
    AUTO_JSON json_t *objects = json_array();
    AUTO_JSON json_t *drop = json_array();
    const char *name = json_text(call->in, "blob");
    int r = access_check(core, call, PERM_DELETE, &a, err);

    if (r == 0)
        r = blob_objects(core, a.request.id, name, objects, err);
    if (r == 0)
        r = blob_find(core, a.request.id, name, &b, err);
    if (r == 0 && json_array_size(objects) == 0)
        return error_set(err, E_BLOB_NOT_FOUND, "The specified blob does not exist");
    if (r >= 0)
        r = blob_check_conditions(core, call, a.request.id, name, err);
    if (r == 0 && b.id)
        r = db_exec(core->db, Q_BLOB_DELETE, ARGS(DB_I(b.id)), err);
    if (r >= 0)
        r = staging_drop(core, a.request.id, name, err);
    if (r == 0)
        r = audit_add(core, call, "delete", a.subject, json_pack("{s:s}", "name", name), err);
    if (r == 0)
        r = objects_unused(core, objects, drop, err);
    if (r == 0)
        *ret_ok = json_pack("{s:s, s:O}", "dir", place_in_zone(a.request.dir), "drop", drop);
    return r;
}

int object_known(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_JSON json_t *unknown = json_array();
    int r = objects_unused(core, json_object_get(call->in, "objects"), unknown, err);
    if (r == 0)
        *ret_ok = json_pack("{s:O}", "unknown", unknown);
    return r;
}
