/* From a frame to its handler: the table of what core answers, and the savepoint around each answer. */
#ifndef AIRLOCK_CORE_DISPATCH_H
#define AIRLOCK_CORE_DISPATCH_H

#include "core/core.h"

/* Inside the batch's transaction. *ret_answer (the caller's) stays NULL for messages that want none. Negative only when
 * the whole transaction is lost. */
int dispatch(struct core *core, enum peer from, const json_t *message, json_t **ret_answer, struct error *err) MUST_USE;

#endif
