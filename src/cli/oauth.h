/* Tokens from an OAuth 2.0 token endpoint (RFC 6749): the three grants the command line uses, and discovery. */
#ifndef AIRLOCK_CLI_OAUTH_H
#define AIRLOCK_CLI_OAUTH_H

#include <jansson.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "cli/web.h"

#define OAUTH_TOKEN_MAX 32768

/* GET url, which must answer 200 with a JSON object. *ret is the caller's. */
int oauth_get_json(struct web *web, const char *url, json_t **ret, struct error *err) MUST_USE;

/* Sends a form to the token endpoint. *ret (the caller's) holds at least "access_token" and "expires_in". A refusal
 * is E_UNAUTHENTICATED with the endpoint's own words. form is not kept; it holds secrets, so wipe it. */
int oauth_token(struct web *web, const char *endpoint, const struct str *form, json_t **ret,
                struct error *err) MUST_USE;
/* Appends "name=value" to a form. */
void oauth_form_add(struct str *form, const char *name, const char *value);

/* The claims of a JWT, for display only: nothing here checks the signature, the server does. *ret is the caller's. */
int oauth_claims(const char *token, json_t **ret, struct error *err) MUST_USE;
/* The person or program of a token: Entra's "oid", else "sub". Borrowed from claims. */
const char *oauth_subject(const json_t *claims);

#endif
