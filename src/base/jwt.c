/* Tokens in and out. Linked into core (checks them) and idp (signs them). No I/O; follows no address from a token. */
#include "base/jwt.h"

#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>
#include <strings.h>

#include "base/crypto.h"

#define SIGNATURE_MAX (JWK_RSA_BITS_MAX / 8)
#define P256_SIGNATURE 64 /* r and s, 32 bytes each (RFC 7518 §3.4) */
#define P256_DER_MAX 72

/* The closed list (RFC 7518 §3.1, RFC 8037 §3.1). "none" and everything with a shared secret are not in it. */
struct jwt_algorithm {
    const char *name;
    enum jwk_type type;
    bool pss;
};
static const struct jwt_algorithm ALGORITHMS[] = {
    {"RS256", JWK_RSA, false},
    {"PS256", JWK_RSA, true},
    {"ES256", JWK_EC_P256, false},
    {"EdDSA", JWK_ED25519, false},
};

/* The media types a token that we take may carry (RFC 7519 §5.1, RFC 9068 §2.1). */
static const char *const TYPES[] = {"JWT", "at+jwt", "application/at+jwt"};

static int refuse(struct error *err)
{
    (void)error_set(err, E_UNAUTHENTICATED, "Invalid token");
    return E_UNAUTHENTICATED;
}

static bool type_is_known(const json_t *header)
{
    const json_t *typ = json_object_get(header, "typ");
    if (!typ)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(TYPES); i++)
        if (json_is_string(typ) && strcasecmp(json_string_value(typ), TYPES[i]) == 0)
            return true;
    return false;
}

/* Picks key and algorithm by the header's kid and alg; every other member is without effect, but crit refuses. */
static int header_judge(const struct jwk_set *keys, const json_t *header, const struct jwk **ret_key,
                        const struct jwt_algorithm **ret_algorithm, struct error *err)
{
    const char *alg, *kid;

    if (json_object_get(header, "crit") || !type_is_known(header) ||
        json_need_string(header, "alg", 16, &alg, NULL) != 0 ||
        json_need_string(header, "kid", JWK_KID_MAX, &kid, NULL) != 0)
        return refuse(err);
    const struct jwk *key = jwk_set_find(keys, kid);
    if (!key || (*key->alg && strcmp(key->alg, alg) != 0))
        return refuse(err);
    for (size_t i = 0; i < ARRAY_LEN(ALGORITHMS); i++)
        if (strcmp(ALGORITHMS[i].name, alg) == 0 && ALGORITHMS[i].type == key->type) {
            *ret_key = key;
            *ret_algorithm = &ALGORITHMS[i];
            return 0;
        }
    return refuse(err);
}

/* r and s side by side, as tokens carry them, to the DER form that OpenSSL checks. */
static bool p256_to_der(const unsigned char *raw, size_t len, unsigned char der[static P256_DER_MAX], size_t *ret_len)
{
    if (len != P256_SIGNATURE)
        return false;
    ECDSA_SIG *signature = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, P256_SIGNATURE / 2, NULL);
    BIGNUM *s = BN_bin2bn(raw + P256_SIGNATURE / 2, P256_SIGNATURE / 2, NULL);
    bool ok = signature && r && s && ECDSA_SIG_set0(signature, r, s) == 1;
    if (!ok) {
        BN_free(r);
        BN_free(s);
    }
    unsigned char *at = der;
    int der_len = ok ? i2d_ECDSA_SIG(signature, &at) : 0;
    ECDSA_SIG_free(signature);
    *ret_len = (size_t)der_len;
    return der_len > 0;
}

