/* Following the server's events: one stream at a time, and another one whenever it ends, from the last event on. */
#ifndef AIRLOCK_CLI_FEED_H
#define AIRLOCK_CLI_FEED_H

#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "cli/cli.h"
#include "cli/sse.h"

enum { FEED_ON, FEED_ENOUGH }; /* what a reader answers; or an error, which ends the following unless it passes */

/* Both may call the server meanwhile. */
struct feed_reader {
    /* With each stream, when its place is fixed: whatever happens from here on is told. NULL: not of interest. */
    int (*opened)(void *ctx, struct error *err);
    /* event->kind is "reset" when events between were lost: they are not kept any more. */
    int (*heard)(void *ctx, const struct sse_event *event, struct error *err);
    void *ctx;
};

/* workspace NULL: the TRE's events. since: go on after that event; NULL: what is new. Until the monotonic until_ms at
 * the latest. FEED_ENOUGH, or FEED_ON when the time is over; or the error of a reader, or a refusal of the server: one
 * that restarts is waited for. */
int feed_follow(struct cli *cli, const char *workspace, const char *since, int64_t until_ms,
                const struct feed_reader *reader, struct error *err) MUST_USE;

#endif
