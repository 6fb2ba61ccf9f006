/* Get Blob and Get Blob Properties: core names the places of the bytes, the HTTP layer sends them. Runs in airlock-blob
 * on worker threads. Must never send a byte that core has not named for this very request, and tells core how many were
 * sent. */
#include <string.h>

#include "base/clock.h"
#include "blob/body_check.h"
#include "blob/extent_file.h"
#include "blob/extents.h"
#include "blob/operations.h"
#include "blob/properties.h"
#include "blob/range.h"
#include "blob/reply.h"
#include "store/ahead.h"

struct download {
    struct request *rq;
    struct transfer *transfer; /* until its file is closed */
    json_t *blob;              /* core's answer to blob.open */
    int64_t use;               /* of the audit: to be closed; 0: none is open */
    struct extents extents;
    struct range range;
    struct extent_cursor cursor;
    struct extent_file file;
    struct ahead *ahead; /* what reads file, when that is not sendfile */
};

/* Closes the file and the audit's record of this use. Harmless when done before. */
static void download_end(struct download *down, uint64_t sent)
{
    ahead_free(TAKE_PTR(down->ahead));
    extent_file_close(&down->file);
    transfer_end(TAKE_PTR(down->transfer));
    if (down->use == 0)
        return;
    ipc_push(down->rq->app->core, MESSAGE_BLOB_CLOSED,
             json_pack("{s:I, s:I}", "use", (json_int_t)down->use, "sent", (json_int_t)sent));
    down->use = 0;
}

static void download_free(void *work)
{
    struct download *down = work;

    download_end(down, 0);
    extents_done(&down->extents);
    json_decref(down->blob);
    free(down);
}

static struct download *download_new(struct request *rq)
{
    struct download *down = xcalloc(1, sizeof *down);

    down->rq = rq;
    down->file = EXTENT_FILE_NONE;
    down->transfer =
        transfer_begin(rq->app->transfers, TRANSFER_DOWNLOAD, rq->x, rq->location.account, rq->location.container);
    rq->work = down;
    rq->work_free = download_free;
    return down;
}

/* The part that the head alone says is wanted: core then names the extents of no other. Only a hint: what counts is
 * wanted_range, when the blob is known. */
static void add_range_hint(const struct request *rq, json_t *fields)
{
    const char *text = request_header(rq, "x-ms-range");
    struct range range;

    if (!text && !request_header(rq, "If-Range"))
        text = request_header(rq, "Range");
    if (range_parse(text, INT64_MAX, &range) != RANGE_PART)
        return;
    (void)json_object_set_new(fields, "first", json_integer((json_int_t)range.first));
    (void)json_object_set_new(fields, "last", json_integer((json_int_t)(range.first + range.length - 1)));
}

static int ask_open(struct request *rq, bool body, json_t **ret_blob, struct error *err)
{
    json_t *fields = request_fields(rq);
    (void)json_object_set_new(fields, "body", json_boolean(body));
    if (body)
        add_range_hint(rq, fields);
    return ipc_call(rq->app->core, MESSAGE_BLOB_OPEN, fields, ret_blob, err);
}

static int check_conditional(const struct request *rq, const json_t *blob, struct error *err)
{
    return conditional_check(&rq->conditional, true, json_text(blob, "etag"), json_int(blob, "modified"), true, err);
}

/* 304 tells the tags too (RFC 9110 section 15.4.5). */
static void reply_open_error(struct request *rq, const json_t *blob, const struct error *err)
{
    if (err->code == E_NOT_MODIFIED)
        reply_add_tags(rq, blob);
    reply_error(rq, err);
}

static void add_blob_headers(struct request *rq, const json_t *blob, bool is_part)
{
    const json_t *properties = json_object_get(blob, "properties");
    const char *md5 = json_text(properties, "contentMd5");
    char created[CLOCK_TEXT_MAX];

    clock_format_http(json_int(blob, "created"), created);
    reply_add_common(rq);
    reply_add_tags(rq, blob);
    http_header_add(rq->x, "Accept-Ranges", "bytes");
    http_header_add(rq->x, "x-ms-blob-type", "BlockBlob");
    http_header_add(rq->x, "x-ms-creation-time", created);
    http_header_add(rq->x, "x-ms-lease-state", "available");
    http_header_add(rq->x, "x-ms-lease-status", "unlocked");
    http_header_add(rq->x, "x-ms-server-encrypted", "false");
    if (*md5 && request_is_plain(md5))
        http_header_add(rq->x, is_part ? "x-ms-blob-content-md5" : "Content-MD5", md5);
    properties_add_headers(rq->x, properties, json_object_get(blob, "override"));
    properties_add_copy_headers(rq->x, properties, (uint64_t)json_int(blob, "size"));
    metadata_add_headers(rq->x, json_object_get(blob, "metadata"));
}

