/* The children of airlock-gate at work: as many at once as the setting says, each with one file. Borrows the file from
 * the mover, gives scratch files and a scanner's socket, reads what a child said, and counts the files that kill their
 * checks. Runs in the main process. */
#ifndef AIRLOCK_GATE_CREW_H
#define AIRLOCK_GATE_CREW_H

#include <poll.h>

#include "gate/checker.h"
#include "gate/job.h"
#include "gate/scanner.h"
#include "ipc/client.h"

#define CREW_DEATHS_MAX 3 /* so many checks of one file may end before their time: then it is blocked */
#define CREW_MAX 64       /* children at once */
#define CREW_POLLS_MAX (2 * CREW_MAX + SCANNER_SOCKETS_MAX)
#define CREW_SCAN_STEP (4 << 20)
#define CREW_SCAN_STEP_MS 1000

/* The checks themselves, one a kind of child, and what they need of files, read before there is a sandbox. */
struct checks {
    int (*prepare)(struct error *err);
    check_run_fn *run[GATE_CHILD_INSPECT + 1];
};

/* A place for one child. */
struct seat {
    struct checker checker;
    struct job *job; /* NULL: the seat is free */
    struct unit unit;
    struct scanner_lease scan; /* of a check that scans */
    bool scans;
    int scratch[CHECK_SCRATCH_MAX]; /* of the seat, emptied after each child; -1: not made yet */
};

struct crew {
    const struct checks *checks; /* borrowed, as all of these */
    struct ipc_client *mover;
    struct scanner *scanner; /* NULL: none is configured */
    int scratch;             /* the directory of scratch files */
    int64_t patience_ms;     /* that a check may take */
    int64_t scan_patience_ms; /* that one that scans may take, and CREW_SCAN_STEP_MS for each CREW_SCAN_STEP bytes */
    int64_t scan_max_bytes;
    struct checkers *checkers;
    struct slots *deaths;
    size_t size;
    struct seat *seats;
};

void crew_init(struct crew *crew, size_t size);

bool crew_has_seat(const struct crew *crew);
/* Starts the check of a unit, which is taken over. What goes wrong makes the job unsure. false: it needs the malware
 * scanner, which is being asked or probed, and was put back. */
bool crew_start(struct crew *crew, struct job *job, struct unit *unit);
/* Takes what children said, and the ends of those that ended, into their jobs; and lets the scanner's side go on. */
void crew_look(struct crew *crew, int64_t now_ms);
/* Kills the children of a job that counts no more. */
void crew_drop(struct crew *crew, const struct job *job);
/* What to wait for: at most CREW_POLLS_MAX rows, and their number. */
size_t crew_polls(const struct crew *crew, struct pollfd *ret);
/* When crew_look must be called at the latest. */
int64_t crew_due(const struct crew *crew);

#endif
