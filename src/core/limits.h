/* How often a person may ask, and how much a workspace may change: token buckets in memory, which a restart of core fills.
 * A question that comes too soon gets E_RATE and the seconds to wait; it has changed nothing. Part of airlock-core. */
#ifndef AIRLOCK_CORE_LIMITS_H
#define AIRLOCK_CORE_LIMITS_H

#include "core/core.h"

/* A rate of 0 is no limit. */
struct limits_config {
    int64_t subject_rate, subject_burst;     /* messages a second, of all kinds */
    int64_t workspace_rate, workspace_burst; /* changes a second */
    int64_t decisions_per_minute;            /* per request and person */
    int64_t links_per_minute;                /* per request and person */
};

struct limits;
struct limits *limits_new(const struct limits_config *config);
void limits_free(struct limits *limits);

/* For every message of a person, as soon as its token was checked: what is refused later counts, too. Only what a stream
 * of events reads on (event.read with "again") does not. now_us is monotonic, here and below. */
int limits_person(struct limits *limits, const struct call *call, int64_t now_us, struct error *err) MUST_USE;
/* For a message in call->workspace, once the caller may send it: a stranger uses up nothing of a workspace. Messages
 * that change nothing always pass. */
int limits_change(struct limits *limits, const struct call *call, int64_t now_us, struct error *err) MUST_USE;

#endif
