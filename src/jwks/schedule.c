/* The arithmetic of fetching. Runs in airlock-jwks; reads no clock. */
#include "jwks/schedule.h"

bool schedule_is_due(const struct schedule *s, int64_t now_ms)
{
    return now_ms >= s->due_ms;
}

void schedule_begun(struct schedule *s, int64_t now_ms)
{
    s->begun_ms = now_ms;
}

void schedule_succeeded(struct schedule *s, int64_t now_ms, int64_t fresh_s)
{
    if (fresh_s < SCHEDULE_FRESH_MIN_S)
        fresh_s = SCHEDULE_FRESH_MIN_S;
    if (fresh_s > SCHEDULE_FRESH_MAX_S)
        fresh_s = SCHEDULE_FRESH_MAX_S;
    s->retry_ms = 0;
    s->due_ms = now_ms + fresh_s * 1000;
}

void schedule_failed(struct schedule *s, int64_t now_ms)
{
    s->retry_ms = s->retry_ms == 0 ? SCHEDULE_FIRST_RETRY_MS : 2 * s->retry_ms;
    if (s->retry_ms > SCHEDULE_RETRY_MAX_MS)
        s->retry_ms = SCHEDULE_RETRY_MAX_MS;
    s->due_ms = now_ms + s->retry_ms;
}

void schedule_wanted(struct schedule *s, int64_t now_ms)
{
    int64_t earliest = s->begun_ms < 0 ? now_ms : s->begun_ms + SCHEDULE_SPACING_MS;

    if (earliest < now_ms)
        earliest = now_ms;
    if (s->due_ms > earliest)
        s->due_ms = earliest;
}
