/* The loop of airlock-core: take what waits, one transaction, one commit, then answer. */
#ifndef AIRLOCK_CORE_LOOP_H
#define AIRLOCK_CORE_LOOP_H

#include "core/core.h"

/* Returns after airlockd's order to stop. E_IO and the like when the database can no longer be trusted. */
int loop_run(struct core *core, struct error *err) MUST_USE;

#endif
