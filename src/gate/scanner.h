/* The malware scanners: a list of clamd's sockets, what is known of each, and who uses which. Runs in the main process
 * of airlock-gate, inside its poll loop; it never waits, and it reads nobody's file.
 *
 * To each clamd one session of ours stays open, the guard. Over it go the question for its version (which is also the
 * sign of life: a clamd that is suspended or stuck does not answer within SCANNER_PATIENCE_MS) and the probes
 * (gate/probe.h). A clamd is usable only while its guard lives, its version is the one that was probed, its base is
 * young enough, and the probes were passed within the last scan.probe_seconds. When the guard breaks, clamd has ended
 * or was restarted with settings that nobody knows: everything that runs on it is lost, and it is probed anew before it
 * is used again. Checks talk on connections of their own, and several share one clamd when there are more than sockets.
 */
#ifndef AIRLOCK_GATE_SCANNER_H
#define AIRLOCK_GATE_SCANNER_H

#include <poll.h>

#include "base/json.h"

#define SCANNER_SOCKETS_MAX 16
#define SCANNER_PATIENCE_MS 1000  /* to answer what its version is */
#define SCANNER_ASK_MS 500        /* between two such questions while something runs on it */
#define SCANNER_IDLE_ASK_MS 5000  /* and while nothing does */
#define SCANNER_RETRY_MS 500      /* before a failed one is tried again, doubled each time; at once when asked for */
#define SCANNER_RETRY_MAX_MS 8000 /* at most */
#define SCANNER_MARKER_MAX 4096   /* bytes of scan.probe_marker */

struct scanner_settings {
    const char *sockets;     /* scan.clamd_socket: absolute paths with spaces between; not empty */
    const char *marker_file; /* scan.probe_marker; "": EICAR */
    int64_t probe_ms;        /* scan.probe_seconds */
    int64_t max_age_s;       /* scan.max_age */
    bool allow_undated;      /* scan.allow_undated */
};

struct scanner;

/* One check's use of one clamd. */
struct scanner_lease {
    int fd;           /* a connected socket for struct check: to be closed when the child has it; -1: none */
    unsigned socket;  /* which clamd; for this module */
    unsigned session; /* its guard at that time; for this module */
};

/* To be called before the supervisor confines itself: reads the marker and makes the probes. E_CONFIG naming the
 * setting. Connects to nothing yet. */
int scanner_new(const struct scanner_settings *settings, struct scanner **ret, struct error *err) MUST_USE;
void scanner_free(struct scanner *scanner);

/* What to poll for, at most SCANNER_SOCKETS_MAX; returns how many. */
size_t scanner_polls(const struct scanner *scanner, struct pollfd *ret);
/* When scanner_step must be called at the latest, on the clock of clock_mono_ms. */
int64_t scanner_due_ms(const struct scanner *scanner);
/* Does whatever can be done now. To be called when a poll told something, when it is due, and at any other time. */
void scanner_step(struct scanner *scanner, int64_t now_ms);

/* Takes the usable clamd on which least runs.
 * 1: *ret is filled; scanner_release gives it back.
 * 0: not yet, one is being asked or probed: try again after the next scanner_step. That ends, within seconds.
 * E_UNAVAILABLE: none is usable. The detail says why and what to do, for statusMessage. */
int scanner_take(struct scanner *scanner, int64_t now_ms, struct scanner_lease *ret, struct error *err) MUST_USE;
/* 0, or E_UNAVAILABLE with the reason for statusMessage: its clamd hangs, ended, or has another base since: the child
 * must be killed, and whatever it said or says is no result (unsure). To be asked after every scanner_step, and once
 * more before the child's answer is taken. */
int scanner_lost(const struct scanner *scanner, const struct scanner_lease *lease, struct error *err) MUST_USE;
/* Closes lease->fd if it is still there. */
void scanner_release(struct scanner *scanner, struct scanner_lease *lease);

/* What the lease's clamd is, as the report wants it (gate/reply.h); NULL when the lease is lost. The caller's. This is
 * what the supervisor should pass on: it asked for it itself, while the child may have been taken over. */
json_t *scanner_engine(const struct scanner *scanner, const struct scanner_lease *lease);

#endif
