/* The only writer of a request's status. Every change is one edge of the model's table: compare-and-set on (id,
 * workspace, version), the history and audit rows, the jobs and a new generation, in one transaction. */
#ifndef AIRLOCK_CORE_APPLY_H
#define AIRLOCK_CORE_APPLY_H

#include "core/request.h"
#include "model/flow.h"
#include "model/validate.h"

/* Who airlock itself is, in updatedBy and in the audit. */
#define SYSTEM_MOVER "system:mover"
#define SYSTEM_GATE "system:gate"

/* Creates the request in draft; fills call->request. */
int apply_create(struct core *core, struct call *call, const struct workspace *w, const struct request_input *input,
                 struct error *err) MUST_USE;

/* Makes the event happen for the call's person (actor from their token), or for airlock itself when system is given.
 * message becomes the statusMessage (NULL clears it). detail goes into the audit row; stolen, may be NULL. On success
 * *req is the request as it is now. */
int apply_event(struct core *core, const struct call *call, struct request *req, enum event event, const char *system,
                const char *message, json_t *detail_stolen, struct error *err) MUST_USE;

/* Queues a job that belongs to no edge: deliver, sweep, check and step. is_drained: nobody can write to the request's
 * files any more, or the job may read them while somebody does. */
int apply_queue(struct core *core, const struct call *call, const struct request *req, enum job_kind kind,
                bool is_drained, struct error *err) MUST_USE;

#endif
