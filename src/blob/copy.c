/* Copy Blob, Put Blob From URL, Put Block From URL: an object made from another object of the same zone. Runs in
 * airlock-blob on worker threads, in steps. Must never open a connection, and never read a source that core has not
 * opened for the source's own link and this client's address.
 *
 * Source: Azure "Copy Blob", "Copy Blob From URL", "Put Blob From URL", "Put Block From URL". A copy is finished when
 * it is answered, as Azure allows for both forms of Copy Blob: there is never one to wait for or to abort. */
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "blob/block_list.h"
#include "blob/body_check.h"
#include "blob/copy_read.h"
#include "blob/incoming.h"
#include "blob/operations.h"
#include "blob/properties.h"
#include "blob/reply.h"

#define STEP_BYTES ((uint64_t)4 * 1024 * 1024) /* read and written in one turn of a worker */

struct copy {
    struct request *rq;
    enum operation operation;
    struct source_url source;
    struct copy_read *read;
    struct incoming *incoming;
    struct range part; /* of the source */
    struct body_check check;
    char id[UUID_TEXT_SIZE]; /* x-ms-copy-id of Copy Blob */
};

static void copy_free(void *work)
{
    struct copy *copy = work;

    copy_read_free(copy->read);
    incoming_free(copy->incoming);
    source_url_done(&copy->source);
    body_check_done(&copy->check);
    free(copy);
}

static bool copy_is_blob(const struct copy *copy)
{
    return copy->operation != OPERATION_PUT_BLOCK_FROM_URL;
}

/* --- Refusals --- */

/* What was wrong with the source has Azure's one code for it, and the true one beside it. */
static void refuse_source(struct copy *copy, enum azure_code code, const char *detail)
{
    const struct azure_facts *facts = azure_facts(code);

    if (facts->http >= 500 || facts->http == 400 || facts->http == 412 || facts->http == 416) {
        reply_azure(copy->rq, code, detail);
        return;
    }
    http_header_addf(copy->rq->x, "x-ms-copy-source-status-code", "%d", facts->http);
    http_header_add(copy->rq->x, "x-ms-copy-source-error-code", facts->code);
    reply_azure(copy->rq, facts->http == 404 ? AZURE_COPY_SOURCE_NOT_FOUND : AZURE_CANNOT_VERIFY_COPY_SOURCE, detail);
}

/* --- The head --- */

static enum azure_code read_source(struct copy *copy, struct error *err)
{
    const struct request *rq = copy->rq;
    const struct source_bases bases = {
        .public_url = rq->app->public_url, .scheme = request_scheme(rq), .host = rq->head->host};

    if (rq->head->chunked || rq->head->content_length > 0) {
        (void)error_set(err, E_BAD_REQUEST, "A copy has no body: Content-Length must be 0");
        return AZURE_INVALID_HEADER_VALUE;
    }
    const char *url = request_header(rq, "x-ms-copy-source");
    return url ? source_url_parse(&bases, url, &copy->source, err) : AZURE_MISSING_REQUIRED_HEADER;
}

/* Which part of the source: all of it, or x-ms-source-range of Put Block From URL. */
static enum azure_code read_part(struct copy *copy, uint64_t size)
{
    const char *text = copy_is_blob(copy) ? NULL : request_header(copy->rq, "x-ms-source-range");
    enum range_kind kind = range_parse(text, size, &copy->part);

    if (kind == RANGE_UNSATISFIABLE)
        return AZURE_INVALID_RANGE;
    if (text && kind != RANGE_PART)
        return AZURE_INVALID_HEADER_VALUE;
    if (!copy_is_blob(copy) && copy->part.length == 0)
        return AZURE_INVALID_HEADER_VALUE; /* a block has bytes */
    return copy->part.length > (copy_is_blob(copy) ? PUT_BLOB_BYTES_MAX : PUT_BLOCK_BYTES_MAX)
               ? AZURE_REQUEST_BODY_TOO_LARGE
               : AZURE_OK;
}

