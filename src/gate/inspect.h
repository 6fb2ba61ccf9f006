/* The gates that read a file themselves: archive, types, disclosure, identifiers. One walk for all of them. Runs in a
 * sandboxed child of airlock-gate, after types_open and walk_prepare were called outside of it. */
#ifndef AIRLOCK_GATE_INSPECT_H
#define AIRLOCK_GATE_INSPECT_H

#include "gate/check.h"

/* Before the sandbox: everything that inspect_check would have to read from files. E_CONFIG: something is not
 * installed. */
int inspect_prepare(struct error *err) MUST_USE;

/* Runs those of the four gates that check->gates names, and reports each of them as run. 0: the report says everything;
 * negative: a failure of our own, and the report does not count. */
int inspect_check(const struct check *check, struct report *report, struct error *err) MUST_USE;

#endif
