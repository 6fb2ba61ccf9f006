/* Tokens: what is signed is taken, and the tables of forgeries T50, T51 and T52 are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/crypto.h"
#include "base/jwt.h"

#define NOW 1800000000
#define ISSUER "http://127.0.0.1:8404/tenant/v2.0"

static struct jwt_key *own_key, *other_key;
static struct jwk_set *own_keys;

static struct jwk_set *set_of(json_t *jwk_stolen)
{
    AUTO_JSON json_t *document = json_pack("{s:[o]}", "keys", jwk_stolen);
    struct jwk_set *set = NULL;
    struct error err = {0};
    if (jwk_set_parse(document, &set, &err) != 0)
        fail_msg("%s", err.detail);
    return set;
}

static int make_keys(void **state)
{
    (void)state;
    struct error err = {0};
    if (jwt_key_generate(&own_key, &err) != 0 || jwt_key_generate(&other_key, &err) != 0)
        return -1;
    own_keys = set_of(jwt_key_public_jwk(own_key));
    return 0;
}

static int drop_keys(void **state)
{
    (void)state;
    jwt_key_free(own_key);
    jwt_key_free(other_key);
    jwk_set_free(own_keys);
    return 0;
}

static bool audience_is(const json_t *claims, const char *wanted)
{
    const char *audience = jwt_audience(claims);
    return audience && strcmp(audience, wanted) == 0;
}

/* --- A forger's workshop: header and claims as raw text, signed by anything --- */

static void add_part(struct str *token, const char *text)
{
    base64url_append(token, text, strlen(text));
    str_append_char(token, '.');
}

/* Signs by md and key; pss as in PS256; NULL key leaves the signature empty. */
static char *forge(const char *header, const char *claims, EVP_PKEY *key, const EVP_MD *md, bool pss)
{
    AUTO_STR struct str token = STR_INIT(4 * JWT_TOKEN_MAX);
    unsigned char signature[2048];
    size_t len = sizeof signature;
    EVP_PKEY_CTX *options;

    add_part(&token, header);
    add_part(&token, claims);
    if (key) {
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        assert_int_equal(EVP_DigestSignInit(ctx, &options, md, NULL, key), 1);
        if (pss) {
            assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING), 1);
            assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST), 1);
        }
        assert_int_equal(EVP_DigestSign(ctx, signature, &len, (const unsigned char *)token.p, token.len - 1), 1);
        EVP_MD_CTX_free(ctx);
        if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) { /* DER to r and s */
            const unsigned char *at = signature;
            ECDSA_SIG *parts = d2i_ECDSA_SIG(NULL, &at, (long)len);
            unsigned char raw[64];
            assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(parts), raw, 32), 32);
            assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(parts), raw + 32, 32), 32);
            ECDSA_SIG_free(parts);
            memcpy(signature, raw, sizeof raw);
            len = sizeof raw;
        }
        base64url_append(&token, signature, len);
    }
    return TAKE_PTR(token.p);
}

static char *forge_rs256(const char *header, const char *claims)
{
    return forge(header, claims, jwt_key_pkey(own_key), EVP_sha256(), false);
}

static void assert_refused(const struct jwk_set *keys, const char *token, const char *text)
{
    json_t *claims = NULL;
    struct error err = {0};
    int r = jwt_verify(keys, token, &claims, &err);
    if (r != E_UNAUTHENTICATED || strcmp(err.detail, text) != 0)
        fail_msg("%.200s: %d %s, wanted %s", token, r, err.detail, text);
    assert_null(claims);
}

/* header is a format with one %s for our own kid */
static char *header_with_kid(const char *header)
{
    AUTO_STR struct str text = STR_INIT(8192);
    const char *at = strstr(header, "%s");
    if (!at)
        return xstrdup(header);
    str_append_len(&text, header, (size_t)(at - header));
    str_append(&text, jwt_key_id(own_key));
    str_append(&text, at + 2);
    return TAKE_PTR(text.p);
}

/* --- What must work --- */

