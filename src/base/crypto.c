/* OpenSSL behind our names. A failure inside OpenSSL's hashes means a broken installation: the process ends. */
#include "base/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

struct hash {
    EVP_MD_CTX *ctx;
    const EVP_MD *md;
};

static void crypto_must(bool ok)
{
    if (!ok) {
        (void)fputs("airlock: the cryptographic library failed\n", stderr);
        abort();
    }
}

static struct hash *hash_new(const EVP_MD *md)
{
    struct hash *h = xcalloc(1, sizeof *h);
    h->md = md;
    h->ctx = EVP_MD_CTX_new();
    crypto_must(h->ctx && EVP_DigestInit_ex(h->ctx, md, NULL) == 1);
    return h;
}

struct hash *hash_new_sha256(void)
{
    return hash_new(EVP_sha256());
}

struct hash *hash_new_md5(void)
{
    return hash_new(EVP_md5());
}

void hash_update(struct hash *h, const void *bytes, size_t len)
{
    crypto_must(EVP_DigestUpdate(h->ctx, bytes, len) == 1);
}

void hash_final(struct hash *h, unsigned char *out)
{
    crypto_must(EVP_DigestFinal_ex(h->ctx, out, NULL) == 1);
    crypto_must(EVP_DigestInit_ex(h->ctx, h->md, NULL) == 1);
}

void hash_free(struct hash *h)
{
    if (!h)
        return;
    EVP_MD_CTX_free(h->ctx);
    free(h);
}

void sha256(const void *bytes, size_t len, unsigned char out[static SHA256_SIZE])
{
    crypto_must(EVP_Digest(bytes, len, out, NULL, EVP_sha256(), NULL) == 1);
}

void sha256_hex(const void *bytes, size_t len, char out[static SHA256_HEX_SIZE])
{
    unsigned char digest[SHA256_SIZE];
    sha256(bytes, len, digest);
    hex_encode(digest, sizeof digest, out);
}

void hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t len, unsigned char out[static SHA256_SIZE])
{
    unsigned int out_len = SHA256_SIZE;
    crypto_must(HMAC(EVP_sha256(), key, (int)key_len, bytes, len, out, &out_len) != NULL);
}

void hkdf_sha256(const void *key, size_t key_len, const void *info, size_t info_len, unsigned char *out, size_t out_len)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
    crypto_must(ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_CTX_set_hkdf_md(ctx, EVP_sha256()) == 1 &&
                EVP_PKEY_CTX_set1_hkdf_key(ctx, key, (int)key_len) == 1 &&
                EVP_PKEY_CTX_add1_hkdf_info(ctx, info, (int)info_len) == 1 && EVP_PKEY_derive(ctx, out, &out_len) == 1);
    EVP_PKEY_CTX_free(ctx);
}

#define NONCE_SIZE 12
#define TAG_SIZE 16

void secret_wrap(const unsigned char key[static WRAP_KEY_SIZE], const char *label, const void *secret, size_t len,
                 unsigned char *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    unsigned char *bytes = out + NONCE_SIZE, *tag = bytes + len;
    int used = 0;

    random_fill(out, NONCE_SIZE);
    crypto_must(ctx && EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, out) == 1 &&
                EVP_EncryptUpdate(ctx, NULL, &used, (const unsigned char *)label, (int)strlen(label)) == 1 &&
                EVP_EncryptUpdate(ctx, bytes, &used, secret, (int)len) == 1 &&
                EVP_EncryptFinal_ex(ctx, tag, &used) == 1 &&
                EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, tag) == 1);
    EVP_CIPHER_CTX_free(ctx);
}

