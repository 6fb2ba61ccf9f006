/* Slows down guessing: after some failures each further one doubles the time in which no try is taken. Failures fade.
 * Keys are names or addresses; only their digests are kept, in a table of fixed size. Thread-safe. */
#ifndef AIRLOCK_IDP_THROTTLE_H
#define AIRLOCK_IDP_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

struct throttle_rule {
    unsigned free;    /* failures without consequence */
    int64_t first_ms; /* the first delay, doubled from there */
    int64_t max_ms;
    int64_t fade_ms; /* one failure is forgotten per so much time */
};

struct throttle;
struct throttle *throttle_new(const struct throttle_rule *rule);
void throttle_free(struct throttle *t);

/* 0: go on; otherwise the milliseconds still to wait. Tries that run side by side are judged alike, so a burst may pass
 * the limit by the number of worker threads. now_ms is monotonic. */
int64_t throttle_wait_ms(struct throttle *t, const char *key, int64_t now_ms);
/* Returns the milliseconds to wait from now on. */
int64_t throttle_failed(struct throttle *t, const char *key, int64_t now_ms);
void throttle_forget(struct throttle *t, const char *key); /* it was the right person */

#endif
