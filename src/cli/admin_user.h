/* Users by what a person calls them. */
#ifndef AIRLOCK_CLI_ADMIN_USER_H
#define AIRLOCK_CLI_ADMIN_USER_H

#include "cli/cli.h"

/* The id of the one user that text names by id, mail address or name; the caller's. E_NOT_FOUND, E_USAGE when several
 * are called so. */
int admin_user_find(struct cli *cli, const char *text, char **ret_id, struct error *err) MUST_USE;

#endif
