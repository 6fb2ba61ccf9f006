/* The probes: files whose scan proves that a clamd really detects, and that it says so when it did not look. What clamd
 * answers by default is no proof of anything: "OK" for what is encrypted, too large or too deep. Made once, in memory,
 * before airlock-gate's main process confines itself, and lent to clamd as any file is. */
#ifndef AIRLOCK_GATE_PROBE_H
#define AIRLOCK_GATE_PROBE_H

#include "gate/reply.h"

enum probe {
#define X(name, needs, what, remedy) PROBE_##name,
#include "gate/probe.def"
#undef X
    PROBE_COUNT
};

struct probes;

/* marker: the bytes that clamd must find; NULL: EICAR, assembled here so that no file of airlock is a hit. */
int probes_new(const char *marker, size_t marker_len, struct probes **ret, struct error *err) MUST_USE;
void probes_free(struct probes *probes);
int probes_fd(const struct probes *probes, enum probe probe); /* borrowed, for reading */

/* 0: that is what this probe must get. E_UNAVAILABLE: it is not; the detail says what that means and what the operator
 * must set. Pure. */
int probe_judge(enum probe probe, const struct reply *reply, struct error *err) MUST_USE;

#endif
