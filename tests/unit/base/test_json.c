/* JSON in, strictly; JSON out, safe to show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/json.h"

static json_t *parsed(const char *text)
{
    json_t *object = NULL;
    struct error err = {0};
    if (json_parse_object(text, strlen(text), &object, &err) != 0)
        fail_msg("%s: %s", text, err.detail);
    return object;
}

static void only_strict_objects_are_taken(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "",
        " ",
        "null",
        "1",
        "\"x\"",
        "[]",
        "[{}]",
        "{",
        "}",
        "{]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "{\"a\":1}x",
        "{\"a\":1}{}",
        "{\"a\":1,\"a\":1}",
        "{\"a\":1,\"\\u0061\":2}",
        "{\"x\":{\"a\":1,\"a\":2}}",
        "{\"a\":01}",
        "{\"a\":+1}",
        "{\"a\":.5}",
        "{\"a\":NaN}",
        "{\"a\":Infinity}",
        "{\"a\":\"\\u0000\"}",
        "{\"a\\u0000\":1}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\xff\"}",
        "{\"a\":\"\xc0\x80\"}",
        "{\"a\":\"\xed\xa0\x80\"}",
        "{\"a\":\"\x01\"}",
        "{\"a\":9223372036854775808}",
        "{\"a\":1e999}",
        "{/**/\"a\":1}",
        "\xef\xbb\xbf{}",
    };
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        json_t *object = NULL;
        if (json_parse_object(BAD[i], strlen(BAD[i]), &object, NULL) != E_BAD_REQUEST || object)
            fail_msg("%s", BAD[i]);
    }
    json_t *object = NULL;
    assert_int_equal(json_parse_object("{}\0{}", 5, &object, NULL), E_BAD_REQUEST); /* exactly len bytes */
    json_decref(parsed(" {\"a\":[1,2.5,true,null,\"\\u00e9\"]}\n"));
}

static void depth_is_bounded(void **state)
{
    (void)state;
    for (int depth = JSON_DEPTH_MAX - 1; depth <= JSON_DEPTH_MAX + 1; depth++) {
        AUTO_STR struct str text = STR_INIT(1000);
        for (int i = 0; i < depth; i++)
            str_append(&text, "{\"a\":");
        str_append(&text, "1");
        for (int i = 0; i < depth; i++)
            str_append(&text, "}");
        AUTO_JSON json_t *object = NULL;
        int r = json_parse_object(str_text(&text), text.len, &object, NULL);
        assert_int_equal(r, depth < JSON_DEPTH_MAX ? 0 : E_BAD_REQUEST);
    }
    AUTO_STR struct str bomb = STR_INIT(2000000);
    str_append(&bomb, "{\"a\":");
    for (int i = 0; i < 1000000; i++)
        str_append(&bomb, "[");
    json_t *object = NULL;
    assert_int_equal(json_parse_object(str_text(&bomb), bomb.len, &object, NULL), E_BAD_REQUEST);
}

