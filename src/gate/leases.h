/* The jobs that airlock-gate has under lease, and what is said to core about them: asking for jobs and their files,
 * heartbeats with the reason that a request waits for, results. Runs in the main process; may be cut anywhere. */
#ifndef AIRLOCK_GATE_LEASES_H
#define AIRLOCK_GATE_LEASES_H

#include "gate/job.h"
#include "ipc/client.h"

#define LEASES_MAX 8
#define LEASES_IDLE_MS 1000 /* how often core is asked for work that it did not announce */

struct lease {
    struct job *job;
    int64_t beat_at_ms;
    bool lost;      /* core gave it to somebody else: whatever is found counts no more */
    json_t *result; /* NULL until the job is over */
    int tries;      /* to tell it */
    int64_t tell_at_ms;
    uint64_t served;             /* when it got a check last; a count */
    char reason[JOB_DETAIL_MAX]; /* that core was told */
};

struct leases {
    struct ipc_client *core;         /* borrowed */
    const struct commands *commands; /* borrowed */
    struct lease *rows[LEASES_MAX];
    size_t count;
    int64_t ask_at_ms; /* 0: core announced work */
    bool beating;
    uint64_t served;
};

/* Asks core for jobs while there is room, when it is time to. */
void leases_ask(struct leases *leases, int64_t now_ms);
/* Asks for the next files of jobs that have given out all of theirs. */
void leases_turn_pages(struct leases *leases);
/* Heartbeats that are due. reason: what jobs that scan wait for, "" for nothing; a new one is told at once. May be
 * called while a question to core or to the mover waits for its answer. */
void leases_beat(struct leases *leases, const char *reason, int64_t now_ms);
/* The next unit of the lease that has least under way; NULL: nobody has one. may_scan: units that need the malware
 * scanner are among them. */
struct lease *leases_next(struct leases *leases, bool may_scan, struct unit *ret);
/* Tells core of jobs that are over, and drops those and lost ones of which nothing runs any more. */
void leases_settle(struct leases *leases, int64_t now_ms);
/* When the next of these is due, and when the next heartbeat is; INT64_MAX while core cannot be asked anyway. */
int64_t leases_due(const struct leases *leases);
int64_t leases_beat_due(const struct leases *leases);

#endif
