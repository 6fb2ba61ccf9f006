/* Scopes: one resource, and the few words of OpenID Connect. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "idp/scope.h"

static void scopes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *resource; /* NULL: refused */
        bool app_default, openid;
        const char *granted;
    } ROWS[] = {
        {"api://a/.default", "api://a/.default", true, false, "api://a/.default"},
        {"api://a-b_c.d/user_impersonation", "api://a-b_c.d/user_impersonation", false, false,
         "api://a-b_c.d/user_impersonation"},
        {"11111111-1111-4111-8111-111111111111/.default", "11111111-1111-4111-8111-111111111111", true, false,
         "11111111-1111-4111-8111-111111111111/.default"},
        {"openid profile api://a/.default offline_access email", "api://a/.default", true, true,
         "openid profile api://a/.default email"},
        {"  api://a/.default  openid ", "api://a/.default", true, true, "api://a/.default openid"},
        {"", NULL, false, false, ""},
        {"openid", NULL, false, false, ""},
        {"openid profile offline_access", NULL, false, false, ""},
        {"api://a/.default api://b/.default", NULL, false, false, ""},
        {"api://a/.default api://a/.default", NULL, false, false, ""},
        {"api://a", NULL, false, false, ""},
        {"api://a/", NULL, false, false, ""},
        {"api:///.default", NULL, false, false, ""},
        {"/.default", NULL, false, false, ""},
        {"a/user_impersonation", NULL, false, false, ""},
        {"api://a/b/.default", NULL, false, false, ""},
        {"api://a/.default/", NULL, false, false, ""},
        {"api://a/.Default", NULL, false, false, ""},
        {"API://a/.default", NULL, false, false, ""},
        {"api://a'--/.default", NULL, false, false, ""},
        {"api://\xc3\xa9/.default", NULL, false, false, ""},
        {"https://graph.microsoft.com/.default", NULL, false, false, ""},
        {"api://a/.default\topenid", NULL, false, false, ""},
        {"api://a/.default admin", NULL, false, false, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct scope scope = {0};
        int r = scope_parse(ROWS[i].text, SCOPE_ONE, &scope, NULL);
        if (r != (ROWS[i].resource ? 0 : E_INVALID))
            fail_msg("%s: %d", ROWS[i].text, r);
        assert_string_equal(scope.resource, ROWS[i].resource ? ROWS[i].resource : "");
        assert_string_equal(scope.granted, ROWS[i].granted);
        assert_int_equal(scope.app_default, ROWS[i].app_default);
        assert_int_equal(scope.openid, ROWS[i].openid);
    }
}

static void scopes_have_bounds(void **state)
{
    (void)state;
    struct scope scope = {0};
    AUTO_FREE char *blanks = xcalloc(1, SCOPE_MAX + 2);
    AUTO_FREE char *id = xcalloc(1, SCOPE_RESOURCE_MAX + 2);
    memset(blanks, ' ', SCOPE_MAX + 1);
    memset(id, 'a', SCOPE_RESOURCE_MAX);
    AUTO_FREE char *too_long = xasprintf("api://%s/.default", id);
    assert_int_equal(scope_parse(blanks, SCOPE_ONE, &scope, NULL), E_INVALID);
    assert_int_equal(scope_parse(too_long, SCOPE_ONE, &scope, NULL), E_INVALID);
}

/* Who begins a flow may name what it will refresh later: the first is what the token is for. */
static void several_scopes_begin_a_flow(void **state)
{
    (void)state;
    struct scope scope = {0};
    assert_int_equal(scope_parse("openid api://a/.default api://b/user_impersonation offline_access", SCOPE_SEVERAL,
                                 &scope, NULL),
                     0);
    assert_string_equal(scope.resource, "api://a/.default");
    assert_string_equal(scope.granted, "openid api://a/.default");
    assert_true(scope.app_default);
    assert_true(scope.offline);
    assert_int_equal(scope_parse("api://a/.default nonsense", SCOPE_SEVERAL, &scope, NULL), E_INVALID);
    assert_int_equal(scope_parse("api://a/.default", SCOPE_SEVERAL, &scope, NULL), 0);
    assert_false(scope.offline);
}

static void identity_alone_is_told_apart(void **state)
{
    (void)state;
    AUTO_FREE char *long_one = xcalloc(1, SCOPE_MAX + 8);
    memset(long_one, ' ', SCOPE_MAX + 1);
    memcpy(long_one, "openid", 6);
    assert_true(scope_is_identity("openid"));
    assert_true(scope_is_identity("  profile openid  offline_access email "));
    assert_false(scope_is_identity(""));
    assert_false(scope_is_identity("profile offline_access")); /* nobody asks who it is */
    assert_false(scope_is_identity("openid api://a/.default"));
    assert_false(scope_is_identity("openid nonsense"));
    assert_false(scope_is_identity(long_one));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(scopes), cmocka_unit_test(several_scopes_begin_a_flow),
                                       cmocka_unit_test(scopes_have_bounds),
                                       cmocka_unit_test(identity_alone_is_told_apart)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
