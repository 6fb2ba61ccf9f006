/* Put Blob and Put Block: bytes go from the socket into an object file and the hash, then core is asked to count them.
 * Runs in airlock-blob on worker threads. Must never write past the size that core admitted, answer 201 before core's
 * commit, or unlink a file whose fate is unknown. */
#include <string.h>

#include "base/num.h"
#include "blob/block_list.h"
#include "blob/operations.h"
#include "blob/properties.h"
#include "blob/reply.h"

#define MD5_TEXT_SIZE 25 /* base64 of an MD5, with the NUL */

struct upload {
    struct request *rq;
    struct transfer *transfer; /* until the file is closed and, after a refusal, unlinked */
    json_t *commit_fields;     /* of blob.put or block.put */
    char *dir;
    char object[UUID_TEXT_SIZE];
    bool is_blob;               /* the object is this upload's own; blocks share theirs */
    bool is_made;               /* the object file is there */
    struct store_writer writer; /* size: where the next byte goes */
    uint64_t end;               /* no byte goes here or behind */
    struct hash *sha256;
    struct hash *md5; /* NULL when nobody asks for it */
    char md5_text[MD5_TEXT_SIZE];
};

/* Closes the file; unlinks it when it is this upload's own and nothing will refer to it. Harmless when done before. */
static void upload_end(struct upload *up, bool unlink_object)
{
    if (!up->transfer)
        return;
    if (up->writer.fd >= 0)
        (void)close(TAKE_FD(up->writer.fd));
    if (unlink_object && up->is_blob && up->is_made)
        drop_object(up->rq->app, up->dir, up->object);
    transfer_end(TAKE_PTR(up->transfer));
}

static void upload_free(void *work)
{
    struct upload *up = work;

    upload_end(up, true);
    json_decref(up->commit_fields);
    hash_free(up->sha256);
    hash_free(up->md5);
    free(up->dir);
    free(up);
}

static struct upload *upload_new(struct request *rq, bool is_blob, bool has_md5)
{
    struct upload *up = xcalloc(1, sizeof *up);

    up->rq = rq;
    up->is_blob = is_blob;
    up->writer.fd = -1;
    up->sha256 = hash_new_sha256();
    up->md5 = has_md5 ? hash_new_md5() : NULL;
    up->transfer =
        transfer_begin(rq->app->transfers, TRANSFER_UPLOAD, rq->x, rq->location.account, rq->location.container);
    rq->work = up;
    rq->work_free = upload_free;
    return up;
}

/* --- Receiving --- */

static void upload_refuse(struct upload *up, const struct error *err)
{
    upload_end(up, true);
    reply_error(up->rq, err);
}

static int on_write(struct http_exchange *x UNUSED, const void *bytes, size_t len, void *ctx)
{
    struct upload *up = ctx;
    struct error err = {0};
    int r = transfer_check(up->transfer, false, &err);

    if (r == 0 && len > up->end - up->writer.size)
        r = error_set(&err, E_TOO_LARGE, "The body is longer than announced");
    if (r == 0)
        r = store_writer_put(&up->writer, bytes, len, &err);
    if (r < 0) {
        upload_refuse(up, &err);
        return r;
    }
    hash_update(up->sha256, bytes, len);
    if (up->md5)
        hash_update(up->md5, bytes, len);
    return 0;
}

static void on_aborted(struct http_exchange *x UNUSED, void *ctx)
{
    upload_end(ctx, true);
}

/* --- Finishing --- */

/* The MD5 headers that speak of a body. */
static const char *const BLOB_MD5[] = {"x-ms-blob-content-md5", "Content-MD5", NULL};
static const char *const BLOCK_MD5[] = {"Content-MD5", NULL};

static enum azure_code find_md5(const struct http_head *head, const char *const *names, bool *ret_any)
{
    unsigned char md5[MD5_SIZE];
    enum azure_code code = AZURE_OK;
    bool given;

    *ret_any = false;
    for (; *names && code == AZURE_OK; names++) {
        code = md5_from_head(head, *names, &given, md5);
        *ret_any |= given;
    }
    return code;
}

/* Fills md5_text and compares it with every MD5 that was sent. */
static enum azure_code verify_md5(struct upload *up)
{
    unsigned char computed[MD5_SIZE], sent[MD5_SIZE];
    AUTO_STR struct str text = STR_INIT(MD5_TEXT_SIZE);
    bool given;

