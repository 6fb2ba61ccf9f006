/* The table of groups: what it says, and what of it is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "model/group_role.h"

#define WS "11111111-1111-4111-8111-111111111111"

static void entries_are_read_in_order(void **state)
{
    static const struct {
        const char *group, *workspace;
        enum role role;
    } WANTED[] = {
        {"tre admins", "", ROLE_TRE_ADMIN},
        {"cn=heart", WS, ROLE_MANAGER},
        {"/tre/users", "", ROLE_TRE_USER},
        {"x", WS, ROLE_OWNER},
    };
    const char *at =
        " tre admins = TREAdmin ,cn=heart=" WS "/AirlockManager,, /tre/users=TREUser,x= " WS "/WorkspaceOwner,";
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(WANTED); i++) {
        struct group_role row;
        assert_int_equal(group_role_next(&at, &row, NULL), 1);
        assert_string_equal(row.group, WANTED[i].group);
        assert_string_equal(row.workspace, WANTED[i].workspace);
        assert_int_equal(row.role, WANTED[i].role);
    }
    struct group_role row;
    assert_int_equal(group_role_next(&at, &row, NULL), 0);
}

static void mistakes_are_refused(void **state)
{
    static const char *const BAD[] = {
        "group",
        "=TREAdmin",
        "group=",
        "group=treadmin",
        "group=WorkspaceOwner",  /* of which workspace? */
        "group=" WS "/TREAdmin", /* that is none in a workspace */
        "group=" WS "/",
        "group=" WS,
        "group=not-a-uuid/WorkspaceOwner",
        "group=11111111-1111-1111-8111-111111111111/WorkspaceOwner", /* not of version 4 */
    };
    AUTO_FREE char *name = xcalloc(GROUP_NAME_MAX + 2, 1);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        const char *at = BAD[i];
        struct group_role row;
        struct error err = {0};
        assert_int_equal(group_role_next(&at, &row, &err), E_INVALID);
        assert_true(str_starts(err.detail, "must ") || str_starts(err.detail, "names ") ||
                    str_starts(err.detail, "gives "));
    }
    memset(name, 'g', GROUP_NAME_MAX + 1);
    AUTO_FREE char *text = xasprintf("%s=TREUser", name);
    const char *at = text;
    struct group_role row;
    assert_int_equal(group_role_next(&at, &row, NULL), E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_read_in_order),
        cmocka_unit_test(mistakes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