static void signed_token_is_taken(void **state)
{
    (void)state;
    struct error err = {0};
    AUTO_FREE char *token = NULL;
    AUTO_JSON json_t *claims = json_pack("{s:s, s:s, s:I, s:I, s:I}", "iss", ISSUER, "aud", "api://x", "iat",
                                         (json_int_t)NOW, "nbf", (json_int_t)NOW, "exp", (json_int_t)NOW + 3600);
    AUTO_JSON json_t *back = NULL;

    assert_int_equal(jwt_sign_rs256(own_key, claims, &token, &err), 0);
    assert_int_equal(jwt_verify(own_keys, token, &back, &err), 0);
    assert_true(json_equal(claims, back));
    assert_int_equal(jwt_check_claims(back, ISSUER, NOW, 60, &err), 0);
    assert_true(audience_is(back, "api://x"));
}

static void token_over_the_limit_is_not_signed(void **state)
{
    (void)state;
    AUTO_FREE char *big = xcalloc(1, JWT_TOKEN_MAX + 1);
    memset(big, 'a', JWT_TOKEN_MAX);
    AUTO_JSON json_t *claims = json_pack("{s:s}", "name", big);
    char *token = NULL;
    struct error err = {0};
    assert_int_equal(jwt_sign_rs256(own_key, claims, &token, &err), E_LIMIT);
    assert_null(token);
}

static void key_survives_pem(void **state)
{
    (void)state;
    struct error err = {0};
    AUTO_FREE char *pem = NULL;
    AUTO_JWT_KEY struct jwt_key *again = NULL;

    assert_int_equal(jwt_key_to_pem(own_key, &pem, &err), 0);
    assert_int_equal(jwt_key_load(pem, strlen(pem), &again, &err), 0);
    assert_string_equal(jwt_key_id(own_key), jwt_key_id(again));
    assert_string_not_equal(jwt_key_id(own_key), jwt_key_id(other_key));
    struct jwt_key *none = NULL;
    assert_int_equal(jwt_key_load("junk", 4, &none, &err), E_CONFIG);
    assert_null(none);
}

static void short_rsa_key_is_not_loaded(void **state)
{
    (void)state;
    static const char ED25519[] = "-----BEGIN PRIVATE KEY-----\n"
                                  "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
                                  "-----END PRIVATE KEY-----\n"; /* RFC 8037 appendix A.1 */
    struct jwt_key *key = NULL;
    struct error err = {0};
    assert_int_equal(jwt_key_load(ED25519, strlen(ED25519), &key, &err), E_CONFIG);
    assert_null(key);
}

/* The key and thumbprint of RFC 7638 §3.1, and the kid of the public JWK. */
static void thumbprint_is_the_kid(void **state)
{
    (void)state;
    AUTO_JSON json_t *jwk = jwt_key_public_jwk(own_key);
    AUTO_FREE char *canonical =
        xasprintf("{\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"}", json_text(jwk, "e"), json_text(jwk, "n"));
    unsigned char digest[SHA256_SIZE];
    AUTO_STR struct str text = STR_INIT(64);
    sha256(canonical, strlen(canonical), digest);
    base64url_append(&text, digest, sizeof digest);
    assert_string_equal(str_text(&text), json_text(jwk, "kid"));
    assert_string_equal(json_text(jwk, "alg"), "RS256");
    assert_string_equal(json_text(jwk, "use"), "sig");
    assert_null(json_object_get(jwk, "d"));
}

static json_t *jwk_of_ed25519(EVP_PKEY *key)
{
    unsigned char bytes[32];
    size_t len = sizeof bytes;
    AUTO_STR struct str x = STR_INIT(64);
    assert_int_equal(EVP_PKEY_get_raw_public_key(key, bytes, &len), 1);
    base64url_append(&x, bytes, len);
    return json_pack("{s:s, s:s, s:s, s:s}", "kty", "OKP", "crv", "Ed25519", "kid", "k", "x", str_text(&x));
}

static json_t *jwk_of_p256(EVP_PKEY *key)
{
    unsigned char point[65];
    size_t len = 0;
    AUTO_STR struct str x = STR_INIT(64), y = STR_INIT(64);
    assert_int_equal(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &len), 1);
    base64url_append(&x, point + 1, 32);
    base64url_append(&y, point + 33, 32);
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "kty", "EC", "crv", "P-256", "kid", "k", "x", str_text(&x), "y",
                     str_text(&y));
}

