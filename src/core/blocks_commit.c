/* The list that makes a blob of its blocks. Part of airlock-core. The blocks are read once, in order of their ids, and
 * each entry of the list is looked up in memory. */
#include <string.h>

#include "core/audit.h"
#include "core/blobs.h"

#define BLOCKS_LISTED_MAX 50000

/* A block whose bytes are there. */
struct part {
    char *block_id;
    char *object;
    int64_t start;
    int64_t length;
    char *sha256;
};

/* Parts by ascending block id, the one that counts last among equals. */
struct parts {
    size_t count;
    size_t cap;
    struct part *items;
    bool is_loaded;
};

static void parts_done(struct parts *p)
{
    for (size_t i = 0; i < p->count; i++) {
        free(p->items[i].block_id);
        free(p->items[i].object);
        free(p->items[i].sha256);
    }
    free(p->items);
}

/* Rows of block_id, object, start, length, sha256; of equal ids the last one stays. */
static int parts_load(struct core *core, enum db_query query, const struct db_value *args, size_t count,
                      struct parts *ret, struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    int r = db_select(core->db, query, args, count, &rows, err);

    ret->is_loaded = true;
    while (r == 0 && (r = db_rows_next(rows, err)) == 1) {
        if (ret->count == ret->cap) {
            ret->cap = ret->cap ? 2 * ret->cap : 64;
            ret->items = xrealloc(ret->items, ret->cap * sizeof *ret->items);
        }
        ret->items[ret->count++] = (struct part){.block_id = xstrdup(db_text(rows, 0)),
                                                 .object = xstrdup(db_text(rows, 1)),
                                                 .start = db_int(rows, 2),
                                                 .length = db_int(rows, 3),
                                                 .sha256 = xstrdup(db_text(rows, 4))};
        r = 0;
    }
    return r;
}

/* The last part of that id, or NULL. */
static const struct part *parts_find(const struct parts *p, const char *block_id)
{
    size_t low = 0, high = p->count; /* the first item behind block_id lies in [low, high] */

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(p->items[middle].block_id, block_id) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && strcmp(p->items[low - 1].block_id, block_id) == 0 ? &p->items[low - 1] : NULL;
}

/* A commit being put together. */
struct listing {
    struct parts staged;
    struct parts committed;
    const struct part **parts; /* in the order of the list */
    size_t count;
    int64_t size;
    bool keeps_committed; /* some of the blob that stands there goes on */
    bool takes_staged;
};

static void listing_done(struct listing *l)
{
    parts_done(&l->staged);
    parts_done(&l->committed);
    free(l->parts);
}
#define AUTO_LISTING CLEANUP(listing_done)

static int listing_find(struct core *core, const struct standing *old, struct listing *l, const char *kind,
                        const char *block_id, struct error *err)
{
    const struct part *part = strcmp(kind, "Committed") == 0 ? NULL : parts_find(&l->staged, block_id);
    int r = 0;

    if (part) {
        l->takes_staged = true;
    } else if (old->blob.id && strcmp(kind, "Uncommitted") != 0) {
        if (!l->committed.is_loaded)
            r = parts_load(core, Q_EXTENT_PARTS, ARGS(DB_I(old->blob.id)), &l->committed, err);
        part = r == 0 ? parts_find(&l->committed, block_id) : NULL;
        l->keeps_committed |= part != NULL;
    }
    if (r == 0 && !part)
        return error_set(err, E_BLOCK_LIST, "The specified block list is invalid: it names a block that is not there");
    if (part) {
        l->parts[l->count++] = part;
        l->size += part->length;
    }
    return r;
}

static int listing_collect(struct core *core, const struct call *call, const char *request, const struct standing *old,
                           struct listing *l, struct error *err)
{
    const json_t *list = json_object_get(call->in, "list");
    size_t i, count = json_array_size(list);
    const json_t *entry;
    int r = 0;

    if (count > BLOCKS_LISTED_MAX)
        return error_set(err, E_TOO_LARGE, "A block list has at most %d blocks", BLOCKS_LISTED_MAX);
    l->parts = xcalloc(count + 1, sizeof(const struct part *));
    if (*old->staged.object)
        r = parts_load(core, Q_BLOCK_PARTS, ARGS(DB_T(request), DB_T(json_text(call->in, "blob"))), &l->staged, err);
    json_array_foreach(list, i, entry)
    {
        const char *kind = json_string_value(json_array_get(entry, 0));
        const char *block_id = json_string_value(json_array_get(entry, 1));
        if (r == 0 && (!kind || !block_id))
            return error_set(err, E_BLOCK_LIST, "The specified block list is invalid");
        if (r == 0)
            r = listing_find(core, old, l, kind, block_id, err);
    }
    return r;
}

/* What the blob's object files will take: all that was ever written to them, listed or not. */
static int64_t listing_footprint(const struct listing *l, const struct standing *old)
{
    int64_t bytes = (l->keeps_committed ? old->blob.footprint : 0) + (l->takes_staged ? old->staged.bytes : 0);
    return bytes > l->size ? bytes : l->size; /* a block that is listed twice is written twice at the seal */
}

static int commit_write(struct core *core, struct call *call, const struct blob_commit *commit,
                        const struct listing *l, struct blob *ret_blob, struct error *err)
{
    int64_t at = 0;
    int r = blob_replace(core, call, commit, ret_blob, err);

    for (size_t i = 0; i < l->count && r == 0; i++) {
        const struct part *part = l->parts[i];
        const struct extent extent = {.seq = (int64_t)i,
                                      .block_id = part->block_id,
                                      .object = part->object,
                                      .start = part->start,
                                      .length = part->length,
                                      .sha256 = part->sha256,
                                      .at = at};
        r = extent_add(core, ret_blob->id, &extent, err);
        at += part->length;
    }
    return r;
}

static int commit_run(struct core *core, struct call *call, const struct access *a, const struct standing *old,
                      struct blob *ret_blob, struct error *err)
{
    AUTO_LISTING struct listing l = {0};
    int r = listing_collect(core, call, a->request.id, old, &l, err);

    if (r != 0)
        return r;
    const struct blob_commit commit = {.access = a,
                                       .old = old,
                                       .name = json_text(call->in, "blob"),
                                       .commit_id = json_text(call->in, "commit"),
                                       .size = l.size,
                                       .footprint = listing_footprint(&l, old)};
    return commit_write(core, call, &commit, &l, ret_blob, err);
}

int block_commit(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_ACCESS struct access a = {0};
    AUTO_STANDING struct standing old = {0};
    AUTO_BLOB struct blob b = {0};
    AUTO_JSON json_t *objects = json_array();
    const char *commit_id = json_text(call->in, "commit");
    int r = blob_is_repeat(core, call, commit_id, ret_ok, err);

    if (r != 0)
        return r < 0 ? r : 0;
    r = access_check(core, call, PERM_WRITE, &a, err);
    if (r == 0 && !uuid_is_v4(commit_id))
        return error_set(err, E_INVALID, "The commit is malformed");
    if (r == 0)
        r = standing_load(core, a.request.id, json_text(call->in, "blob"), &old, err);
    if (r == 0)
        r = blob_check_conditions(call, &old.blob, err);
    if (r == 0)
        r = blob_check_name(core, call, &a, err);
    if (r == 0)
        r = standing_objects(core, &old, objects, err);
    if (r == 0)
        r = commit_run(core, call, &a, &old, &b, err);
    return r ? r : blob_commit_answer(core, &a, &b, objects, ret_ok, err);
}
