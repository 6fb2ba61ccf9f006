/* External gates and steps, seen from core: whom airlock-notify is to call, what they answer, and what waits for it. A
 * request waits in `submitted` for those of its policy, and the job of a seal or move for the steps before it
 * (flow.steps), which may be programs of gates.commands, too: airlock-gate runs those. Whatever does not answer in time
 * ends in `failed`, where an operator can try again: nothing goes on without a verdict. */
#ifndef AIRLOCK_CORE_EXTERNAL_H
#define AIRLOCK_CORE_EXTERNAL_H

#include "core/outcome.h"
#include "model/gate.h"

/* external.c: what waits */

/* Airlock's own gates do not block it. Keeps what they said, and asks the external ones, which must all be configured. */
int external_review_begin(struct outcome *o, const json_t *gates, enum verdict verdict, const char *names,
                          struct error *err) MUST_USE;
/* The event queued a job: where flow.steps has checks before it, it waits for them. is_drained: nobody can write to the
 * request's files any more. */
int external_steps_begin(struct core *core, const struct call *call, const struct request *req, int64_t job,
                         enum event event, bool is_drained, struct error *err) MUST_USE;
/* The same for a job that was opened again, of a request that has status again. has_run: it was begun before, so the
 * programs before it had passed, and the bytes may lie elsewhere by now. */
struct reopened {
    int64_t id;
    enum job_kind kind;
    bool has_run;
};
int external_steps_again(struct core *core, const struct call *call, const struct request *req,
                         const struct reopened *job, enum status status, struct error *err) MUST_USE;
/* "Waiting for the check NAME.", of all that have not answered. */
int external_tell_waiting(struct core *core, const struct request *req, int64_t job, struct error *err) MUST_USE;
/* An answer has come: does the job wait for others still? A block ends the wait at once. */
int external_settle(struct core *core, struct call *call, int64_t job, struct error *err) MUST_USE;
/* What is past its deadline is given up. */
int external_expire(struct core *core, int64_t now, struct error *err) MUST_USE;

/* external_call.c: airlock-notify's side */

/* airlock-notify is gone: its leases end. */
int external_release_all(struct core *core, struct error *err) MUST_USE;

call_handler call_lease, call_result;

/* external_program.c: the programs of a step */

/* airlock-gate is to run the programs that the request's calls name. */
int external_programs_begin(struct core *core, const struct call *call, const struct request *req, bool is_drained,
                            struct error *err) MUST_USE;
/* Nobody waits for them any more. */
int external_programs_end(struct core *core, const char *request, struct error *err) MUST_USE;
/* What the lease of a step job says besides. */
int external_programs_describe(struct core *core, const struct request *req, json_t *out, struct error *err) MUST_USE;
int external_programs_take_checked(struct outcome *o, struct error *err) MUST_USE;
int external_programs_take_unsure(struct outcome *o, struct error *err) MUST_USE;

/* external_answer.c */

call_handler request_answer_gate;

#endif
