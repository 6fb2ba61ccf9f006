/* Roles and the actor of an event: what a decision is made on. Pure; any process. The facts are in role.def. */
#ifndef AIRLOCK_MODEL_ROLE_H
#define AIRLOCK_MODEL_ROLE_H

#include <stdbool.h>

#include "base/json.h"
#include "base/str.h"

enum role {
#define X(name, bit, wire, display) ROLE_##name = 1 << (bit),
#include "model/role.def"
#undef X
};

#define ROLE_WORKSPACE_ALL ((unsigned)(ROLE_OWNER | ROLE_RESEARCHER | ROLE_MANAGER))
#define ROLE_TRE_ALL ((unsigned)(ROLE_TRE_ADMIN | ROLE_TRE_USER))

/* Who wants something of one request. Core fills it from a token it has checked itself. */
struct actor {
    unsigned roles;    /* enum role bits, held in the request's workspace (or TRE-wide for the TRE roles) */
    bool is_requestor; /* created the request: compared by the immutable subject */
    bool is_system;    /* a result of airlock's own job, never a person */
};

const char *role_name(enum role role); /* wire name; role is exactly one bit */
const char *role_display_name(enum role role);
bool role_by_name(const char *name, enum role *ret);

json_t *role_names(unsigned roles); /* the wire names of a set in the order of role.def; the caller's */
/* Appends the wire names of a set in the order of role.def: WorkspaceOwner, WorkspaceResearcher */
void role_append_list(struct str *s, unsigned roles);
/* Appends the wire names of a set as JSON strings with commas, in the order of role.def. */
void role_append_json(struct str *s, unsigned roles);
/* Appends AzureTRE's sentence: The user is missing a required role: ['WorkspaceOwner', 'WorkspaceResearcher'] */
void role_append_missing(struct str *s, unsigned roles);

#endif
