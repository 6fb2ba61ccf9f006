/* Block ids as real clients send them, and the places they predict. */
#include "../check.h"

#include <stdio.h>

#include "base/crypto.h"
#include "base/str.h"
#include "model/placement.h"

#define MIB ((uint64_t)1 << 20)

static void encode(struct str *out, const void *bytes, size_t len)
{
    str_reset(out);
    base64_append(out, bytes, len);
}

static void azcopy_id(struct str *out, const char *digits)
{
    unsigned char bytes[36];
    memcpy(bytes, "00000", 5);
    for (size_t i = 0; i < 16; i++)
        bytes[5 + i] = (unsigned char)(0xf0 + i); /* a job id: any bytes */
    memcpy(bytes + 21, digits, 15);
    encode(out, bytes, sizeof bytes);
}

static void test_azcopy(void **state)
{
    (void)state;
    static const struct {
        const char *digits; /* part, file, block */
        bool known;
        uint64_t index;
    } ROWS[] = {
        {"000000000000000", true, 0},     {"000000000000003", true, 3},  {"000010000700042", true, 42},
        {"999999999949999", true, 49999}, {"000000000050000", false, 0}, {"0000000000000a1", false, 0},
        {"x00000000000001", false, 0},
    };
    AUTO_STR struct str id = STR_INIT(128);

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        uint64_t number = 99, offset;
        azcopy_id(&id, ROWS[i].digits);
        assert_int_equal(id.len, 48);
        assert_int_equal(placement_decode(str_text(&id), &number),
                         ROWS[i].known ? PLACEMENT_AZCOPY : PLACEMENT_UNKNOWN);
        if (!ROWS[i].known)
            continue;
        assert_int_equal(number, ROWS[i].index);
        assert_true(placement_hint(str_text(&id), 8 * MIB, &offset));
        assert_int_equal(offset, ROWS[i].index * 8 * MIB);
    }
}

static void test_js(void **state)
{
    (void)state;
    AUTO_STR struct str id = STR_INIT(128);
    uint64_t number, offset;
    const char *text = "4f3c2b1a-0d9e-4f8a-8b7c-6d5e4f3a2b1c000000000071";

    encode(&id, text, 48);
    assert_int_equal(id.len, 64);
    assert_int_equal(placement_decode(str_text(&id), &number), PLACEMENT_JS);
    assert_int_equal(number, 71);
    assert_true(placement_hint(str_text(&id), 4 * MIB, &offset));
    assert_int_equal(offset, 71 * 4 * MIB);
    encode(&id, "4f3c2b1a-0d9e-4f8a-8b7c-6d5e4f3a2b1c00000000007x", 48);
    assert_int_equal(placement_decode(str_text(&id), &number), PLACEMENT_UNKNOWN);
    encode(&id, "zf3c2b1a-0d9e-4f8a-8b7c-6d5e4f3a2b1c000000000071", 48);
    assert_int_equal(placement_decode(str_text(&id), &number), PLACEMENT_UNKNOWN);
}

static void python_id(struct str *out, uint64_t offset, bool escaped)
{
    char digits[33];
    AUTO_STR struct str inner = STR_INIT(64);

    (void)snprintf(digits, sizeof digits, "%032llu", (unsigned long long)offset);
    base64_append(&inner, digits, 32);
    assert_int_equal(inner.len, 44);
    if (escaped) {
        assert_int_equal(inner.p[43], '=');
        inner.len = 43;
        str_append(&inner, "%3D");
    }
    encode(out, inner.p, inner.len);
}

static void test_python(void **state)
{
    (void)state;
    static const uint64_t OFFSETS[] = {0, 4 * MIB, 68 * MIB, 5000 * MIB};
    AUTO_STR struct str id = STR_INIT(128);
    uint64_t number, offset;

    for (size_t i = 0; i < ARRAY_LEN(OFFSETS); i++)
        for (int escaped = 0; escaped < 2; escaped++) {
            python_id(&id, OFFSETS[i], escaped);
            assert_int_equal(placement_decode(str_text(&id), &number), PLACEMENT_PYTHON);
            assert_int_equal(number, OFFSETS[i]);
            assert_true(placement_hint(str_text(&id), 1234, &offset)); /* also for a short last block */
            assert_int_equal(offset, OFFSETS[i]);
        }
    python_id(&id, 1000, true);
    assert_false(placement_hint(str_text(&id), 4 * MIB, &offset)); /* not aligned */
    python_id(&id, PLACEMENT_BLOB_MAX, true);
    assert_false(placement_hint(str_text(&id), 4096, &offset)); /* past the end */
    assert_int_equal(placement_decode("BlockId00012", &number), PLACEMENT_PYTHON_STREAM);
    assert_int_equal(number, 12);
    assert_int_equal(placement_decode("BlockId0001x", &number), PLACEMENT_UNKNOWN);
    assert_true(placement_is_offset(PLACEMENT_PYTHON));
    assert_false(placement_is_offset(PLACEMENT_AZCOPY));
}