    if (!up->md5)
        return AZURE_OK;
    hash_final(up->md5, computed);
    base64_append(&text, computed, sizeof computed);
    (void)str_copy(up->md5_text, sizeof up->md5_text, str_text(&text));
    for (const char *const *name = up->is_blob ? BLOB_MD5 : BLOCK_MD5; *name; name++)
        if (md5_from_head(up->rq->head, *name, &given, sent) != AZURE_OK ||
            (given && memcmp(sent, computed, MD5_SIZE) != 0))
            return AZURE_MD5_MISMATCH;
    return AZURE_OK;
}

static int upload_commit(struct upload *up, json_t **ret_ok, struct error *err)
{
    unsigned char digest[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];

    hash_final(up->sha256, digest);
    hex_encode(digest, sizeof digest, hex);
    (void)json_object_set_new(up->commit_fields, "sha256", json_string(hex));
    if (up->is_blob && up->md5)
        (void)json_object_set_new(json_object_get(up->commit_fields, "properties"), "contentMd5",
                                  json_string(up->md5_text));
    return ipc_call(up->rq->app->core, up->is_blob ? MESSAGE_BLOB_PUT : MESSAGE_BLOCK_PUT, TAKE_PTR(up->commit_fields),
                    ret_ok, err);
}

static void reply_created(struct upload *up, const json_t *ok)
{
    struct request *rq = up->rq;

    reply_add_tags(rq, ok);
    if (up->md5)
        http_header_add(rq->x, "Content-MD5", up->md5_text);
    http_header_add(rq->x, "x-ms-request-server-encrypted", "false");
    reply_empty(rq, 201);
}

static void on_finish(struct http_exchange *x UNUSED, void *ctx)
{
    struct upload *up = ctx;
    struct error err = {0};
    AUTO_JSON json_t *ok = NULL;

    int r = transfer_check(up->transfer, true, &err);
    if (r == 0 && up->writer.size != up->end)
        r = error_set(&err, E_INTERNAL, "the body ended early");
    if (r == 0)
        r = store_writer_finish(&up->writer, &err);
    if (r < 0) {
        upload_refuse(up, &err);
        return;
    }
    enum azure_code code = verify_md5(up);
    if (code != AZURE_OK) {
        upload_end(up, true);
        reply_azure(up->rq, code, "");
        return;
    }
    (void)close(TAKE_FD(up->writer.fd)); /* synced: closing has nothing left to tell */
    r = upload_commit(up, &ok, &err);
    if (r == 0)
        drop_objects(up->rq->app, up->dir, ok);
    /* Without an answer core may have counted the object: it stays, and the next start asks (reconcile.c). */
    upload_end(up, r < 0 && r != E_UNKNOWN && r != E_UNAVAILABLE);
    if (r < 0)
        reply_error(up->rq, &err);
    else
        reply_created(up, ok);
}

/* --- Beginning --- */

/* Where core lets the bytes go. fields: of the question, stolen. */
static int upload_ask(struct upload *up, enum message begin, json_t *fields, uint64_t size, json_t **ret_ok,
                      struct error *err)
{
    (void)json_object_set_new(fields, "size", json_integer((json_int_t)size));
    int r = ipc_call(up->rq->app->core, begin, fields, ret_ok, err);
    if (r == 0)
        r = transfer_admit(up->transfer, json_int(*ret_ok, "generation"), err);
    if (r == 0)
        r = store_check_space(up->rq->app->store, size, err);
    if (r == 0)
        up->dir = xstrdup(json_text(*ret_ok, "dir"));
    return r;
}

/* start: where in the object file the bytes begin. */
static int upload_open(struct upload *up, uint64_t start, uint64_t size, struct error *err)
{
    struct store *store = up->rq->app->store;

    if (!num_add(start, size, &up->end) || up->end > INT64_MAX)
        return error_set(err, E_INTERNAL, "a place beyond all files was given");
    int fd = up->is_blob ? store_object_create(store, up->dir, up->object, err)
                         : store_object_open_write(store, up->dir, up->object, err);
    if (fd < 0)
        return fd;
    up->is_made = true;
    up->writer = (struct store_writer){.fd = fd, .size = start, .started = start, .keep = true};
    return 0;
}

static void upload_receive(struct upload *up)
{
    struct http_sink sink = {.write = on_write, .finish = on_finish, .aborted = on_aborted, .ctx = up};
    http_accept_body(up->rq->x, &sink);
}

