/* Put Blob and Put Block: bytes from the socket into an object file. Runs in airlock-blob on worker threads. Must never
 * answer 201 before core's commit. */
#include <string.h>

#include "blob/block_list.h"
#include "blob/incoming.h"
#include "blob/operations.h"
#include "blob/properties.h"
#include "blob/reply.h"

#define MD5_TEXT_SIZE 25 /* base64 of an MD5, with the NUL */

struct upload {
    struct request *rq;
    struct incoming *incoming;
    bool is_blob;     /* or a block */
    struct hash *md5; /* NULL when nobody asks for it */
    char md5_text[MD5_TEXT_SIZE];
};

static void upload_free(void *work)
{
    struct upload *up = work;

    incoming_free(up->incoming);
    hash_free(up->md5);
    free(up);
}

static struct upload *upload_new(struct request *rq, bool is_blob, bool has_md5)
{
    struct upload *up = xcalloc(1, sizeof *up);

    up->rq = rq;
    up->is_blob = is_blob;
    up->md5 = has_md5 ? hash_new_md5() : NULL;
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

/* --- Digests of the body --- */

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

/* --- The body --- */

static int on_write(struct http_exchange *x UNUSED, const void *bytes, size_t len, void *ctx)
{
    struct upload *up = ctx;
    struct error err = {0};

    if (up->md5)
        hash_update(up->md5, bytes, len);
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

    if (incoming_finish(up->incoming, &err) < 0) {
        upload_refuse(up, &err);
        return;
    }
    enum azure_code code = verify_md5(up);
    if (code != AZURE_OK) {
        incoming_cancel(up->incoming);
        reply_azure(up->rq, code, "");
        return;
    }
    if (incoming_commit(up->incoming, up->is_blob && up->md5 ? up->md5_text : NULL, &ok, &err) < 0)
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
    if (incoming_begin_blob(up->incoming, size, properties, metadata, &err) < 0)
        upload_refuse(up, &err);
    else
        upload_receive(up);
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
    if (incoming_begin_block(up->incoming, block_id, size, &err) < 0)
        upload_refuse(up, &err);
    else
        upload_receive(up);
}