static enum azure_code check_source_conditions(const struct copy *copy, const json_t *blob, struct error *err)
{
    const struct conditional conditional = {
        .if_match = request_header(copy->rq, "x-ms-source-if-match"),
        .if_none_match = request_header(copy->rq, "x-ms-source-if-none-match"),
        .if_modified_since = request_header(copy->rq, "x-ms-source-if-modified-since"),
        .if_unmodified_since = request_header(copy->rq, "x-ms-source-if-unmodified-since"),
    };
    int r = conditional_check(&conditional, true, json_text(blob, "etag"), json_int(blob, "modified"), true, err);

    if (r == 0)
        return AZURE_OK;
    return r == E_CONDITION || r == E_NOT_MODIFIED ? AZURE_SOURCE_CONDITION_NOT_MET : azure_from_error(r);
}

/* Azure answers a whole blob's MD5; above the size at which ours gets one unasked, only when it is named. */
static enum azure_code begin_check(struct copy *copy)
{
    bool wants_md5 = copy_is_blob(copy) && copy->part.length <= PUT_BLOB_MD5_MAX;
    return body_check_init(&copy->check, copy->rq->head, copy_is_blob(copy) ? BODY_SOURCE_BLOB : BODY_SOURCE_BLOCK,
                           wants_md5);
}

/* --- What the new blob is called and carries --- */

/* Properties of the source, unless Put Blob From URL does without them, and over them what this request names. */
static enum azure_code make_properties(struct copy *copy, const json_t *blob, json_t **ret)
{
    const char *keep = request_header(copy->rq, "x-ms-copy-source-blob-properties");
    AUTO_JSON json_t *named = NULL;
    enum azure_code code = properties_from_head(copy->rq->head, false, &named);

    if (code != AZURE_OK)
        return code;
    if (keep && strcasecmp(keep, "false") == 0 && copy->operation == OPERATION_PUT_BLOB_FROM_URL) {
        *ret = TAKE_PTR(named);
        return AZURE_OK;
    }
    if (!request_header(copy->rq, "x-ms-blob-content-type"))
        (void)json_object_del(named, "contentType");
    *ret = json_deep_copy(json_object_get(blob, "properties"));
    properties_forget_copy(*ret);
    (void)json_object_update(*ret, named);
    return AZURE_OK;
}

static enum azure_code make_metadata(const struct copy *copy, const json_t *blob, json_t **ret)
{
    enum azure_code code = metadata_from_head(copy->rq->head, ret);

    if (code == AZURE_OK && json_object_size(*ret) == 0 && copy->operation == OPERATION_COPY_BLOB)
        (void)json_object_update(*ret, json_object_get(blob, "metadata"));
    return code;
}

static int begin_blob(struct copy *copy, const json_t *blob, enum azure_code *ret_code, struct error *err)
{
    AUTO_JSON json_t *properties = NULL;
    AUTO_JSON json_t *metadata = NULL;

    *ret_code = make_properties(copy, blob, &properties);
    if (*ret_code == AZURE_OK)
        *ret_code = make_metadata(copy, blob, &metadata);
    if (*ret_code != AZURE_OK)
        return 0;
    if (copy->operation == OPERATION_COPY_BLOB) {
        uuid_new(copy->id);
        properties_note_copy(properties, copy->id, copy->source.shown);
    }
    return incoming_begin_blob(copy->incoming, copy->part.length, properties, metadata, err);
}

/* --- The bytes --- */

static int copy_sink(const void *bytes, size_t len, void *ctx, struct error *err)
{
    struct copy *copy = ctx;
    int r = incoming_write(copy->incoming, bytes, len, err);

    if (r == 0)
        body_check_update(&copy->check, bytes, len);
    return r;
}

static void reply_copied(struct copy *copy, const json_t *ok)
{
    struct request *rq = copy->rq;

    reply_add_tags(rq, ok);
    if (copy->operation == OPERATION_COPY_BLOB) {
        http_header_add(rq->x, "x-ms-copy-id", copy->id);
        http_header_add(rq->x, "x-ms-copy-status", "success");
        reply_empty(rq, 202);
        return;
    }
    body_check_add_headers(&copy->check, rq->x);
    http_header_add(rq->x, "x-ms-request-server-encrypted", "false");
    reply_empty(rq, 201);
}

