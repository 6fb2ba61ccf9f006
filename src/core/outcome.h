/* A job's result being taken in, and what its parts share: job_result.c takes the mover's, gates_result.c the gates'.
 * Internal to core's jobs. */
#ifndef AIRLOCK_CORE_OUTCOME_H
#define AIRLOCK_CORE_OUTCOME_H

#include "core/jobs.h"

struct outcome {
    struct core *core;
    struct call *call;
    struct job job;
    struct request req;
    const char *text;
    const json_t *in;
};

/* The job's request, as it is now; the call is about it from here on. */
int outcome_begin(struct outcome *o, struct error *err) MUST_USE;
/* The event happens to the request, by the worker that the job is for. */
int outcome_event(struct outcome *o, enum event event, const char *message, json_t *detail_stolen,
                  struct error *err) MUST_USE;
int outcome_close_job(struct outcome *o, struct error *err) MUST_USE;
/* The job waits, twice as long as the time before but no longer than max_ms, for its next try; detail: why. */
int outcome_again(struct outcome *o, int64_t first_ms, int64_t max_ms, const char *detail, struct error *err) MUST_USE;
/* The request fails with the message; the job waits for an operator, detail: why, for them. */
int outcome_give_up(struct outcome *o, const char *detail, const char *message, struct error *err) MUST_USE;

#endif
