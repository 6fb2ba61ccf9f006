/* Login in the person's browser: authorization code with PKCE (RFC 7636, S256) and a loopback redirect (RFC 8252
 * section 7.3). */
#ifndef AIRLOCK_CLI_BROWSER_H
#define AIRLOCK_CLI_BROWSER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"
#include "cli/web.h"

#define BROWSER_CODE_MAX 4096

/* Shows the person a URL on standard error, tries to open it, waits up to five minutes for the redirect, and changes
 * the code for a token. login is that of server.h. *ret as in oauth_token. */
int browser_login(struct web *web, const json_t *login, const char *scope, json_t **ret, struct error *err) MUST_USE;

/* What a request to the loopback listener says. For browser_login and its tests. */
enum browser_answer {
    BROWSER_CODE,    /* code is filled in */
    BROWSER_REFUSED, /* the provider said no: code holds its words */
    BROWSER_OTHER,   /* not the redirect (a favicon, a probe, a wrong state): answer 404 and go on */
};
/* head: the request as received, NUL-terminated, up to its empty line. state: what was sent. */
enum browser_answer browser_read_redirect(const char *head, const char *state, char code[static BROWSER_CODE_MAX]);

#endif
