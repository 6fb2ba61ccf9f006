/* What a check that was taken over would try (T44): raw system calls, each of which must fail in the sandbox. Linked
 * into the test of the sandbox and into the program that plays an organisation's own check. */
#ifndef AIRLOCK_TESTS_UNIT_GATE_ATTEMPTS_H
#define AIRLOCK_TESTS_UNIT_GATE_ATTEMPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What an attempt may be about; made before the sandbox where that is possible. */
struct attempt_stage {
    int file;     /* the file under check */
    int pipe;     /* where its answer goes */
    pid_t victim; /* a process outside */
};

size_t attempt_count(void);
const char *attempt_name(size_t attempt);
/* An organisation's own program needs this one to run at all, and it harms nobody: it is not tried there. */
bool attempt_is_for_checks_only(size_t attempt);
/* Tries it. false: it was refused. Mostly the process does not survive it. */
bool attempt_make(size_t attempt, const struct attempt_stage *stage);

#endif
