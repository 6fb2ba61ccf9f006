/* Hashes and codes against published values; text encodings with one spelling for each byte string. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/crypto.h"

static void assert_hex(const unsigned char *bytes, size_t len, const char *hex)
{
    AUTO_FREE char *text = xmalloc(2 * len + 1);
    hex_encode(bytes, len, text);
    assert_string_equal(text, hex);
}

static void sha256_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *hex;
    } ROWS[] = {
        /* FIPS 180-4 examples */
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        char hex[SHA256_HEX_SIZE];
        unsigned char digest[SHA256_SIZE];
        AUTO_HASH struct hash *h = hash_new_sha256();
        sha256_hex(ROWS[i].text, strlen(ROWS[i].text), hex);
        assert_string_equal(hex, ROWS[i].hex);
        for (int again = 0; again < 2; again++) { /* byte by byte, and once more with the same object */
            for (const char *c = ROWS[i].text; *c; c++)
                hash_update(h, c, 1);
            hash_final(h, digest);
            assert_hex(digest, sizeof digest, ROWS[i].hex);
        }
    }
}

static void md5_vectors(void **state)
{
    (void)state;
    unsigned char digest[MD5_SIZE];
    AUTO_HASH struct hash *h = hash_new_md5();
    hash_update(h, "message digest", 14);
    hash_final(h, digest);
    assert_hex(digest, sizeof digest, "f96b697d7cb7938d525a2f31aaf161d0"); /* RFC 1321 A.5 */
}

