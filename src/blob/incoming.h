/* An object file in the making: core is asked for a place, bytes are written there in order and hashed, synced, and
 * core is asked to count them. Used by Put Blob and Put Block, whose bytes come from a socket, and by copies, whose
 * bytes come from another object. Worker threads of airlock-blob; one thread at a time. */
#ifndef AIRLOCK_BLOB_INCOMING_H
#define AIRLOCK_BLOB_INCOMING_H

#include "blob/request.h"

struct incoming;

/* Registers the transfer, so that a drain meets it. Belongs to rq's container; incoming_free before the exchange ends.
 */
struct incoming *incoming_new(struct request *rq);
/* Unlinks what was made unless incoming_commit was reached. NULL is allowed. */
void incoming_free(struct incoming *in);

/* Asks core for a place for size bytes and opens it: a whole blob with these properties (properties.h), or one block.
 * A blob's size may be unknown: then core is asked again as it grows, up to PUT_BLOB_BYTES_MAX (operations.h).
 * Errors are core's, E_SAS when the container moved on meanwhile, E_NO_SPACE. */
#define INCOMING_SIZE_UNKNOWN UINT64_MAX
int incoming_begin_blob(struct incoming *in, uint64_t size, json_t *properties, json_t *metadata,
                        struct error *err) MUST_USE;
int incoming_begin_block(struct incoming *in, const char *block_id, uint64_t size, struct error *err) MUST_USE;

/* The next bytes. E_SAS when the transfer must end, E_TOO_LARGE beyond the announced size, or beyond all sizes;
 * core's when the size is unknown. */
int incoming_write(struct incoming *in, const void *bytes, size_t len, struct error *err) MUST_USE;
/* The same for bytes in a buffer of the HTTP layer: HTTP_BUFFER_KEPT when the disk writes straight from there, which
 * releases it. Who else reads the bytes does so before. */
int incoming_give(struct incoming *in, const void *bytes, size_t len, struct error *err) MUST_USE;
uint64_t incoming_place(const struct incoming *in); /* where in its file the first byte goes */
/* All bytes have come: they are on the disk when it returns 0. */
int incoming_finish(struct incoming *in, struct error *err) MUST_USE;
/* Core counts the object: *ret_ok is its answer. md5: base64 of the whole blob's, or NULL. Nothing is unlinked when no
 * answer came: core may have counted the object, and the next start asks (reconcile.c). */
int incoming_commit(struct incoming *in, const char *md5, json_t **ret_ok, struct error *err) MUST_USE;
/* Gives up: closes the file and unlinks what nothing refers to. Harmless when done before. */
void incoming_cancel(struct incoming *in);

#endif
