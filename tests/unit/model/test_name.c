/* Names of blobs and metadata: every way of being wrong, twins, and trees. */
#include "../check.h"

#include "base/str.h"
#include <unistr.h>

#include "model/name.h"
#include "model/name_warning.h"

struct bytes {
    const char *p;
    size_t len;
    const char *says; /* NULL: fine */
};
#define B(text, says)                \
    {                                \
        text, sizeof(text) - 1, says \
    }

static void test_check(void **state)
{
    (void)state;
    static const struct bytes ROWS[] = {
        B("a", NULL),
        B("dir/file.txt", NULL),
        B("plus+percent%hash#amp&eq=q.txt", NULL),
        B("deep (1) [x] ~!@$,;'.txt", NULL),
        B("tab\there", NULL),
        B("..", NULL), /* data, not a path */
        B("../../etc/passwd", NULL),
        B("/absolute", NULL),
        B("a//b", NULL),
        B("trailing.", NULL),
        B("\xc3\xa9t\xc3\xa9", NULL),
        B("\xe4\xb8\xad\xe6\x96\x87", NULL),
        B("\xf0\x9f\x98\x80", NULL),
        B("rtl\xe2\x80\xaeoverride", NULL), /* shown escaped, not refused */
        B("zero\xe2\x80\x8bwidth", NULL),
        B("", "empty"),
        B("nul\0inside", "control"),
        B("line\nfeed", "control"),
        B("\r", "control"),
        B("\x1b[31m", "control"),
        B("del\x7f", "control"),
        B("c1\xc2\x85", "control"),
        B("c1\xc2\x9f", "control"),
        B("\xff", "UTF-8"),
        B("a\x80", "UTF-8"),
        B("cut\xc3", "UTF-8"),
        B("over\xc0\xaflong", "UTF-8"),
        B("over\xe0\x80\xaflong", "UTF-8"),
        B("surrogate\xed\xa0\x80", "UTF-8"),
        B("beyond\xf4\x90\x80\x80", "UTF-8"),
    };

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        assert_int_equal(name_is_text(ROWS[i].p, ROWS[i].len), !ROWS[i].says || strcmp(ROWS[i].says, "empty") == 0);
        if (ROWS[i].says)
            assert_refused(name_check(ROWS[i].p, ROWS[i].len, err), E_INVALID, ROWS[i].says);
        else
            assert_int_equal(name_check(ROWS[i].p, ROWS[i].len, NULL), 0);
    }
}

/* Every code point that must not be in a name, and the neighbours that may. */
static void t16_no_control_no_noncharacter(void **state)
{
    (void)state;
    for (uint32_t c = 1; c <= 0x10ffff; c++) {
        uint8_t text[8];
        bool bad = (c < 0x20 && c != 9) || (c >= 0x7f && c < 0xa0) || (c >= 0xfdd0 && c <= 0xfdef) ||
                   (c & 0xffff) >= 0xfffe;
        if (c >= 0xd800 && c <= 0xdfff)
            continue; /* not to be written in UTF-8 at all; see the rows */
        int len = u8_uctomb(text, c, sizeof text);
        assert_true(len > 0);
        assert_int_equal(name_check((const char *)text, (size_t)len, NULL), bad ? E_INVALID : 0);
    }
}

