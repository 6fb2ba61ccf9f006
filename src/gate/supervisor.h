/* The main process of airlock-gate: one thread, one loop. It leases jobs from core, borrows their files from the mover,
 * gives each to a sandboxed child, and tells core what they found. What a child says counts as hostile. */
#ifndef AIRLOCK_GATE_SUPERVISOR_H
#define AIRLOCK_GATE_SUPERVISOR_H

#include "gate/crew.h"
#include "ipc/child.h"

struct supervisor;

/* child is taken over, checks borrowed. Ends the process when it cannot start. */
struct supervisor *supervisor_new(struct child *child, const struct checks *checks);
/* Gives up everything but the scratch directory. Whatever checks need of files was read before. */
void supervisor_confine(struct supervisor *supervisor);
/* Works until airlockd or SIGTERM ends the process. */
void supervisor_run(struct supervisor *supervisor) NORETURN;

#endif
