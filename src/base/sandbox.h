/* How a process gives up what it does not need, once, after everything is open and before the first byte from outside:
 * no_new_privs, capabilities, core dumps and ptrace, the number of descriptors, and Landlock for files and network.
 * Works as root and as an ordinary user. Linked into every program; a program's struct sandbox is its "never has". */
#ifndef AIRLOCK_BASE_SANDBOX_H
#define AIRLOCK_BASE_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define SANDBOX_RULES_MAX 32

/* What may be done below a directory (or with one file). */
enum sandbox_access {
    SANDBOX_READ = 1 << 0,  /* open for reading, list directories */
    SANDBOX_WRITE = 1 << 1, /* open for writing, truncate; make and remove files and directories */
    SANDBOX_REFER = 1 << 2, /* rename and link between directories of this hierarchy, and to others that have it too */
    SANDBOX_EXECUTE = 1 << 3, /* execute programs: airlock-gate alone, the checks that an operator names */
};

struct sandbox_rule {
    const char *path; /* NULL: dirfd itself. Otherwise an absolute path, which must exist */
    int dirfd;        /* used when path is NULL; stays the caller's */
    unsigned access;  /* enum sandbox_access */
};

struct sandbox {
    const struct sandbox_rule *rules; /* everything else on the file system is refused */
    size_t rule_count;                /* at most SANDBOX_RULES_MAX */
    uint64_t keep_caps;               /* 1 << CAP_…, of those the process has; 0 for nearly everyone */
    unsigned max_files;               /* RLIMIT_NOFILE, capped at the hard limit; 0 leaves it as it is */
    bool tcp_bind;                    /* may bind TCP sockets */
    bool tcp_connect;                 /* may connect TCP sockets */
    bool reduced_ok;                  /* setting sandbox.reduced: start even where the kernel has no Landlock */
};

/* Confines the calling process for good. To be called before any thread is made: Landlock and capabilities belong to
 * threads. Descriptors that are open already keep working. What Landlock covers depends on the kernel: files from 5.13
 * on, rename between directories 5.19, truncate 6.2, TCP 6.7, signals and abstract sockets 6.12; what the kernel does
 * not know is not refused. *ret_reduced tells that there is no Landlock at all and reduced_ok was set: the caller logs
 * a warning. E_CONFIG when there is none and reduced_ok was not set. */
int sandbox_enter(const struct sandbox *spec, bool *ret_reduced, struct error *err) MUST_USE;

/* The part of it that leaves files and network alone, for airlockd, which starts programs: no_new_privs, capabilities
 * (1 << CAP_… each), core dumps, ptrace. */
int sandbox_drop(uint64_t keep_caps, struct error *err) MUST_USE;

/* The kernel's Landlock version, 0 when it has none. */
int sandbox_landlock_version(void);

#endif
