/* What core believes of a token whose signature and times held: the person, the audience, roles, by the names that the
 * operator has chosen. Reads claims and settings, nothing else. */
#ifndef AIRLOCK_CORE_CLAIMS_H
#define AIRLOCK_CORE_CLAIMS_H

#include "core/core.h"

/* Fills subject, name, email, audience, issued and is_core_token. E_UNAUTHENTICATED "Invalid token" when there is no
 * single audience, a text is too long, or the first claim of auth.claim_subject that is there is no text. */
int claims_take_person(const struct core_config *config, const json_t *claims, struct principal *who,
                       struct error *err) MUST_USE;

/* Role bits of the roles claim, an array of texts or one text; others' roles are passed over. */
unsigned claims_roles(const struct core_config *config, const json_t *claims);
/* Role bits that the groups claim gives in a workspace ("": the TRE) by auth.group_roles. */
unsigned claims_group_roles(const struct core_config *config, const json_t *claims, const char *workspace);
/* Appends the ids of workspaces in which the groups give any role, each with a space before and behind. */
void claims_group_workspaces(const struct core_config *config, const json_t *claims, struct str *ret);

/* Whether a token for this audience would be a core token. */
bool claims_is_core_audience(const struct core_config *config, const char *audience);

/* "api://ID" is another way to write ID. The part that may be a client id. */
const char *audience_client(const char *audience);

#endif
