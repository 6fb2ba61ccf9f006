/* Authorization codes and their proof key: one use, one minute, one client, one redirect, one challenge (RFC 6749
 * §4.1.2, RFC 7636 with S256 alone). Kept in memory as digests; a restart forgets them. Thread-safe. */
#ifndef AIRLOCK_IDP_CODE_H
#define AIRLOCK_IDP_CODE_H

#include "base/error.h"
#include "base/json.h"

#define CODE_LIFETIME_MS 60000
#define CODES_MAX 4096

struct code_store;
struct code_store *code_store_new(void);
void code_store_free(struct code_store *store);

/* Makes a code for grant, an object with at least "client_id", "redirect_uri" and "code_challenge" (borrowed: a
 * reference is kept; not to be changed any more). now_ms is monotonic. E_UNAVAILABLE when CODES_MAX are open. */
int code_issue(struct code_store *store, json_t *grant, int64_t now_ms, char **ret_code, struct error *err) MUST_USE;

struct code_proof {
    const char *code;
    const char *client_id;
    const char *redirect_uri;
    const char *verifier;
};
/* Spends the code, whether or not the proof fits: a second try with a stolen code finds nothing. On success *ret_grant
 * is the caller's. E_INVALID otherwise, for every reason alike; E_STALE when the code had been spent before. */
int code_redeem(struct code_store *store, const struct code_proof *proof, int64_t now_ms, json_t **ret_grant,
                struct error *err) MUST_USE;

bool challenge_is_valid(const char *challenge); /* base64url of a SHA-256: 43 digits */
bool verifier_fits(const char *verifier, const char *challenge);

#endif