static bool signature_holds(const struct jwk *key, const struct jwt_algorithm *algorithm, const char *text,
                            size_t text_len, const unsigned char *signature, size_t signature_len)
{
    unsigned char der[P256_DER_MAX];
    EVP_PKEY_CTX *options = NULL;
    const EVP_MD *md = algorithm->type == JWK_ED25519 ? NULL : EVP_sha256(); /* Ed25519 hashes by itself */

    if (algorithm->type == JWK_EC_P256) {
        if (!p256_to_der(signature, signature_len, der, &signature_len))
            return false;
        signature = der;
    }
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestVerifyInit(ctx, &options, md, NULL, key->pkey) == 1;
    if (ok && algorithm->pss)
        ok = EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
             EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1;
    if (ok)
        ok = EVP_DigestVerify(ctx, signature, signature_len, (const unsigned char *)text, text_len) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

/* Decodes one part and parses the object in it, strictly. */
static int part_parse(const char *part, size_t len, json_t **ret, struct error *err)
{
    size_t json_len;
    AUTO_FREE char *json = xmalloc(len + 1);

    if (!base64url_decode(part, len, (unsigned char *)json, len, &json_len) ||
        json_parse_object(json, json_len, ret, NULL) != 0)
        return refuse(err);
    return 0;
}

bool jwt_names_known_key(const struct jwk_set *keys, const char *token)
{
    const char *dot = strnlen(token, JWT_TOKEN_MAX + 1) <= JWT_TOKEN_MAX ? strchr(token, '.') : NULL;
    AUTO_JSON json_t *header = NULL;

    if (!dot || part_parse(token, (size_t)(dot - token), &header, NULL) != 0)
        return true;
    const char *kid = json_text(header, "kid");
    return *kid == '\0' || strlen(kid) > JWK_KID_MAX || jwk_set_find(keys, kid) != NULL;
}

int jwt_verify(const struct jwk_set *keys, const char *token, json_t **ret_claims, struct error *err)
{
    size_t len = strnlen(token, JWT_TOKEN_MAX + 1);
    const char *first_dot = len <= JWT_TOKEN_MAX ? strchr(token, '.') : NULL;
    const char *second_dot = first_dot ? strchr(first_dot + 1, '.') : NULL;
    unsigned char signature[SIGNATURE_MAX];
    size_t signature_len;
    AUTO_JSON json_t *header = NULL, *claims = NULL;
    const struct jwk *key;
    const struct jwt_algorithm *algorithm;

    if (!second_dot ||
        !base64url_decode(second_dot + 1, strlen(second_dot + 1), signature, sizeof signature, &signature_len))
        return refuse(err);
    int r = part_parse(token, (size_t)(first_dot - token), &header, err);
    if (r == 0)
        r = header_judge(keys, header, &key, &algorithm, err);
    if (r != 0)
        return r;
    if (!signature_holds(key, algorithm, token, (size_t)(second_dot - token), signature, signature_len))
        return error_set(err, E_UNAUTHENTICATED, "Invalid token signature");
    r = part_parse(first_dot + 1, (size_t)(second_dot - first_dot - 1), &claims, err);
    if (r != 0)
        return r;
    *ret_claims = TAKE_PTR(claims);
    return 0;
}

/* A time in whole seconds; a missing one leaves *ret. Null and fractions are refused. */
static bool claim_time(const json_t *claims, const char *name, int64_t *ret)
{
    const json_t *value = json_object_get(claims, name);
    if (!value)
        return true;
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *ret = json_integer_value(value);
    return true;
}

int jwt_check_claims(const json_t *claims, const char *issuer, int64_t now_s, int64_t leeway_s, struct error *err)
{
    int64_t expires = -1, not_before = 0, issued = 0;

    if (!claim_time(claims, "exp", &expires) || !claim_time(claims, "nbf", &not_before) ||
        !claim_time(claims, "iat", &issued) || expires < 0 || expires > now_s + JWT_LIFETIME_MAX)
        return refuse(err);
    if (strcmp(json_text(claims, "iss"), issuer) != 0)
        return refuse(err);
    if (expires <= now_s - leeway_s)
        return error_set(err, E_UNAUTHENTICATED, "Expired token signature");
    if (not_before > now_s + leeway_s || issued > now_s + leeway_s)
        return refuse(err);
    return 0;
}

const char *jwt_audience(const json_t *claims)
{
    const json_t *value = json_object_get(claims, "aud");
    if (json_array_size(value) == 1)
        value = json_array_get(value, 0);
    return json_string_value(value);
}

static int signature_append(const struct jwt_key *key, struct str *token, struct error *err)
{
    unsigned char signature[SIGNATURE_MAX];
    size_t len = sizeof signature;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, jwt_key_pkey(key)) == 1 &&
              EVP_DigestSign(ctx, signature, &len, (const unsigned char *)str_text(token), token->len) == 1;

    EVP_MD_CTX_free(ctx);
    if (!ok)
        return error_set(err, E_INTERNAL, "The token could not be signed");
    str_append_char(token, '.');
    base64url_append(token, signature, len);
    return 0;
}

int jwt_sign_rs256(const struct jwt_key *key, const json_t *claims, char **ret_token, struct error *err)
{
    AUTO_STR struct str token = STR_INIT(JWT_TOKEN_MAX);
    AUTO_STR struct str body = STR_INIT(JWT_TOKEN_MAX);
    AUTO_FREE char *header = xasprintf("{\"typ\":\"JWT\",\"alg\":\"RS256\",\"kid\":\"%s\"}", jwt_key_id(key));

    json_append_value(&body, claims);
    base64url_append(&token, header, strlen(header));
    str_append_char(&token, '.');
    base64url_append(&token, str_text(&body), body.len);
    int r = signature_append(key, &token, err);
    if (r != 0)
        return r;
    if (token.overflow || body.overflow)
        return error_set(err, E_LIMIT, "The token would be larger than %d bytes", JWT_TOKEN_MAX);
    *ret_token = TAKE_PTR(token.p);
    return 0;
}
