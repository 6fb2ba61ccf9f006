/* Which group of the identity provider means which role: the text of the setting auth.group_roles, entries with commas
 * between, GROUP=ROLE for a role in the TRE and GROUP=WORKSPACE-ID/ROLE for one in a workspace. Pure; airlockd checks
 * the text, core asks it. */
#ifndef AIRLOCK_MODEL_GROUP_ROLE_H
#define AIRLOCK_MODEL_GROUP_ROLE_H

#include "base/error.h"
#include "base/uuid.h"
#include "model/role.h"

#define GROUP_NAME_MAX 256 /* bytes; the last '=' of an entry ends the name, so that it may hold others */

struct group_role {
    char group[GROUP_NAME_MAX + 1];
    char workspace[UUID_TEXT_SIZE]; /* "": the TRE */
    enum role role;
};

/* The entry at *at, which moves behind it. 1: *ret is set; 0: there are no more; E_INVALID with a sentence that goes on
 * after the setting's name. */
int group_role_next(const char **at, struct group_role *ret, struct error *err) MUST_USE;

#endif
