/* How often one address may ask: refused before the handler runs, told how long to wait, and 401 costs more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness.h"

#define GET "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

static void ask_all(const struct fixture *f, const char *request, struct str *answer)
{
    int fd = client_open(f);
    client_send(fd, request);
    client_drain(fd, answer);
    (void)close(fd);
}

static void t32_an_address_waits_as_long_as_it_is_told(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct http_settings settings = fixture_settings();
    AUTO_STR struct str answer = STR_INIT(4096);

    settings.pace = (struct bucket_rule){.count = 1, .per_s = 1, .burst = 5};
    fixture_start(&f, &settings);
    for (int i = 0; i < 5; i++)
        assert_int_equal(client_ask(&f, GET, NULL), 200);
    ask_all(&f, GET, &answer);
    assert_int_equal(strncmp(str_text(&answer), "HTTP/1.1 429 Too Many Requests\r\n", 32), 0);
    const char *header = strstr(str_text(&answer), "\r\nRetry-After: ");
    assert_non_null(header);
    int seconds = atoi(header + strlen("\r\nRetry-After: "));
    assert_int_equal(seconds, 1);
    assert_int_equal(atomic_load(&f.handled), 5);
    (void)sleep((unsigned)seconds);
    assert_int_equal(client_ask(&f, GET, NULL), 200);
    fixture_stop(&f, 1000);
}

static void answer_401(struct http_exchange *x, void *ctx)
{
    (void)ctx;
    http_reply_empty(x, 401);
}

static void a_refused_credential_costs_ten(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct http_settings settings = fixture_settings();
    int taken = 0;

    settings.pace = (struct bucket_rule){.count = 1, .per_s = 60, .burst = 30};
    settings.handler = answer_401;
    fixture_start(&f, &settings);
    while (client_ask(&f, GET, NULL) == 401)
        taken++;
    assert_int_equal(taken, 3);
    fixture_stop(&f, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(t32_an_address_waits_as_long_as_it_is_told),
        cmocka_unit_test(a_refused_credential_costs_ten),
    };
    return cmocka_run_group_tests_name("http/pace", tests, NULL, NULL);
}
