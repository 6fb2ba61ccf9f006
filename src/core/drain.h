/* Drains: after a generation was raised, the zone's airlock-blob must end every older transfer, within DRAIN_MS, or be
 * restarted. Jobs that touch a draft's bytes wait for it. What is waited for is in the database from the raise until
 * the zone's word, so that no end of core's loses any of it. */
#ifndef AIRLOCK_CORE_DRAIN_H
#define AIRLOCK_CORE_DRAIN_H

#include "core/core.h"

#define DRAIN_MS 2000

struct drains *drains_new(void);
void drains_free(struct drains *drains);

/* Takes up what is on record and is not waited for: at start, and when an answer was taken but not recorded. */
int drains_recover(struct core *core, struct error *err) MUST_USE;
/* In the transaction that raises the request's generation to this one: puts the drain on record, and tells the zone of
 * the directory after the commit. */
int drain_add(struct core *core, const char *request, const char *dir, int64_t generation, struct error *err) MUST_USE;
/* After a commit: tell the zone's process. */
void drain_begin(struct core *core, const struct effect *effect);
/* The zone's process has a new channel: tell it everything that it may not have heard. */
void drains_resend(struct core *core, enum peer peer);
/* Restarts those that are late. Milliseconds until the next one is, or -1. */
int drains_check(struct core *core, int64_t now_ms);

call_handler blob_drained;

#endif
