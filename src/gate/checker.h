/* One sandboxed process for one check of one file: how it is started, heard and ended. The process has the descriptors
 * of its check, a pipe, /dev/null, and nothing else; it can open, execute, connect, signal and become nothing
 * (gate/filter.h, base/sandbox.h, rlimits). It writes one JSON object into the pipe and ends. Whatever it writes is
 * hostile: see gate/answer.h. Part of airlock-gate. */
#ifndef AIRLOCK_GATE_CHECKER_H
#define AIRLOCK_GATE_CHECKER_H

#include <sys/types.h>

#include "base/str.h"
#include "gate/check.h"

/* What runs in the process. 0 with the report filled; a negative code makes every gate of the check unsure. */
typedef int check_run_fn(const struct check *check, struct report *report, struct error *err);

struct checker_limits {
    int64_t memory;  /* bytes of address space beyond what the process begins with */
    int64_t seconds; /* of processor time */
    bool reduced_ok; /* setting sandbox.reduced */
};

/* What all checks have in common, made before the first one. */
struct checkers;

/* To be called before the supervisor confines itself: it reads the size of this process from /proc at each start. */
int checkers_new(const struct checker_limits *limits, struct checkers **ret, struct error *err) MUST_USE;
void checkers_free(struct checkers *checkers);

/* A program of the operator's in the place of a function of ours (gate/command.h). */
struct command;

struct checker_spec {
    check_run_fn *run;
    const struct check *check;
    const struct command *command; /* NULL: run is called */
    char *const *env;              /* of the command */
    bool scans;                    /* may talk on check->scanner */
    int64_t patience_ms;           /* of the clock on the wall; then it is killed */
};

enum checker_end {
    CHECKER_RUNS,
    CHECKER_SPOKE,    /* it ended of itself, with status 0; what it said may still be nonsense */
    CHECKER_DIED,     /* by a signal, or with another status */
    CHECKER_TOO_LONG, /* killed when its patience was over */
    CHECKER_TOO_MUCH, /* it said more than REPORT_JSON_MAX bytes, or COMMAND_JSON_MAX, and was killed for it */
};

struct checker {
    pid_t pid; /* 0: none */
    int life;  /* a pidfd: readable when the process has ended */
    int pipe;  /* what it says */
    struct str said;
    int64_t until_ms;
    enum checker_end end;
    int status; /* of CHECKER_DIED, as waitpid(2) tells it */
};

/* Starts a process. Descriptors of the check stay the caller's, who may close them at once. */
int checker_start(const struct checkers *checkers, const struct checker_spec *spec, struct checker *ret,
                  struct error *err) MUST_USE;
/* Takes what it said and looks whether it has ended. true: checker->end tells how, and the process is gone. To be
 * called when life or pipe is readable, and when until_ms is over. */
bool checker_look(struct checker *checker, int64_t now_ms);
/* Kills it if it runs, and forgets everything. */
void checker_done(struct checker *checker);
/* How it ended, for people: "it was ended by signal 9", written into a buffer of the caller's. */
void checker_why(const struct checker *checker, char *ret, size_t size);

#endif
