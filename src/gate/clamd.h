/* One session with clamd (its command IDSESSION: many questions on one connection, answers with the question's number).
 * Used in airlock-gate's main process, which must not wait, and in its sandboxed children, which may. What does not
 * come whole, terminated, and with the number of a question that was asked, is E_PROTOCOL, and ends the session:
 * nothing that comes later can be trusted to belong to what was asked. clamd gets files as descriptors (FILDES), never
 * as bytes. */
#ifndef AIRLOCK_GATE_CLAMD_H
#define AIRLOCK_GATE_CLAMD_H

#include <sys/types.h>

#include "gate/reply.h"

enum clamd_question { CLAMD_VERSION, CLAMD_SCAN, CLAMD_QUESTIONS };

struct clamd_answer {
    enum clamd_question question;
    struct version version; /* of CLAMD_VERSION */
    struct reply reply;     /* of CLAMD_SCAN; never REPLY_NONSENSE */
};

/* Connects without waiting. Returns the descriptor, or E_UNAVAILABLE with what the system says. ret_pid: of the process
 * that listens; 0 where the kernel does not tell. */
int clamd_connect(const char *path, pid_t *ret_pid, struct error *err) MUST_USE;

struct clamd;

/* fd: a connected socket, borrowed. */
struct clamd *clamd_new(int fd);
void clamd_free(struct clamd *clamd);
static inline void cleanup_clamd_(struct clamd **clamd)
{
    clamd_free(*clamd);
}
#define AUTO_CLAMD CLEANUP(cleanup_clamd_)

/* One question of each kind may be open at a time. E_UNAVAILABLE: clamd is gone, or takes nothing. */
int clamd_ask_version(struct clamd *clamd, struct error *err) MUST_USE;
int clamd_ask_scan(struct clamd *clamd, int file, struct error *err) MUST_USE; /* file stays the caller's */
bool clamd_asked(const struct clamd *clamd, enum clamd_question question);

/* 1: *ret is an answer; there may be more. 0: none yet. E_UNAVAILABLE: clamd is gone. E_PROTOCOL: it answers nonsense.
 */
int clamd_receive(struct clamd *clamd, struct clamd_answer *ret, struct error *err) MUST_USE;
/* The same, and waits for one: for ever where timeout_ms is -1, otherwise E_UNAVAILABLE when it is over. */
int clamd_wait(struct clamd *clamd, int timeout_ms, struct clamd_answer *ret, struct error *err) MUST_USE;

#endif
