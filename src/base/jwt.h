/* Signed tokens in compact form (RFC 7515, RFC 7519), checked as RFC 8725 advises: a closed list of algorithms, the key
 * chosen by the provider's kid alone, nothing in a token ever fetched or believed before its signature holds.
 * The refusals are E_UNAUTHENTICATED with AzureTRE's own three texts, so that they can be passed on as they are. */
#ifndef AIRLOCK_BASE_JWT_H
#define AIRLOCK_BASE_JWT_H

#include "base/jwk.h"

#define JWT_TOKEN_MAX (16 * 1024)             /* bytes of a whole token */
#define JWT_LIFETIME_MAX (10LL * 366 * 86400) /* seconds; an exp further away is a mistake, not a wish */

/* Checks form and signature. The claims are the caller's and not judged yet: jwt_check_claims comes next.
 * "Invalid token signature": everything fitted but the signature. "Invalid token": anything else. */
int jwt_verify(const struct jwk_set *keys, const char *token, json_t **ret_claims, struct error *err) MUST_USE;

/* Whether a token's header names a key of the set; true as well for what is no token at all. For the decision to look at
 * the provider again, never to believe the token. */
bool jwt_names_known_key(const struct jwk_set *keys, const char *token);

/* exp is required ("Expired token signature" once past); nbf and iat, where present, must not lie in the future; all
 * are whole seconds; iss must be issuer, byte by byte. The audience is the caller's to compare. */
int jwt_check_claims(const json_t *claims, const char *issuer, int64_t now_s, int64_t leeway_s,
                     struct error *err) MUST_USE;
/* aud, when it is a text or an array of just one; NULL otherwise. Borrowed from the claims. */
const char *jwt_audience(const json_t *claims);

int jwt_sign_rs256(const struct jwt_key *key, const json_t *claims, char **ret_token, struct error *err) MUST_USE;

#endif
