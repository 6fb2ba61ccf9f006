/* Keys out of JSON and PEM by OpenSSL's EVP layer. Linked into core (checks tokens) and idp (signs them). No I/O. */
#include "base/jwk.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/crypto.h"

#define JWK_NUMBER_MAX (JWK_RSA_BITS_MAX / 8)
#define P256_BYTES 32
#define ED25519_BYTES 32

struct jwk_set {
    size_t count;
    struct jwk keys[JWK_SET_KEYS_MAX];
};

/* Decodes a base64url member; false when it is missing, malformed or longer than max. */
static bool jwk_bytes(const json_t *key, const char *member, unsigned char *out, size_t max, size_t *ret_len)
{
    const json_t *value = json_object_get(key, member);
    return json_is_string(value) && json_string_length(value) > 0 &&
           base64url_decode(json_string_value(value), json_string_length(value), out, max, ret_len);
}

static EVP_PKEY *pkey_from_params(const char *type, OSSL_PARAM_BLD *build)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *pkey = NULL;

    if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return pkey;
}

static bool rsa_in_bounds(const BIGNUM *n, const BIGNUM *e)
{
    int bits = BN_num_bits(n);
    return bits >= JWK_RSA_BITS_MIN && bits <= JWK_RSA_BITS_MAX && BN_is_odd(n) && BN_is_odd(e) &&
           BN_num_bits(e) >= 2 && BN_num_bits(e) <= 32; /* a huge exponent makes each check slow */
}

static EVP_PKEY *pkey_from_rsa(const json_t *key)
{
    unsigned char n_bytes[JWK_NUMBER_MAX], e_bytes[8];
    size_t n_len, e_len;

    if (!jwk_bytes(key, "n", n_bytes, sizeof n_bytes, &n_len) || !jwk_bytes(key, "e", e_bytes, sizeof e_bytes, &e_len))
        return NULL;
    BIGNUM *n = BN_bin2bn(n_bytes, (int)n_len, NULL);
    BIGNUM *e = BN_bin2bn(e_bytes, (int)e_len, NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY *pkey = NULL;
    if (n && e && build && rsa_in_bounds(n, e) && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        pkey = pkey_from_params("RSA", build);
    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    BN_free(e);
    return pkey;
}

static EVP_PKEY *pkey_from_p256(const json_t *key)
{
    unsigned char point[1 + 2 * P256_BYTES] = {POINT_CONVERSION_UNCOMPRESSED};
    size_t x_len, y_len;

    if (!jwk_bytes(key, "x", point + 1, P256_BYTES, &x_len) || x_len != P256_BYTES ||
        !jwk_bytes(key, "y", point + 1 + P256_BYTES, P256_BYTES, &y_len) || y_len != P256_BYTES)
        return NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY *pkey = NULL;
    if (build && OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) == 1)
        pkey = pkey_from_params("EC", build); /* refuses a point that is not on the curve */
    OSSL_PARAM_BLD_free(build);
    return pkey;
}

static EVP_PKEY *pkey_from_ed25519(const json_t *key)
{
    unsigned char bytes[ED25519_BYTES];
    size_t len;

    if (!jwk_bytes(key, "x", bytes, sizeof bytes, &len) || len != ED25519_BYTES)
        return NULL;
    return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, bytes, len);
}

/* Which keys can be read: kty, crv ("" where the type has none), and how. RFC 7518 §6, RFC 8037 §2. */
static const struct {
    const char *kty;
    const char *crv;
    enum jwk_type type;
    EVP_PKEY *(*read)(const json_t *key);
} KEY_TYPES[] = {
    {"RSA", "", JWK_RSA, pkey_from_rsa},
    {"EC", "P-256", JWK_EC_P256, pkey_from_p256},
    {"OKP", "Ed25519", JWK_ED25519, pkey_from_ed25519},
};

