/* The calls of external gates: leased from core one by one, posted, and reported. Part of airlock-notify. */
#ifndef AIRLOCK_NOTIFY_CALLS_H
#define AIRLOCK_NOTIFY_CALLS_H

#include "ipc/client.h"
#include "notify/caller.h"

#define CALLS_MAX 16 /* at once: a slow receiver delays nobody else */

struct calls;

/* All borrowed. */
struct calls *calls_new(struct ipc_client *core, struct caller *caller, const struct terms *terms);
/* Something may be due. */
void calls_wake(struct calls *calls);
/* Tells core what ended, and begins what is due. */
void calls_turn(struct calls *calls);

#endif
