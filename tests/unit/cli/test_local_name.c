/* Which names of blobs become files. */
#include "cli_test.h"

#include "base/macros.h"
#include "cli/local_name.h"

static void takes_plain_relative_paths(void **state)
{
    static const char *const GOOD[] = {"a",   "a.txt",     "dir/sub/a b.txt", "..a",     "a..",
                                       "...", "grün/日本", ".hidden",         "a:b*?\"|"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(GOOD); i++)
        assert_int_equal(local_name_check(GOOD[i], NULL), 0);
}

static void refuses_what_leaves_the_directory(void **state)
{
    static const char *const BAD[] = {"",      "/etc/passwd", "..", "../x",  "a/../b", "a/..", "./a",
                                      "a/./b", "a//b",        "a/", "..\\x", "a\nb",   "\x1b", "a\x7f"};
    struct error err = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        assert_int_equal(local_name_check(BAD[i], &err), E_INVALID);
    assert_int_equal(local_name_check("a\x1b[2J", &err), E_INVALID);
    assert_null(strchr(err.detail, '\x1b'));
}

static void refuses_what_is_too_long(void **state)
{
    char name[4096];

    (void)state;
    memset(name, 'x', sizeof name);
    name[240] = '\0';
    assert_int_equal(local_name_check(name, NULL), 0);
    name[240] = 'x';
    name[241] = '\0';
    assert_int_equal(local_name_check(name, NULL), E_INVALID);
}

static void names_blobs_by_the_last_component(void **state)
{
    (void)state;
    assert_string_equal(local_name_base("/tmp/x/figure.pdf"), "figure.pdf");
    assert_string_equal(local_name_base("figure.pdf"), "figure.pdf");
    assert_null(local_name_base("/tmp/"));
    assert_null(local_name_base(".."));
    assert_null(local_name_base("x/."));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_plain_relative_paths),
        cmocka_unit_test(refuses_what_leaves_the_directory),
        cmocka_unit_test(refuses_what_is_too_long),
        cmocka_unit_test(names_blobs_by_the_last_component),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
