/* Reading the source of a copy: core judges it like a download by the same client, the bytes come from this zone's own
 * storage. Worker threads of airlock-blob. */
#ifndef AIRLOCK_BLOB_COPY_READ_H
#define AIRLOCK_BLOB_COPY_READ_H

#include "blob/range.h"
#include "blob/request.h"
#include "blob/source_url.h"

struct copy_read;

/* Registers the transfer, so that a drain of the source's container meets it. source is borrowed. */
struct copy_read *copy_read_new(struct request *rq, const struct source_url *source);
void copy_read_free(struct copy_read *cr); /* NULL is allowed; tells core how much was read */

/* Asks core what the source is (nothing is read, nothing is on record yet). *ret_blob is blob.open's answer, borrowed.
 */
int copy_read_look(struct copy_read *cr, const json_t **ret_blob, struct error *err) MUST_USE;
/* The intent is on record, and the bytes of that part of the very same blob can be read. E_UNAVAILABLE when it was
 * replaced since copy_read_look. */
int copy_read_open(struct copy_read *cr, const struct range *part, struct error *err) MUST_USE;
/* Gives up to max bytes to sink. 1: there is more, 0: that was all. */
int copy_read_some(struct copy_read *cr, uint64_t max,
                   int (*sink)(const void *bytes, size_t len, void *ctx, struct error *err), void *ctx,
                   struct error *err) MUST_USE;

#endif
