/* The worker: leases jobs from core one at a time, runs them, reports, and keeps the control socket and the channel
 * served all the while, on one thread; the threads of its pool read, hash and seal for it, and one lends files to the
 * gate. It is cut, never asked to
 * finish: every job survives that. */
#ifndef AIRLOCK_MOVER_WORKER_H
#define AIRLOCK_MOVER_WORKER_H

#include "base/macros.h"
#include "ipc/child.h"
#include "store/store.h"

struct worker_options {
    unsigned threads;  /* of the pool; 0: as many as the machine has cores, within bounds */
    int64_t lost_days; /* how long a directory that core does not know is kept aside; 0: not at all */
};

/* Works until airlockd or SIGTERM ends the process. child and store are borrowed. */
void worker_run(struct child *child, struct store *store, const struct worker_options *options) NORETURN;

#endif
