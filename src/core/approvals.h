/* How many people must still approve a request: the workspace's policy against the reviews on record. Part of
 * airlock-core. */
#ifndef AIRLOCK_CORE_APPROVALS_H
#define AIRLOCK_CORE_APPROVALS_H

#include "core/request.h"

/* The caller is about to approve. *ret_missing: approvals that are still needed after theirs; 0: theirs decides. Only
 * approvals of the present manifest count. E_CONFLICT when the same person, by subject or by e-mail address, has
 * approved it already. That they are not the requestor was judged before. */
int approvals_missing(struct core *core, const struct call *call, const struct request *req, int64_t *ret_missing,
                      struct error *err) MUST_USE;

#endif