bool secret_unwrap(const unsigned char key[static WRAP_KEY_SIZE], const char *label, const unsigned char *wrapped,
                   size_t wrapped_len, unsigned char *out)
{
    unsigned char tag[TAG_SIZE];
    int used = 0;

    if (wrapped_len < WRAP_OVERHEAD)
        return false;
    size_t len = wrapped_len - WRAP_OVERHEAD;
    memcpy(tag, wrapped + NONCE_SIZE + len, TAG_SIZE);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    crypto_must(ctx && EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, wrapped) == 1 &&
                EVP_DecryptUpdate(ctx, NULL, &used, (const unsigned char *)label, (int)strlen(label)) == 1 &&
                EVP_DecryptUpdate(ctx, out, &used, wrapped + NONCE_SIZE, (int)len) == 1 &&
                EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) == 1);
    bool is_ours = EVP_DecryptFinal_ex(ctx, out + len, &used) == 1;
    EVP_CIPHER_CTX_free(ctx);
    if (!is_ours)
        secret_wipe(out, len);
    return is_ours;
}

void random_fill(void *out, size_t len)
{
    unsigned char *p = out;
    while (len > 0) {
        ssize_t got = getrandom(p, len, 0);
        crypto_must(got > 0);
        p += got;
        len -= (size_t)got;
    }
}

bool equal_constant_time(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

void hex_encode(const void *bytes, size_t len, char *out)
{
    static const char DIGITS[] = "0123456789abcdef";
    const unsigned char *p = bytes;
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = DIGITS[p[i] >> 4];
        out[2 * i + 1] = DIGITS[p[i] & 15];
    }
    out[2 * len] = '\0';
}

bool hex_decode(const char *text, unsigned char *out, size_t out_len)
{
    static const char DIGITS[] = "0123456789abcdef0123456789ABCDEF";
    if (strlen(text) != 2 * out_len)
        return false;
    for (size_t i = 0; i < out_len; i++) {
        const char *high = strchr(DIGITS, text[2 * i]);
        const char *low = strchr(DIGITS, text[2 * i + 1]);
        if (!high || !low)
            return false;
        out[i] = (unsigned char)(((high - DIGITS) & 15) << 4 | ((low - DIGITS) & 15));
    }
    return true;
}

static const char STANDARD[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char URL_SAFE[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void base64_encode(struct str *s, const unsigned char *p, size_t len, const char *alphabet, bool pad)
{
    for (size_t i = 0; i < len; i += 3) {
        size_t have = len - i < 3 ? len - i : 3;
        uint32_t word = (uint32_t)p[i] << 16 | (have > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (have > 2 ? p[i + 2] : 0);
        for (size_t k = 0; k < 4; k++)
            if (k <= have)
                str_append_char(s, alphabet[word >> (18 - 6 * k) & 63]);
            else if (pad)
                str_append_char(s, '=');
    }
}

void base64_append(struct str *s, const void *bytes, size_t len)
{
    base64_encode(s, bytes, len, STANDARD, true);
}

void base64url_append(struct str *s, const void *bytes, size_t len)
{
    base64_encode(s, bytes, len, URL_SAFE, false);
}

/* Decodes unpadded digits; refuses non-zero left-over bits, so that every byte string has one spelling. */
static bool base64_digits(const char *text, size_t len, const char *alphabet, unsigned char *out, size_t max,
                          size_t *ret_len)
{
    uint32_t word = 0;
    int bits = 0;
    size_t used = 0;

    if (len % 4 == 1)
        return false;
    for (size_t i = 0; i < len; i++) {
        const char *at = text[i] ? strchr(alphabet, text[i]) : NULL;
        if (!at)
            return false;
        word = word << 6 | (uint32_t)(at - alphabet);
        bits += 6;
        if (bits < 8)
            continue;
        if (used == max)
            return false;
        bits -= 8;
        out[used++] = (unsigned char)(word >> bits & 0xFF);
    }
    if ((word & ((1U << bits) - 1)) != 0)
        return false;
    *ret_len = used;
    return true;
}

bool base64_decode(const char *text, size_t text_len, unsigned char *out, size_t max, size_t *ret_len)
{
    if (text_len % 4 != 0)
        return false;
    size_t digits = text_len;
    while (digits > 0 && text_len - digits < 2 && text[digits - 1] == '=')
        digits--;
    return base64_digits(text, digits, STANDARD, out, max, ret_len);
}

bool base64url_decode(const char *text, size_t text_len, unsigned char *out, size_t max, size_t *ret_len)
{
    return base64_digits(text, text_len, URL_SAFE, out, max, ret_len);
}
