/* UUIDs: made in the canonical form, and no other form taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/macros.h"
#include "base/uuid.h"

static void made_ones_are_canonical_and_differ(void **state)
{
    (void)state;
    char last[UUID_TEXT_SIZE] = "", next[UUID_TEXT_SIZE];
    for (int i = 0; i < 1000; i++) {
        uuid_new(next);
        assert_true(uuid_is_v4(next));
        assert_string_not_equal(last, next);
        memcpy(last, next, sizeof last);
    }
}

static void given_bytes_make_one(void **state)
{
    (void)state;
    unsigned char bytes[UUID_BYTES];
    char text[UUID_TEXT_SIZE];

    memset(bytes, 0xFF, sizeof bytes);
    uuid_from_bytes(bytes, text);
    assert_string_equal(text, "ffffffff-ffff-4fff-bfff-ffffffffffff");
    memset(bytes, 0, sizeof bytes);
    uuid_from_bytes(bytes, text);
    assert_string_equal(text, "00000000-0000-4000-8000-000000000000");
}

static void other_forms_are_refused(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "",
        "x",
        "11111111-1111-4111-8111-11111111111",
        "11111111-1111-4111-8111-1111111111111",
        "11111111-1111-1111-8111-111111111111", /* version 1 */
        "11111111-1111-4111-c111-111111111111", /* another variant */
        "11111111-1111-4111-7111-111111111111",
        "ABCDEF11-1111-4111-8111-111111111111",
        "11111111111141118111111111111111",
        "{11111111-1111-4111-8111-111111111111}",
        "11111111_1111_4111_8111_111111111111",
        "1111111-11111-4111-8111-111111111111",
        "11111111-1111-4111-8111-11111111111g",
        " 1111111-1111-4111-8111-111111111111",
        "../../../-1111-4111-8111-111111111111",
        "00000000-0000-0000-0000-000000000000",
    };
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        if (uuid_is_v4(BAD[i]))
            fail_msg("%s", BAD[i]);
    assert_true(uuid_is_v4("11111111-1111-4111-8111-111111111111"));
    assert_true(uuid_is_v4("abcdef09-0000-4000-bfff-ffffffffffff"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_ones_are_canonical_and_differ),
        cmocka_unit_test(given_bytes_make_one),
        cmocka_unit_test(other_forms_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
