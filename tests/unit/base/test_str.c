/* Strings with a maximum, escapes, and fixed copies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/str.h"

static void grows_and_stays_terminated(void **state)
{
    (void)state;
    AUTO_STR struct str s = STR_INIT(100000);
    assert_string_equal(str_text(&s), "");
    for (int i = 0; i < 10000; i++)
        str_append(&s, "abc");
    assert_int_equal(s.len, 30000);
    assert_int_equal(strlen(str_text(&s)), 30000);
    assert_false(s.overflow);
    str_reset(&s);
    assert_string_equal(str_text(&s), "");
    assert_int_equal(s.len, 0);
}

static void maximum_is_a_latch(void **state)
{
    (void)state;
    AUTO_STR struct str s = STR_INIT(5);
    str_append(&s, "12345");
    assert_false(s.overflow);
    str_append_char(&s, '6');
    assert_true(s.overflow);
    str_append(&s, "");
    assert_true(s.overflow);
    assert_string_equal(str_text(&s), "12345"); /* what was there stays, nothing is cut in the middle */
    str_reset(&s);
    str_append(&s, "123456");
    assert_true(s.overflow);
    assert_string_equal(str_text(&s), "");
    str_reset(&s);
    str_printf(&s, "%d-%d", 12, 34);
    assert_string_equal(str_text(&s), "12-34");
    str_printf(&s, "%s", "x");
    assert_true(s.overflow);
}

static void lengths_near_the_end_do_not_wrap(void **state)
{
    (void)state;
    AUTO_STR struct str s = STR_INIT(10);
    str_append(&s, "abc");
    str_append_len(&s, "x", SIZE_MAX); /* refused before it is touched */
    assert_true(s.overflow);
    assert_int_equal(s.len, 3);
}

static void bytes_may_be_nul(void **state)
{
    (void)state;
    AUTO_STR struct str s = STR_INIT(10);
    str_append_len(&s, "a\0b", 3);
    assert_int_equal(s.len, 3);
    assert_memory_equal(s.p, "a\0b", 4);
}

static void xml_and_url_escapes(void **state)
{
    (void)state;
    AUTO_STR struct str xml = STR_INIT(200), url = STR_INIT(200);
    str_append_xml(&xml, "<a b=\"c\">&'\x01\t\r\n\x1f\xc3\xa9");
    assert_string_equal(str_text(&xml), "&lt;a b=&quot;c&quot;&gt;&amp;'?\t\r\n?\xc3\xa9");
    str_append_url(&url, "aZ09-._~ /?&=+%\r\n\xc3\xa9");
    assert_string_equal(str_text(&url), "aZ09-._~%20%2F%3F%26%3D%2B%25%0D%0A%C3%A9");
}

static void fixed_copies(void **state)
{
    (void)state;
    char five[5];
    assert_true(str_copy(five, sizeof five, "1234"));
    assert_string_equal(five, "1234");
    assert_false(str_copy(five, sizeof five, "12345"));
    assert_string_equal(five, "");
    assert_true(str_copy(five, sizeof five, ""));
    assert_true(str_starts("airlock", "air"));
    assert_true(str_starts("airlock", ""));
    assert_false(str_starts("air", "airlock"));
    char secret[8] = "hunter2";
    secret_wipe(secret, sizeof secret);
    assert_memory_equal(secret, "\0\0\0\0\0\0\0\0", 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_and_stays_terminated),
        cmocka_unit_test(maximum_is_a_latch),
        cmocka_unit_test(lengths_near_the_end_do_not_wrap),
        cmocka_unit_test(bytes_may_be_nul),
        cmocka_unit_test(xml_and_url_escapes),
        cmocka_unit_test(fixed_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
