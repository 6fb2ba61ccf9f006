/* Tokens for the core application and for each workspace, as the tre CLI fetches them: a core token first, with it the
 * workspace's scope, with that the workspace's own token. Kept until a minute before they end, then renewed: silently
 * where the login allows it. */
#ifndef AIRLOCK_CLI_TOKENS_H
#define AIRLOCK_CLI_TOKENS_H

#include "base/error.h"
#include "base/macros.h"
#include "cli/cli.h"

/* Begins to keep login (server.h, complete but for "session") and the token endpoint's answer for its core scope, in
 * place of what was kept for that server. cli uses it from here on. */
int tokens_begin(struct cli *cli, json_t *login, const json_t *answer, struct error *err) MUST_USE;
/* Reads the login of the chosen server into cli. E_UNAUTHENTICATED: there is none. Calling it again does nothing. */
int tokens_open(struct cli *cli, struct error *err) MUST_USE;
/* Forgets the login, and asks the provider to forget its refresh tokens too; where it cannot be told, the person is. */
int tokens_end(struct cli *cli, struct error *err) MUST_USE;

/* A valid token for scope: cached, renewed, or by another login of the person at the terminal, who is told why.
 * E_UNAUTHENTICATED: only such a login helps, and there is no terminal. Borrowed from cli until the next call. */
int tokens_get(struct cli *cli, const char *scope, const char **ret, struct error *err) MUST_USE;
/* Forgets a token that the server refused. */
int tokens_drop(struct cli *cli, const char *scope, const char *token, struct error *err) MUST_USE;

/* The scope of a workspace as far as it is known, else NULL. Borrowed until the next call of tokens_get. */
const char *tokens_scope(const struct cli *cli, const char *workspace);
int tokens_keep_scope(struct cli *cli, const char *workspace, const char *scope, struct error *err) MUST_USE;

#endif
