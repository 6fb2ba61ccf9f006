/* Uploads in one piece and deletions. Part of airlock-core. */
#include <string.h>

#include "core/audit.h"
#include "core/blobs.h"
#include "core/place.h"
#include "core/usage.h"

/* The link, what stands under the name, and the conditions: create or write when it is new, write when it is there. */
static int write_check(struct core *core, struct call *call, struct access *a, struct standing *ret, struct error *err)
{
    int r = access_check(core, call, PERM_CREATE | PERM_WRITE, a, err);

    if (r == 0)
        r = standing_load(core, a->request.id, json_text(call->in, "blob"), ret, err);
    if (r == 0 && ret->blob.id)
        r = sas_check_permission(&a->sas, PERM_WRITE, err);
    if (r == 0)
        r = blob_check_conditions(call, &ret->blob, err);
    return r ? r : blob_check_name(core, call, a, err);
}

/* Before a body is taken: what the commit will ask, as far as it can be known. */
static int begin_check_room(struct core *core, const struct call *call, const struct access *a,
                            const struct standing *old, struct error *err)
{
    int64_t size = json_int(call->in, "size"); /* -1: not known */
    struct usage change = {.files = !old->blob.id, .held = json_int(call->in, "pending")};

    if (size > 0) {
        change.bytes = size - old->blob.size;
        change.held += size - old->blob.footprint - old->staged.bytes;
    }
    return usage_check(core, &a->request, &change, err);
}

int blob_begin(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_ACCESS struct access a = {0};
    AUTO_STANDING struct standing old = {0};
    int r = write_check(core, call, &a, &old, err);

    if (r == 0)
        r = begin_check_room(core, call, &a, &old, err);
    if (r == 0)
        *ret_ok = json_pack("{s:s, s:I}", "dir", place_in_zone(a.request.dir), "generation",
                            (json_int_t)a.request.generation);
    return r;
}

static int put_check_form(struct core *core, const struct blob_commit *commit, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    unsigned char digest[SHA256_SIZE];

    if (!uuid_is_v4(commit->commit_id) || !hex_decode(commit->sha256, digest, sizeof digest) || commit->size < 0)
        return error_set(err, E_INVALID, "The commit is malformed");
    int r = db_first(core->db, Q_OBJECT_IN_USE, ARGS(DB_T(commit->commit_id)), &row, err);
    return r == 1 ? error_set(err, E_INVALID, "The commit names an object that counts already") : r;
}

/* The frame's commit: everything is judged again, in the transaction that adds the row. */
static int put_write(struct core *core, struct call *call, const struct access *a, const struct standing *old,
                     struct blob *ret_blob, struct error *err)
{
    const struct blob_commit commit = {.access = a,
                                       .old = old,
                                       .name = json_text(call->in, "blob"),
                                       .commit_id = json_text(call->in, "object"),
                                       .size = json_int(call->in, "size"),
                                       .footprint = json_int(call->in, "size"),
                                       .sha256 = json_text(call->in, "sha256")};
    const struct extent whole = {.object = commit.commit_id, .length = commit.size, .sha256 = commit.sha256};
    int r = put_check_form(core, &commit, err);

    if (r == 0)
        r = blob_replace(core, call, &commit, ret_blob, err);
    return r ? r : extent_add(core, ret_blob->id, &whole, err);
}

int blob_put(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_ACCESS struct access a = {0};
    AUTO_STANDING struct standing old = {0};
    AUTO_BLOB struct blob b = {0};
    AUTO_JSON json_t *objects = json_array();
    int r = blob_is_repeat(core, call, json_text(call->in, "object"), ret_ok, err);

    if (r != 0)
        return r < 0 ? r : 0;
    r = write_check(core, call, &a, &old, err);
    if (r == 0)
        r = standing_objects(core, &old, objects, err);
    if (r == 0)
        r = put_write(core, call, &a, &old, &b, err);
    return r ? r : blob_commit_answer(core, &a, &b, objects, ret_ok, err);
}

int blob_delete(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_ACCESS struct access a = {0};
    AUTO_STANDING struct standing s = {0};
    AUTO_JSON json_t *objects = json_array();
    AUTO_JSON json_t *drop = json_array();
    const char *name = json_text(call->in, "blob");
    int r = access_check(core, call, PERM_DELETE, &a, err);

    if (r == 0)
        r = standing_need(core, a.request.id, name, &s, err);
    if (r == 0)
        r = blob_check_conditions(call, &s.blob, err);
    if (r == 0)
        r = standing_objects(core, &s, objects, err);
    if (r == 0)
        r = standing_remove(core, call, &a, name, &s, err);
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
