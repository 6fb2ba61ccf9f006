/* When the provider is asked: never more often than it can bear, and at once after a long time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "jwks/schedule.h"

static void the_first_fetch_is_due_at_once(void **state)
{
    struct schedule s = SCHEDULE_INIT;
    (void)state;
    assert_true(schedule_is_due(&s, 0));
}

static void what_holds_is_fetched_again_within_bounds(void **state)
{
    static const struct {
        int64_t fresh_s, pause_ms;
    } ROWS[] = {{0, 300000}, {-5, 300000}, {299, 300000}, {600, 600000}, {900, 900000}, {86400, 900000}};
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        struct schedule s = SCHEDULE_INIT;
        schedule_begun(&s, 1000);
        schedule_succeeded(&s, 1000, ROWS[i].fresh_s);
        assert_false(schedule_is_due(&s, 1000 + ROWS[i].pause_ms - 1));
        assert_true(schedule_is_due(&s, 1000 + ROWS[i].pause_ms));
    }
}

static void failures_are_tried_again_ever_more_slowly(void **state)
{
    static const int64_t PAUSES[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    struct schedule s = SCHEDULE_INIT;
    int64_t now = 0;
    (void)state;
    for (size_t i = 0; i < sizeof PAUSES / sizeof *PAUSES; i++) {
        schedule_begun(&s, now);
        schedule_failed(&s, now);
        assert_false(schedule_is_due(&s, now + PAUSES[i] - 1));
        now += PAUSES[i];
        assert_true(schedule_is_due(&s, now));
    }
    schedule_succeeded(&s, now, 300);
    schedule_failed(&s, now); /* a success forgets the failures before it */
    assert_true(schedule_is_due(&s, now + 1000));
}

/* 10,000 unknown keys cause one fetch in 30 seconds. */
static void t53_a_flood_of_unknown_keys_fetches_once_in_30_s(void **state)
{
    struct schedule s = SCHEDULE_INIT;
    int fetches = 0;
    (void)state;
    schedule_begun(&s, 0);
    schedule_succeeded(&s, 0, 900);
    for (int64_t now = 0; now < 300000; now += 30) { /* 10,000 of them in five minutes */
        schedule_wanted(&s, now);
        if (!schedule_is_due(&s, now))
            continue;
        fetches++;
        schedule_begun(&s, now);
        schedule_succeeded(&s, now, 900);
    }
    assert_int_equal(fetches, 9); /* after 30, 60, … 270 s */
}

static void a_wish_after_a_long_pause_is_met_at_once(void **state)
{
    struct schedule s = SCHEDULE_INIT;
    (void)state;
    schedule_begun(&s, 0);
    schedule_succeeded(&s, 0, 900);
    schedule_wanted(&s, 100000);
    assert_true(schedule_is_due(&s, 100000));
}

static void a_wish_never_delays_a_fetch(void **state)
{
    struct schedule s = SCHEDULE_INIT;
    (void)state;
    schedule_begun(&s, 0);
    schedule_failed(&s, 0); /* due after 1 s */
    schedule_wanted(&s, 500);
    assert_true(schedule_is_due(&s, 1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_fetch_is_due_at_once),
        cmocka_unit_test(what_holds_is_fetched_again_within_bounds),
        cmocka_unit_test(failures_are_tried_again_ever_more_slowly),
        cmocka_unit_test(t53_a_flood_of_unknown_keys_fetches_once_in_30_s),
        cmocka_unit_test(a_wish_after_a_long_pause_is_met_at_once),
        cmocka_unit_test(a_wish_never_delays_a_fetch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