static void t17_warnings(void **state)
{
    (void)state;
#define W(name) (1U << NAME_WARNING_##name)
    static const struct {
        const char *name;
        unsigned warnings;
    } ROWS[] = {
        {"result.csv", 0},
        {"dir/sub/a b-c_d(1).txt", 0},
        {"\xc3\xa9t\xc3\xa9/\xe6\x97\xa5\xe6\x9c\xac.txt", 0},
        {".hidden", 0},
        {"a..b", 0},
        {"..", W(PATH)},
        {"../up", W(PATH)},
        {"a/../../up", W(PATH)},
        {"a/./b", W(PATH)},
        {"/etc/passwd", W(PATH)},
        {"a//b", W(PATH)},
        {"dir/", W(PATH)},
        {"..\\up", W(PATH) | W(CHARACTER)},
        {"a\\b", W(CHARACTER)},
        {"C:\\x", W(PATH) | W(CHARACTER)},
        {"c:x", W(PATH) | W(CHARACTER)},
        {"a:b", W(PATH) | W(CHARACTER)},
        {"file:stream", W(CHARACTER)},
        {"what?", W(CHARACTER)},
        {"a\tb", W(CHARACTER)},
        {"CON", W(RESERVED)},
        {"con.txt", W(RESERVED)},
        {"dir/NuL .tar.gz", W(RESERVED)},
        {"com1", W(RESERVED)},
        {"LPT9.log", W(RESERVED)},
        {"com\xc2\xb2", W(RESERVED)},
        {"com10", 0},
        {"console", 0},
        {"icon", 0},
        {"x.", W(ENDING)},
        {"x ", W(ENDING)},
        {"dir./x", W(ENDING)},
        {"...", W(ENDING)},
        {"safe\xe2\x80\xaegpj.exe", W(DIRECTION)},
        {"a\xe2\x81\xa6" "b", W(DIRECTION)},
        {"a\xe2\x80\x8f", W(DIRECTION)},
        {"a\xe2\x80\x8b" "b", W(INVISIBLE)},
        {"\xef\xbb\xbf" "a", W(INVISIBLE)},
        {"a\xc2\xad" "b", W(INVISIBLE)},
        {"a\xc2\xa0" "b", W(INVISIBLE)},
        {"a\xe2\x80\xa8" "b", W(INVISIBLE)},
        {"\xf3\xa0\x81\x81", W(INVISIBLE)},
        {"../NUL/x. /\xe2\x80\xae", W(PATH) | W(RESERVED) | W(ENDING) | W(DIRECTION)},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
        if (name_warnings(ROWS[i].name) != ROWS[i].warnings)
            fail_msg("%s: %x", ROWS[i].name, name_warnings(ROWS[i].name));
}

static void test_length(void **state)
{
    (void)state;
    char name[NAME_BYTES_MAX + 8];

    memset(name, 'x', sizeof name);
    assert_int_equal(name_check(name, NAME_CHARS_MAX, NULL), 0);
    assert_refused(name_check(name, NAME_CHARS_MAX + 1, err), E_INVALID, "1024");
    for (size_t i = 0; i + 4 <= sizeof name; i += 4)
        memcpy(name + i, "\xf0\x9f\x98\x80", 4);
    assert_int_equal(name_check(name, NAME_BYTES_MAX, NULL), 0);
    assert_refused(name_check(name, NAME_BYTES_MAX + 4, err), E_INVALID, "1024");
    for (size_t i = 0; i + 3 <= sizeof name; i += 3)
        memcpy(name + i, "\xe2\x82\xac", 3);
    assert_int_equal(name_check(name, 3 * NAME_CHARS_MAX, NULL), 0);
    assert_refused(name_check(name, 3 * NAME_CHARS_MAX + 3, err), E_INVALID, "1024");
}

static void test_twins(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool twins;
    } ROWS[] = {
        {"Data.CSV", "data.csv", true},
        {"\xc3\xa9", "e\xcc\x81", true}, /* composed and decomposed */
        {"\xc3\x89", "e\xcc\x81", true}, /* and in another case */
        {"stra\xc3\x9f"
         "e",
         "STRASSE", true}, /* full case folding */
        {"a", "a", true},
        {"a", "b", false},
        {"a/b", "a//b", false},
        {"file", "file.", false},
        {"\xd0\xb0", "a", false}, /* a homoglyph is another letter */
        {"x\xe2\x80\x8by", "xy", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO_FREE char *a = name_fold(ROWS[i].a);
        AUTO_FREE char *b = name_fold(ROWS[i].b);
        assert_int_equal(strcmp(a, b) == 0, ROWS[i].twins);
    }
}

static void test_relative(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *says;
    } ROWS[] = {
        {"a", NULL},        {"a/b/c.txt", NULL},  {"...", NULL},        {"..a/b..", NULL}, {".hidden", NULL},
        {"a b/c", NULL},    {"/a", "empty"},      {"a/", "empty"},      {"a//b", "empty"}, {"/", "empty"},
        {".", "\".\""},     {"..", "\"..\""},     {"a/../b", "\"..\""}, {"./a", "\".\""},  {"a/.", "\".\""},
        {"../a", "\"..\""}, {"a/b/..", "\"..\""},
    };

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        if (!ROWS[i].says) {
            assert_int_equal(name_check_relative(ROWS[i].name, NULL), 0);
            continue;
        }
        assert_refused(name_check_relative(ROWS[i].name, err), E_INVALID, ROWS[i].says);
        assert_refused(name_check_relative(ROWS[i].name, err), E_INVALID, ROWS[i].name);
    }
}

