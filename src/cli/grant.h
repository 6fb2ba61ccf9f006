/* The ways to a token: client credentials and a refresh token without anybody, the browser or a code with the person.
 * Which of them a login uses stands in its "method". */
#ifndef AIRLOCK_CLI_GRANT_H
#define AIRLOCK_CLI_GRANT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "cli/web.h"

#define METHOD_BROWSER "browser"
#define METHOD_DEVICE "device"
#define METHOD_SECRET "client-credentials"

/* Does this login need a person where there is no refresh token? */
bool grant_needs_person(const json_t *login);

/* Each: *ret as in oauth_token; login is that of server.h. */
int grant_by_secret(struct web *web, const json_t *login, const char *scope, json_t **ret, struct error *err) MUST_USE;
/* E_UNAUTHENTICATED: the provider does not take the refresh token, or not for this scope. */
int grant_by_refresh(struct web *web, const json_t *login, const char *refresh, const char *scope, json_t **ret,
                     struct error *err) MUST_USE;
int grant_by_person(struct web *web, const json_t *login, const char *scope, json_t **ret, struct error *err) MUST_USE;

/* Asks the provider to end a refresh token (RFC 7009). 0 also where it has no endpoint for that. */
int grant_revoke(struct web *web, const json_t *login, const char *refresh, struct error *err) MUST_USE;

#endif
