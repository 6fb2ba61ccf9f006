/* The time that core judges by: the machine's clock, but never less than what core has seen before, in this life or an
 * earlier one. A clock that is set back must not bring an expired link or token to life (T71). */
#ifndef AIRLOCK_CORE_TIME_H
#define AIRLOCK_CORE_TIME_H

#include "core/core.h"

/* Microseconds since 1970. Where the clock was set back it goes on from the highest time seen, at the pace of the
 * monotonic clock. */
int64_t core_now(struct core *core);
/* At start: takes the highest time of earlier lives, and says in the log when the clock is behind it. */
int core_time_start(struct core *core, struct error *err) MUST_USE;
/* In a transaction: records it, at most once a minute. */
int core_time_store(struct core *core, struct error *err) MUST_USE;

#endif
