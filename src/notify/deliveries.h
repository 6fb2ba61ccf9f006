/* Events and mail on their way: leased from core, handed to whoever sends their kind, and kept until core took what became
 * of them. No receiver has more in hand than its room holds (rooms.h), so none delays another, and there is a bound to
 * all of it. Part of airlock-notify. */
#ifndef AIRLOCK_NOTIFY_DELIVERIES_H
#define AIRLOCK_NOTIFY_DELIVERIES_H

#include "ipc/client.h"
#include "notify/broker.h"
#include "notify/caller.h"
#include "notify/mail.h"

struct deliveries;

/* All borrowed. broker, mail: NULL where no setting names one. */
struct deliveries *deliveries_new(struct ipc_client *core, struct caller *caller, const struct terms *terms,
                                  struct broker *broker, struct mail *mail);
/* Something may be due. */
void deliveries_wake(struct deliveries *deliveries);
/* Core has a new channel: its leases are over, and what was not begun is not begun. */
void deliveries_forget(struct deliveries *deliveries);
/* What the broker is done with. */
void deliveries_collect(struct deliveries *deliveries);
/* Begins what has waited for room; also while a question to core waits, so that no receiver waits for core's disk. */
void deliveries_begin(struct deliveries *deliveries);
/* Tells core what ended, leases what there is room for, and begins it. */
void deliveries_turn(struct deliveries *deliveries);

#endif