static void other_algorithms_hold(void **state)
{
    (void)state;
    EVP_PKEY *ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    EVP_PKEY *ec = EVP_EC_gen("P-256");
    AUTO_JWK_SET struct jwk_set *ed_set = set_of(jwk_of_ed25519(ed));
    AUTO_JWK_SET struct jwk_set *ec_set = set_of(jwk_of_p256(ec));
    json_t *rsa = jwt_key_public_jwk(own_key);
    json_object_del(rsa, "alg");
    json_object_set_new(rsa, "kid", json_string("k"));
    AUTO_JWK_SET struct jwk_set *rsa_set = set_of(rsa);

    const struct {
        const char *alg;
        const struct jwk_set *set;
        EVP_PKEY *key;
        const EVP_MD *md;
        bool pss;
    } rows[] = {
        {"EdDSA", ed_set, ed, NULL, false},
        {"ES256", ec_set, ec, EVP_sha256(), false},
        {"RS256", rsa_set, jwt_key_pkey(own_key), EVP_sha256(), false},
        {"PS256", rsa_set, jwt_key_pkey(own_key), EVP_sha256(), true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t k = 0; k < ARRAY_LEN(rows); k++) { /* a token by row i, announced as row k */
            AUTO_FREE char *header = xasprintf("{\"alg\":\"%s\",\"kid\":\"k\"}", rows[k].alg);
            AUTO_FREE char *token = forge(header, "{\"a\":1}", rows[i].key, rows[i].md, rows[i].pss);
            if (i == k) {
                AUTO_JSON json_t *claims = NULL;
                assert_int_equal(jwt_verify(rows[i].set, token, &claims, NULL), 0);
                token[strlen(token) - 10] = token[strlen(token) - 10] == 'A' ? 'B' : 'A';
                assert_refused(rows[i].set, token, "Invalid token signature");
            } else if (rows[i].set == rows[k].set) {
                assert_refused(rows[i].set, token, "Invalid token signature");
            } else {
                assert_refused(rows[i].set, token, "Invalid token");
            }
        }
    EVP_PKEY_free(ed);
    EVP_PKEY_free(ec);
}

/* --- T50: the algorithm --- */

static void t50_algorithm_tricks(void **state)
{
    (void)state;
    static const char *const HEADERS[] = {
        "{\"alg\":\"none\",\"kid\":\"%s\"}",
        "{\"alg\":\"None\",\"kid\":\"%s\"}",
        "{\"alg\":\"NONE\",\"kid\":\"%s\"}",
        "{\"alg\":\"nOnE\",\"kid\":\"%s\"}",
        "{\"alg\":\"\",\"kid\":\"%s\"}",
        "{\"alg\":null,\"kid\":\"%s\"}",
        "{\"alg\":false,\"kid\":\"%s\"}",
        "{\"alg\":0,\"kid\":\"%s\"}",
        "{\"alg\":[\"RS256\"],\"kid\":\"%s\"}",
        "{\"alg\":{\"a\":\"RS256\"},\"kid\":\"%s\"}",
        "{\"kid\":\"%s\"}",
        "{\"alg\":\"rs256\",\"kid\":\"%s\"}",
        "{\"alg\":\"Rs256\",\"kid\":\"%s\"}",
        "{\"alg\":\"RS256 \",\"kid\":\"%s\"}",
        "{\"alg\":\" RS256\",\"kid\":\"%s\"}",
        "{\"alg\":\"RS256\\u0000\",\"kid\":\"%s\"}",
        "{\"alg\":\"RS256\\n\",\"kid\":\"%s\"}",
        "{\"Alg\":\"RS256\",\"kid\":\"%s\"}",
        "{\"ALG\":\"RS256\",\"kid\":\"%s\"}",
        "{\"alg\":\"RS384\",\"kid\":\"%s\"}",
        "{\"alg\":\"RS512\",\"kid\":\"%s\"}",
        "{\"alg\":\"RS1\",\"kid\":\"%s\"}",
        "{\"alg\":\"RSA-OAEP\",\"kid\":\"%s\"}",
        "{\"alg\":\"PS256\",\"kid\":\"%s\"}",
        "{\"alg\":\"ES256\",\"kid\":\"%s\"}",
        "{\"alg\":\"EdDSA\",\"kid\":\"%s\"}",
        "{\"alg\":\"HS256\",\"kid\":\"%s\"}",
        "{\"alg\":\"HS384\",\"kid\":\"%s\"}",
        "{\"alg\":\"HS512\",\"kid\":\"%s\"}",
        "{\"alg\":\"hs256\",\"kid\":\"%s\"}",
        "{\"alg\":\"dir\",\"enc\":\"A128GCM\",\"kid\":\"%s\"}",
        "{\"alg\":\"RS256\",\"alg\":\"none\",\"kid\":\"%s\"}",
        "{\"alg\":\"none\",\"alg\":\"RS256\",\"kid\":\"%s\"}",
        "{\"alg\":\"RS256\",\"\\u0061lg\":\"RS256\",\"kid\":\"%s\"}",
        "{\"alg\":\"RS256\",\"kid\":\"%s\",\"crit\":[\"b64\"],\"b64\":false}",
        "{\"alg\":\"RS256\",\"kid\":\"%s\",\"crit\":[]}",
        "{\"alg\":\"RS256\",\"kid\":\"%s\",\"crit\":null}",
        "{\"alg\":\"RS256\",\"kid\":\"%s\",\"crit\":[\"exp\"]}",
        "{\"alg\":\"RS256\",\"kid\":\"%s\",\"typ\":\"dpop+jwt\"}",
        "{\"alg\":\"RS256\",\"kid\":\"%s\",\"typ\":7}",
        "[\"RS256\"]",
        "\"RS256\"",
        "",
        "{",
        "{\"alg\":\"RS256\",\"kid\":\"%s\"}x",
    };
    assert_true(ARRAY_LEN(HEADERS) >= 40);
    for (size_t i = 0; i < ARRAY_LEN(HEADERS); i++) { /* even with our own key behind it */
        AUTO_FREE char *header = header_with_kid(HEADERS[i]);
        AUTO_FREE char *token = forge_rs256(header, "{\"a\":1}");
        assert_refused(own_keys, token, "Invalid token");
        AUTO_FREE char *unsigned_token = forge(header, "{\"a\":1}", NULL, NULL, false);
        assert_refused(own_keys, unsigned_token, "Invalid token");
    }
}

/* The classic: HMAC with the public key's own bytes as the shared secret. */
static void t50_hs256_with_the_public_key(void **state)
{
    (void)state;
    AUTO_JSON json_t *jwk = jwt_key_public_jwk(own_key);
    AUTO_FREE char *header = header_with_kid("{\"alg\":\"HS256\",\"kid\":\"%s\"}");
    AUTO_STR struct str token = STR_INIT(8192);
    unsigned char mac[SHA256_SIZE];

    add_part(&token, header);
    base64url_append(&token, "{\"a\":1}", 7);
    hmac_sha256(json_text(jwk, "n"), strlen(json_text(jwk, "n")), token.p, token.len, mac);
    str_append_char(&token, '.');
    base64url_append(&token, mac, sizeof mac);
    assert_refused(own_keys, str_text(&token), "Invalid token");
}

static void t50_malformed_forms(void **state)
{
    (void)state;
    AUTO_FREE char *header = header_with_kid("{\"alg\":\"RS256\",\"kid\":\"%s\"}");
    AUTO_FREE char *good = forge_rs256(header, "{\"a\":1}");
    AUTO_JSON json_t *claims = NULL;
    assert_int_equal(jwt_verify(own_keys, good, &claims, NULL), 0);

    static const char *const FORMS[] = {"", ".", "..", "...", "a", "a.b", "a.b.c.d", "a.b.c.d.e", " ", "Bearer x"};
    for (size_t i = 0; i < ARRAY_LEN(FORMS); i++)
        assert_refused(own_keys, FORMS[i], "Invalid token");

    static const char *const TAILS[] = {"=", "==", " ", "\n", ".", ".x", "+", "/", "%20", "\xc3\xa9"};
    for (size_t i = 0; i < ARRAY_LEN(TAILS); i++) {
        AUTO_FREE char *token = xasprintf("%s%s", good, TAILS[i]);
        assert_refused(own_keys, token, "Invalid token");
        AUTO_FREE char *front = xasprintf("%s%s", TAILS[i], good);
        assert_refused(own_keys, front, "Invalid token");
    }
    AUTO_FREE char *cut = xstrndup(good, strlen(good) - 4);
    assert_refused(own_keys, cut, "Invalid token signature");
    AUTO_FREE char *stripped = xstrndup(good, (size_t)(strrchr(good, '.') - good) + 1);
    assert_refused(own_keys, stripped, "Invalid token signature");

    AUTO_FREE char *huge = xcalloc(1, JWT_TOKEN_MAX + 2);
    memset(huge, 'A', JWT_TOKEN_MAX + 1);
    huge[10] = huge[20] = '.';
    assert_refused(own_keys, huge, "Invalid token");
}

/* A single flipped bit anywhere in what is signed, or in the signature, is noticed. */
static void t50_every_changed_character_is_noticed(void **state)
{
    (void)state;
    AUTO_FREE char *header = header_with_kid("{\"alg\":\"RS256\",\"kid\":\"%s\"}");
    AUTO_FREE char *token = forge_rs256(header, "{\"roles\":[\"AirlockManager\"]}");
    size_t len = strlen(token);
    for (size_t i = 0; i < len; i++) {
        char saved = token[i];
        token[i] = saved == 'Q' ? 'g' : 'Q';
        json_t *claims = NULL;
        assert_int_equal(jwt_verify(own_keys, token, &claims, NULL), E_UNAUTHENTICATED);
        token[i] = saved;
    }
}

static void t50_foreign_key(void **state)
{
    (void)state;
    AUTO_FREE char *header = header_with_kid("{\"alg\":\"RS256\",\"kid\":\"%s\"}");
    AUTO_FREE char *token = forge(header, "{\"a\":1}", jwt_key_pkey(other_key), EVP_sha256(), false);
    assert_refused(own_keys, token, "Invalid token signature");
}

/* --- T51: the key id and the headers that name keys --- */

static void t51_key_id_is_only_a_map_key(void **state)
{
    (void)state;
    static const char *const HEADERS[] = {
        "{\"alg\":\"RS256\"}",
        "{\"alg\":\"RS256\",\"kid\":null}",
        "{\"alg\":\"RS256\",\"kid\":\"\"}",
        "{\"alg\":\"RS256\",\"kid\":7}",
        "{\"alg\":\"RS256\",\"kid\":[\"%s\"]}",
        "{\"alg\":\"RS256\",\"kid\":\"%s \"}",
        "{\"alg\":\"RS256\",\"kid\":\"%s\\u0000\"}",
        "{\"alg\":\"RS256\",\"kid\":\"x\",\"kid\":\"%s\"}",
        "{\"alg\":\"RS256\",\"kid\":\"../../../../dev/null\"}",
        "{\"alg\":\"RS256\",\"kid\":\"/proc/self/environ\"}",
        "{\"alg\":\"RS256\",\"kid\":\"' OR '1'='1\"}",
        "{\"alg\":\"RS256\",\"kid\":\"x' UNION SELECT 'key' --\"}",
        "{\"alg\":\"RS256\",\"kid\":\"$(id)\"}",
        "{\"alg\":\"RS256\",\"kid\":\"http://127.0.0.1:1/keys\"}",
        "{\"alg\":\"RS256\",\"kid\":\"%%s%%n\"}",
        "{\"alg\":\"RS256\",\"jku\":\"http://127.0.0.1:1/keys\"}",
        "{\"alg\":\"RS256\",\"x5u\":\"http://127.0.0.1:1/cert\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(HEADERS); i++) {
        AUTO_FREE char *header = header_with_kid(HEADERS[i]);
        AUTO_FREE char *token = forge_rs256(header, "{\"a\":1}");
        assert_refused(own_keys, token, "Invalid token");
    }
}

/* A forger brings their own key along: it is not looked at, so the signature does not hold. */
static void t51_keys_in_the_header_are_ignored(void **state)
{
    (void)state;
    AUTO_JSON json_t *foreign = jwt_key_public_jwk(other_key);
    AUTO_STR struct str jwk = STR_INIT(4096);
    json_append_value(&jwk, foreign);
    const char *const members[][2] = {
        {"jwk", str_text(&jwk)},
        {"jku", "\"http://127.0.0.1:1/keys\""},
        {"x5u", "\"http://127.0.0.1:1/cert\""},
        {"x5c", "[\"MIIB\"]"},
        {"x5t", "\"abc\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        AUTO_FREE char *header = xasprintf("{\"alg\":\"RS256\",\"kid\":\"%s\",\"%s\":%s}", jwt_key_id(own_key),
                                           members[i][0], members[i][1]);
        AUTO_FREE char *forged = forge(header, "{\"a\":1}", jwt_key_pkey(other_key), EVP_sha256(), false);
        assert_refused(own_keys, forged, "Invalid token signature");
        AUTO_FREE char *true_one = forge_rs256(header, "{\"a\":1}");
        AUTO_JSON json_t *claims = NULL;
        assert_int_equal(jwt_verify(own_keys, true_one, &claims, NULL), 0);
    }
}

/* --- T52: the claims --- */

static void t52_claims(void **state)
{
    (void)state;
    static const struct {
        const char *claims; /* beside iss, unless it has one */
        int code;
        const char *text;
    } ROWS[] = {
        {"\"exp\":1800000001", 0, ""},
        {"\"exp\":1800003600,\"nbf\":1800000000,\"iat\":1800000000", 0, ""},
        {"\"exp\":1799999941", 0, ""}, /* past, but within the leeway of 60 s */
        {"\"exp\":1799999940", E_UNAUTHENTICATED, "Expired token signature"},
        {"\"exp\":1799999000", E_UNAUTHENTICATED, "Expired token signature"},
        {"\"exp\":1", E_UNAUTHENTICATED, "Expired token signature"},
        {"\"exp\":0", E_UNAUTHENTICATED, "Expired token signature"},
        {"\"a\":1", E_UNAUTHENTICATED, "Invalid token"},
        {"\"exp\":null", E_UNAUTHENTICATED, "Invalid token"},
        {"\"exp\":\"1800003600\"", E_UNAUTHENTICATED, "Invalid token"},
        {"\"exp\":1800003600.5", E_UNAUTHENTICATED, "Invalid token"},
        {"\"exp\":1.8e9", E_UNAUTHENTICATED, "Invalid token"},
        {"\"exp\":true", E_UNAUTHENTICATED, "Invalid token"},
        {"\"exp\":[1800003600]", E_UNAUTHENTICATED, "Invalid token"},
        {"\"exp\":-1", E_UNAUTHENTICATED, "Invalid token"},
        {"\"exp\":9223372036854775807", E_UNAUTHENTICATED, "Invalid token"},
        {"\"exp\":1800003600000", E_UNAUTHENTICATED, "Invalid token"}, /* milliseconds */
        {"\"exp\":2116224001", E_UNAUTHENTICATED, "Invalid token"},    /* ten leap years and a second */
        {"\"exp\":2116224000", 0, ""},
        {"\"exp\":1800003600,\"nbf\":1800000060", 0, ""},
        {"\"exp\":1800003600,\"nbf\":1800000061", E_UNAUTHENTICATED, "Invalid token"},
        {"\"exp\":1800003600,\"nbf\":9223372036854775807", E_UNAUTHENTICATED, "Invalid token"},
        {"\"exp\":1800003600,\"nbf\":\"0\"", E_UNAUTHENTICATED, "Invalid token"},
        {"\"exp\":1800003600,\"nbf\":null", E_UNAUTHENTICATED, "Invalid token"},
        {"\"exp\":1800003600,\"nbf\":-5", E_UNAUTHENTICATED, "Invalid token"},
        {"\"exp\":1800003600,\"iat\":1800000061", E_UNAUTHENTICATED, "Invalid token"},
        {"\"exp\":1800003600,\"iat\":\"now\"", E_UNAUTHENTICATED, "Invalid token"},
        {"\"exp\":1800003600,\"iat\":1.5", E_UNAUTHENTICATED, "Invalid token"},
        {"\"exp\":1800003600,\"iat\":{}", E_UNAUTHENTICATED, "Invalid token"},
        {"\"exp\":1800003600,\"iss\":\"\"", E_UNAUTHENTICATED, "Invalid token"},
        {"\"exp\":1800003600,\"iss\":null", E_UNAUTHENTICATED, "Invalid token"},
        {"\"exp\":1800003600,\"iss\":[\"" ISSUER "\"]", E_UNAUTHENTICATED, "Invalid token"},
        {"\"exp\":1800003600,\"iss\":\"" ISSUER "/\"", E_UNAUTHENTICATED, "Invalid token"},
        {"\"exp\":1800003600,\"iss\":\" " ISSUER "\"", E_UNAUTHENTICATED, "Invalid token"},
        {"\"exp\":1800003600,\"iss\":\"HTTP://127.0.0.1:8404/tenant/v2.0\"", E_UNAUTHENTICATED, "Invalid token"},
        {"\"exp\":1800003600,\"iss\":\"http://127.0.0.1:8404/other/v2.0\"", E_UNAUTHENTICATED, "Invalid token"},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        const char *issuer = strstr(ROWS[i].claims, "\"iss\"") ? "" : ",\"iss\":\"" ISSUER "\"";
        AUTO_FREE char *text = xasprintf("{%s%s}", ROWS[i].claims, issuer);
        AUTO_JSON json_t *claims = NULL;
        struct error err = {0};
        assert_int_equal(json_parse_object(text, strlen(text), &claims, &err), 0);
        int r = jwt_check_claims(claims, ISSUER, NOW, 60, &err);
        if (r != ROWS[i].code || strcmp(err.detail, ROWS[i].text) != 0)
            fail_msg("%s: %d %s", text, r, err.detail);
    }
    AUTO_JSON json_t *no_issuer = json_pack("{s:i}", "exp", NOW + 1);
    assert_int_equal(jwt_check_claims(no_issuer, ISSUER, NOW, 60, NULL), E_UNAUTHENTICATED);
}

static void t52_audience(void **state)
{
    (void)state;
    static const struct {
        const char *claims;
        bool fits;
    } ROWS[] = {
        {"{\"aud\":\"api://a\"}", true},
        {"{\"aud\":[\"api://a\"]}", true},
        {"{\"aud\":[\"api://a\",\"api://b\"]}", false},
        {"{\"aud\":[\"api://a\",\"api://a\"]}", false},
        {"{\"aud\":[]}", false},
        {"{\"aud\":[[\"api://a\"]]}", false},
        {"{\"aud\":\"api://b\"}", false},
        {"{\"aud\":\"api://a/\"}", false},
        {"{\"aud\":\"API://A\"}", false},
        {"{\"aud\":\"\"}", false},
        {"{\"aud\":null}", false},
        {"{\"aud\":1}", false},
        {"{\"aud\":{\"api://a\":true}}", false},
        {"{}", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO_JSON json_t *claims = NULL;
        assert_int_equal(json_parse_object(ROWS[i].claims, strlen(ROWS[i].claims), &claims, NULL), 0);
        assert_int_equal(audience_is(claims, "api://a"), ROWS[i].fits);
    }
}

static void t52_malformed_claims(void **state)
{
    (void)state;
    static const char *const CLAIMS[] = {
        "",
        "null",
        "[]",
        "[{\"exp\":1}]",
        "\"x\"",
        "{\"exp\":1,\"exp\":2}",
        "{\"exp\":1,\"\\u0065xp\":2}",
        "{\"roles\":[],\"roles\":[\"TREAdmin\"]}",
        "{\"exp\":1}{}",
        "{\"exp\":1} x",
        "{exp:1}",
        "{\"exp\":01}",
        "{\"exp\":+1}",
        "{\"exp\":99999999999999999999}",
        "{\"exp\":NaN}",
        "{\"name\":\"\xff\"}",
        "{\"name\":\"\\ud800\"}",
        "{\"name\":\"a\\u0000b\"}",
        "{\"a\":1,}",
        "\xef\xbb\xbf{\"a\":1}",
    };
    AUTO_FREE char *header = header_with_kid("{\"alg\":\"RS256\",\"kid\":\"%s\"}");
    for (size_t i = 0; i < ARRAY_LEN(CLAIMS); i++) { /* truly signed, and still refused */
        AUTO_FREE char *token = forge_rs256(header, CLAIMS[i]);
        assert_refused(own_keys, token, "Invalid token");
    }
    AUTO_STR struct str deep = STR_INIT(1024);
    str_append(&deep, "{\"a\":");
    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        str_append(&deep, "[");
    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        str_append(&deep, "]");
    str_append(&deep, "}");
    AUTO_FREE char *token = forge_rs256(header, str_text(&deep));
    assert_refused(own_keys, token, "Invalid token");
}

/* --- Key sets --- */

static int parse_set(const char *text, struct jwk_set **ret)
{
    AUTO_JSON json_t *document = NULL;
    assert_int_equal(json_parse_object(text, strlen(text), &document, NULL), 0);
    return jwk_set_parse(document, ret, NULL);
}

static void unusable_keys_are_passed_over(void **state)
{
    (void)state;
    /* each changes one member of a good RSA key; NULL removes it */
    static const struct {
        const char *member;
        const char *value;
    } CHANGES[] = {
        {"kty", "\"EC\""},
        {"kty", "\"oct\""},
        {"kty", "\"rsa\""},
        {"kty", NULL},
        {"use", "\"enc\""},
        {"use", "7"},
        {"key_ops", "[]"},
        {"key_ops", "[\"sign\"]"},
        {"key_ops", "\"verify\""},
        {"kid", NULL},
        {"kid", "\"\""},
        {"kid", "7"},
        {"alg", "7"},
        {"n", NULL},
        {"n", "\"\""},
        {"n", "\"AQAB\""},
        {"n", "\"!!\""},
        {"n", "7"},
        {"e", NULL},
        {"e", "\"\""},
        {"e", "\"AQ\""},
        {"e", "\"AA\""},
        {"e", "\"Ag\""},
        {"e", "\"AQAAAAAAAQ\""},
        {"crv", "\"P-256\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(CHANGES); i++) {
        json_t *key = jwt_key_public_jwk(own_key);
        if (CHANGES[i].value)
            json_object_set_new(key, CHANGES[i].member, json_loads(CHANGES[i].value, JSON_DECODE_ANY, NULL));
        else
            json_object_del(key, CHANGES[i].member);
        AUTO_JSON json_t *bad_only = json_pack("{s:[O]}", "keys", key);
        AUTO_JSON json_t *with_good = json_pack("{s:[oo]}", "keys", key, jwt_key_public_jwk(other_key));
        struct jwk_set *none = NULL;
        AUTO_JWK_SET struct jwk_set *one = NULL;
        if (jwk_set_parse(bad_only, &none, NULL) != E_INVALID || none)
            fail_msg("%s=%s was taken", CHANGES[i].member, CHANGES[i].value ? CHANGES[i].value : "(none)");
        assert_int_equal(jwk_set_parse(with_good, &one, NULL), 0);
        assert_int_equal(jwk_set_count(one), 1);
        assert_non_null(jwk_set_find(one, jwt_key_id(other_key)));
        assert_null(jwk_set_find(one, jwt_key_id(own_key)));
    }
}

static void bad_curve_points_are_passed_over(void **state)
{
    (void)state;
    struct jwk_set *set = NULL;
    assert_int_equal(parse_set("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"k\","
                               "\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\","
                               "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\"}]}",
                               &set),
                     E_INVALID);
    assert_int_equal(parse_set("{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k\",\"x\":\"AAAA\"}]}", &set),
                     E_INVALID);
    assert_null(set);
}

static void sets_have_bounds(void **state)
{
    (void)state;
    static const char *const BAD[] = {"{}", "{\"keys\":{}}", "{\"keys\":[]}", "{\"keys\":[1,null,\"x\",[]]}"};
    struct jwk_set *set = NULL;
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        assert_int_equal(parse_set(BAD[i], &set), E_INVALID);

    AUTO_JSON json_t *twice = json_pack("{s:[oo]}", "keys", jwt_key_public_jwk(own_key), jwt_key_public_jwk(own_key));
    assert_int_equal(jwk_set_parse(twice, &set, NULL), E_INVALID);

    AUTO_JSON json_t *many = json_pack("{s:[]}", "keys");
    for (int i = 0; i <= JWK_SET_KEYS_MAX; i++) {
        json_t *key = jwt_key_public_jwk(own_key);
        AUTO_FREE char *kid = xasprintf("k%d", i);
        json_object_set_new(key, "kid", json_string(kid));
        json_array_append_new(json_object_get(many, "keys"), key);
    }
    assert_int_equal(jwk_set_parse(many, &set, NULL), E_LIMIT);
    assert_null(set);
    json_array_remove(json_object_get(many, "keys"), 0);
    assert_int_equal(jwk_set_parse(many, &set, NULL), 0);
    assert_int_equal(jwk_set_count(set), JWK_SET_KEYS_MAX);
    jwk_set_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signed_token_is_taken),
        cmocka_unit_test(token_over_the_limit_is_not_signed),
        cmocka_unit_test(key_survives_pem),
        cmocka_unit_test(short_rsa_key_is_not_loaded),
        cmocka_unit_test(thumbprint_is_the_kid),
        cmocka_unit_test(other_algorithms_hold),
        cmocka_unit_test(t50_algorithm_tricks),
        cmocka_unit_test(t50_hs256_with_the_public_key),
        cmocka_unit_test(t50_malformed_forms),
        cmocka_unit_test(t50_every_changed_character_is_noticed),
        cmocka_unit_test(t50_foreign_key),
        cmocka_unit_test(t51_key_id_is_only_a_map_key),
        cmocka_unit_test(t51_keys_in_the_header_are_ignored),
        cmocka_unit_test(t52_claims),
        cmocka_unit_test(t52_audience),
        cmocka_unit_test(t52_malformed_claims),
        cmocka_unit_test(unusable_keys_are_passed_over),
        cmocka_unit_test(bad_curve_points_are_passed_over),
        cmocka_unit_test(sets_have_bounds),
    };
    return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