static void test_relative_lengths(void **state)
{
    (void)state;
    char name[NAME_PATH_MAX + 2];

    memset(name, 'x', sizeof name);
    name[255] = '\0';
    assert_int_equal(name_check_relative(name, NULL), 0);
    name[255] = 'x';
    name[256] = '\0';
    assert_refused(name_check_relative(name, err), E_INVALID, "255");
    for (size_t i = 0; i < sizeof name; i++)
        name[i] = i % 200 == 199 ? '/' : 'x';
    name[NAME_PATH_MAX] = '\0';
    assert_int_equal(name_check_relative(name, NULL), 0);
    name[NAME_PATH_MAX] = 'x';
    name[NAME_PATH_MAX + 1] = '\0';
    assert_refused(name_check_relative(name, err), E_INVALID, "4095");
}

static void test_tree(void **state)
{
    (void)state;
    static const char *const GOOD[] = {"b", "a/b", "a/c/d", "a.txt", "a-b/x", "a0", "ab"};
    static const char *const BOTH[] = {"a-b", "a/x", "z", "a"};
    static const char *const DEEP[] = {"d/a!/x", "d/a/b/c", "d/a", "d/a0"};
    static const char *const TWICE[] = {"x", "y", "x"};
    static const char *const CLIMB[] = {"x", "../y"};

    assert_int_equal(name_check_tree(GOOD, ARRAY_LEN(GOOD), NULL), 0);
    assert_int_equal(name_check_tree(GOOD, 1, NULL), 0);
    assert_int_equal(name_check_tree(GOOD, 0, NULL), 0);
    assert_refused(name_check_tree(BOTH, ARRAY_LEN(BOTH), err), E_INVALID, "\"a\" would be both");
    assert_refused(name_check_tree(DEEP, ARRAY_LEN(DEEP), err), E_INVALID, "\"d/a\" would be both");
    assert_refused(name_check_tree(TWICE, ARRAY_LEN(TWICE), err), E_INVALID, "\"x\" is in the list twice");
    assert_refused(name_check_tree(CLIMB, ARRAY_LEN(CLIMB), err), E_INVALID, "../y");
}

static void test_metadata(void **state)
{
    (void)state;
    static const char *const GOOD[] = {"mtime", "_x", "a1", "CamelCase", "A"};
    static const char *const BAD[] = {"", "1a", "a-b", "a.b", "a b", "\xc3\xa9", "a\n"};
    char name[NAME_METADATA_MAX + 2];

    for (size_t i = 0; i < ARRAY_LEN(GOOD); i++)
        assert_true(name_is_metadata(GOOD[i]));
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        assert_false(name_is_metadata(BAD[i]));
    memset(name, 'x', sizeof name);
    name[NAME_METADATA_MAX] = '\0';
    assert_true(name_is_metadata(name));
    name[NAME_METADATA_MAX] = 'x';
    name[NAME_METADATA_MAX + 1] = '\0';
    assert_false(name_is_metadata(name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_length),
        cmocka_unit_test(t16_no_control_no_noncharacter),
        cmocka_unit_test(t17_warnings),
        cmocka_unit_test(test_twins),
        cmocka_unit_test(test_relative),
        cmocka_unit_test(test_tree),
        cmocka_unit_test(test_relative_lengths),
        cmocka_unit_test(test_metadata),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
