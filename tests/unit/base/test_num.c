/* Numbers: digits, nothing else, inside their bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/macros.h"
#include "base/num.h"

static void decimals(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t min, max;
        bool ok;
        uint64_t value;
    } ROWS[] = {
        {"0", 0, 10, true, 0},
        {"10", 0, 10, true, 10},
        {"007", 0, 10, true, 7},
        {"11", 0, 10, false, 0},
        {"4", 5, 10, false, 0},
        {"18446744073709551615", 0, UINT64_MAX, true, UINT64_MAX},
        {"18446744073709551616", 0, UINT64_MAX, false, 0},
        {"184467440737095516150", 0, UINT64_MAX, false, 0},
        {"99999999999999999999999999", 0, UINT64_MAX, false, 0},
        {"", 0, 10, false, 0},
        {" 1", 0, 10, false, 0},
        {"1 ", 0, 10, false, 0},
        {"+1", 0, 10, false, 0},
        {"-1", 0, 10, false, 0},
        {"-0", 0, 10, false, 0},
        {"0x1", 0, 10, false, 0},
        {"1e1", 0, 10, false, 0},
        {"1.0", 0, 10, false, 0},
        {"1\n", 0, 10, false, 0},
        {"\xd9\xa1", 0, 10, false, 0}, /* an Arabic digit one */
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        uint64_t value = 0;
        bool ok = num_parse(ROWS[i].text, ROWS[i].min, ROWS[i].max, &value);
        if (ok != ROWS[i].ok || value != ROWS[i].value)
            fail_msg("\"%s\"", ROWS[i].text);
    }
    uint64_t value = 77;
    assert_true(num_parse_len("123456", 3, 0, 999, &value));
    assert_int_equal(value, 123);
    assert_false(num_parse_len("1\0002", 3, 0, 999, &value));
    assert_false(num_parse_len("123", 0, 0, 999, &value));
    assert_int_equal(value, 123); /* untouched on refusal */
}

static void hexadecimals(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        uint64_t value;
    } ROWS[] = {
        {"0", true, 0},
        {"fF", true, 255},
        {"ffffffffffffffff", true, UINT64_MAX},
        {"0ffffffffffffffff", false, 0}, /* 17 digits */
        {"", false, 0},
        {"0x1", false, 0},
        {"g", false, 0},
        {"-1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        uint64_t value = 0;
        bool ok = num_parse_hex_len(ROWS[i].text, strlen(ROWS[i].text), UINT64_MAX, &value);
        if (ok != ROWS[i].ok || value != ROWS[i].value)
            fail_msg("\"%s\"", ROWS[i].text);
    }
    uint64_t value;
    assert_false(num_parse_hex_len("100", 3, 255, &value));
}

static void arithmetic_does_not_wrap(void **state)
{
    (void)state;
    uint64_t value;
    assert_true(num_add(UINT64_MAX - 1, 1, &value) && value == UINT64_MAX);
    assert_false(num_add(UINT64_MAX, 1, &value));
    assert_true(num_mul(1ULL << 32, (1ULL << 32) - 1, &value));
    assert_false(num_mul(1ULL << 32, 1ULL << 32, &value));
    assert_true(num_mul(0, UINT64_MAX, &value) && value == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimals),
        cmocka_unit_test(hexadecimals),
        cmocka_unit_test(arithmetic_does_not_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