static void test_python_not_digits(void **state)
{
    (void)state;
    AUTO_STR struct str inner = STR_INIT(64);
    AUTO_STR struct str id = STR_INIT(128);
    uint64_t number;

    base64_append(&inner, "0000000000000000000000000000000x", 32);
    encode(&id, inner.p, inner.len);
    assert_int_equal(placement_decode(str_text(&id), &number), PLACEMENT_UNKNOWN);
    char bytes[46];
    memset(bytes, 'A', sizeof bytes);
    encode(&id, bytes, sizeof bytes);
    assert_int_equal(placement_decode(str_text(&id), &number), PLACEMENT_UNKNOWN);
}

static void test_go_and_rclone(void **state)
{
    (void)state;
    unsigned char bytes[64] = {0};
    AUTO_STR struct str id = STR_INIT(128);
    uint64_t number, offset;

    memset(bytes, 0xab, 16);
    bytes[18] = 1;
    bytes[19] = 2; /* 258, big-endian */
    encode(&id, bytes, 64);
    assert_int_equal(id.len, 88);
    assert_int_equal(placement_decode(str_text(&id), &number), PLACEMENT_GO);
    assert_int_equal(number, 258);
    assert_true(placement_hint(str_text(&id), 4 * MIB, &offset));
    assert_int_equal(offset, 258 * 4 * MIB);
    bytes[63] = 1;
    encode(&id, bytes, 64);
    assert_int_equal(placement_decode(str_text(&id), &number), PLACEMENT_UNKNOWN);
    bytes[63] = 0;
    bytes[16] = 1; /* an index beyond all blocks */
    encode(&id, bytes, 64);
    assert_int_equal(placement_decode(str_text(&id), &number), PLACEMENT_UNKNOWN);

    unsigned char newer[16] = {0, 0, 0, 0, 0, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8};
    encode(&id, newer, sizeof newer);
    assert_int_equal(placement_decode(str_text(&id), &number), PLACEMENT_RCLONE);
    assert_int_equal(number, 9);
    newer[0] = 1;
    encode(&id, newer, sizeof newer);
    assert_int_equal(placement_decode(str_text(&id), &number), PLACEMENT_UNKNOWN);
}

static void test_dotnet(void **state)
{
    (void)state;
    unsigned char bytes[48] = {0, 0, 0x40};
    AUTO_STR struct str id = STR_INIT(128);
    uint64_t number, offset;

    encode(&id, bytes, sizeof bytes);
    assert_int_equal(placement_decode(str_text(&id), &number), PLACEMENT_DOTNET);
    assert_true(placement_hint(str_text(&id), 4 * MIB, &offset));
    assert_int_equal(offset, 4 * MIB);
    bytes[7] = 1;
    encode(&id, bytes, sizeof bytes);
    assert_int_equal(placement_decode(str_text(&id), &number), PLACEMENT_UNKNOWN);
}

static void test_no_hint(void **state)
{
    (void)state;
    static const char *const UNKNOWN[] = {"", "AAAA", "not base64!", "QUFBQUFBQUE=", "====", "AAAAAA=="};
    AUTO_STR struct str id = STR_INIT(128);
    uint64_t offset = 1;

    for (size_t i = 0; i < ARRAY_LEN(UNKNOWN); i++)
        assert_false(placement_hint(UNKNOWN[i], 4 * MIB, &offset));
    azcopy_id(&id, "000000000000001");
    assert_false(placement_hint(str_text(&id), 0, &offset));
    assert_false(placement_hint(str_text(&id), 5000, &offset)); /* 1 x 5000 is not aligned */
    azcopy_id(&id, "000000000049999");
    assert_false(placement_hint(str_text(&id), 4000 * MIB, &offset)); /* past 5 TiB */
    assert_false(placement_hint(str_text(&id), UINT64_MAX / 2, &offset));
    assert_int_equal(offset, 1);
    azcopy_id(&id, "000000000000000");
    assert_true(placement_hint(str_text(&id), 5000, &offset)); /* the first block always begins at 0 */
    assert_int_equal(offset, 0);
    assert_false(placement_hint(str_text(&id), UINT64_MAX, &offset));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_azcopy),        cmocka_unit_test(test_js),
        cmocka_unit_test(test_python),        cmocka_unit_test(test_python_not_digits),
        cmocka_unit_test(test_go_and_rclone), cmocka_unit_test(test_dotnet),
        cmocka_unit_test(test_no_hint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