static enum azure_code take_length(const struct request *rq, uint64_t max, uint64_t *ret)
{
    if (!rq->head->has_length)
        return AZURE_MISSING_CONTENT_LENGTH;
    if (rq->head->content_length > max)
        return AZURE_REQUEST_BODY_TOO_LARGE;
    *ret = rq->head->content_length;
    return AZURE_OK;
}

static int blob_begin(struct upload *up, uint64_t size, json_t *properties, json_t *metadata, struct error *err)
{
    AUTO_JSON json_t *ok = NULL;
    json_t *fields = request_fields_conditional(up->rq);
    int r = upload_ask(up, MESSAGE_BLOB_BEGIN, fields, size, &ok, err);
    if (r < 0)
        return r;
    uuid_new(up->object);
    up->commit_fields = request_fields_conditional(up->rq);
    (void)json_object_set_new(up->commit_fields, "object", json_string(up->object));
    (void)json_object_set_new(up->commit_fields, "size", json_integer((json_int_t)size));
    (void)json_object_set_new(up->commit_fields, "generation", json_integer(json_int(ok, "generation")));
    (void)json_object_set(up->commit_fields, "properties", properties);
    (void)json_object_set(up->commit_fields, "metadata", metadata);
    return upload_open(up, 0, size, err);
}

void put_blob(struct request *rq)
{
    AUTO_JSON json_t *properties = NULL;
    AUTO_JSON json_t *metadata = NULL;
    struct error err = {0};
    uint64_t size = 0;
    bool has_md5 = false;

    enum azure_code code = take_length(rq, PUT_BLOB_BYTES_MAX, &size);
    if (code == AZURE_OK)
        code = find_md5(rq->head, BLOB_MD5, &has_md5);
    if (code == AZURE_OK)
        code = properties_from_head(rq->head, true, &properties);
    if (code == AZURE_OK)
        code = metadata_from_head(rq->head, &metadata);
    if (code != AZURE_OK) {
        reply_azure(rq, code, "");
        return;
    }
    /* Azure answers the MD5 of every Put Blob, and clients check a download against it. Above a size at which clients
     * send blocks, whose blob has none either, SHA-256 alone is computed unless they ask. */
    struct upload *up = upload_new(rq, true, has_md5 || size <= PUT_BLOB_MD5_MAX);
    if (blob_begin(up, size, properties, metadata, &err) < 0)
        upload_refuse(up, &err);
    else
        upload_receive(up);
}

static int block_begin(struct upload *up, const char *block_id, uint64_t size, struct error *err)
{
    AUTO_JSON json_t *ok = NULL;
    json_t *fields = request_fields(up->rq);

    (void)json_object_set_new(fields, "blockId", json_string(block_id));
    int r = upload_ask(up, MESSAGE_BLOCK_BEGIN, fields, size, &ok, err);
    if (r < 0)
        return r;
    if (!str_copy(up->object, sizeof up->object, json_text(ok, "object")) || json_int(ok, "offset") < 0)
        return error_set(err, E_INTERNAL, "the block's place is malformed");
    up->commit_fields = request_fields(up->rq);
    (void)json_object_set_new(up->commit_fields, "extent", json_incref(json_object_get(ok, "extent")));
    (void)json_object_set_new(up->commit_fields, "generation", json_integer(json_int(ok, "generation")));
    return upload_open(up, (uint64_t)json_int(ok, "offset"), size, err);
}

void put_block(struct request *rq)
{
    const char *block_id = request_param(rq, "blockid");
    struct error err = {0};
    uint64_t size = 0;
    bool has_md5 = false;

    enum azure_code code = take_length(rq, PUT_BLOCK_BYTES_MAX, &size);
    if (code == AZURE_OK && size == 0)
        code = AZURE_INVALID_HEADER_VALUE;
    if (code == AZURE_OK && !*block_id)
        code = AZURE_MISSING_REQUIRED_QUERY_PARAMETER;
    if (code == AZURE_OK && !block_id_check(block_id, strlen(block_id)))
        code = AZURE_INVALID_BLOCK_ID;
    if (code == AZURE_OK)
        code = find_md5(rq->head, BLOCK_MD5, &has_md5);
    if (code != AZURE_OK) {
        reply_azure(rq, code, "");
        return;
    }
    struct upload *up = upload_new(rq, false, has_md5);
    if (block_begin(up, block_id, size, &err) < 0)
        upload_refuse(up, &err);
    else
        upload_receive(up);
}
