/* An object file in the making. Runs in airlock-blob on worker threads. Must never write past the size that core
 * admitted, ask core to count what is not on the disk, or unlink a file whose fate is unknown. */
#include "blob/incoming.h"

#include "base/crypto.h"
#include "base/num.h"
#include "blob/operations.h"
#include "store/intake.h"

#define GROWTH_STEP ((uint64_t)64 * 1024 * 1024) /* a blob of unknown size asks for so much at a time */

struct incoming {
    struct request *rq;
    struct transfer *transfer; /* until the file is closed and, after a refusal, unlinked */
    json_t *commit_fields;     /* of blob.put or block.put */
    char *dir;
    char object[UUID_TEXT_SIZE];
    bool is_blob; /* the object is this upload's own; blocks share theirs */
    bool is_made; /* the object file is there */
    int fd;
    uint64_t start;
    bool grows;            /* the size is unknown */
    uint64_t came;         /* of a blob that grows: bytes so far */
    uint64_t admitted;     /* and how many may come before core is asked again */
    struct intake *intake; /* while fd is open */
    struct hash *sha256;
};

struct incoming *incoming_new(struct request *rq)
{
    struct incoming *in = xcalloc(1, sizeof *in);

    in->rq = rq;
    in->fd = -1;
    in->sha256 = hash_new_sha256();
    in->transfer =
        transfer_begin(rq->app->transfers, TRANSFER_UPLOAD, rq->x, rq->location.account, rq->location.container);
    return in;
}

static void incoming_close(struct incoming *in)
{
    intake_free(TAKE_PTR(in->intake));
    if (in->fd >= 0)
        (void)close(TAKE_FD(in->fd)); /* synced, or of no use: closing has nothing to tell */
}

static void incoming_end(struct incoming *in, bool unlink_object)
{
    if (!in->transfer)
        return;
    incoming_close(in);
    if (unlink_object && in->is_blob && in->is_made)
        drop_object(in->rq->app, in->dir, in->object);
    transfer_end(TAKE_PTR(in->transfer));
}

void incoming_cancel(struct incoming *in)
{
    incoming_end(in, true);
}

void incoming_free(struct incoming *in)
{
    if (!in)
        return;
    incoming_end(in, true);
    json_decref(in->commit_fields);
    hash_free(in->sha256);
    free(in->dir);
    free(in);
}

/* --- Beginning --- */

/* Where core lets the bytes go. fields: of the question, stolen. */
static int incoming_ask(struct incoming *in, enum message begin, json_t *fields, uint64_t size, json_t **ret_ok,
                        struct error *err)
{
    (void)json_object_set_new(fields, "size", json_integer(in->grows ? -1 : (json_int_t)size));
    if (in->is_blob) /* the place of a block is counted as soon as it is given */
        (void)json_object_set_new(fields, "pending", json_integer((json_int_t)transfer_announce(in->transfer, size)));
    int r = ipc_call(in->rq->app->core, begin, fields, ret_ok, err);
    if (r == 0)
        r = transfer_admit(in->transfer, json_int(*ret_ok, "generation"), err);
    if (r == 0)
        r = store_check_space(in->rq->app->store, size, err);
    if (r == 0)
        in->dir = xstrdup(json_text(*ret_ok, "dir"));
    return r;
}

/* start: where in the object file the bytes begin. */
static int incoming_open(struct incoming *in, uint64_t start, uint64_t size, struct error *err)
{
    struct store *store = in->rq->app->store;
    uint64_t end;

    if (!num_add(start, size, &end) || end > INT64_MAX)
        return error_set(err, E_INTERNAL, "a place beyond all files was given");
    in->fd = in->is_blob ? store_object_begin(store, in->dir, in->object, err)
                         : store_object_open_write(store, in->dir, in->object, err);
    if (in->fd < 0)
        return in->fd;
    in->is_made = true;
    in->start = start;
    in->intake = intake_new(store, &(struct intake_place){in->fd, start, end, in->is_blob});
    return 0;
}

int incoming_begin_blob(struct incoming *in, uint64_t size, json_t *properties, json_t *metadata, struct error *err)
{
    AUTO_JSON json_t *ok = NULL;

    in->is_blob = true;
    in->grows = size == INCOMING_SIZE_UNKNOWN;
    in->admitted = GROWTH_STEP;
    int r = incoming_ask(in, MESSAGE_BLOB_BEGIN, request_fields_conditional(in->rq), in->grows ? GROWTH_STEP : size,
                         &ok, err);
    if (r < 0)
        return r;
    uuid_new(in->object);
    in->commit_fields = request_fields_conditional(in->rq);
    (void)json_object_set_new(in->commit_fields, "object", json_string(in->object));
    if (!in->grows)
        (void)json_object_set_new(in->commit_fields, "size", json_integer((json_int_t)size));
    (void)json_object_set_new(in->commit_fields, "generation", json_integer(json_int(ok, "generation")));
    (void)json_object_set(in->commit_fields, "properties", properties);
    (void)json_object_set(in->commit_fields, "metadata", metadata);
    return incoming_open(in, 0, in->grows ? PUT_BLOB_BYTES_MAX : size, err);
}

