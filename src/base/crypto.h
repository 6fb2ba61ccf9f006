/* Hashes, message authentication, key derivation, randomness and the text encodings of bytes; a thin layer over
 * OpenSSL. */
#ifndef AIRLOCK_BASE_CRYPTO_H
#define AIRLOCK_BASE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "base/str.h"

#define SHA256_SIZE 32
#define SHA256_HEX_SIZE 65 /* with the NUL */
#define MD5_SIZE 16
#define WRAP_KEY_SIZE 32
#define WRAP_OVERHEAD 28 /* nonce and tag */

/* A running hash. Opaque; _new never fails (it ends the process when OpenSSL cannot provide the algorithm). */
struct hash;
struct hash *hash_new_sha256(void);
struct hash *hash_new_md5(void);
void hash_update(struct hash *h, const void *bytes, size_t len);
/* Writes the digest (SHA256_SIZE or MD5_SIZE bytes) and makes the object ready for a new message. */
void hash_final(struct hash *h, unsigned char *out);
void hash_free(struct hash *h);
static inline void cleanup_hash_(struct hash **h)
{
    hash_free(*h);
}
#define AUTO_HASH CLEANUP(cleanup_hash_)

void sha256(const void *bytes, size_t len, unsigned char out[static SHA256_SIZE]);
void sha256_hex(const void *bytes, size_t len, char out[static SHA256_HEX_SIZE]);
void hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t len, unsigned char out[static SHA256_SIZE]);
/* HKDF-SHA-256 without salt; out_len at most 255 * 32. */
void hkdf_sha256(const void *key, size_t key_len, const void *info, size_t info_len, unsigned char *out,
                 size_t out_len);

/* One secret under another by AES-256-GCM with a random nonce. The label is bound in, not hidden. out: len +
 * WRAP_OVERHEAD bytes. */
void secret_wrap(const unsigned char key[static WRAP_KEY_SIZE], const char *label, const void *secret, size_t len,
                 unsigned char *out);
/* out: wrapped_len - WRAP_OVERHEAD bytes. False, and out wiped, for another key, another label or changed bytes. */
bool secret_unwrap(const unsigned char key[static WRAP_KEY_SIZE], const char *label, const unsigned char *wrapped,
                   size_t wrapped_len, unsigned char *out);

void random_fill(void *out, size_t len); /* ends the process if the kernel has none */
bool equal_constant_time(const void *a, const void *b, size_t len);

void hex_encode(const void *bytes, size_t len, char *out); /* out: 2 * len + 1 bytes, lower case */
bool hex_decode(const char *text, unsigned char *out, size_t out_len); /* exactly 2 * out_len digits */

/* Base64: standard with padding, or URL-safe without. Decoders are strict (canonical form, no white space) and write at
 * most max bytes. */
void base64_append(struct str *s, const void *bytes, size_t len);
bool base64_decode(const char *text, size_t text_len, unsigned char *out, size_t max, size_t *ret_len);
void base64url_append(struct str *s, const void *bytes, size_t len);
bool base64url_decode(const char *text, size_t text_len, unsigned char *out, size_t max, size_t *ret_len);

#endif
