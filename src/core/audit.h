/* The audit log: one append-only row for every decision, allowed or refused, in the transaction of what it records. */
#ifndef AIRLOCK_CORE_AUDIT_H
#define AIRLOCK_CORE_AUDIT_H

#include "core/core.h"

/* kind: "transition", "link", "upload", …; subject "" means: from the call (its person, or its link's holder). detail
 * is stolen and may be NULL. */
int audit_add(struct core *core, const struct call *call, const char *kind, const char *subject, json_t *detail_stolen,
              struct error *err) MUST_USE;

/* The call, about a request that its own fields do not name; both are ids. */
void call_about(const struct call *call, const char *workspace, const char *request, struct call *ret);

/* A refusal, after the refused question was rolled back. Those with a checked token get a row each; the others,
 * and those of people who come too often, are counted per reason, link or person if there is one, address prefix and minute, so that a flood cannot fill the disk: the
 * first is written at once, how many more there were when the minute is over. */
int audit_refusal(struct core *core, const struct call *call, const struct error *why, struct error *err) MUST_USE;
/* Writes the counts of minutes that are over. */
int audit_flush_refusals(struct core *core, int64_t now, struct error *err) MUST_USE;
bool audit_is_refusal(int code);

struct refusals *refusals_new(void);
void refusals_free(struct refusals *refusals);

#endif
