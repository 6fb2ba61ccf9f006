/* The children of airlock-gate at work: as many at once as the setting says, each with one file. Borrows the file from
 * the mover, gives scratch files and a scanner's socket, reads what a child said, and counts the files that kill their
 * checks. Runs in the main process. */
#ifndef AIRLOCK_GATE_CREW_H
#define AIRLOCK_GATE_CREW_H

#include <poll.h>

#include "gate/checker.h"
#include "gate/job.h"
#include "ipc/client.h"

#define CREW_DEATHS_MAX 3 /* so many checks of one file may end before their time: then it is blocked */
#define CREW_MAX 64       /* children at once */

/* The checks themselves, one a kind of child, and what they need of files, read before there is a sandbox. */
struct checks {
    void (*prepare)(void);
    check_run_fn *run[GATE_CHILD_INSPECT + 1];
};

/* A place for one child. */
struct seat {
    struct checker checker;
    struct job *job; /* NULL: the seat is free */
    struct unit unit;
    int scratch[CHECK_SCRATCH_MAX]; /* of the seat, emptied after each child; -1: not made yet */
};

struct crew {
    const struct checks *checks;     /* borrowed, as all of these */
    struct ipc_client *mover;
    int scratch; /* the directory of scratch files */
    int64_t patience_ms;
    struct checkers *checkers;
    struct slots *deaths;
    size_t size;
    struct seat *seats;
};

void crew_init(struct crew *crew, size_t size);

bool crew_has_seat(const struct crew *crew);
/* Starts the check of a unit, which is taken over. What goes wrong makes the job unsure. */
void crew_start(struct crew *crew, struct job *job, struct unit *unit);
/* Takes what children said, and the ends of those that ended, into their jobs. */
void crew_look(struct crew *crew, int64_t now_ms);
/* Kills the children of a job that counts no more. */
void crew_drop(struct crew *crew, const struct job *job);
/* What to wait for: at most 2 * CREW_MAX rows, and their number. */
size_t crew_polls(const struct crew *crew, struct pollfd *ret);
/* When the first child's patience is over; INT64_MAX: there is none. */
int64_t crew_due(const struct crew *crew);

#endif
