/* Who may have a link to a request's container, and with which permissions: the link columns of status.def made into
 * decisions. Pure; used by core when a link is asked for, and again when one is used. */
#ifndef AIRLOCK_MODEL_AUTHZ_H
#define AIRLOCK_MODEL_AUTHZ_H

#include "base/error.h"
#include "model/role.h"
#include "model/status.h"

/* Azure's permission letters that mean something here. */
enum permission {
    PERM_READ = 1 << 0,   /* r */
    PERM_ADD = 1 << 1,    /* a */
    PERM_CREATE = 1 << 2, /* c */
    PERM_WRITE = 1 << 3,  /* w */
    PERM_DELETE = 1 << 4, /* d */
    PERM_LIST = 1 << 5,   /* l */
};
#define PERMISSION_TEXT_MAX 13 /* all letters of Azure's order and the NUL */

/* Letters in any order. E_INVALID (field "permissions") for an empty text, a repeated letter, or one we do not know. */
int permission_parse(const char *text, unsigned *ret_permissions, struct error *err) MUST_USE;
/* In Azure's order (racwdxltmeop). */
void permission_format(unsigned permissions, char ret_text[static PERMISSION_TEXT_MAX]);

/* The most this actor may have on a request of that type in that status. E_CONFLICT naming the status where nobody gets
 * a link; E_FORBIDDEN naming the rule where others might. The role is judged first: a requestor must still hold
 * WorkspaceResearcher or WorkspaceOwner. */
int authz_link(enum status status, enum request_type type, const struct actor *actor, unsigned *ret_permissions,
               struct error *err) MUST_USE;

/* May this actor end every link of a request: the requestor, and those who oversee. E_FORBIDDEN naming them. */
#define AUTHZ_LINK_END_ROLES ((unsigned)(ROLE_OWNER | ROLE_MANAGER | ROLE_TRE_ADMIN))
int authz_link_end(const struct actor *actor, struct error *err) MUST_USE;

#endif
