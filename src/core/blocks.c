/* Blocks that wait for their list: where each one goes, and what is there. Part of airlock-core. */
#include <string.h>

#include "core/blobs.h"
#include "core/link_use.h"
#include "core/place.h"
#include "core/usage.h"
#include "model/placement.h"

#define BLOCKS_UNCOMMITTED_MAX 100000
#define BLOCK_SIZE_MAX (4000LL << 20)
#define BLOCK_ID_BYTES_MAX 64

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

/* The blob that will be made of it must fit the request, and the block must fit what may wait. */
static int block_take_room(struct core *core, const struct access *a, const struct standing *s, int64_t size,
                           struct error *err)
{
    struct usage change = {.staged_names = *s->staged.object == '\0', .staged_bytes = size, .held = size};
    struct usage grown = change;

    if (size > s->blob.size)
        grown.bytes = size - s->blob.size;
    int r = usage_check(core, &a->request, &grown, err);
    return r ? r : usage_add(core, &a->request, &change, err);
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
                         struct staging *s, json_t **ret_place, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int64_t start = 0;

    if (s->blocks >= BLOCKS_UNCOMMITTED_MAX)
        return error_set(err, E_BLOCK_COUNT, "A blob has at most %d uncommitted blocks", BLOCKS_UNCOMMITTED_MAX);
    if (!*s->object)
        uuid_new(s->object);
    int r = block_place(core, s, block_id, size, &start, err);
    if (r == 0)
        r = db_exec(core->db, Q_STAGING_PUT,
                    ARGS(DB_T(request), DB_T(name), DB_T(s->object), DB_I(s->high), DB_I(s->block_size),
                         DB_I(s->blocks + 1), DB_I(s->bytes + size)),
                    err);
    if (r >= 0)
        r = db_first(core->db, Q_BLOCK_ADD,
                     ARGS(DB_T(request), DB_T(name), DB_T(block_id), DB_T(s->object), DB_I(start), DB_I(size)), &row,
                     err);
    if (r < 0)
        return r;
    *ret_place = json_pack("{s:s, s:I, s:I}", "object", s->object, "offset", (json_int_t)start, "extent",
                           (json_int_t)db_int(row, 0));
    return 0;
}

int block_begin(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_ACCESS struct access a = {0};
    AUTO_STANDING struct standing s = {0};
    const char *name = json_text(call->in, "blob");
    const char *block_id = json_text(call->in, "blockId");
    int64_t size = json_int(call->in, "size");
    int r = access_check(core, call, PERM_WRITE, &a, err);

    if (r == 0 && (size < 0 || size > BLOCK_SIZE_MAX))
        return error_set(err, E_TOO_LARGE, "A block has at most %lld bytes", BLOCK_SIZE_MAX);
    if (r == 0)
        r = link_use_record(core, call, &a, "block", err);
    if (r == 0)
        r = blob_check_name(core, call, &a, err);
    if (r == 0)
        r = standing_load(core, a.request.id, name, &s, err);
    if (r == 0)
        r = block_check_id(core, a.request.id, name, block_id, err);
    if (r == 0)
        r = block_take_room(core, &a, &s, size, err);
    if (r == 0)
        r = block_reserve(core, a.request.id, name, block_id, size, &s.staged, ret_ok, err);
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
    AUTO_STANDING struct standing s = {0};
    AUTO_JSON json_t *committed = json_array();
    AUTO_JSON json_t *uncommitted = json_array();
    const char *name = json_text(call->in, "blob");
    const char *which = json_text(call->in, "which");
    int r = access_check(core, call, PERM_READ, &a, err);

    if (r == 0)
        r = standing_need(core, a.request.id, name, &s, err);
    if (r == 0)
        r = link_use_record(core, call, &a, "list", err);
    if (r == 0 && s.blob.id && strcmp(which, "uncommitted") != 0)
        r = list_blocks(core, Q_EXTENT_LIST, ARGS(DB_I(s.blob.id)), 1, 4, committed, err);
    if (r == 0 && strcmp(which, "committed") != 0)
        r = list_blocks(core, Q_BLOCK_LIST, ARGS(DB_T(a.request.id), DB_T(name)), 0, 1, uncommitted, err);
    if (r != 0)
        return r;
    *ret_ok = json_pack("{s:O, s:O, s:I}", "committed", committed, "uncommitted", uncommitted, "size",
                        (json_int_t)s.blob.size);
    if (s.blob.id) {
        json_object_set_new(*ret_ok, "etag", json_string(s.blob.etag));
        json_object_set_new(*ret_ok, "modified", json_integer(s.blob.modified));
    }
    return 0;
}
