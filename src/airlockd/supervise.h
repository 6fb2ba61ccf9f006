/* Starts the tree and keeps it alive until a signal ends it. Runs in airlockd. */
#ifndef AIRLOCK_AIRLOCKD_SUPERVISE_H
#define AIRLOCK_AIRLOCKD_SUPERVISE_H

#include "airlockd/resources.h"

#define START_READY_MS 20000   /* all children, at the first start */
#define RESTART_READY_MS 30000 /* one child, when it is started again */

/* When the stages of the end begin, counted from the signal; the whole tree is gone by STOP_GIVE_UP_MS. */
#define STOP_WORKERS_MS 2000
#define STOP_CORE_MS 3000
#define STOP_KILL_MS 4000
#define STOP_GIVE_UP_MS 4900

/* Blocks the signals that supervise_run waits for. To be called first thing. */
void supervise_block_signals(void);

/* Returns 0 after SIGTERM or SIGINT, when all children are gone; an error when not all became ready at the
 * start. ready is called once, when they are. */
int supervise_run(struct resources *resources, const char *programs, void (*ready)(void *ctx), void *ctx,
                  struct error *err) MUST_USE;

#endif