static bool array_has(const json_t *array, const char *text)
{
    size_t index;
    const json_t *item;
    json_array_foreach(array, index, item)
    {
        if (json_is_string(item) && strcmp(json_string_value(item), text) == 0)
            return true;
    }
    return false;
}

/* May this key check signatures? "use" and "key_ops" are optional, but where they stand they bind. */
static bool jwk_is_for_signatures(const json_t *key)
{
    const json_t *use = json_object_get(key, "use");
    const json_t *operations = json_object_get(key, "key_ops");
    return (!use || strcmp(json_text(key, "use"), "sig") == 0) && (!operations || array_has(operations, "verify"));
}

/* false: not for us; passed over. */
static bool jwk_read(const json_t *key, struct jwk *ret)
{
    const json_t *kid = json_object_get(key, "kid");
    const json_t *alg = json_object_get(key, "alg");

    if (!json_is_string(kid) || json_string_length(kid) == 0 || json_string_length(kid) > JWK_KID_MAX ||
        (alg && !json_is_string(alg)) || !jwk_is_for_signatures(key))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(KEY_TYPES); i++) {
        if (strcmp(json_text(key, "kty"), KEY_TYPES[i].kty) != 0 ||
            strcmp(json_text(key, "crv"), KEY_TYPES[i].crv) != 0)
            continue;
        EVP_PKEY *pkey = KEY_TYPES[i].read(key);
        if (!pkey)
            return false;
        *ret = (struct jwk){xstrdup(json_string_value(kid)), xstrdup(json_text(key, "alg")), KEY_TYPES[i].type, pkey};
        return true;
    }
    return false;
}

static int jwk_set_add(struct jwk_set *set, const json_t *item, struct error *err)
{
    struct jwk key;

    if (!jwk_read(item, &key))
        return 0;
    bool known = jwk_set_find(set, key.kid) != NULL;
    set->keys[set->count++] = key;
    return known ? error_set(err, E_INVALID, "The key set names a key id twice") : 0;
}

int jwk_set_parse(const json_t *document, struct jwk_set **ret, struct error *err)
{
    const json_t *items = json_object_get(document, "keys");
    size_t index;
    const json_t *item;
    AUTO_JWK_SET struct jwk_set *set = xcalloc(1, sizeof *set);

    if (!json_is_array(items))
        return error_set_field(err, E_INVALID, "keys", "A key set needs an array \"keys\"");
    if (json_array_size(items) > JWK_SET_KEYS_MAX)
        return error_set_field(err, E_LIMIT, "keys", "The key set has more than %d keys", JWK_SET_KEYS_MAX);
    json_array_foreach(items, index, item)
    {
        int r = jwk_set_add(set, item, err);
        if (r != 0)
            return r;
    }
    if (set->count == 0)
        return error_set_field(err, E_INVALID, "keys", "The key set has no key that can check signatures");
    *ret = TAKE_PTR(set);
    return 0;
}

void jwk_set_free(struct jwk_set *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->count; i++) {
        free(set->keys[i].kid);
        free(set->keys[i].alg);
        EVP_PKEY_free(set->keys[i].pkey);
    }
    free(set);
}

size_t jwk_set_count(const struct jwk_set *set)
{
    return set->count;
}

const struct jwk *jwk_set_find(const struct jwk_set *set, const char *kid)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->keys[i].kid, kid) == 0)
            return &set->keys[i];
    return NULL;
}

const struct jwk *jwk_set_at(const struct jwk_set *set, size_t index)
{
    return &set->keys[index];
}

/* --- Our own key --- */

struct jwt_key {
    EVP_PKEY *pkey;
    char *n; /* base64url of the modulus */
    char *e; /* and of the exponent */
    char *kid;
};

