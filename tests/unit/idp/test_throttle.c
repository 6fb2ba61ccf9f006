/* The throttle: some failures are free, then the delay doubles up to its limit, and fades. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"
#include "idp/throttle.h"

static const struct throttle_rule RULE = {.free = 3, .first_ms = 1000, .max_ms = 8000, .fade_ms = 60000};

static void delays_grow_to_their_limit(void **state)
{
    (void)state;
    static const int64_t WAITS[] = {0, 0, 0, 1000, 2000, 4000, 8000, 8000, 8000};
    struct throttle *t = throttle_new(&RULE);
    int64_t now = 5;

    assert_int_equal(throttle_wait_ms(t, "alice", now), 0);
    for (size_t i = 0; i < ARRAY_LEN(WAITS); i++) {
        throttle_failed(t, "alice", now);
        assert_int_equal(throttle_wait_ms(t, "alice", now), WAITS[i]);
        if (WAITS[i])
            assert_int_equal(throttle_wait_ms(t, "alice", now + WAITS[i] - 1), 1);
        assert_int_equal(throttle_wait_ms(t, "alice", now + WAITS[i]), 0);
        now += WAITS[i];
    }
    assert_int_equal(throttle_wait_ms(t, "bob", now - 1), 0); /* nobody else waits */
    throttle_free(t);
}

static void very_many_failures_do_not_overflow(void **state)
{
    (void)state;
    struct throttle *t = throttle_new(&RULE);
    for (int i = 0; i < 1000; i++)
        throttle_failed(t, "alice", 5);
    assert_int_equal(throttle_wait_ms(t, "alice", 5), 8000);
    throttle_free(t);
}

static void letter_case_does_not_help(void **state)
{
    (void)state;
    struct throttle *t = throttle_new(&RULE);
    static const char *const NAMES[] = {"alice", "Alice", "ALICE", "aLICE"};
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
        throttle_failed(t, NAMES[i], 5);
    assert_int_equal(throttle_wait_ms(t, "alicE", 5), 1000);
    throttle_free(t);
}

static void failures_fade(void **state)
{
    (void)state;
    struct throttle *t = throttle_new(&RULE);
    for (int i = 0; i < 3; i++)
        throttle_failed(t, "alice", 0);
    throttle_failed(t, "alice", 60000); /* one was forgotten: this is the third again */
    assert_int_equal(throttle_wait_ms(t, "alice", 60000), 0);
    throttle_failed(t, "alice", 60000);
    assert_int_equal(throttle_wait_ms(t, "alice", 60000), 1000);
    throttle_failed(t, "alice", 100LL * 60000); /* all were */
    assert_int_equal(throttle_wait_ms(t, "alice", 100LL * 60000), 0);
    throttle_free(t);
}

static void success_forgets(void **state)
{
    (void)state;
    struct throttle *t = throttle_new(&RULE);
    for (int i = 0; i < 10; i++)
        throttle_failed(t, "alice", 5);
    throttle_forget(t, "alice");
    assert_int_equal(throttle_wait_ms(t, "alice", 5), 0);
    throttle_forget(t, "nobody");
    throttle_free(t);
}

/* A flood of names keeps those with the most failures. */
static void a_flood_does_not_free_the_worst(void **state)
{
    (void)state;
    struct throttle *t = throttle_new(&RULE);
    for (int i = 0; i < 10; i++)
        throttle_failed(t, "alice", 5);
    for (int i = 0; i < 50000; i++) {
        AUTO_FREE char *name = xasprintf("name%d", i);
        throttle_failed(t, name, 5);
    }
    assert_int_equal(throttle_wait_ms(t, "alice", 5), 8000);
    throttle_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delays_grow_to_their_limit),
        cmocka_unit_test(very_many_failures_do_not_overflow),
        cmocka_unit_test(letter_case_does_not_help),
        cmocka_unit_test(failures_fade),
        cmocka_unit_test(success_forgets),
        cmocka_unit_test(a_flood_does_not_free_the_worst),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
