/* When the provider is asked: regularly, sooner after a failure, and on core's word, but never more often than it can
 * bear. Pure; part of airlock-jwks. Times are monotonic milliseconds. */
#ifndef AIRLOCK_JWKS_SCHEDULE_H
#define AIRLOCK_JWKS_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#define SCHEDULE_SPACING_MS 30000    /* between two fetches that somebody's token caused */
#define SCHEDULE_FIRST_RETRY_MS 1000 /* after a failure, doubled for each one */
#define SCHEDULE_RETRY_MAX_MS 60000
#define SCHEDULE_FRESH_MIN_S 300 /* bounds of what a Cache-Control may ask for */
#define SCHEDULE_FRESH_MAX_S 900

struct schedule {
    int64_t due_ms;   /* the next fetch */
    int64_t begun_ms; /* the last one; negative: none yet */
    int64_t retry_ms; /* the pause after the next failure; 0: none failed since the last success */
};
#define SCHEDULE_INIT ((struct schedule){.begun_ms = -1})

bool schedule_is_due(const struct schedule *s, int64_t now_ms);
void schedule_begun(struct schedule *s, int64_t now_ms);
/* fresh_s: seconds for which the provider says that its answer holds; 0 where it says nothing. */
void schedule_succeeded(struct schedule *s, int64_t now_ms, int64_t fresh_s);
void schedule_failed(struct schedule *s, int64_t now_ms);
/* A token named a key that is not known: brings the next fetch forward as far as the spacing allows. */
void schedule_wanted(struct schedule *s, int64_t now_ms);

#endif
