/* The worker: leases jobs from core one at a time, runs them, reports, and keeps the control socket and the channel
 * served all the while. One thread; it is cut, never asked to finish: every job survives that. */
#ifndef AIRLOCK_MOVER_WORKER_H
#define AIRLOCK_MOVER_WORKER_H

#include "base/macros.h"
#include "ipc/child.h"
#include "store/store.h"

/* Works until airlockd or SIGTERM ends the process. child and store are borrowed. */
void worker_run(struct child *child, struct store *store) NORETURN;

#endif
