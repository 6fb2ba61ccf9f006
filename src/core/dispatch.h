/* From a frame to its handler: the table of what core answers to whom, and the savepoint around each answer. */
#ifndef AIRLOCK_CORE_DISPATCH_H
#define AIRLOCK_CORE_DISPATCH_H

#include "core/core.h"
#include "model/right.h"

/* At core's start: every message that a person can send has a right and a handler, no other has a right, and the table
 * of rights holds together. E_INTERNAL with what is wrong. */
int dispatch_self_check(struct error *err) MUST_USE;
/* What a person needs for that message; RIGHT_OF_NOBODY: no person can send it. */
enum right dispatch_right(enum message message);

/* Inside the batch's transaction. *ret_answer (the caller's) stays NULL for messages that want none. Negative only when
 * the whole transaction is lost. */
int dispatch(struct core *core, enum peer from, const json_t *message, json_t **ret_answer, struct error *err) MUST_USE;

#endif
