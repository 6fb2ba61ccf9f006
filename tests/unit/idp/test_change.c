/* Which passwords a person may choose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/str.h"
#include "idp/change.h"

static const struct account EVE = {.name = "eve the second", .email = "eve@example.org"};

static void good_passwords_are_taken(void **state)
{
    (void)state;
    static const char *const GOOD[] = {"correct otter", "zwölf Zeichen", "            x"};
    for (size_t i = 0; i < ARRAY_LEN(GOOD); i++)
        assert_null(change_problem(&EVE, "before", GOOD[i], GOOD[i]));
}

static void bad_passwords_are_refused(void **state)
{
    (void)state;
    char long_one[PASSWORD_MAX + 2];
    memset(long_one, 'a', sizeof long_one - 1);
    long_one[0] = 'b';
    long_one[sizeof long_one - 1] = '\0';
    const char *const bad[] = {"",
                               "eleven char",
                               "\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6",
                               long_one,
                               "the old one itself",
                               "Eve The Second",
                               "EVE@example.org",
                               "PassWord1234",
                               "aaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (!change_problem(&EVE, "the old one itself", bad[i], bad[i]))
            fail_msg("%s", bad[i]);
    assert_non_null(change_problem(&EVE, "before", "correct otter", "correct other"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_passwords_are_taken),
        cmocka_unit_test(bad_passwords_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
