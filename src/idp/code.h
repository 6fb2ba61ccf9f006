/* Authorization codes and their proof key: one use, one minute, one client, one redirect, one challenge (RFC 6749
 * §4.1.2, RFC 7636 with S256 alone). Kept in memory as secrets.h says; a restart forgets them. Thread-safe. Times are
 * monotonic. */
#ifndef AIRLOCK_IDP_CODE_H
#define AIRLOCK_IDP_CODE_H

#include "base/error.h"
#include "base/json.h"
#include "idp/secrets.h"

#define CODE_LIFETIME_MS 60000

struct secrets *code_store_new(void);

/* Makes a code for grant, an object with at least "oid", "client_id", "redirect_uri" and "code_challenge" (borrowed: a
 * reference is kept; not to be changed any more). */
void code_issue(struct secrets *codes, json_t *grant, int64_t now_ms, char ret_code[static SECRET_SIZE]);

struct code_proof {
    const char *code;
    const char *client_id;
    const char *redirect_uri;
    const char *verifier;
};
/* Spends the code, whether or not the proof fits: a second try with a stolen code finds nothing. E_INVALID for every
 * reason alike. E_STALE when the code had been spent before: whatever was made of it must end now, and ret_family names
 * the family of refresh tokens ("": none yet, code_settle will tell). With 0 and E_STALE *ret_grant is the caller's. */
int code_redeem(struct secrets *codes, const struct code_proof *proof, int64_t now_ms, json_t **ret_grant,
                char ret_family[static SHA256_HEX_SIZE], struct error *err) MUST_USE;
/* The family ("": none) that was made of a redeemed code. False: the code has come again meanwhile, or this took longer
 * than a code lives; then what was made must end, and nobody be given it. */
bool code_settle(struct secrets *codes, const char *code, const char *family, int64_t now_ms) MUST_USE;
/* All that a second use calls for was done: the next one is told E_INVALID. */
void code_forget(struct secrets *codes, const char *code, int64_t now_ms);

bool challenge_is_valid(const char *challenge); /* base64url of a SHA-256: 43 digits */
bool verifier_fits(const char *verifier, const char *challenge);

#endif
