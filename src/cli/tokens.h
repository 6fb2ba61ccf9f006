/* Tokens for the core application and for each workspace, as the tre CLI fetches them: a core token first, with it the
 * workspace's scope, with that the workspace's own token. Kept until a minute before they end. */
#ifndef AIRLOCK_CLI_TOKENS_H
#define AIRLOCK_CLI_TOKENS_H

#include "base/error.h"
#include "base/macros.h"
#include "cli/cli.h"

/* Reads the login of the chosen server into cli. E_UNAUTHENTICATED: there is none. Calling it again does nothing. */
int tokens_open(struct cli *cli, struct error *err) MUST_USE;

/* A valid token for scope: cached, or fetched by the way of the login. With a browser login that can mean another login
 * in the browser; the person is told why. Borrowed from cli. */
int tokens_get(struct cli *cli, const char *scope, const char **ret, struct error *err) MUST_USE;
/* The token endpoint's answer by the way of the login, nothing cached or kept. *ret is the caller's. */
int tokens_fetch(struct cli *cli, const char *scope, json_t **ret, struct error *err) MUST_USE;
/* Keeps what a token endpoint answered. */
int tokens_keep(struct cli *cli, const char *scope, const json_t *answer, struct error *err) MUST_USE;
/* Forgets a token that the server refused. */
void tokens_drop(struct cli *cli, const char *scope);

/* The scope of a workspace as far as it is known, else NULL. Borrowed. */
const char *tokens_scope(const struct cli *cli, const char *workspace);
int tokens_keep_scope(struct cli *cli, const char *workspace, const char *scope, struct error *err) MUST_USE;

#endif
