/* External gates, seen from core: whom airlock-notify is to call, what they answer, and what waits for it. A request
 * waits in `submitted` for those of its policy, and the job of a move for the steps before it (flow.steps). Whatever does
 * not answer in time ends in `failed`, where an operator can try again: nothing goes on without a verdict. */
#ifndef AIRLOCK_CORE_EXTERNAL_H
#define AIRLOCK_CORE_EXTERNAL_H

#include "core/outcome.h"
#include "model/gate.h"

/* external.c: what waits */

/* Airlock's own gates do not block it. Keeps what they said, and asks the external ones, which must all be configured. */
int external_review_begin(struct outcome *o, const json_t *gates, enum verdict verdict, const char *names,
                          struct error *err) MUST_USE;
/* The event queued a job: where flow.steps has checks before it, it waits for them. */
int external_steps_begin(struct core *core, const struct call *call, const struct request *req, int64_t job,
                         enum event event, struct error *err) MUST_USE;
/* The same for a job that was opened again, of a request that has status again. */
int external_steps_again(struct core *core, const struct call *call, const struct request *req, int64_t job,
                         enum status status, struct error *err) MUST_USE;
/* An answer has come: does the job wait for others still? A block ends the wait at once. */
int external_settle(struct core *core, struct call *call, int64_t job, struct error *err) MUST_USE;
/* What is past its deadline is given up. */
int external_expire(struct core *core, int64_t now, struct error *err) MUST_USE;

/* external_call.c: airlock-notify's side */

/* airlock-notify is gone: its leases end. */
int external_release_all(struct core *core, struct error *err) MUST_USE;

call_handler call_lease, call_result;

/* external_answer.c */

call_handler request_answer_gate;

#endif
