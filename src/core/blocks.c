/* Blocks: where each one goes, and the list that makes a blob of them. Part of airlock-core. */
#include <string.h>

#include "core/audit.h"
#include "core/blobs.h"
#include "core/place.h"
#include "model/placement.h"

#define BLOCKS_UNCOMMITTED_MAX 100000
#define BLOCKS_LISTED_MAX 50000
#define BLOCK_SIZE_MAX (4000LL << 20)
#define BLOCK_ID_BYTES_MAX 64

struct staging {
    char object[UUID_TEXT_SIZE];
    int64_t high;
    int64_t block_size;
    int64_t blocks;
    int64_t bytes;
};

static int staging_load(struct core *core, const char *request, const char *name, struct staging *ret,
                        struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int r = db_first(core->db, Q_STAGING_GET, ARGS(DB_T(request), DB_T(name)), &row, err);

    if (r < 0)
        return r;
    *ret = (struct staging){0};
    if (r == 0) {
        uuid_new(ret->object);
        return 0;
    }
    (void)str_copy(ret->object, sizeof ret->object, db_text(row, 0));
    ret->high = db_int(row, 1);
    ret->block_size = db_int(row, 2);
    ret->blocks = db_int(row, 3);
    ret->bytes = db_int(row, 4);
    return 0;
}

static int block_check_id(struct core *core, const char *request, const char *name, const char *block_id,
                          struct error *err)
{
    AUTO_ROWS struct db_rows *any = NULL;
    unsigned char raw[BLOCK_ID_BYTES_MAX];
    size_t len = 0;

    if (!base64_decode(block_id, strlen(block_id), raw, sizeof raw, &len) || len == 0)
        return error_set(err, E_INVALID, "A block id is base64 of 1 to %d bytes", BLOCK_ID_BYTES_MAX);
    int r = db_first(core->db, Q_BLOCK_ANY, ARGS(DB_T(request), DB_T(name)), &any, err);
    if (r == 1 && strlen(db_text(any, 0)) != strlen(block_id))
        return error_set(err, E_BLOCK_ID, "All block ids of a blob have the same length");
    return r < 0 ? r : 0;
}

/* Where the block goes: its predicted final place when that was never given away, else behind everything. */
static int block_place(struct core *core, struct staging *s, const char *block_id, int64_t size, int64_t *ret_start,
                       struct error *err)
{
    AUTO_ROWS struct db_rows *overlap = NULL;
    uint64_t hint;
    int64_t end = (s->high + PLACEMENT_ALIGN - 1) / PLACEMENT_ALIGN * PLACEMENT_ALIGN;
    int r = 0;

    if (size > s->block_size)
        s->block_size = size;
    *ret_start = end;
    if (placement_hint(block_id, (uint64_t)s->block_size, &hint)) {
        r = (int64_t)hint >= s->high ? 0
                                     : db_first(core->db, Q_BLOCK_OVERLAPS,
                                                ARGS(DB_T(s->object), DB_I(hint), DB_I((int64_t)hint + size)), &overlap,
                                                err);
        if (r == 0)
            *ret_start = (int64_t)hint;
    }
    if (r >= 0 && *ret_start + size > s->high)
        s->high = *ret_start + size;
    return r < 0 ? r : 0;
}

static int block_reserve(struct core *core, const char *request, const char *name, const char *block_id, int64_t size,
                         json_t **ret_place, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    struct staging s;
    int64_t start = 0;
    int r = staging_load(core, request, name, &s, err);

    if (r == 0 && s.blocks >= BLOCKS_UNCOMMITTED_MAX)
        return error_set(err, E_BLOCK_COUNT, "A blob has at most %d uncommitted blocks", BLOCKS_UNCOMMITTED_MAX);
    if (r == 0)
        r = block_place(core, &s, block_id, size, &start, err);
    if (r == 0)
        r = db_exec(core->db, Q_STAGING_PUT,
                    ARGS(DB_T(request), DB_T(name), DB_T(s.object), DB_I(s.high), DB_I(s.block_size),
                         DB_I(s.blocks + 1), DB_I(s.bytes + size)),
                    err);
    if (r >= 0)
        r = db_first(core->db, Q_BLOCK_ADD,
                     ARGS(DB_T(request), DB_T(name), DB_T(block_id), DB_T(s.object), DB_I(start), DB_I(size)), &row,
                     err);
    if (r < 0)
        return r;
    *ret_place = json_pack("{s:s, s:I, s:I}", "object", s.object, "offset", (json_int_t)start, "extent",
                           (json_int_t)db_int(row, 0));
    return 0;
}

