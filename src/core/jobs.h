/* Jobs: leases and fencing tokens for airlock-mover and airlock-gate, and what their results do to a request. */
#ifndef AIRLOCK_CORE_JOBS_H
#define AIRLOCK_CORE_JOBS_H

#include "core/request.h"
#include "model/flow.h"

#define JOB_LEASES_MAX 60 /* of one job, counted and uncounted tries: one that kills its worker must end, too */

struct job {
    int64_t id;
    char request[UUID_TEXT_SIZE];
    enum job_kind kind;
    char origin[PATH_MAX_TEXT];
    char target[PATH_MAX_TEXT]; /* "" for jobs that move nothing */
    int64_t first_token;
    int64_t token;
    int64_t attempts;
    int64_t since; /* microseconds: it has been tried without success from then on */
    char *report;  /* of gates that wait for external ones: JSON, what airlock's own said; or NULL */
    char *policy;  /* of gates and check: JSON, what the last lease told them to do; or NULL */
};
void job_done(struct job *job);
#define AUTO_JOB CLEANUP(job_done)

/* What a job's directory is when it ends well under its present token. */
void job_destination(const struct job *job, char ret[static PATH_MAX_TEXT]);
/* Is dir one of the places where the job's directory may be? */
bool job_may_lie_at(const struct job *job, const struct request *req, const char *dir);
/* The job, if token still holds its lease; E_STALE otherwise. */
int job_load_leased(struct core *core, int64_t id, int64_t token, struct job *ret, struct error *err) MUST_USE;

/* The job, if it waits for answers to its calls; E_STALE otherwise. */
int job_load_waiting(struct core *core, int64_t id, struct job *ret, struct error *err) MUST_USE;

/* Work on bytes that a request waits for gives up after a number of tries; clean-up never does. */
bool job_gives_up(const struct core *core, const struct call *call, const struct job *job);
/* The request has failed; the job waits for an operator. detail: why, for them. */
int job_give_up(struct core *core, struct call *call, const struct job *job, const char *detail, struct error *err)
    MUST_USE;

/* The worker is gone: its leases end, and count as no attempt. */
int jobs_release_all(struct core *core, enum job_worker worker, struct error *err) MUST_USE;

call_handler job_lease, job_files, job_heartbeat, job_result, dir_known, admin_jobs;

#endif
