/* Links to a request's container. */
#ifndef AIRLOCK_CLI_LINK_H
#define AIRLOCK_CLI_LINK_H

#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "cli/cli.h"

/* permissions: letters or NULL; expires_s: 0 for the workspace's default. *ret_url is the caller's; it is a secret
 * while it lives. */
int link_fetch(struct cli *cli, const char *workspace, const char *request, const char *permissions, uint64_t expires_s,
               char **ret_url, struct error *err) MUST_USE;

#endif
