/* The first workspaces and roles of a new database, from what airlockd hands over. */
#ifndef AIRLOCK_CORE_SEED_H
#define AIRLOCK_CORE_SEED_H

#include "core/core.h"

/* Reads the descriptor named "seed" when there is one and the database has no workspace and no role yet. */
int seed_apply(struct core *core, struct error *err) MUST_USE;

#endif
