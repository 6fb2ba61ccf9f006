/* How long to wait before a child that died is started again: not at all the first time, then 100 ms, doubled each time
 * up to 5 s; a life of 10 s makes everything good again. Pure. Runs in airlockd. */
#ifndef AIRLOCK_AIRLOCKD_BACKOFF_H
#define AIRLOCK_AIRLOCKD_BACKOFF_H

#include <stdint.h>

#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS 5000
#define BACKOFF_HEALTHY_MS 10000

struct backoff {
    int64_t next_ms; /* 0 in a new one */
};

/* The wait after a life of lived_ms. */
int64_t backoff_next(struct backoff *backoff, int64_t lived_ms);

#endif
