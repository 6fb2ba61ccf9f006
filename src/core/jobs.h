/* Jobs: leases and fencing tokens for airlock-mover, and what their results do to a request. */
#ifndef AIRLOCK_CORE_JOBS_H
#define AIRLOCK_CORE_JOBS_H

#include "core/request.h"
#include "model/flow.h"

struct job {
    int64_t id;
    char request[UUID_TEXT_SIZE];
    enum job_kind kind;
    char origin[PATH_MAX_TEXT];
    char target[PATH_MAX_TEXT]; /* "" for jobs that move nothing */
    int64_t first_token;
    int64_t token;
    int64_t attempts;
};

/* What a job's directory is when it ends well under its present token. */
void job_destination(const struct job *job, char ret[static PATH_MAX_TEXT]);
/* The job, if token still holds its lease; E_STALE otherwise. */
int job_load_leased(struct core *core, int64_t id, int64_t token, struct job *ret, struct error *err) MUST_USE;

/* Milliseconds until the next job is due, or -1. */
int jobs_next_due_ms(struct core *core, int64_t now);
/* The worker is gone: its leases end, and count as no attempt. */
int jobs_release_all(struct core *core, struct error *err) MUST_USE;

call_handler job_lease, job_files, job_heartbeat, job_result, dir_known, admin_jobs;

#endif
