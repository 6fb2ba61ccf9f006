/* What the keeper does not even begin to fetch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/macros.h"
#include "jwks/keeper.h"

static bool begins(const char *issuer, const char *keys_url)
{
    struct keeper keeper = {.issuer = issuer, .keys_url = keys_url, .schedule = SCHEDULE_INIT};

    assert_int_equal(fetcher_new("", &keeper.fetcher, NULL), 0);
    keeper_start_due(&keeper, 1000);
    bool busy = fetcher_is_busy(keeper.fetcher);
    assert_int_equal(keeper.schedule.retry_ms != 0, !busy); /* tried again later, with a warning */
    keeper_done(&keeper);
    return busy;
}

static void only_private_addresses_are_asked(void **state)
{
    static const struct {
        const char *issuer, *keys_url;
        bool good;
    } ROWS[] = {
        {"http://127.0.0.1:9/tenant", "", true},
        {"http://127.0.0.1:9/tenant", "http://[::1]:9/keys", true},
        {"http://127.0.0.1:9@evil.example/", "", false},
        {"http://127.0.0.1:9/tenant", "http://127.0.0.1:9@evil.example/", false},
        {"http://evil.example/", "http://127.0.0.1:9/keys", false},
        {"http://evil.example/", "", false},
        {"file:///etc/passwd", "", false},
    };
    (void)state;
    log_init("test", LOG_ERROR);
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
        if (begins(ROWS[i].issuer, ROWS[i].keys_url) != ROWS[i].good)
            fail_msg("%s %s", ROWS[i].issuer, ROWS[i].keys_url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(only_private_addresses_are_asked)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
