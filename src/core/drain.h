/* Drains: after a generation was raised, the zone's airlock-blob must end every older transfer, within DRAIN_MS, or be
 * restarted. Jobs that touch a draft's bytes wait for it. What is waited for outlives core in job.drained. */
#ifndef AIRLOCK_CORE_DRAIN_H
#define AIRLOCK_CORE_DRAIN_H

#include "core/core.h"

#define DRAIN_MS 2000

struct drains *drains_new(void);
void drains_free(struct drains *drains);

/* When an answer was taken but not recorded: asks again for every open job that still waits. The first time, at start,
 * also for what was decided so lately that an earlier life may not have told the zone's process: downloads run on. */
int drains_recover(struct core *core, struct error *err) MUST_USE;
/* After a commit: tell the zone's process. */
void drain_begin(struct core *core, const struct effect *effect);
/* The zone's process has a new channel: tell it everything that it may not have heard. */
void drains_resend(struct core *core, enum peer peer);
/* Restarts those that are late. Milliseconds until the next one is, or -1. */
int drains_check(struct core *core, int64_t now_ms);

call_handler blob_drained;

#endif
