/* A few threads working through numbered pieces of one file; the thread that asked draws progress meanwhile. */
#ifndef AIRLOCK_CLI_TRANSFER_H
#define AIRLOCK_CLI_TRANSFER_H

#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "cli/web.h"

#define TRANSFER_CONNECTIONS 4
#define TRANSFER_CONNECTIONS_MAX 16

struct transfer {
    unsigned threads;
    uint64_t count;
    /* Does piece index; called by several threads at once, each with its own web. */
    int (*work)(struct web *web, uint64_t index, void *context, struct error *err);
    /* Called by the asking thread a few times a second and once at the end; may be NULL. */
    void (*tick)(void *context);
    void *context;
};

/* Runs every piece. After the first failure no new piece begins, and that failure is the result. */
int transfer_run(const struct transfer *transfer, struct error *err) MUST_USE;

#endif
