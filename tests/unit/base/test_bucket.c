/* Token buckets: exact to the microsecond, and what they say about waiting is true. */
#include "../check.h"

#include <stdio.h>

#include "base/bucket.h"
#include "base/slots.h"

#define S INT64_C(1000000)
#define START (1000 * S)

static int64_t take(struct buckets *b, const char *key, int64_t now_us)
{
    return buckets_take(b, key, strlen(key), 1, now_us);
}

static void a_burst_then_the_rate(void **state)
{
    (void)state;
    struct buckets *b = buckets_new(&(struct bucket_rule){.count = 4, .per_s = 1, .burst = 10});

    for (int i = 0; i < 10; i++)
        assert_int_equal(take(b, "a", START), 0);
    for (int i = 0; i < 100; i++) /* a refusal takes nothing: the wait does not grow */
        assert_int_equal(take(b, "a", START), S / 4);
    assert_int_equal(take(b, "b", START), 0); /* nobody else waits */
    for (int i = 1; i <= 20; i++) {           /* four a second, each exactly when it is due */
        assert_int_equal(take(b, "a", START + i * S / 4 - 1), 1);
        assert_int_equal(take(b, "a", START + i * S / 4), 0);
    }
    for (int i = 0; i < 10; i++) /* after a long silence a burst again, and no more than that */
        assert_int_equal(take(b, "a", START + 3600 * S), 0);
    assert_int_equal(take(b, "a", START + 3600 * S), S / 4);
    buckets_free(b);
}

static void several_at_once_and_per_minute(void **state)
{
    (void)state;
    struct buckets *b = buckets_new(&(struct bucket_rule){.count = 6, .per_s = 60, .burst = 6});

    assert_int_equal(buckets_wait_us(b, "a", 1, 6, START), 0);
    assert_int_equal(buckets_take(b, "a", 1, 4, START), 0);
    assert_int_equal(buckets_wait_us(b, "a", 1, 2, START), 0); /* looking takes nothing */
    assert_int_equal(buckets_wait_us(b, "a", 1, 3, START), 10 * S);
    assert_int_equal(buckets_take(b, "a", 1, 3, START), 10 * S);
    assert_int_equal(buckets_take(b, "a", 1, 3, START + 10 * S), 0);
    buckets_free(b);
}

static void a_debt_is_paid_and_bounded(void **state)
{
    (void)state;
    struct buckets *b = buckets_new(&(struct bucket_rule){.count = 10, .per_s = 1, .burst = 20});

    for (int i = 0; i < 1000; i++)
        buckets_charge(b, "a", 1, 9, START);
    assert_int_equal(take(b, "a", START), S); /* the debt of nine and the one that is asked for */
    assert_int_equal(take(b, "a", START + S - 1), 1);
    assert_int_equal(take(b, "a", START + S), 0);
    buckets_free(b);
}

/* At every rate: who waits as long as Retry-After says gets through. */
static void waiting_gets_through(void **state)
{
    (void)state;
    static const struct bucket_rule RULES[] = {{1, 1, 1},
                                               {3, 1, 7},
                                               {200, 1, 600},
                                               {7, 3600, 2},
                                               {1, 60, 1},
                                               {600, 60, 600},
                                               {333333, 1, 10},
                                               {BUCKET_COUNT_MAX, 1, BUCKET_COUNT_MAX},
                                               {1, 3600, BUCKET_COUNT_MAX}};
    for (size_t i = 0; i < ARRAY_LEN(RULES); i++) {
        struct buckets *b = buckets_new(&RULES[i]);
        int64_t now = START, wait = 0;
        assert_int_equal(buckets_take(b, "a", 1, (unsigned)RULES[i].burst, now), 0);
        for (int step = 0; step < 50; step++) {
            wait = take(b, "a", now);
            assert_true(wait > 0);
            assert_int_equal(take(b, "a", now + bucket_retry_after_s(wait) * S), 0);
            now += bucket_retry_after_s(wait) * S;
            for (unsigned n = (unsigned)RULES[i].burst; n > 0; n /= 2) /* whatever came besides */
                while (buckets_take(b, "a", 1, n, now) == 0)
                    ;
        }
        buckets_free(b);
    }
}

static void retry_after_is_whole_and_never_short(void **state)
{
    (void)state;
    static const struct {
        int64_t wait_us;
        unsigned seconds;
    } ROWS[] = {{1, 1}, {S - 1, 1}, {S, 1}, {S + 1, 2}, {2 * S, 2}, {3599 * S + 1, 3600}};
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
        assert_int_equal(bucket_retry_after_s(ROWS[i].wait_us), ROWS[i].seconds);
    struct error err = {0};
    assert_int_equal(bucket_refuse(S + 1, "requests", &err), E_RATE);
    assert_int_equal(err.retry_after_s, 2);
    assert_non_null(strstr(err.detail, "Too many requests"));
    assert_int_equal(error_set(&err, E_INVALID, "other"), E_INVALID);
    assert_int_equal(err.retry_after_s, 0);
}

static void no_limit_is_no_table(void **state)
{
    (void)state;
    struct buckets *b = buckets_new(&(struct bucket_rule){.count = 0, .per_s = 1, .burst = 1});

    assert_null(b);
    for (int i = 0; i < 100; i++)
        assert_int_equal(take(b, "a", START), 0);
    buckets_charge(b, "a", 1, 9, START);
    assert_int_equal(buckets_wait_us(b, "a", 1, 1, START), 0);
    buckets_free(b);
}

/* More keys than the table holds, while one of them is far above its rate: it stays held back, and everybody else gets
 * through. */
static void a_full_table_forgets_those_that_waited_for_nothing(void **state)
{
    (void)state;
    struct buckets *b = buckets_new(&(struct bucket_rule){.count = 1, .per_s = 60, .burst = 2});
    char key[32];

    assert_int_equal(take(b, "flood", START) + take(b, "flood", START), 0);
    for (int i = 0; i < 4 * SLOTS_SETS * SLOTS_WAYS; i++) {
        (void)snprintf(key, sizeof key, "%d", i);
        assert_int_equal(take(b, key, START), 0);
    }
    assert_int_equal(take(b, "flood", START), 60 * S);
    buckets_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_then_the_rate),
        cmocka_unit_test(several_at_once_and_per_minute),
        cmocka_unit_test(a_debt_is_paid_and_bounded),
        cmocka_unit_test(waiting_gets_through),
        cmocka_unit_test(retry_after_is_whole_and_never_short),
        cmocka_unit_test(no_limit_is_no_table),
        cmocka_unit_test(a_full_table_forgets_those_that_waited_for_nothing),
    };
    return cmocka_run_group_tests_name("base/bucket", tests, NULL, NULL);
}
