/* CRC-64/NVME: the published vector, and both ways against the plain definition, one bit at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>
#include <string.h>

#include "base/crc64.h"
#include "base/crypto.h"

#define TEXT_MAX 2048

static uint64_t crc64_naive(const unsigned char *bytes, size_t len)
{
    uint64_t state = ~0ULL;

    for (size_t i = 0; i < len; i++) {
        state ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            state = state >> 1 ^ (state & 1 ? 0x9A6C9329AC4BC9B5ULL : 0);
    }
    return ~state;
}

static void test_vectors(void **state UNUSED)
{
    assert_true(crc64_naive((const unsigned char *)"123456789", 9) == 0xAE8B14860A799888ULL);
    assert_true(crc64_update(0, "123456789", 9) == 0xAE8B14860A799888ULL);
    assert_true(crc64_update_portable(0, "123456789", 9) == 0xAE8B14860A799888ULL);
    assert_true(crc64_update(0, "", 0) == 0);
}

/* Every length up to some turns of each loop, at every alignment of a word. */
static void test_lengths(void **state UNUSED)
{
    unsigned char text[TEXT_MAX];

    random_fill(text, sizeof text);
    for (size_t start = 0; start < 8; start++)
        for (size_t len = 0; len <= 400; len++) {
            uint64_t wanted = crc64_naive(text + start, len);
            if (crc64_update(0, text + start, len) != wanted || crc64_update_portable(0, text + start, len) != wanted)
                fail_msg("%zu bytes from %zu", len, start);
        }
    assert_true(crc64_update(0, text, sizeof text) == crc64_naive(text, sizeof text));
}

static void test_pieces(void **state UNUSED)
{
    unsigned char text[TEXT_MAX];

    random_fill(text, sizeof text);
    uint64_t wanted = crc64_naive(text, sizeof text);
    for (size_t cut = 0; cut <= sizeof text; cut += 7) {
        uint64_t first = crc64_update(0, text, cut);
        assert_true(crc64_update(first, text + cut, sizeof text - cut) == wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
