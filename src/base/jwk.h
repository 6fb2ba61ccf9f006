/* Signature keys of tokens: sets of public keys as an identity provider publishes them (RFC 7517), and our own RSA key
 * that signs. Opaque; OpenSSL shows only as a pointer that base/jwt.c uses. */
#ifndef AIRLOCK_BASE_JWK_H
#define AIRLOCK_BASE_JWK_H

#include "base/error.h"
#include "base/json.h"

#define JWK_SET_KEYS_MAX 64 /* more is a mistake of the provider, or an attack */
#define JWK_KID_MAX 256     /* bytes */
#define JWK_RSA_BITS_MIN 2048
#define JWK_RSA_BITS_MAX 8192
#define JWT_KEY_BITS 3072 /* of the keys that we make ourselves */

enum jwk_type { JWK_RSA, JWK_EC_P256, JWK_ED25519 };

/* --- A set of public keys. Unchanging once parsed, so threads may share it. --- */

struct jwk_set;

/* {"keys":[…]}. As RFC 7517 §5 asks, keys that are of another type or use, lack a kid, or are out of bounds are passed
 * over; a kid that stands twice, too many keys, or no usable key at all refuse the set (E_INVALID, E_LIMIT). */
int jwk_set_parse(const json_t *document, struct jwk_set **ret, struct error *err) MUST_USE;
void jwk_set_free(struct jwk_set *set);
size_t jwk_set_count(const struct jwk_set *set);

static inline void cleanup_jwk_set_(struct jwk_set **set)
{
    jwk_set_free(*set);
}
#define AUTO_JWK_SET CLEANUP(cleanup_jwk_set_)

/* A key of the set; alg is "" where the provider did not bind the key to one algorithm. */
struct jwk {
    char *kid;
    char *alg;
    enum jwk_type type;
    struct evp_pkey_st *pkey;
};
const struct jwk *jwk_set_find(const struct jwk_set *set, const char *kid); /* borrowed, or NULL */
const struct jwk *jwk_set_at(const struct jwk_set *set, size_t index);      /* below jwk_set_count; borrowed */

/* --- Our own signing key (RSA, for RS256). --- */

struct jwt_key;

int jwt_key_generate(struct jwt_key **ret, struct error *err) MUST_USE;
/* An unencrypted PEM private key of len bytes. E_CONFIG when it is not an RSA key within the bounds above. */
int jwt_key_load(const char *pem, size_t len, struct jwt_key **ret, struct error *err) MUST_USE;
/* PKCS#8 PEM, NUL-terminated. It is the secret itself: secret_wipe it before freeing. */
int jwt_key_to_pem(const struct jwt_key *key, char **ret_pem, struct error *err) MUST_USE;
/* The public half with kid, use and alg; the caller's. */
json_t *jwt_key_public_jwk(const struct jwt_key *key);
const char *jwt_key_id(const struct jwt_key *key); /* the RFC 7638 thumbprint; it is the kid */
struct evp_pkey_st *jwt_key_pkey(const struct jwt_key *key);
void jwt_key_free(struct jwt_key *key);

static inline void cleanup_jwt_key_(struct jwt_key **key)
{
    jwt_key_free(*key);
}
#define AUTO_JWT_KEY CLEANUP(cleanup_jwt_key_)

#endif
