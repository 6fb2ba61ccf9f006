/* Percent-decoding and parameters. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "http/http.h"

static const struct {
    const char *in;
    const char *plain; /* NULL: refused */
    const char *form;
} ROWS[] = {
    {"", "", ""},
    {"abc", "abc", "abc"},
    {"a+b", "a+b", "a b"},
    {"a%20b%2B", "a b+", "a b+"},
    {"%c3%A4", "\xc3\xa4", "\xc3\xa4"},
    {"%2525", "%25", "%25"}, /* once, not twice */
    {"%2", NULL, NULL},
    {"%", NULL, NULL},
    {"a%zz", NULL, NULL},
    {"%+1", NULL, NULL},
    {"a%00b", NULL, NULL},
};

static void test_decode(void **state)
{
    char out[16];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        bool good = http_decode(ROWS[i].in, strlen(ROWS[i].in), out, sizeof out);
        assert_int_equal(good, ROWS[i].plain != NULL);
        if (good)
            assert_string_equal(out, ROWS[i].plain);
        good = http_decode_form(ROWS[i].in, strlen(ROWS[i].in), out, sizeof out);
        assert_int_equal(good, ROWS[i].form != NULL);
        if (good)
            assert_string_equal(out, ROWS[i].form);
    }
}

static void test_decode_bounds(void **state)
{
    char out[4];
    (void)state;
    assert_true(http_decode("abc", 3, out, sizeof out));
    assert_false(http_decode("abcd", 4, out, sizeof out));
    assert_true(http_decode("%61%62%63", 9, out, sizeof out));
    assert_false(http_decode("", 0, out, 0));
    assert_false(http_decode("a\0b", 3, out, sizeof out));
    assert_true(http_decode("ab%zz", 2, out, sizeof out)); /* only len bytes count */
}

static void test_params(void **state)
{
    struct http_params params;
    (void)state;

    assert_int_equal(http_params_parse("a=1&b&c=%20x&&a=2&=e&f==", 8, false, &params, NULL), 0);
    assert_int_equal(params.count, 6);
    assert_string_equal(http_params_get(&params, "a"), "1");
    assert_int_equal(http_params_count(&params, "a"), 2);
    assert_string_equal(http_params_get(&params, "b"), "");
    assert_string_equal(http_params_get(&params, "c"), " x");
    assert_string_equal(http_params_get(&params, ""), "e");
    assert_string_equal(http_params_get(&params, "f"), "=");
    assert_null(http_params_get(&params, "A"));
    assert_int_equal(http_params_count(&params, "z"), 0);
    http_params_done(&params);
    http_params_done(&params); /* twice is harmless */
}

static void test_params_escaped_separators(void **state)
{
    struct http_params params;
    (void)state;
    assert_int_equal(http_params_parse("a%3Db=c%26d+e", 1, true, &params, NULL), 0);
    assert_string_equal(http_params_get(&params, "a=b"), "c&d e");
    http_params_done(&params);
}

static void test_params_refused(void **state)
{
    struct http_params params;
    struct error err;
    (void)state;
    assert_int_equal(http_params_parse("a=%4", 8, false, &params, &err), E_BAD_REQUEST);
    assert_int_equal(http_params_parse("%4=a", 8, false, &params, &err), E_BAD_REQUEST);
    assert_int_equal(http_params_parse("a&b&c", 2, false, &params, &err), E_BAD_REQUEST);
    assert_int_equal(http_params_parse("", 0, false, &params, &err), 0);
    assert_int_equal(params.count, 0);
    http_params_done(&params);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(test_decode),         cmocka_unit_test(test_decode_bounds),
        cmocka_unit_test(test_params),         cmocka_unit_test(test_params_escaped_separators),
        cmocka_unit_test(test_params_refused),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