static void copy_finish(struct copy *copy)
{
    AUTO_JSON json_t *ok = NULL;
    struct error err = {0};

    if (incoming_finish(copy->incoming, &err) < 0) {
        reply_error(copy->rq, &err);
        return;
    }
    enum azure_code code = body_check_verify(&copy->check);
    const char *md5 = copy_is_blob(copy) && *copy->check.md5_text ? copy->check.md5_text : NULL;
    if (code != AZURE_OK)
        reply_azure(copy->rq, code, "");
    else if (incoming_commit(copy->incoming, md5, &ok, &err) < 0)
        reply_error(copy->rq, &err);
    else
        reply_copied(copy, ok);
}

static int copy_step(struct http_exchange *x UNUSED, void *ctx)
{
    struct copy *copy = ctx;
    struct error err = {0};
    int r = copy_read_some(copy->read, STEP_BYTES, copy_sink, copy, &err);

    if (r > 0)
        return 1;
    if (r < 0)
        reply_error(copy->rq, &err);
    else
        copy_finish(copy);
    return 0;
}

/* --- The operations --- */

static int copy_begin(struct copy *copy, const json_t *blob, enum azure_code *ret_code, struct error *err)
{
    *ret_code = AZURE_OK;
    copy->incoming = incoming_new(copy->rq);
    if (copy_is_blob(copy))
        return begin_blob(copy, blob, ret_code, err);
    return incoming_begin_block(copy->incoming, request_param(copy->rq, "blockid"), copy->part.length, err);
}

/* The source as core shows it to its own link; refused or answered otherwise. */
static bool copy_look(struct copy *copy, const json_t **ret_blob)
{
    struct error err = {0};

    copy->read = copy_read_new(copy->rq, &copy->source);
    int r = copy_read_look(copy->read, ret_blob, &err);
    if (r < 0) {
        refuse_source(copy, azure_from_error(r), err.detail);
        return false;
    }
    enum azure_code code = check_source_conditions(copy, *ret_blob, &err);
    if (code == AZURE_OK)
        code = read_part(copy, (uint64_t)json_int(*ret_blob, "size"));
    if (code == AZURE_OK)
        code = begin_check(copy);
    if (code != AZURE_OK)
        reply_azure(copy->rq, code, err.detail);
    return code == AZURE_OK;
}

static void copy_start(struct request *rq, enum operation operation)
{
    struct copy *copy = xcalloc(1, sizeof *copy);
    struct error err = {0};
    const json_t *blob;

    copy->rq = rq;
    copy->operation = operation;
    rq->work = copy;
    rq->work_free = copy_free;
    enum azure_code code = read_source(copy, &err);
    if (code != AZURE_OK) {
        reply_azure(rq, code, err.detail);
        return;
    }
    if (!copy_look(copy, &blob))
        return;
    int r = copy_begin(copy, blob, &code, &err);
    if (r < 0) {
        reply_error(rq, &err);
    } else if (code != AZURE_OK) {
        reply_azure(rq, code, "");
    } else if ((r = copy_read_open(copy->read, &copy->part, &err)) < 0) {
        refuse_source(copy, azure_from_error(r), err.detail);
    } else {
        http_work(rq->x, copy_step, copy);
    }
}

void put_block_from_url(struct request *rq)
{
    const char *block_id = request_param(rq, "blockid");

    if (!*block_id)
        reply_azure(rq, AZURE_MISSING_REQUIRED_QUERY_PARAMETER, "");
    else if (!block_id_check(block_id, strlen(block_id)))
        reply_azure(rq, AZURE_INVALID_BLOCK_ID, "");
    else
        copy_start(rq, OPERATION_PUT_BLOCK_FROM_URL);
}

void put_blob_from_url(struct request *rq)
{
    copy_start(rq, OPERATION_PUT_BLOB_FROM_URL);
}

void copy_blob(struct request *rq)
{
    copy_start(rq, OPERATION_COPY_BLOB);
}

/* Every copy is finished when it is answered. */
void abort_copy(struct request *rq)
{
    AUTO_JSON json_t *ok = NULL;
    struct error err = {0};

    if (ipc_call(rq->app->core, MESSAGE_BLOB_ACCESS, request_fields(rq), &ok, &err) < 0)
        reply_error(rq, &err);
    else
        reply_azure(rq, AZURE_NO_PENDING_COPY_OPERATION, "");
}
