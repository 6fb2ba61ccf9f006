/* Tokens whose signature held: remembered by hash, so that the same token is not verified again with every question.
 * Only the signature is remembered; times, issuer, audience and roles are judged afresh each time. */
#ifndef AIRLOCK_CORE_TOKENS_H
#define AIRLOCK_CORE_TOKENS_H

#include "base/jwt.h"

struct tokens;

struct tokens *tokens_new(void);
void tokens_free(struct tokens *tokens);
/* The provider's keys have changed: nothing that was remembered holds any more. */
void tokens_forget(struct tokens *tokens);

/* jwt_verify, or the memory of it. *ret_claims is the caller's to release, not to change. */
int tokens_verify(struct tokens *tokens, const struct jwk_set *keys, const char *token, json_t **ret_claims,
                  struct error *err) MUST_USE;

#endif