static char *pkey_number(const EVP_PKEY *pkey, const char *name)
{
    unsigned char bytes[JWK_NUMBER_MAX];
    BIGNUM *number = NULL;
    AUTO_STR struct str text = STR_INIT(2 * sizeof bytes);

    if (EVP_PKEY_get_bn_param(pkey, name, &number) != 1)
        return NULL;
    if (BN_num_bytes(number) <= (int)sizeof bytes)
        base64url_append(&text, bytes, (size_t)BN_bn2bin(number, bytes));
    BN_free(number);
    return TAKE_PTR(text.p);
}

/* RFC 7638 §3: the required members in order, without white space. */
static char *rsa_thumbprint(const char *n, const char *e)
{
    unsigned char digest[SHA256_SIZE];
    AUTO_STR struct str text = STR_INIT(64);
    AUTO_FREE char *canonical = xasprintf("{\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"}", e, n);

    sha256(canonical, strlen(canonical), digest);
    base64url_append(&text, digest, sizeof digest);
    return TAKE_PTR(text.p);
}

/* Takes pkey over, also when it refuses it. */
static int jwt_key_wrap(EVP_PKEY *pkey, struct jwt_key **ret, struct error *err)
{
    AUTO_JWT_KEY struct jwt_key *key = xcalloc(1, sizeof *key);

    key->pkey = pkey;
    if (EVP_PKEY_get_base_id(pkey) != EVP_PKEY_RSA || EVP_PKEY_get_bits(pkey) < JWK_RSA_BITS_MIN ||
        EVP_PKEY_get_bits(pkey) > JWK_RSA_BITS_MAX)
        return error_set(err, E_CONFIG, "The signing key must be an RSA key of %d to %d bits", JWK_RSA_BITS_MIN,
                         JWK_RSA_BITS_MAX);
    key->n = pkey_number(pkey, OSSL_PKEY_PARAM_RSA_N);
    key->e = pkey_number(pkey, OSSL_PKEY_PARAM_RSA_E);
    if (!key->n || !key->e)
        return error_set(err, E_CONFIG, "The signing key cannot be read");
    key->kid = rsa_thumbprint(key->n, key->e);
    *ret = TAKE_PTR(key);
    return 0;
}

int jwt_key_generate(struct jwt_key **ret, struct error *err)
{
    EVP_PKEY *pkey = EVP_RSA_gen(JWT_KEY_BITS);
    if (!pkey)
        return error_set(err, E_INTERNAL, "No signing key could be made");
    return jwt_key_wrap(pkey, ret, err);
}

int jwt_key_load(const char *pem, size_t len, struct jwt_key **ret, struct error *err)
{
    char no_passphrase[] = ""; /* keeps OpenSSL from asking on a terminal */
    BIO *bio = BIO_new_mem_buf(pem, (int)len);
    EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, no_passphrase) : NULL;

    BIO_free(bio);
    if (!pkey)
        return error_set(err, E_CONFIG, "The signing key is not an unencrypted PEM private key");
    return jwt_key_wrap(pkey, ret, err);
}

int jwt_key_to_pem(const struct jwt_key *key, char **ret_pem, struct error *err)
{
    BIO *bio = BIO_new(BIO_s_secmem()); /* wiped when freed */
    char *text = NULL;
    int r = 0;

    if (bio && PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL) == 1) {
        long len = BIO_get_mem_data(bio, &text);
        *ret_pem = xstrndup(text, (size_t)len);
    } else {
        r = error_set(err, E_INTERNAL, "The signing key could not be written as PEM");
    }
    BIO_free(bio);
    return r;
}

json_t *jwt_key_public_jwk(const struct jwt_key *key)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "kty", "RSA", "use", "sig", "alg", "RS256", "kid", key->kid, "n",
                     key->n, "e", key->e);
}

const char *jwt_key_id(const struct jwt_key *key)
{
    return key->kid;
}

struct evp_pkey_st *jwt_key_pkey(const struct jwt_key *key)
{
    return key->pkey;
}

void jwt_key_free(struct jwt_key *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->pkey);
    free(key->n);
    free(key->e);
    free(key->kid);
    free(key);
}