static void getters_name_the_field(void **state)
{
    (void)state;
    AUTO_JSON json_t *o =
        parsed("{\"s\":\"abc\",\"n\":5,\"t\":true,\"T\":\"True\",\"F\":\"FALSE\",\"z\":null,\"r\":1.0,\"a\":[]}");
    struct error err = {0};
    const char *text = "untouched";
    int64_t number = 77;
    bool flag = false;

    assert_int_equal(json_get_string(o, "s", "d", 3, &text, &err), 0);
    assert_string_equal(text, "abc");
    assert_int_equal(json_get_string(o, "s", "d", 2, &text, &err), E_INVALID);
    assert_string_equal(err.field, "s");
    assert_int_equal(json_get_string(o, "missing", "d", 2, &text, &err), 0);
    assert_string_equal(text, "d");
    assert_int_equal(json_get_string(o, "z", "d", 2, &text, &err), 0);
    assert_string_equal(text, "d");
    assert_int_equal(json_get_string(o, "n", "d", 2, &text, &err), E_INVALID);
    assert_int_equal(json_need_string(o, "missing", 2, &text, &err), E_INVALID);
    assert_string_equal(err.field, "missing");
    assert_int_equal(json_need_string(o, "z", 2, &text, &err), E_INVALID);

    assert_int_equal(json_get_int(o, "n", 1, 0, 5, &number, &err), 0);
    assert_int_equal(number, 5);
    assert_int_equal(json_get_int(o, "n", 1, 6, 9, &number, &err), E_INVALID);
    assert_int_equal(json_get_int(o, "n", 1, 0, 4, &number, &err), E_INVALID);
    assert_int_equal(json_get_int(o, "r", 1, 0, 4, &number, &err), E_INVALID); /* 1.0 is no whole number here */
    assert_int_equal(json_get_int(o, "s", 1, 0, 4, &number, &err), E_INVALID);
    assert_int_equal(json_get_int(o, "missing", -4, 0, 4, &number, &err), 0);
    assert_int_equal(number, -4);
    assert_int_equal(json_need_int(o, "missing", 0, 4, &number, &err), E_INVALID);

    assert_int_equal(json_get_bool(o, "t", false, &flag, &err), 0);
    assert_true(flag);
    assert_int_equal(json_get_bool(o, "F", true, &flag, &err), 0);
    assert_false(flag);
    assert_int_equal(json_get_bool(o, "T", false, &flag, &err), 0);
    assert_true(flag);
    assert_int_equal(json_get_bool(o, "s", false, &flag, &err), E_INVALID);
    assert_int_equal(json_get_bool(o, "n", false, &flag, &err), E_INVALID);
    assert_int_equal(json_get_bool(o, "a", false, &flag, &err), E_INVALID);
    assert_string_equal(err.field, "a");
}

static void trusted_look_ups_have_defaults(void **state)
{
    (void)state;
    AUTO_JSON json_t *o = parsed("{\"s\":\"abc\",\"n\":5,\"t\":true}");
    assert_string_equal(json_text(o, "s"), "abc");
    assert_string_equal(json_text(o, "n"), "");
    assert_string_equal(json_text(o, "missing"), "");
    assert_string_equal(json_text(NULL, "s"), "");
    assert_int_equal(json_int(o, "n"), 5);
    assert_int_equal(json_int(o, "s"), 0);
    assert_true(json_flag(o, "t"));
    assert_false(json_flag(o, "s"));
}

static void strings_are_safe_to_show(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *json;
    } ROWS[] = {
        {"", "\"\""},
        {"a\"b\\c/d", "\"a\\\"b\\\\c/d\""},
        {"\n\r\t\x1b[31m", "\"\\n\\u000d\\u0009\\u001b[31m\""},
        {"\x7f", "\"\\u007f\""},
        {"\xc2\x85", "\"\\u0085\""},     /* a C1 control */
        {"\xe2\x80\xae", "\"\\u202e\""}, /* right-to-left override */
        {"\xe2\x81\xa6\xe2\x81\xa9", "\"\\u2066\\u2069\""},
        {"\xe2\x80\x8b\xef\xbb\xbf", "\"\\u200b\\ufeff\""},
        {"\xc3\xa9\xf0\x9f\x98\x80", "\"\xc3\xa9\xf0\x9f\x98\x80\""},
        {"\xff", "\"\\ufffd\""},
        {"\xc0\x80", "\"\\ufffd\\ufffd\""},
        {"\xc3", "\"\\ufffd\""},
        {"\xed\xa0\x80x", "\"\\ufffd\\ufffd\\ufffdx\""},
        {"\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO_STR struct str s = STR_INIT(200);
        json_append_string(&s, ROWS[i].text);
        assert_string_equal(str_text(&s), ROWS[i].json);
        AUTO_FREE char *object = xasprintf("{\"a\":%s}", str_text(&s));
        json_decref(parsed(object));
    }
}

static void values_are_compact(void **state)
{
    (void)state;
    AUTO_JSON json_t *o = parsed("{ \"a\" : [ 1 , true , null ] }");
    AUTO_STR struct str s = STR_INIT(100), small = STR_INIT(5);
    json_append_value(&s, o);
    assert_string_equal(str_text(&s), "{\"a\":[1,true,null]}");
    json_append_value(&small, o);
    assert_true(small.overflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_strict_objects_are_taken), cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(getters_name_the_field),        cmocka_unit_test(trusted_look_ups_have_defaults),
        cmocka_unit_test(strings_are_safe_to_show),      cmocka_unit_test(values_are_compact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
