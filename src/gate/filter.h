/* The system calls that a sandboxed child of airlock-gate may still make: a list for each kind of child. Everything
 * else ends the child; a program of the operator's, which may try what it can do without, is refused instead. */
#ifndef AIRLOCK_GATE_FILTER_H
#define AIRLOCK_GATE_FILTER_H

#include "base/error.h"

enum filter {
    FILTER_READ,    /* reads the file, uses scratch files, writes its answer */
    FILTER_SCAN,    /* the same, and talks on a connected socket */
    FILTER_PROGRAM, /* is about to become a program that is no part of airlock: opens files, starts threads */
    FILTER_COUNT,
};

struct filters;

/* Compiles them all, before the first child is made. The caller's. */
int filters_new(struct filters **ret, struct error *err) MUST_USE;
void filters_free(struct filters *filters);
/* Confines the calling process for good, which has no_new_privs set already. */
int filters_enter(const struct filters *filters, enum filter filter, struct error *err) MUST_USE;

#endif
