/* Put Blob and Put Block: bytes from the socket into an object file. Runs in airlock-blob on worker threads. Must never
 * answer 201 before core's commit. */
#include <string.h>

#include "blob/block_list.h"
#include "blob/body_check.h"
#include "blob/incoming.h"
#include "blob/operations.h"
#include "blob/properties.h"
#include "blob/reply.h"

struct upload {
    struct request *rq;
    struct incoming *incoming;
    enum body_kind kind; /* a blob or a block */
    struct body_check check;
};

static void upload_free(void *work)
{
    struct upload *up = work;

    incoming_free(up->incoming);
    body_check_done(&up->check);
    free(up);
}

/* check is taken over. */
static struct upload *upload_new(struct request *rq, enum body_kind kind, const struct body_check *check)
{
    struct upload *up = xcalloc(1, sizeof *up);

    up->rq = rq;
    up->kind = kind;
    up->check = *check;
    up->incoming = incoming_new(rq);
    rq->work = up;
    rq->work_free = upload_free;
    return up;
}

static void upload_refuse(struct upload *up, const struct error *err)
{
    incoming_cancel(up->incoming);
    reply_error(up->rq, err);
}

/* --- The body --- */

static int on_write(struct http_exchange *x UNUSED, const void *bytes, size_t len, void *ctx)
{
    struct upload *up = ctx;
    struct error err = {0};

    body_check_update(&up->check, bytes, len);
    int r = incoming_give(up->incoming, bytes, len, &err);
    if (r < 0)
        upload_refuse(up, &err);
    return r;
}

static void on_aborted(struct http_exchange *x UNUSED, void *ctx)
{
    struct upload *up = ctx;
    incoming_cancel(up->incoming);
}

static void reply_created(struct upload *up, const json_t *ok)
{
    struct request *rq = up->rq;

    reply_add_tags(rq, ok);
    body_check_add_headers(&up->check, rq->x);
    http_header_add(rq->x, "x-ms-request-server-encrypted", "false");
    reply_empty(rq, 201);
}

static void on_finish(struct http_exchange *x UNUSED, void *ctx)
{
    struct upload *up = ctx;
    struct error err = {0};
    AUTO_JSON json_t *ok = NULL;

    if (incoming_finish(up->incoming, &err) < 0) {
        upload_refuse(up, &err);
        return;
    }
    enum azure_code code = body_check_verify(&up->check);
    if (code != AZURE_OK) {
        incoming_cancel(up->incoming);
        reply_azure(up->rq, code, "");
        return;
    }
    const char *md5 = up->kind == BODY_BLOB && *up->check.md5_text ? up->check.md5_text : NULL;
    if (incoming_commit(up->incoming, md5, &ok, &err) < 0)
        reply_error(up->rq, &err);
    else
        reply_created(up, ok);
}

static void upload_receive(struct upload *up)
{
    struct http_sink sink = {.write = on_write,
                             .finish = on_finish,
                             .aborted = on_aborted,
                             .ctx = up,
                             .place = incoming_place(up->incoming)};
    http_accept_body(up->rq->x, &sink);
}

/* --- The operations --- */

static enum azure_code take_length(const struct request *rq, uint64_t max, uint64_t *ret)
{
    if (!rq->head->has_length)
        return AZURE_MISSING_CONTENT_LENGTH;
    if (rq->head->content_length > max)
        return AZURE_REQUEST_BODY_TOO_LARGE;
    *ret = rq->head->content_length;
    return AZURE_OK;
}

/* A chunked body tells its size at its end. */
static enum azure_code take_blob_length(const struct request *rq, uint64_t *ret)
{
    if (!rq->head->chunked)
        return take_length(rq, PUT_BLOB_BYTES_MAX, ret);
    *ret = INCOMING_SIZE_UNKNOWN;
    return AZURE_OK;
}

/* Azure answers the MD5 of every Put Blob, and clients check a download against it. Above a size at which clients send
 * blocks, whose blob has none either, only the cheaper CRC-64 is computed unless they ask. */
static bool wants_md5(uint64_t size)
{
    return size <= PUT_BLOB_MD5_MAX || size == INCOMING_SIZE_UNKNOWN;
}

void put_blob(struct request *rq)
{
    AUTO_JSON json_t *properties = NULL;
    AUTO_JSON json_t *metadata = NULL;
    struct body_check check = {0};
    struct error err = {0};
    uint64_t size = 0;

    enum azure_code code = take_blob_length(rq, &size);
    if (code == AZURE_OK)
        code = properties_from_head(rq->head, true, &properties);
    if (code == AZURE_OK)
        code = metadata_from_head(rq->head, &metadata);
    if (code == AZURE_OK)
        code = body_check_init(&check, rq->head, BODY_BLOB, wants_md5(size));
    if (code != AZURE_OK) {
        reply_azure(rq, code, "");
        return;
    }
    struct upload *up = upload_new(rq, BODY_BLOB, &check);
    if (incoming_begin_blob(up->incoming, size, properties, metadata, &err) < 0)
        upload_refuse(up, &err);
    else
        upload_receive(up);
}

/* A block's place in its object is given out before its bytes come, so its size must be known. */
void put_block(struct request *rq)
{
    const char *block_id = request_param(rq, "blockid");
    struct body_check check = {0};
    struct error err = {0};
    uint64_t size = 0;

    enum azure_code code = take_length(rq, PUT_BLOCK_BYTES_MAX, &size);
    if (code == AZURE_OK && size == 0)
        code = AZURE_INVALID_HEADER_VALUE;
    if (code == AZURE_OK && !*block_id)
        code = AZURE_MISSING_REQUIRED_QUERY_PARAMETER;
    if (code == AZURE_OK && !block_id_check(block_id, strlen(block_id)))
        code = AZURE_INVALID_BLOCK_ID;
    if (code == AZURE_OK)
        code = body_check_init(&check, rq->head, BODY_BLOCK, false);
    if (code != AZURE_OK) {
        reply_azure(rq, code, "");
        return;
    }
    struct upload *up = upload_new(rq, BODY_BLOCK, &check);
    if (incoming_begin_block(up->incoming, block_id, size, &err) < 0)
        upload_refuse(up, &err);
    else
        upload_receive(up);
}
