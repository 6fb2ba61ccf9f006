/* The restart schedule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "airlockd/backoff.h"
#include "base/macros.h"

static const struct {
    int64_t lived_ms, wait_ms;
} LIVES[] = {
    {5, 0},    {5, 100},     {5, 200},   {5, 400}, {5, 800}, {5, 1600},        {5, 3200},
    {5, 5000}, {9999, 5000}, {10000, 0}, {5, 100}, {5, 200}, {3600 * 1000, 0}, {3600 * 1000, 0},
};

static void test_schedule(void **state)
{
    (void)state;
    struct backoff backoff = {0};
    for (size_t i = 0; i < ARRAY_LEN(LIVES); i++)
        assert_int_equal(backoff_next(&backoff, LIVES[i].lived_ms), LIVES[i].wait_ms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_schedule)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