static void hmac_vectors(void **state)
{
    (void)state;
    unsigned char mac[SHA256_SIZE], key[131];
    hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, mac); /* RFC 4231 §4.3, §4.7 */
    assert_hex(mac, sizeof mac, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key);
    hmac_sha256(key, sizeof key, "Test Using Larger Than Block-Size Key - Hash Key First", 54, mac);
    assert_hex(mac, sizeof mac, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void hkdf_vectors(void **state)
{
    (void)state;
    unsigned char key[22], out[42]; /* RFC 5869 A.3: no salt, no info */
    memset(key, 0x0b, sizeof key);
    hkdf_sha256(key, sizeof key, "", 0, out, sizeof out);
    assert_hex(out, sizeof out, "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
    unsigned char one[32], two[32];
    hkdf_sha256(key, sizeof key, "one", 3, one, sizeof one);
    hkdf_sha256(key, sizeof key, "two", 3, two, sizeof two);
    assert_memory_not_equal(one, two, sizeof one);
}

static void hex_is_exact(void **state)
{
    (void)state;
    unsigned char out[4] = {9, 9, 9, 9};
    assert_true(hex_decode("00ffAb7e", out, 4));
    assert_memory_equal(out, "\x00\xff\xab\x7e", 4);
    static const char *const BAD[] = {"", "00", "00ffab7", "00ffab7e0", "00ffab7g", " 0ffab7e", "0x0ffab7"};
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        assert_false(hex_decode(BAD[i], out, 4));
}

static void base64_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        const char *standard;
        const char *url;
    } ROWS[] = {
        /* RFC 4648 §10, and the two digits in which the alphabets differ */
        {"", "", ""},
        {"f", "Zg==", "Zg"},
        {"fo", "Zm8=", "Zm8"},
        {"foo", "Zm9v", "Zm9v"},
        {"foob", "Zm9vYg==", "Zm9vYg"},
        {"fooba", "Zm9vYmE=", "Zm9vYmE"},
        {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
        {"\xfb\xff\xbf", "+/+/", "-_-_"},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO_STR struct str standard = STR_INIT(100), url = STR_INIT(100);
        unsigned char out[16];
        size_t len = strlen(ROWS[i].bytes), got;
        base64_append(&standard, ROWS[i].bytes, len);
        base64url_append(&url, ROWS[i].bytes, len);
        assert_string_equal(str_text(&standard), ROWS[i].standard);
        assert_string_equal(str_text(&url), ROWS[i].url);
        assert_true(base64_decode(ROWS[i].standard, standard.len, out, sizeof out, &got));
        assert_int_equal(got, len);
        assert_memory_equal(out, ROWS[i].bytes, len);
        assert_true(base64url_decode(ROWS[i].url, url.len, out, sizeof out, &got));
        assert_int_equal(got, len);
        assert_memory_equal(out, ROWS[i].bytes, len);
    }
}

static void base64_has_one_spelling(void **state)
{
    (void)state;
    static const char *const BAD_STANDARD[] = {"Zg",    "Zg=",  "Zg===", "Zm8",      "Zh==",   "Zm9=",
                                               "=",     "==",   "====",  "Z===",     "Zm9v\n", " Zm9v",
                                               "Zm 9v", "Zm-v", "Zm_v",  "Zg==Zg==", "Z=g="};
    static const char *const BAD_URL[] = {"Zg==", "Zg=",  "Z",   "Zh",  "Zm9", "Zm9vY",
                                          "Zm+v", "Zm/v", " Zg", "Zg ", "Zg\n"};
    unsigned char out[16];
    size_t len;
    for (size_t i = 0; i < ARRAY_LEN(BAD_STANDARD); i++)
        if (base64_decode(BAD_STANDARD[i], strlen(BAD_STANDARD[i]), out, sizeof out, &len))
            fail_msg("%s", BAD_STANDARD[i]);
    for (size_t i = 0; i < ARRAY_LEN(BAD_URL); i++)
        if (base64url_decode(BAD_URL[i], strlen(BAD_URL[i]), out, sizeof out, &len))
            fail_msg("%s", BAD_URL[i]);
    assert_false(base64url_decode("Zm\0v", 4, out, sizeof out, &len));
    assert_false(base64url_decode("Zm9vYmFy", 8, out, 5, &len)); /* room for five */
    assert_true(base64url_decode("Zm9vYmFy", 8, out, 6, &len));
}

/* Every length and every byte survives the way there and back. */
static void encodings_round_trip(void **state)
{
    (void)state;
    unsigned char bytes[257], back[257];
    for (size_t len = 0; len <= sizeof bytes; len++) {
        AUTO_STR struct str standard = STR_INIT(1000), url = STR_INIT(1000);
        size_t got;
        random_fill(bytes, len);
        base64_append(&standard, bytes, len);
        base64url_append(&url, bytes, len);
        assert_true(base64_decode(str_text(&standard), standard.len, back, len, &got) && got == len);
        assert_memory_equal(bytes, back, len);
        assert_true(base64url_decode(str_text(&url), url.len, back, len, &got) && got == len);
        assert_memory_equal(bytes, back, len);
    }
}

static void comparison_and_randomness(void **state)
{
    (void)state;
    unsigned char a[32], b[32];
    random_fill(a, sizeof a);
    random_fill(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
    assert_true(equal_constant_time(a, a, sizeof a));
    memcpy(b, a, sizeof a);
    b[31] ^= 1;
    assert_false(equal_constant_time(a, b, sizeof a));
    assert_true(equal_constant_time(a, b, 31));
}

static void wrapping_binds_key_label_and_bytes(void **state)
{
    (void)state;
    static const unsigned char KEY[WRAP_KEY_SIZE] = "a key of thirty-two bytes, about";
    static const unsigned char OTHER[WRAP_KEY_SIZE] = "another";
    unsigned char wrapped[5 + WRAP_OVERHEAD], again[sizeof wrapped], out[5];

    secret_wrap(KEY, "k1", "hello", 5, wrapped);
    secret_wrap(KEY, "k1", "hello", 5, again);
    assert_memory_not_equal(wrapped, again, sizeof wrapped); /* a nonce of its own each time */
    assert_true(secret_unwrap(KEY, "k1", wrapped, sizeof wrapped, out));
    assert_memory_equal(out, "hello", 5);
    assert_false(secret_unwrap(OTHER, "k1", wrapped, sizeof wrapped, out));
    assert_false(secret_unwrap(KEY, "k2", wrapped, sizeof wrapped, out));
    assert_memory_equal(out, "\0\0\0\0\0", 5);
    for (size_t i = 0; i < sizeof wrapped; i++) {
        wrapped[i] ^= 1;
        assert_false(secret_unwrap(KEY, "k1", wrapped, sizeof wrapped, out));
        wrapped[i] ^= 1;
    }
    assert_false(secret_unwrap(KEY, "k1", wrapped, WRAP_OVERHEAD - 1, out));
    assert_false(secret_unwrap(KEY, "k1", wrapped, sizeof wrapped - 1, out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_vectors),
        cmocka_unit_test(md5_vectors),
        cmocka_unit_test(hmac_vectors),
        cmocka_unit_test(hkdf_vectors),
        cmocka_unit_test(hex_is_exact),
        cmocka_unit_test(base64_vectors),
        cmocka_unit_test(base64_has_one_spelling),
        cmocka_unit_test(encodings_round_trip),
        cmocka_unit_test(comparison_and_randomness),
        cmocka_unit_test(wrapping_binds_key_label_and_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
