/* What airlock-mover keeps for itself: everything below the storage root, and nothing else. */
#ifndef AIRLOCK_MOVER_CONFINE_H
#define AIRLOCK_MOVER_CONFINE_H

#include <linux/capability.h>
#include <stdbool.h>

#include "base/sandbox.h"

#define MOVER_ACCESS (SANDBOX_READ | SANDBOX_WRITE | SANDBOX_REFER) /* below the storage root */
#define MOVER_CAPS \
    (1ULL << CAP_CHOWN | 1ULL << CAP_FOWNER | 1ULL << CAP_LEASE) /* to take over and seal others' files */

/* Confines this process to the storage root for good. reduced_ok: also where the kernel has no Landlock. */
int mover_confine(int root_fd, bool reduced_ok, struct error *err) MUST_USE;

#endif
