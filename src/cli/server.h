/* What a login has to know about a server and its identity provider, from the API's metadata and the provider's
 * discovery document. */
#ifndef AIRLOCK_CLI_SERVER_H
#define AIRLOCK_CLI_SERVER_H

#include <jansson.h>

#include "base/error.h"
#include "base/macros.h"
#include "cli/web.h"

/* *ret, the caller's, is the beginning of a login:
 *   "url", "issuer", "core_scope" (which core's tokens are asked for with)
 *   "resource"      RFC 8707's parameter for core's tokens; "" where the provider wants none
 *   "audiences"     "one": core's token is every workspace's too; else each workspace has its own
 *   "public_client" the client id of people's logins
 *   "token_endpoint", and "" where the provider has none: "authorization_endpoint", "device_authorization_endpoint",
 *   "revocation_endpoint"
 *   "client_auth"   how a secret is sent: "basic" or "post"; "client_auth_other": true where the provider takes both
 * `airlock login` adds "method" (grant.h), "client_id", "client_secret" (programs only), "subject" (whose it is) and
 * "session" (random; ties the cached tokens to this login). */
int server_describe(struct web *web, const char *url, json_t **ret, struct error *err) MUST_USE;

/* Reads a discovery document into login. Pure; for server_describe and its tests. E_PROTOCOL when it is about another
 * issuer, E_CONFIG when an endpoint would show secrets to the network. */
int server_read_discovery(const json_t *document, const char *issuer, json_t *login, struct error *err) MUST_USE;

#endif
