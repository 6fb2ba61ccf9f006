/* One leased job of airlock-gate: its files page by page, the checks that each needs, and what they found, kept small
 * until core is told. Knows nothing of channels and processes. Part of airlock-gate's main process. */
#ifndef AIRLOCK_GATE_JOB_H
#define AIRLOCK_GATE_JOB_H

#include "gate/answer.h"
#include "gate/command.h"

#define JOB_WORK_MAX (2 + COMMANDS_MAX)    /* checks of one file */
#define JOB_FINDINGS_MAX ((size_t)2 << 20) /* bytes of findings; past them they are counted, file by file */
#define JOB_RESULT_MAX ((size_t)8 << 20)   /* bytes of it all */
#define JOB_DETAIL_MAX 480                 /* bytes of a reason for people */

/* A check that every file of the job needs: one process. */
struct work {
    enum gate_child kind;          /* of a check of ours */
    unsigned gates;                /* bits of those that it runs */
    const struct command *command; /* an organisation's own one in its place; NULL: none */
};

bool work_scans(const struct work *work); /* it needs the malware scanner */

/* One file and one of its checks. */
struct unit {
    json_t *file; /* of job.files; owned */
    size_t work;  /* index into job->work */
};
void unit_done(struct unit *unit);

struct job {
    int64_t id;
    int64_t token;
    int64_t lease_ms;
    bool in_pieces;                                    /* the files are those of a draft, not sealed yet */
    const char *request, *dir, *direction, *workspace; /* all in lease */
    json_t *lease;                                     /* core's message */
    struct gate_policy policy;
    struct work work[JOB_WORK_MAX];
    size_t work_count;

    json_t *page;       /* the present page of files */
    size_t at, at_work; /* the next unit */
    int64_t after;      /* the mark of the next page */
    bool is_last_page;
    unsigned running; /* units that are being checked */

    struct job_part *parts; /* GATE_COUNT, then one a command */
    size_t findings_bytes, bytes;
    char unsure[JOB_DETAIL_MAX]; /* why there will be no result; "": there will */
    bool goes_on;                /* although it is unsure: to learn of other files that are like the one before */
};

/* From the message of job.lease; commands is borrowed and must live as long. The caller's. E_PROTOCOL for a job that is
 * none of ours. */
int job_new(const json_t *lease, const struct commands *commands, struct job **ret, struct error *err) MUST_USE;
void job_free(struct job *job);

/* Does it need the malware scanner? */
bool job_scans(const struct job *job);

/* The job needs its next page: ask core with the mark job->after, and give it the answer. */
bool job_wants_page(const struct job *job);
int job_take_page(struct job *job, json_t *page_stolen, struct error *err) MUST_USE;
/* Is there a next file and check? Not when none is left, the job wants a page, or is unsure. */
bool job_has_next(const struct job *job);
/* That one, the caller's; false: there is none. */
bool job_next(struct job *job, struct unit *ret);
/* Does the next one need the malware scanner? */
bool job_next_scans(const struct job *job);
/* The one that job_next gave last cannot be begun yet: it is the next one again. */
void job_put_back(struct job *job, struct unit *unit);
/* Nothing is left to do, and nothing is being done. */
bool job_is_over(const struct job *job);

/* What a check found: the answer's parts are taken over. */
void job_take_answer(struct job *job, const struct unit *unit, struct answer *answer);
void job_take_command(struct job *job, const struct unit *unit, struct answer_part *part);
/* The file kills its checks: it is blocked. why: for people. */
void job_block(struct job *job, const struct unit *unit, const char *why);
/* The files cannot be judged now, for a reason that is not theirs. The first one counts; no further unit is given out,
 * unless go_on. */
void job_unsure(struct job *job, bool go_on, const char *why, ...) PRINTF_LIKE(3, 4);

/* {"job","token"}: the beginning of every question about it. The caller's. */
json_t *job_question(const struct job *job);
/* The message job.result. The caller's; to be called once. */
json_t *job_result(struct job *job);

#endif
