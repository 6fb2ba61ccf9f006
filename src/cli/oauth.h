/* An OAuth 2.0 client's side (RFC 6749): forms with the client's proof of itself, tokens, and their claims for display.
 * The "login" below is what `airlock login` keeps; server.h says what stands in it. */
#ifndef AIRLOCK_CLI_OAUTH_H
#define AIRLOCK_CLI_OAUTH_H

#include <jansson.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "cli/web.h"

#define OAUTH_TOKEN_MAX 32768
#define OAUTH_FORM_MAX ((size_t)64 * 1024)
#define OAUTH_CODE_MAX 64

/* GET url, which must answer 200 with a JSON object. *ret is the caller's. */
int oauth_get_json(struct web *web, const char *url, json_t **ret, struct error *err) MUST_USE;

/* Appends "name=value" to a form. */
void oauth_form_add(struct str *form, const char *name, const char *value);
/* What a token for scope is asked for with: "scope", with what an interactive login wants besides, and RFC 8707's
 * "resource" where the server says that its provider needs it. */
void oauth_form_add_scope(struct str *form, const json_t *login, const char *scope, bool interactive);
/* The resource of scope, the caller's; NULL where none is to be sent. */
char *oauth_resource(const json_t *login, const char *scope);
/* scope and what an interactive login wants besides, the caller's. */
char *oauth_interactive_scope(const char *scope);
/* "Authorization: Basic …" of RFC 6749 section 2.3.1, the caller's to wipe and free. */
char *oauth_basic_header(const char *client_id, const char *secret);

/* Posts form as the client of login, proving it by secret where there is one. form is wiped: it may hold secrets. 0
 * whenever an answer came. */
int oauth_post(struct web *web, const json_t *login, const char *endpoint, struct str *form, struct web_answer *answer,
               struct error *err) MUST_USE;
/* Posts form to the token endpoint. *ret (the caller's) holds at least "access_token" and "expires_in". A refusal is
 * E_UNAUTHENTICATED with the endpoint's own words, and its "error" in code; without one code is "". */
int oauth_token(struct web *web, const json_t *login, struct str *form, json_t **ret, char code[static OAUTH_CODE_MAX],
                struct error *err) MUST_USE;
/* A refusal of an endpoint of the identity provider, as oauth_token tells it. */
int oauth_refused(const struct web_answer *answer, char code[static OAUTH_CODE_MAX], struct error *err);

/* The claims of a JWT, for display only: nothing here checks the signature, the server does. *ret is the caller's. */
int oauth_claims(const char *token, json_t **ret, struct error *err) MUST_USE;
/* The person or program of a token: Entra's "oid", else "sub". Borrowed from claims. */
const char *oauth_subject(const json_t *claims);

#endif
