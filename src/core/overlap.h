/* Workspaces whose networks overlap: allowed, but the operator is told, because an address in both reaches both. */
#ifndef AIRLOCK_CORE_OVERLAP_H
#define AIRLOCK_CORE_OVERLAP_H

#include "core/core.h"

/* Warns in the log of the workspace with that id, or with NULL of every one: one line for each that overlaps with
 * others. Returns how many lines, or a negative code. Reads only. */
int overlap_warn(struct core *core, const char *workspace, struct error *err) MUST_USE;

#endif
