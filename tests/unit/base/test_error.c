/* The error table and the functions that fill a struct error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"

static void every_row_is_whole_and_found_by_name(void **state)
{
    (void)state;
    for (int row = 0; row < ERROR_ROW_COUNT; row++) {
        int code = -1 - row;
        assert_true(*error_name(code));
        assert_true(*error_title(code));
        assert_in_range(error_http_status(code), 300, 599);
        assert_in_range(error_exit_code(code), 0, 78);
        assert_int_equal(error_code_by_name(error_name(code)), code); /* so no name stands twice */
    }
    assert_int_equal(E_INTERNAL, -1);
    assert_int_equal(error_code_by_name("nonsense"), E_INTERNAL);
    assert_int_equal(error_code_by_name(""), E_INTERNAL);
}

static void foreign_codes_are_internal(void **state)
{
    (void)state;
    static const int CODES[] = {1, 77, -1 - ERROR_ROW_COUNT, -100000};
    for (size_t i = 0; i < ARRAY_LEN(CODES); i++)
        assert_string_equal(error_name(CODES[i]), "internal");
    assert_string_equal(error_name(0), "ok");
    assert_int_equal(error_http_status(0), 200);
    assert_int_equal(error_exit_code(0), 0);
}

static void errors_are_filled(void **state)
{
    (void)state;
    struct error err = {0};
    assert_int_equal(error_set_field(&err, E_INVALID, "title", "bad %d", 7), E_INVALID);
    assert_int_equal(err.code, E_INVALID);
    assert_string_equal(err.field, "title");
    assert_string_equal(err.detail, "bad 7");
    assert_int_equal(error_set(&err, E_LIMIT, "more"), E_LIMIT);
    assert_string_equal(err.field, "");
    assert_int_equal(error_set(NULL, E_LIMIT, "nobody cares %s", "here"), E_LIMIT);
}

static void long_texts_are_cut(void **state)
{
    (void)state;
    char long_text[2000];
    struct error err;
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    errno = EACCES;
    assert_int_equal(error_set_errno(&err, E_IO, "%s", long_text), E_IO);
    assert_int_equal(strlen(err.detail), sizeof err.detail - 1);
    (void)error_set_field(&err, E_INVALID, long_text, "x");
    assert_int_equal(strlen(err.field), sizeof err.field - 1);
}

static void full_disks_are_told_apart(void **state)
{
    (void)state;
    struct error err;
    errno = ENOSPC;
    assert_int_equal(error_set_errno(&err, E_IO, "writing"), E_NO_SPACE);
    errno = EDQUOT;
    assert_int_equal(error_set_errno(NULL, E_IO, "writing"), E_NO_SPACE);
    errno = EACCES;
    assert_int_equal(error_set_errno(&err, E_IO, "opening %s", "it"), E_IO);
    assert_string_equal(err.detail, "opening it: Permission denied");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_whole_and_found_by_name),
        cmocka_unit_test(foreign_codes_are_internal),
        cmocka_unit_test(errors_are_filled),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(full_disks_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
