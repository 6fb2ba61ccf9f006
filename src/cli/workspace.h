/* Workspaces by id or by name. */
#ifndef AIRLOCK_CLI_WORKSPACE_H
#define AIRLOCK_CLI_WORKSPACE_H

#include <jansson.h>

#include "base/error.h"
#include "base/macros.h"
#include "cli/cli.h"

/* Every workspace the person can see: an array, the caller's. */
int workspace_list(struct cli *cli, json_t **ret, struct error *err) MUST_USE;
/* The id of the workspace with that id or display name (without regard to case, if only one fits). *ret is the
 * caller's. */
int workspace_resolve(struct cli *cli, const char *id_or_name, char **ret, struct error *err) MUST_USE;
/* --workspace or AIRLOCK_WORKSPACE; NULL when neither is given. */
const char *workspace_option(const struct args *args);
/* The same, resolved; E_USAGE when neither is given. */
int workspace_need(struct cli *cli, const struct args *args, char **ret, struct error *err) MUST_USE;
int workspace_print(const struct cli *cli, const json_t *answer, struct error *err) MUST_USE; /* {"workspace":{…}} */

#endif