static const char *blob_type(const json_t *blob)
{
    return properties_type(json_object_get(blob, "properties"), json_object_get(blob, "override"));
}

/* --- HEAD --- */

/* What core says of the blob, no byte of which will be sent; NULL: the request was answered. */
static json_t *blob_look(struct request *rq)
{
    AUTO_JSON json_t *blob = NULL;
    struct error err = {0};

    int r = ask_open(rq, false, &blob, &err);
    if (r == 0)
        r = check_conditional(rq, blob, &err);
    if (r == 0)
        return TAKE_PTR(blob);
    reply_open_error(rq, blob, &err);
    return NULL;
}

void head_blob(struct request *rq)
{
    AUTO_JSON json_t *blob = blob_look(rq);

    if (!blob)
        return;
    add_blob_headers(rq, blob, false);
    http_reply_length(rq->x, 200, blob_type(blob), (uint64_t)json_int(blob, "size"));
}

void get_metadata(struct request *rq)
{
    AUTO_JSON json_t *blob = blob_look(rq);

    if (!blob)
        return;
    reply_add_tags(rq, blob);
    metadata_add_headers(rq->x, json_object_get(blob, "metadata"));
    reply_empty(rq, 200);
}

/* --- GET --- */

static int download_open(struct download *down, struct error *err)
{
    int r = ask_open(down->rq, true, &down->blob, err);
    if (r < 0)
        return r;
    down->use = json_int(down->blob, "use");
    r = transfer_admit(down->transfer, json_int(down->blob, "generation"), err);
    if (r == 0)
        transfer_limit(down->transfer, json_int(down->blob, "leftMs"));
    if (r == 0)
        r = check_conditional(down->rq, down->blob, err);
    if (r == 0)
        r = extents_from_json(json_object_get(down->blob, "extents"), json_int(down->blob, "at"),
                              (uint64_t)json_int(down->blob, "size"), &down->extents, err);
    return r;
}

/* x-ms-range beats Range. If-Range (RFC 9110 section 13.1.5) is about the latter: another blob is sent whole. */
static const char *wanted_range(const struct request *rq, const json_t *blob)
{
    const char *ours = request_header(rq, "x-ms-range");
    const char *if_range = request_header(rq, "If-Range");
    AUTO_STR struct str etag = STR_INIT(CONDITIONAL_TEXT_MAX);

    if (ours || !if_range)
        return ours ? ours : request_header(rq, "Range");
    str_printf(&etag, "\"%s\"", json_text(blob, "etag"));
    return strcmp(str_text(&etag), if_range) == 0 ? request_header(rq, "Range") : NULL;
}

static int object_fd(struct download *down, const char *object, struct error *err)
{
    return extent_file_open(&down->file, down->rq->app->store, json_text(down->blob, "dir"), object, err);
}

static int next_piece(void *ctx, int *ret_fd, uint64_t *ret_offset, uint64_t *ret_len)
{
    struct download *down = ctx;
    struct extent piece;

    if (!extent_cursor_next(&down->cursor, &piece))
        return 0;
    int fd = object_fd(down, piece.object, NULL);
    if (fd < 0)
        return fd;
    *ret_fd = fd;
    *ret_offset = piece.offset;
    *ret_len = piece.length;
    return 1;
}

static void on_done(void *ctx, uint64_t sent)
{
    download_end(ctx, sent);
}

static bool wants(const struct request *rq, const char *header)
{
    const char *value = request_header(rq, header);
    return value && strcmp(value, "true") == 0;
}

static bool wants_md5(const struct request *rq)
{
    return wants(rq, "x-ms-range-get-content-md5");
}

static bool wants_crc64(const struct request *rq)
{
    return wants(rq, "x-ms-range-get-content-crc64");
}

static int digest_piece(const void *bytes, size_t len, void *ctx, struct error *err UNUSED)
{
    body_check_update(ctx, bytes, len);
    return 0;
}

/* The digest of the range, which is short, as the header: an MD5, or else a CRC-64. */
static int add_range_digest(struct download *down, struct error *err)
{
    CLEANUP(body_check_done) struct body_check digest = {.md5 = wants_md5(down->rq) ? hash_new_md5() : NULL,
                                                         .has_crc = wants_crc64(down->rq)};
    struct extent_cursor cursor;
    struct extent piece;
    uint64_t got = 0;

    extent_cursor_init(&cursor, &down->extents, &down->range);
    while (extent_cursor_next(&cursor, &piece)) {
        int fd = object_fd(down, piece.object, err);
        if (fd < 0)
            return fd;
        int r = store_stream(down->rq->app->store, fd, piece.offset, piece.length, digest_piece, &digest, &got, err);
        if (r < 0)
            return r;
        if (got != piece.length)
            return error_set(err, E_IO, "an object is shorter than its extents");
    }
    if (body_check_verify(&digest) == AZURE_OK)
        body_check_add_headers(&digest, down->rq->x);
    return 0;
}

