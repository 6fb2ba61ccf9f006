/* What the loopback listener believes. */
#include "cli_test.h"

#include "base/macros.h"
#include "cli/browser.h"

#define TAIL " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

static void believes_only_the_redirect(void **state)
{
    static const struct {
        const char *head;
        enum browser_answer answer;
        const char *code;
    } ROWS[] = {
        {"GET /callback?code=abc%2F1&state=S" TAIL, BROWSER_CODE, "abc/1"},
        {"GET /callback?state=S&session_state=q&code=abc" TAIL, BROWSER_CODE, "abc"},
        {"GET /callback?error=access_denied&state=S" TAIL, BROWSER_REFUSED, "access_denied"},
        {"GET /callback?error=x&error_description=Not+you&state=S" TAIL, BROWSER_REFUSED, "Not you"},
        {"GET /callback?code=abc&state=T" TAIL, BROWSER_OTHER, NULL},
        {"GET /callback?code=abc&state=SS" TAIL, BROWSER_OTHER, NULL},
        {"GET /callback?code=abc" TAIL, BROWSER_OTHER, NULL},
        {"GET /callback?error=access_denied" TAIL, BROWSER_OTHER, NULL},
        {"GET /callback?state=S" TAIL, BROWSER_OTHER, NULL},
        {"GET /callbacks?code=abc&state=S" TAIL, BROWSER_OTHER, NULL},
        {"GET /favicon.ico" TAIL, BROWSER_OTHER, NULL},
        {"POST /callback?code=abc&state=S" TAIL, BROWSER_OTHER, NULL},
        {"GET /callback?code=abc&state=S\r\n\r\n", BROWSER_OTHER, NULL},
        {"", BROWSER_OTHER, NULL},
    };
    char code[BROWSER_CODE_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        assert_int_equal(browser_read_redirect(ROWS[i].head, "S", code), ROWS[i].answer);
        if (ROWS[i].code)
            assert_string_equal(code, ROWS[i].code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(believes_only_the_redirect)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
