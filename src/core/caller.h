/* Who is asking: the bearer token, checked by core itself on every question. */
#ifndef AIRLOCK_CORE_CALLER_H
#define AIRLOCK_CORE_CALLER_H

#include "core/core.h"

/* Fills call->who from the frame's token. E_UNAUTHENTICATED with AzureTRE's texts. The audience must be the core
 * application's. */
int caller_core(struct core *core, struct call *call, struct error *err) MUST_USE;
/* For a route of one workspace. core_roles: with a core token the caller must hold one of these TRE roles (0: no core
 * token is taken). A token of another workspace, or of this one without any role in it, sees what a stranger sees:
 * E_NOT_FOUND. needed: workspace roles of which one is enough, else E_FORBIDDEN. */
int caller_workspace(struct core *core, struct call *call, unsigned needed, unsigned core_roles, struct error *err)
    MUST_USE;
/* A decision wants a fresh token: E_UNAUTHENTICATED when it is older than auth.decision_token_age. */
int caller_fresh(const struct core *core, const struct call *call, struct error *err) MUST_USE;
int caller_need_role(const struct call *call, unsigned needed, struct error *err) MUST_USE;

/* The person as shown in createdBy, updatedBy and reviewer. */
json_t *caller_render(const struct principal *who);

#endif
