/* Server-sent events (WHATWG HTML, section 9.2.6), piece by piece as they come from the network. No I/O. */
#ifndef AIRLOCK_CLI_SSE_H
#define AIRLOCK_CLI_SSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#define SSE_EVENT_MAX ((size_t)16 * 1024 * 1024)
#define SSE_ID_MAX 20 /* digits: an event's place in the feed */
#define SSE_KIND_MAX 63

/* A block that named an id, a kind or data. Unlike a browser's, this reader also tells of blocks without data: their id
 * is the place from which on the server reads. */
struct sse_event {
    const char *id;   /* of this block or the last one that named one; "" before */
    const char *kind; /* "" when it is not named */
    const char *data; /* "" when there is none */
};

struct sse {
    /* 0: go on; anything else ends sse_push, which answers it. What event points at lives as long as the call. */
    int (*told)(void *ctx, const struct sse_event *event, struct error *err);
    void *ctx;

    struct str line;
    struct str data;
    char id[SSE_ID_MAX + 1];
    char kind[SSE_KIND_MAX + 1];
    bool begun; /* the block has named something */
};

#define SSE_INIT(told_fn, context)                                                                                     \
    ((struct sse){                                                                                                     \
        .told = (told_fn), .ctx = (context), .line = STR_INIT(SSE_EVENT_MAX), .data = STR_INIT(SSE_EVENT_MAX)})
void sse_done(struct sse *sse);
/* A new connection: forgets the block that was not whole, keeps the id. */
void sse_restart(struct sse *sse);

/* Lines end with LF or CR LF (the lone CR of old systems is not known here). E_LIMIT: a line or a block's data is too
 * long. */
int sse_push(struct sse *sse, const char *bytes, size_t len, struct error *err) MUST_USE;

#endif
