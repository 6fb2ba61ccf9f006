/* The three text forms of time, both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/macros.h"
#include <cmocka.h>

static void http_dates(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds; /* -1: refused */
    } ROWS[] = {
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777}, /* RFC 9110 §5.6.7 */
        {"Sun, 22 Nov 2026 14:33:01 GMT", 1795357981},
        {"Thu, 29 Feb 2024 23:59:59 GMT", 1709251199},
        {"Sunday, 06-Nov-94 08:49:37 GMT", -1}, /* the obsolete forms */
        {"Sun Nov  6 08:49:37 1994", -1},
        {"Sun, 06 Nov 1994 08:49:37 UTC", -1},
        {"Sun, 06 Nov 1994 08:49:37 +0000", -1},
        {"Sun, 06 Nov 1994 08:49:37 GMT ", -1},
        {"Sun, 6 Nov 1994 08:49:37 GMT", -1},
        {"Sun, 06 nov 1994 08:49:37 GMT", -1},
        {"Sun, 06 Nov 1994 24:00:00 GMT", -1},
        {"Sun, 06 Nov 1994 08:60:00 GMT", -1},
        {"Sun, 31 Feb 2024 08:49:37 GMT", -1},
        {"Thu, 29 Feb 2023 08:49:37 GMT", -1},
        {"Sun, 00 Nov 1994 08:49:37 GMT", -1},
        {"", -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        int64_t seconds = -1;
        bool ok = clock_parse_http(ROWS[i].text, &seconds);
        if (ok != (ROWS[i].seconds >= 0) || seconds != ROWS[i].seconds)
            fail_msg("%s: %lld", ROWS[i].text, (long long)seconds);
        char text[CLOCK_TEXT_MAX];
        if (ok) {
            clock_format_http(seconds * 1000000 + 999999, text);
            assert_string_equal(text, ROWS[i].text);
        }
    }
}

/* Facts: the forms Azure takes in st and se. */
static void sas_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds; /* -1: refused */
    } ROWS[] = {
        {"2026-11-22", 1795305600},
        {"2026-11-22T14:33Z", 1795357980},
        {"2026-11-22T14:33:01Z", 1795357981},
        {"2026-11-22T14:33:01.5Z", 1795357981},
        {"2026-11-22T14:33:01.1234567Z", 1795357981},
        {"2026-11-22T14:33:01.12345678Z", -1},
        {"2026-11-22T14:33:01.Z", -1},
        {"2026-11-22T14:33:01", -1},
        {"2026-11-22T14:33:01+00:00", -1},
        {"2026-11-22T14:33:01z", -1},
        {"2026-11-22 14:33:01Z", -1},
        {"2026-11-22T14Z", -1},
        {"2026-11-22T", -1},
        {"2026-11-22Z", -1},
        {"2026-11-22T24:00Z", -1},
        {"2026-02-29", -1},
        {"2024-02-29", 1709164800},
        {"2026-13-01", -1},
        {"2026-00-01", -1},
        {"2026-01-00", -1},
        {"26-11-22", -1},
        {"2026/11/22", -1},
        {" 2026-11-22", -1},
        {"2026-11-22 ", -1},
        {"+026-11-22", -1},
        {"", -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        int64_t seconds = -1;
        bool ok = clock_parse_sas(ROWS[i].text, &seconds);
        if (ok != (ROWS[i].seconds >= 0) || seconds != ROWS[i].seconds)
            fail_msg("%s: %lld", ROWS[i].text, (long long)seconds);
    }
}

static void times_of_day(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds; /* -1: refused */
    } ROWS[] = {{"00:00", 0}, {"07:05", 25500}, {"23:59", 86340}, {"24:00", -1}, {"07:60", -1},
                {"7:05", -1}, {"07.05", -1},    {"07:05:00", -1}, {"", -1},      {"ab:cd", -1}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        int64_t seconds = -1;
        if (clock_parse_time_of_day(ROWS[i].text, &seconds) != (ROWS[i].seconds >= 0) || seconds != ROWS[i].seconds)
            fail_msg("%s: %lld", ROWS[i].text, (long long)seconds);
    }
}

static void iso_times(void **state)
{
    (void)state;
    char text[CLOCK_TEXT_MAX];
    clock_format_iso(1795357981999999, text);
    assert_string_equal(text, "2026-11-22T14:33:01Z");
    clock_format_iso(0, text);
    assert_string_equal(text, "1970-01-01T00:00:00Z");
}

static void clocks_go_on(void **state)
{
    (void)state;
    int64_t mono = clock_mono_ms();
    assert_true(clock_mono_ms() >= mono);
    assert_true(clock_now_us() > 1700000000000000);
    assert_in_range(clock_now_s() - clock_now_us() / 1000000 + 1, 0, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_dates),
        cmocka_unit_test(sas_times),
        cmocka_unit_test(times_of_day), cmocka_unit_test(iso_times),
        cmocka_unit_test(clocks_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
