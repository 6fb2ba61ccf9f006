/* Login with a code that the person enters on any device (RFC 8628): for machines without a browser. */
#ifndef AIRLOCK_CLI_DEVICE_H
#define AIRLOCK_CLI_DEVICE_H

#include <jansson.h>

#include "base/error.h"
#include "base/macros.h"
#include "cli/web.h"

/* Shows an address and a code on standard error and waits until the person has entered it, refused, or let it expire.
 * login is that of server.h. *ret as in oauth_token. Ctrl-C ends the program: nothing is kept by then. */
int device_login(struct web *web, const json_t *login, const char *scope, json_t **ret, struct error *err) MUST_USE;

/* What an unsuccessful poll means: go on, go on more slowly, or give up. For device_login and its tests. */
enum device_step { DEVICE_AGAIN, DEVICE_SLOWER, DEVICE_OVER };
/* error: of oauth_token; code: what the provider calls it. */
enum device_step device_judge(int error, const char *code);

#endif
