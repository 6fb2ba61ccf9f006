/* Who is asking: the bearer token, checked by core itself on every question. */
#ifndef AIRLOCK_CORE_CALLER_H
#define AIRLOCK_CORE_CALLER_H

#include "core/core.h"

#include "model/right.h"

/* The one place where it is decided whether a person's message reaches its handler. Fills call->who from the frame's
 * token, and call->workspace from its field.
 * E_UNAUTHENTICATED with AzureTRE's texts: no token, none that the right takes, or a core token without a role that
 * would open a workspace. E_NOT_FOUND: the token of another workspace, or of this one without any role in it, sees what
 * a stranger sees. E_FORBIDDEN naming the roles of which one is missing. E_RATE. The right's rule is left to judge. */
int caller_authorise(struct core *core, struct call *call, enum right right, struct error *err) MUST_USE;
/* A decision wants a fresh token: E_UNAUTHENTICATED when it is older than auth.decision_token_age. */
int caller_fresh(const struct core *core, const struct call *call, struct error *err) MUST_USE;

/* Answers who the caller is: by the claims that the operator has chosen, which no client knows. */
call_handler caller_get;

/* The person as shown in createdBy, updatedBy and reviewer. */
json_t *caller_render(const struct principal *who);

#endif
