/* Bytes on their way into a stretch of an object file, in order, past the page cache: the disk writes while the caller
 * hashes and receives. Up to INTAKE_DEPTH buffers are under way at a time. Runs in airlock-blob; one thread at a time
 * calls in. */
#ifndef AIRLOCK_STORE_INTAKE_H
#define AIRLOCK_STORE_INTAKE_H

#include "store/store.h"

#define INTAKE_DEPTH 4

struct intake;

struct intake_place {
    int fd;              /* borrowed; opened for this intake alone, since its flags change */
    uint64_t start, end; /* where the bytes go: [start, end) */
    bool is_fresh;       /* the file is new and nobody else's: it will end at end, and what is skipped reads as zeros */
};

/* Whose a buffer is. */
struct intake_owner {
    void (*release)(void *bytes, void *ctx); /* any thread; must not call in again */
    void *ctx;
};

struct intake *intake_new(struct store *store, const struct intake_place *place);
/* Waits for what is under way; every kept buffer has been released then. NULL is allowed. */
void intake_free(struct intake *in);
uint64_t intake_left(const struct intake *in); /* bytes that may still come */

/* The next len bytes, at most intake_left. They are written, or copied by the kernel, when this returns. */
int intake_put(struct intake *in, const void *bytes, size_t len, struct error *err) MUST_USE;
/* The same without a copy. 1: the buffer is kept. It must not change before it is released, which happens when it is
 * written and intake_let_go was called; so the caller may read it in between. 0: as intake_put. A buffer that is not
 * aligned in memory or file is never kept; one of zeros may become a hole.
 * Errors of both: E_NO_SPACE, E_IO, also those of earlier bytes. */
int intake_give(struct intake *in, void *bytes, size_t len, const struct intake_owner *owner,
                struct error *err) MUST_USE;
void intake_let_go(struct intake *in);
/* Nobody knew where the stretch of a fresh file ends: it ends with what has come. Before intake_finish. */
int intake_end_here(struct intake *in, struct error *err) MUST_USE;
/* All bytes have come: they are on the disk when it returns 0. The file's directory is not synced. */
int intake_finish(struct intake *in, struct error *err) MUST_USE;

#endif
