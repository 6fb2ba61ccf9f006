/* Reading the source of a copy. Runs in airlock-blob on worker threads. Must never read a byte that core has not named
 * for this very request, and tells core how many were read. */
#include "blob/copy_read.h"

#include <string.h>

#include "blob/extent_file.h"
#include "blob/extents.h"

struct copy_read {
    struct request *rq;
    const struct source_url *source;
    struct transfer *transfer; /* until its file is closed */
    json_t *blob;              /* core's answer to blob.open */
    int64_t use;               /* of the audit: to be closed; 0: none is open */
    uint64_t sent;
    struct extents extents;
    struct extent_cursor cursor;
    struct extent piece; /* what is left of the present one */
    struct extent_file file;
};

struct copy_read *copy_read_new(struct request *rq, const struct source_url *source)
{
    struct copy_read *cr = xcalloc(1, sizeof *cr);

    cr->rq = rq;
    cr->source = source;
    cr->file = EXTENT_FILE_NONE;
    cr->transfer = transfer_begin(rq->app->transfers, TRANSFER_DOWNLOAD, rq->x, source->location.account,
                                  source->location.container);
    return cr;
}

void copy_read_free(struct copy_read *cr)
{
    if (!cr)
        return;
    extent_file_close(&cr->file);
    transfer_end(cr->transfer);
    if (cr->use)
        ipc_push(cr->rq->app->core, MESSAGE_BLOB_CLOSED,
                 json_pack("{s:I, s:I}", "use", (json_int_t)cr->use, "sent", (json_int_t)cr->sent));
    extents_done(&cr->extents);
    json_decref(cr->blob);
    free(cr);
}

/* part: what will be read; NULL when nothing is. */
static int copy_read_ask(struct copy_read *cr, const struct range *part, json_t **ret_blob, struct error *err)
{
    const struct location *location = &cr->source->location;
    json_t *fields =
        json_pack("{s:s, s:s, s:s, s:s, s:O, s:s, s:b, s:b}", "scheme", request_scheme(cr->rq), "address",
                  http_exchange_address(cr->rq->x), "account", location->account, "container", location->container,
                  "sas", cr->source->sas, "blob", location->blob, "body", part != NULL, "copy", true);

    if (part && part->length > 0) {
        (void)json_object_set_new(fields, "first", json_integer((json_int_t)part->first));
        (void)json_object_set_new(fields, "last", json_integer((json_int_t)(part->first + part->length - 1)));
    }
    int r = ipc_call(cr->rq->app->core, MESSAGE_BLOB_OPEN, fields, ret_blob, err);
    return r ? r : transfer_admit(cr->transfer, json_int(*ret_blob, "generation"), err);
}

int copy_read_look(struct copy_read *cr, const json_t **ret_blob, struct error *err)
{
    int r = copy_read_ask(cr, NULL, &cr->blob, err);

    *ret_blob = cr->blob;
    return r;
}

int copy_read_open(struct copy_read *cr, const struct range *part, struct error *err)
{
    AUTO_JSON json_t *seen = TAKE_PTR(cr->blob);
    int r = copy_read_ask(cr, part, &cr->blob, err);

    if (r != 0)
        return r;
    cr->use = json_int(cr->blob, "use");
    if (strcmp(json_text(cr->blob, "etag"), json_text(seen, "etag")) != 0)
        return error_set(err, E_UNAVAILABLE, "The copy's source was replaced meanwhile");
    transfer_limit(cr->transfer, json_int(cr->blob, "leftMs"));
    r = extents_from_json(json_object_get(cr->blob, "extents"), json_int(cr->blob, "at"),
                          (uint64_t)json_int(cr->blob, "size"), &cr->extents, err);
    if (r == 0 && !extents_cover(&cr->extents, part))
        r = error_set(err, E_INTERNAL, "the extents do not cover the range that was asked for");
    if (r == 0)
        extent_cursor_init(&cr->cursor, &cr->extents, part);
    return r;
}

int copy_read_some(struct copy_read *cr, uint64_t max,
                   int (*sink)(const void *bytes, size_t len, void *ctx, struct error *err), void *ctx,
                   struct error *err)
{
    uint64_t got = 0;

    if (cr->piece.length == 0 && !extent_cursor_next(&cr->cursor, &cr->piece))
        return 0;
    int fd = extent_file_open(&cr->file, cr->rq->app->store, json_text(cr->blob, "dir"), cr->piece.object, err);
    if (fd < 0)
        return fd;
    uint64_t want = cr->piece.length < max ? cr->piece.length : max;
    int r = store_stream(cr->rq->app->store, fd, cr->piece.offset, want, sink, ctx, &got, err);
    if (r != 0)
        return r;
    if (got != want)
        return error_set(err, E_IO, "an object is shorter than its extents");
    cr->sent += got;
    cr->piece.offset += got;
    cr->piece.length -= got;
    return 1;
}