int block_begin(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_ACCESS struct access a = {0};
    const char *name = json_text(call->in, "blob");
    const char *block_id = json_text(call->in, "blockId");
    int64_t size = json_int(call->in, "size");
    int r = access_check(core, call, PERM_WRITE, &a, err);

    if (r == 0 && (size < 0 || size > BLOCK_SIZE_MAX))
        return error_set(err, E_TOO_LARGE, "A block has at most %lld bytes", BLOCK_SIZE_MAX);
    if (r == 0)
        r = blob_check_new(core, call, &a, size, err);
    if (r == 0)
        r = block_check_id(core, a.request.id, name, block_id, err);
    if (r == 0)
        r = block_reserve(core, a.request.id, name, block_id, size, ret_ok, err);
    if (r != 0)
        return r;
    json_object_set_new(*ret_ok, "dir", json_string(place_in_zone(a.request.dir)));
    json_object_set_new(*ret_ok, "generation", json_integer(a.request.generation));
    return 0;
}

int block_put(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_ACCESS struct access a = {0};
    AUTO_ROWS struct db_rows *row = NULL;
    unsigned char digest[SHA256_SIZE];
    int64_t extent = json_int(call->in, "extent");
    const char *sha256_text = json_text(call->in, "sha256");
    int r = access_check(core, call, PERM_WRITE, &a, err);

    if (r == 0)
        r = db_first(core->db, Q_BLOCK_GET, ARGS(DB_I(extent), DB_T(a.request.id)), &row, err);
    if (r < 0)
        return r;
    if (r == 0 || strcmp(db_text(row, 0), json_text(call->in, "blob")) != 0)
        return error_set(err, E_CONFLICT, "The blob was written anew while the block came; send the block again");
    if (!hex_decode(sha256_text, digest, sizeof digest))
        return error_set(err, E_INVALID, "The block's digest is malformed");
    r = db_exec(core->db, Q_BLOCK_FILL, ARGS(DB_I(extent), DB_T(sha256_text)), err);
    if (r < 0)
        return r;
    *ret_ok = json_object();
    return 0;
}

/* One entry of a block list, found: where its bytes are. */
struct part {
    char *block_id;
    char *object;
    int64_t start;
    int64_t length;
    char *sha256;
};

struct parts {
    size_t count;
    struct part *items;
    int64_t size;
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

/* 1 and the part, 0 when that set has no such block. */
static int part_look(struct core *core, enum db_query query, const struct db_value *args, size_t count,
                     const char *block_id, struct part *ret, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int r = db_first(core->db, query, args, count, &row, err);

    if (r == 1)
        *ret = (struct part){.block_id = xstrdup(block_id),
                             .object = xstrdup(db_text(row, 0)),
                             .start = db_int(row, 1),
                             .length = db_int(row, 2),
                             .sha256 = xstrdup(db_text(row, 3))};
    return r;
}

static int part_find(struct core *core, const char *request, const char *name, int64_t blob, const char *kind,
                     const char *block_id, struct part *ret, struct error *err)
{
    bool staged = strcmp(kind, "Committed") != 0;
    bool committed = strcmp(kind, "Uncommitted") != 0;
    int r = 0;

    if (staged)
        r = part_look(core, Q_BLOCK_LATEST, ARGS(DB_T(request), DB_T(name), DB_T(block_id)), block_id, ret, err);
    if (r == 0 && committed && blob)
        r = part_look(core, Q_EXTENT_BY_BLOCK, ARGS(DB_I(blob), DB_T(block_id)), block_id, ret, err);
    if (r == 0)
        return error_set(err, E_BLOCK_LIST, "The specified block list is invalid: it names a block that is not there");
    return r < 0 ? r : 0;
}

static int parts_collect(struct core *core, const struct call *call, const char *request, int64_t blob,
                         struct parts *ret, struct error *err)
{
    const json_t *list = json_object_get(call->in, "list");
    size_t i, count = json_array_size(list);
    const json_t *entry;

    if (count > BLOCKS_LISTED_MAX)
        return error_set(err, E_TOO_LARGE, "A block list has at most %d blocks", BLOCKS_LISTED_MAX);
    ret->items = xcalloc(count, sizeof *ret->items);
    json_array_foreach(list, i, entry)
    {
        const char *kind = json_string_value(json_array_get(entry, 0));
        const char *block_id = json_string_value(json_array_get(entry, 1));
        if (!kind || !block_id)
            return error_set(err, E_BLOCK_LIST, "The specified block list is invalid");
        struct part *part = &ret->items[ret->count];
        int r = part_find(core, request, json_text(call->in, "blob"), blob, kind, block_id, part, err);
        if (r != 0)
            return r;
        ret->count++;
        ret->size += part->length;
    }
    return 0;
}

static int commit_write(struct core *core, struct call *call, const struct access *a, const struct parts *parts,
                        struct error *err)
{
    struct blob_commit commit = {.access = a,
                                 .name = json_text(call->in, "blob"),
                                 .commit_id = json_text(call->in, "commit"),
                                 .size = parts->size};
    int64_t id = 0, at = 0;
    int r = blob_check_new(core, call, a, parts->size, err);

