/* Redirects: the list of what is allowed, and everything that looks like it and is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/macros.h"
#include "base/str.h"
#include "idp/client.h"

static const struct redirect_policy POLICY = {
    .api_origin = "https://tre.example.org",
    .configured = "https://portal.example.org/auth?x=1  http://localhost:3000/cb",
};

static void loopback_redirects(void **state)
{
    (void)state;
    static const struct {
        const char *uri;
        bool allowed;
    } ROWS[] = {
        {"http://127.0.0.1:1/", true},
        {"http://127.0.0.1:65535/callback", true},
        {"http://127.0.0.1:8080", true},
        {"http://localhost:8080/a/b_c-d.e~f", true},
        {"http://[::1]:8080/", true},
        {"http://127.0.0.1:0/", false},
        {"http://127.0.0.1:65536/", false},
        {"http://127.0.0.1:99999999999/", false},
        {"http://127.0.0.1/", false},
        {"http://127.0.0.1", false},
        {"http://127.0.0.1:", false},
        {"http://127.0.0.1:/x", false},
        {"http://127.0.0.1:-1/", false},
        {"http://127.0.0.1:+80/", false},
        {"http://127.0.0.1:80 /", false},
        {"http://127.0.0.1:80x/", false},
        {"https://127.0.0.1:80/", false},
        {"HTTP://127.0.0.1:80/", false},
        {"http://LOCALHOST:80/", false},
        {"http://127.0.0.1:80@evil.example/", false},
        {"http://127.0.0.1:80:90/", false},
        {"http://user@127.0.0.1:80/", false},
        {"http://127.0.0.1.evil.example:80/", false},
        {"http://localhost.evil.example:80/", false},
        {"http://localhost:80.evil.example/", false},
        {"http://127.0.0.2:80/", false},
        {"http://127.1:80/", false},
        {"http://2130706433:80/", false},
        {"http://0x7f.0.0.1:80/", false},
        {"http://0.0.0.0:80/", false},
        {"http://[::ffff:127.0.0.1]:80/", false},
        {"http://127.0.0.1:80\\@evil.example/", false},
        {"http://127.0.0.1:80/\\evil.example", false},
        {"http://127.0.0.1:80/#fragment", false},
        {"http://127.0.0.1:80/?query", false},
        {"http://127.0.0.1:80?query", false},
        {"http://127.0.0.1:80/%0d%0aSet-Cookie:x", false},
        {"http://127.0.0.1:80/\r\nSet-Cookie: x", false},
        {"http://127.0.0.1:80/ x", false},
        {"http://127.0.0.1:80/\"><script>", false},
        {"//127.0.0.1:80/", false},
        {"/callback", false},
        {"", false},
        {" http://127.0.0.1:80/", false},
        {"javascript:alert(1)", false},
        {"data:text/html,x", false},
        {"airlock:callback", false},
        {"https://tre.example.org", false},
        {"https://portal.example.org/auth?x=1", false},
    };
    const struct client *cli = client_find("airlock-cli");
    assert_non_null(cli);
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
        if (redirect_is_allowed(cli, &POLICY, ROWS[i].uri) != ROWS[i].allowed)
            fail_msg("%s", ROWS[i].uri);

    AUTO_STR struct str uri = STR_INIT(4096);
    str_append(&uri, "http://127.0.0.1:80/");
    while (uri.len <= REDIRECT_URI_MAX)
        str_append(&uri, "aaaaaaaa");
    assert_false(redirect_is_allowed(cli, &POLICY, str_text(&uri)));
}

static void web_redirects(void **state)
{
    (void)state;
    static const struct {
        const char *uri;
        bool allowed;
    } ROWS[] = {
        {"https://tre.example.org", true},
        {"https://tre.example.org/", true},
        {"https://portal.example.org/auth?x=1", true},
        {"http://localhost:3000/cb", true},
        {"https://tre.example.org/x", false},
        {"https://tre.example.org/?x", false},
        {"https://tre.example.org#", false},
        {"https://tre.example.org:443/", false},
        {"https://tre.example.org.evil.example/", false},
        {"https://tre.example.org@evil.example/", false},
        {"https://tre.example.orgx", false},
        {"https://TRE.example.org/", false},
        {"http://tre.example.org/", false},
        {"https://portal.example.org/auth", false},
        {"https://portal.example.org/auth?x=1&y", false},
        {"https://portal.example.org/auth?x=1  http://localhost:3000/cb", false},
        {"http://localhost:3000/", false},
        {"http://127.0.0.1:80/", false},
        {" ", false},
        {"", false},
    };
    const struct client *web = client_find("airlock-web");
    assert_non_null(web);
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
        if (redirect_is_allowed(web, &POLICY, ROWS[i].uri) != ROWS[i].allowed)
            fail_msg("%s", ROWS[i].uri);
    assert_null(client_find(""));
    assert_null(client_find("AIRLOCK-CLI"));
    assert_null(client_find("alice-client"));
}

static void origins(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        const char *origin; /* NULL: none */
    } ROWS[] = {
        {"http://127.0.0.1:8400", "http://127.0.0.1:8400"},
        {"https://a.example/b/c?d#e", "https://a.example"},
        {"https://a.example?x", "https://a.example"},
        {"https://", NULL},
        {"https:///x", NULL},
        {"ftp://a.example", NULL},
        {"a.example", NULL},
        {"", NULL},
    };
    char origin[ORIGIN_SIZE];
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        bool ok = url_origin(ROWS[i].url, origin);
        assert_int_equal(ok, ROWS[i].origin != NULL);
        if (ok)
            assert_string_equal(origin, ROWS[i].origin);
    }
    assert_true(redirect_origin_is_known(&POLICY, "https://tre.example.org"));
    assert_true(redirect_origin_is_known(&POLICY, "https://portal.example.org"));
    assert_true(redirect_origin_is_known(&POLICY, "http://localhost:3000"));
    assert_false(redirect_origin_is_known(&POLICY, "https://evil.example"));
    assert_false(redirect_origin_is_known(&POLICY, "null"));
    assert_false(redirect_origin_is_known(&POLICY, ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loopback_redirects),
        cmocka_unit_test(web_redirects),
        cmocka_unit_test(origins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