static enum azure_code check_range(const struct download *down, enum range_kind kind)
{
    if (kind == RANGE_UNSATISFIABLE)
        return AZURE_INVALID_RANGE;
    if (!wants_md5(down->rq) && !wants_crc64(down->rq))
        return AZURE_OK;
    if (kind == RANGE_WHOLE || (wants_md5(down->rq) && wants_crc64(down->rq)))
        return AZURE_INVALID_HEADER_VALUE;
    if (down->range.length > RANGE_DIGEST_BYTES_MAX)
        return AZURE_OUT_OF_RANGE_INPUT;
    return AZURE_OK;
}

static void refuse_range(struct download *down, enum azure_code code, uint64_t size)
{
    download_end(down, 0);
    if (code == AZURE_INVALID_RANGE)
        http_header_addf(down->rq->x, "Content-Range", "bytes */%llu", (unsigned long long)size);
    reply_azure(down->rq, code, "");
}

static int next_stretch(void *ctx, uint64_t *ret_offset, uint64_t *ret_len)
{
    struct download *down = ctx;
    struct extent piece;

    if (!extent_cursor_next(&down->cursor, &piece))
        return 0;
    *ret_offset = piece.offset;
    *ret_len = piece.length;
    return 1;
}

static int read_bytes(void *ctx, const void **ret_bytes, size_t *ret_len)
{
    struct download *down = ctx;
    return ahead_read(down->ahead, ret_bytes, ret_len);
}

/* Much that the page cache does not have is read past it, while there are buffers for that. The cursor is at the start,
 * and the first object open. */
static struct ahead *open_ahead(struct download *down)
{
    const struct ahead_source source = {next_stretch, down};

    if (down->file.fd < 0 || !extents_are_one_object(&down->extents) ||
        !ahead_is_worth(down->file.fd, down->extents.items[0].offset, down->range.length))
        return NULL;
    return ahead_new(down->rq->app->store, down->file.fd, &source);
}

static void download_send(struct download *down, bool is_part, uint64_t size)
{
    struct request *rq = down->rq;
    const struct http_file_source files = {.next = next_piece, .done = on_done, .ctx = down};
    const struct http_byte_source bytes = {.read = read_bytes, .done = on_done, .ctx = down};
    int status = is_part ? 206 : 200;

    if (is_part)
        http_header_addf(rq->x, "Content-Range", "bytes %llu-%llu/%llu", (unsigned long long)down->range.first,
                         (unsigned long long)(down->range.first + down->range.length - 1), (unsigned long long)size);
    add_blob_headers(rq, down->blob, is_part);
    extent_cursor_init(&down->cursor, &down->extents, &down->range);
    down->ahead = open_ahead(down);
    if (down->ahead)
        http_reply_bytes(rq->x, status, blob_type(down->blob), down->range.length, &bytes);
    else
        http_reply_file(rq->x, status, blob_type(down->blob), down->range.length, &files);
}

/* Opens the first object, so that trouble with it can still be told. */
static int open_first(struct download *down, struct error *err)
{
    struct extent_cursor cursor;
    struct extent piece;

    extent_cursor_init(&cursor, &down->extents, &down->range);
    if (!extent_cursor_next(&cursor, &piece))
        return 0;
    int fd = object_fd(down, piece.object, err);
    return fd < 0 ? fd : 0;
}

void get_blob(struct request *rq)
{
    struct download *down = download_new(rq);
    struct error err = {0};

    int r = download_open(down, &err);
    if (r < 0) {
        download_end(down, 0);
        reply_open_error(rq, down->blob, &err);
        return;
    }
    uint64_t size = (uint64_t)json_int(down->blob, "size");
    enum range_kind kind = range_parse(wanted_range(rq, down->blob), size, &down->range);
    enum azure_code code = check_range(down, kind);
    if (code != AZURE_OK) {
        refuse_range(down, code, size);
        return;
    }
    r = open_first(down, &err);
    if (r == 0 && (wants_md5(rq) || wants_crc64(rq)))
        r = add_range_digest(down, &err);
    if (r < 0) {
        download_end(down, 0);
        reply_error(rq, &err);
        return;
    }
    download_send(down, kind == RANGE_PART, size);
}
