/* Small language helpers used everywhere: ownership attributes and compile-time arithmetic. No I/O. */
#ifndef AIRLOCK_BASE_MACROS_H
#define AIRLOCK_BASE_MACROS_H

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#define NORETURN __attribute__((noreturn))
#define UNUSED __attribute__((unused))
#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* Hand ownership on: yields the value and leaves the source empty. */
#define TAKE_PTR(p)                                                                                                    \
    __extension__({                                                                                                    \
        __typeof__(p) take_ = (p);                                                                                     \
        (p) = NULL;                                                                                                    \
        take_;                                                                                                         \
    })
#define TAKE_FD(fd)                                                                                                    \
    __extension__({                                                                                                    \
        int take_ = (fd);                                                                                              \
        (fd) = -1;                                                                                                     \
        take_;                                                                                                         \
    })

static inline void cleanup_free_(void *p)
{
    free(*(void **)p);
}

static inline void cleanup_fd_(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd); /* read-only or already synced descriptors: nothing to learn from close */
}

/* Freed, or closed, when the variable leaves its scope. */
#define AUTO_FREE CLEANUP(cleanup_free_)
#define AUTO_FD CLEANUP(cleanup_fd_)

#endif
