/* The outbox: what is to be told of a request, one row for each (request, version, kind), written in the transaction that
 * makes it true. Delivery never holds up, undoes or loses a change. Part of airlock-core. */
#ifndef AIRLOCK_CORE_OUTBOX_H
#define AIRLOCK_CORE_OUTBOX_H

#include "core/request.h"

/* The request has come to a status, from another or the same (from; STATUS_NONE: it is new): systems hear of it, and,
 * where the status is another one now, the people whom the status table names. */
int outbox_add_status(struct core *core, const struct call *call, const struct request *req, enum status from,
                      struct error *err) MUST_USE;
/* Rows that nobody fetched for a month are dropped. */
int outbox_prune(struct core *core, int64_t now, struct error *err) MUST_USE;

#endif