    if (r == 0)
        r = blob_replace(core, call, &commit, &id, err);
    for (size_t i = 0; i < parts->count && r == 0; i++) {
        const struct part *part = &parts->items[i];
        const struct extent extent = {.seq = (int64_t)i,
                                      .block_id = part->block_id,
                                      .object = part->object,
                                      .start = part->start,
                                      .length = part->length,
                                      .sha256 = part->sha256,
                                      .at = at};
        r = extent_add(core, id, &extent, err);
        at += part->length;
    }
    if (r == 0)
        r = db_exec(core->db, Q_BLOCK_DELETE, ARGS(DB_T(a->request.id), DB_T(commit.name)), err);
    if (r >= 0)
        r = db_exec(core->db, Q_STAGING_DELETE, ARGS(DB_T(a->request.id), DB_T(commit.name)), err);
    return r < 0 ? r : 0;
}

static int commit_run(struct core *core, struct call *call, const struct access *a, json_t *objects, struct error *err)
{
    CLEANUP(parts_done) struct parts parts = {0};
    AUTO_BLOB struct blob old = {0};
    const char *name = json_text(call->in, "blob");

    if (!uuid_is_v4(json_text(call->in, "commit")))
        return error_set(err, E_INVALID, "The commit is malformed");
    int r = blob_check_conditions(core, call, a->request.id, name, err);
    if (r == 0)
        r = blob_find(core, a->request.id, name, &old, err);
    if (r >= 0)
        r = parts_collect(core, call, a->request.id, old.id, &parts, err);
    if (r == 0)
        r = blob_objects(core, a->request.id, name, objects, err);
    return r ? r : commit_write(core, call, a, &parts, err);
}

int block_commit(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_ACCESS struct access a = {0};
    AUTO_JSON json_t *objects = json_array();
    int r = blob_is_repeat(core, call, json_text(call->in, "commit"), ret_ok, err);

    if (r != 0)
        return r < 0 ? r : 0;
    r = access_check(core, call, PERM_WRITE, &a, err);
    if (r == 0)
        r = commit_run(core, call, &a, objects, err);
    return r ? r : blob_commit_answer(core, &a, json_text(call->in, "blob"), objects, ret_ok, err);
}

static int list_blocks(struct core *core, enum db_query query, const struct db_value *args, size_t count, int id_column,
                       int length_column, json_t *ret_list, struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    int r = db_select(core->db, query, args, count, &rows, err);

    if (r != 0)
        return r;
    while ((r = db_rows_next(rows, err)) == 1)
        if (!db_is_null(rows, id_column))
            json_array_append_new(ret_list, json_pack("[s,I]", db_text(rows, id_column),
                                                      (json_int_t)db_int(rows, length_column)));
    return r;
}

int block_list(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_ACCESS struct access a = {0};
    AUTO_BLOB struct blob b = {0};
    AUTO_JSON json_t *committed = json_array();
    AUTO_JSON json_t *uncommitted = json_array();
    AUTO_JSON json_t *objects = json_array();
    const char *name = json_text(call->in, "blob");
    const char *which = json_text(call->in, "which");
    int r = access_check(core, call, PERM_READ, &a, err);

    if (r == 0)
        r = blob_objects(core, a.request.id, name, objects, err);
    if (r == 0)
        r = blob_find(core, a.request.id, name, &b, err);
    if (r == 0 && json_array_size(objects) == 0)
        return error_set(err, E_BLOB_NOT_FOUND, "The specified blob does not exist");
    if (r == 1 && strcmp(which, "uncommitted") != 0)
        r = list_blocks(core, Q_EXTENT_LIST, ARGS(DB_I(b.id)), 1, 4, committed, err);
    if (r >= 0 && strcmp(which, "committed") != 0)
        r = list_blocks(core, Q_BLOCK_LIST, ARGS(DB_T(a.request.id), DB_T(name)), 0, 1, uncommitted, err);
    if (r < 0)
        return r;
    *ret_ok = json_pack("{s:O, s:O, s:I}", "committed", committed, "uncommitted", uncommitted, "size",
                        (json_int_t)b.size);
    if (b.id) {
        json_object_set_new(*ret_ok, "etag", json_string(b.etag));
        json_object_set_new(*ret_ok, "modified", json_integer(b.modified));
    }
    return 0;
}