int incoming_begin_block(struct incoming *in, const char *block_id, uint64_t size, struct error *err)
{
    AUTO_JSON json_t *ok = NULL;
    json_t *fields = request_fields(in->rq);

    (void)json_object_set_new(fields, "blockId", json_string(block_id));
    int r = incoming_ask(in, MESSAGE_BLOCK_BEGIN, fields, size, &ok, err);
    if (r < 0)
        return r;
    if (!str_copy(in->object, sizeof in->object, json_text(ok, "object")) || json_int(ok, "offset") < 0)
        return error_set(err, E_INTERNAL, "the block's place is malformed");
    in->commit_fields = request_fields(in->rq);
    (void)json_object_set_new(in->commit_fields, "extent", json_incref(json_object_get(ok, "extent")));
    (void)json_object_set_new(in->commit_fields, "generation", json_integer(json_int(ok, "generation")));
    return incoming_open(in, (uint64_t)json_int(ok, "offset"), size, err);
}

/* --- Bytes --- */

uint64_t incoming_place(const struct incoming *in)
{
    return in->start;
}

/* A blob of unknown size: would core still take one of that size, and is there room for more? */
static int incoming_grow(struct incoming *in, size_t len, struct error *err)
{
    in->came += len;
    if (in->came <= in->admitted)
        return 0;
    json_t *fields = request_fields_conditional(in->rq);
    uint64_t pending = transfer_announce(in->transfer, in->admitted + GROWTH_STEP);
    (void)json_object_set_new(fields, "size", json_integer((json_int_t)in->came));
    (void)json_object_set_new(fields, "pending", json_integer((json_int_t)pending));
    int r = ipc_call(in->rq->app->core, MESSAGE_BLOB_BEGIN, fields, NULL, err);
    if (r == 0)
        r = store_check_space(in->rq->app->store, GROWTH_STEP, err);
    in->admitted += GROWTH_STEP;
    return r;
}

static int incoming_check(struct incoming *in, size_t len, struct error *err)
{
    int r = transfer_check(in->transfer, false, err);
    if (r == 0 && len > intake_left(in->intake))
        r = error_set(err, E_TOO_LARGE, "The body is longer than announced, or than a blob in one piece may be");
    return r == 0 && in->grows ? incoming_grow(in, len, err) : r;
}

int incoming_write(struct incoming *in, const void *bytes, size_t len, struct error *err)
{
    int r = incoming_check(in, len, err);
    if (r == 0)
        r = intake_put(in->intake, bytes, len, err);
    if (r == 0)
        hash_update(in->sha256, bytes, len);
    return r;
}

static void release_buffer(void *bytes, void *ctx)
{
    http_buffer_release(ctx, bytes);
}

/* The hash is computed while the disk writes. */
int incoming_give(struct incoming *in, const void *bytes, size_t len, struct error *err)
{
    const struct intake_owner owner = {release_buffer, in->rq->x};
    int r = incoming_check(in, len, err);
    if (r == 0)
        r = intake_give(in->intake, (void *)bytes, len, &owner, err); /* it only reads them */
    if (r < 0)
        return r;
    hash_update(in->sha256, bytes, len);
    if (r == 0)
        return 0;
    intake_let_go(in->intake);
    return HTTP_BUFFER_KEPT;
}

int incoming_finish(struct incoming *in, struct error *err)
{
    int r = transfer_check(in->transfer, true, err);

    if (r == 0 && in->grows) {
        (void)json_object_set_new(in->commit_fields, "size", json_integer((json_int_t)in->came));
        r = intake_end_here(in->intake, err);
    }
    if (r == 0 && intake_left(in->intake) > 0)
        r = error_set(err, E_INTERNAL, "the body ended early");
    if (r == 0)
        r = intake_finish(in->intake, err);
    if (r == 0)
        incoming_close(in);
    if (r == 0 && in->is_blob)
        r = store_object_settle(in->rq->app->store, in->dir, err);
    return r;
}

int incoming_commit(struct incoming *in, const char *md5, json_t **ret_ok, struct error *err)
{
    unsigned char digest[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];

    hash_final(in->sha256, digest);
    hex_encode(digest, sizeof digest, hex);
    (void)json_object_set_new(in->commit_fields, "sha256", json_string(hex));
    if (md5)
        (void)json_object_set_new(json_object_get(in->commit_fields, "properties"), "contentMd5", json_string(md5));
    int r = ipc_call(in->rq->app->core, in->is_blob ? MESSAGE_BLOB_PUT : MESSAGE_BLOCK_PUT, TAKE_PTR(in->commit_fields),
                     ret_ok, err);
    if (r == 0)
        drop_objects(in->rq->app, in->dir, *ret_ok);
    incoming_end(in, r < 0 && r != E_UNKNOWN && r != E_UNAVAILABLE);
    return r;
}
