/* The memory of verified tokens: a fixed table, the newest of two that share a place stays. Part of airlock-core. */
#include "core/tokens.h"

#include <string.h>

#include "base/crypto.h"

#define TOKENS_MAX 1024 /* a power of two, at most 65,536 */

struct remembered {
    unsigned char digest[SHA256_SIZE];
    json_t *claims; /* NULL: free */
};

struct tokens {
    struct remembered rows[TOKENS_MAX];
};

struct tokens *tokens_new(void)
{
    return xcalloc(1, sizeof(struct tokens));
}

void tokens_forget(struct tokens *tokens)
{
    for (size_t i = 0; i < TOKENS_MAX; i++)
        json_decref(TAKE_PTR(tokens->rows[i].claims));
}

void tokens_free(struct tokens *tokens)
{
    if (!tokens)
        return;
    tokens_forget(tokens);
    free(tokens);
}

int tokens_verify(struct tokens *tokens, const struct jwk_set *keys, const char *token, json_t **ret_claims,
                  struct error *err)
{
    unsigned char digest[SHA256_SIZE];
    json_t *claims = NULL;

    sha256(token, strlen(token), digest);
    struct remembered *row = &tokens->rows[((unsigned)digest[0] << 8 | digest[1]) % TOKENS_MAX];
    if (row->claims && memcmp(row->digest, digest, sizeof digest) == 0) {
        *ret_claims = json_incref(row->claims);
        return 0;
    }
    int r = jwt_verify(keys, token, &claims, err);
    if (r != 0)
        return r;
    json_decref(row->claims);
    row->claims = json_incref(claims);
    memcpy(row->digest, digest, sizeof digest);
    *ret_claims = claims;
    return 0;
}
