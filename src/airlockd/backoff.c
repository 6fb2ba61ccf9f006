/* The restart schedule. Runs in airlockd. */
#include "airlockd/backoff.h"

int64_t backoff_next(struct backoff *backoff, int64_t lived_ms)
{
    int64_t wait = lived_ms >= BACKOFF_HEALTHY_MS ? 0 : backoff->next_ms;

    backoff->next_ms = wait == 0 ? BACKOFF_FIRST_MS : wait * 2;
    if (backoff->next_ms > BACKOFF_MAX_MS)
        backoff->next_ms = BACKOFF_MAX_MS;
    return wait;
}
