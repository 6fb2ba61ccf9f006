/* Fuzz target: tokens and key sets. The input is a key set, a line feed, and a token; what stands behind the line feed
 * is also read as claims. Whatever comes, the answers are one of the few that core knows how to give. */
#include <assert.h>
#include <string.h>

#include "base/jwt.h"

#define ISSUER "https://idp.example"
#define NOW 1800000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_claims(const json_t *claims)
{
    struct error err = {0};
    int r = jwt_check_claims(claims, ISSUER, NOW, 60, &err);

    assert(r == 0 || (r == E_UNAUTHENTICATED && err.detail[0]));
    if (r == 0) {
        int64_t expires = json_int(claims, "exp");
        assert(expires > NOW - 60 && expires <= NOW + JWT_LIFETIME_MAX);
        assert(strcmp(json_text(claims, "iss"), ISSUER) == 0);
    }
    (void)jwt_audience(claims);
}

static void check_token(const struct jwk_set *keys, const char *token)
{
    AUTO_JSON json_t *claims = NULL;
    struct error err = {0};
    int r = jwt_verify(keys, token, &claims, &err);

    assert((r == 0) == (claims != NULL));
    assert(r == 0 || (r == E_UNAUTHENTICATED && str_starts(err.detail, "Invalid token")));
    if (r == 0) {
        assert(json_is_object(claims) && strlen(token) <= JWT_TOKEN_MAX);
        check_claims(claims);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *line_end = size ? memchr(data, '\n', size) : NULL;
    size_t set_len = line_end ? (size_t)(line_end - data) : size;
    AUTO_FREE char *token =
        xstrndup((const char *)data + set_len + (line_end ? 1 : 0), size - set_len - (line_end ? 1 : 0));
    AUTO_JSON json_t *document = NULL, *claims = NULL;
    AUTO_JWK_SET struct jwk_set *keys = NULL;

    if (json_parse_object((const char *)data, set_len, &document, NULL) == 0 &&
        jwk_set_parse(document, &keys, NULL) == 0) {
        assert(jwk_set_count(keys) > 0 && jwk_set_count(keys) <= JWK_SET_KEYS_MAX);
        check_token(keys, token);
    }
    if (json_parse_object(token, strlen(token), &claims, NULL) == 0)
        check_claims(claims);
    return 0;
}
