/* Reading a large object for a client, past the page cache and a few pieces ahead. The buffers are a small pool of the
 * process: who gets none sends through the page cache instead (sendfile). Runs in airlock-blob; one thread at a time
 * calls in. */
#ifndef AIRLOCK_STORE_AHEAD_H
#define AIRLOCK_STORE_AHEAD_H

#include "store/store.h"

#define AHEAD_MIN_BYTES ((uint64_t)256 * 1024) /* less is not worth it */

struct ahead;

/* The stretches of the file to be read, in order: 1 and the next one (never empty), or 0. */
struct ahead_source {
    int (*next)(void *ctx, uint64_t *ret_offset, uint64_t *ret_len);
    void *ctx;
};

/* Whether length bytes from offset on are many and the page cache seems not to have them. */
bool ahead_is_worth(int fd, uint64_t offset, uint64_t length);
/* NULL: no buffer is free, or the process has no engine. fd is borrowed and the reader's alone: its flags change. */
struct ahead *ahead_new(struct store *store, int fd, const struct ahead_source *source);
/* 1 and the next bytes, valid until the next call; 0 at the end; E_IO, also where the file is too short. */
int ahead_read(struct ahead *ahead, const void **ret_bytes, size_t *ret_len) MUST_USE;
void ahead_free(struct ahead *ahead); /* waits for what is under way; NULL is allowed */

#endif
