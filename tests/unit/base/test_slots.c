/* The table that never grows: found again, given up for what is worth more, dropped. */
#include "../check.h"

#include <stdio.h>

#include "base/slots.h"

struct record {
    int64_t worth;
    int64_t name;
};

static int64_t worth(const void *record)
{
    return ((const struct record *)record)->worth;
}

static void found_again_until_dropped(void **state)
{
    (void)state;
    struct slots *slots = slots_new(sizeof(struct record), worth);

    assert_null(slots_find(slots, "alice", 5));
    struct record *alice = slots_make(slots, "alice", 5);
    assert_true(alice->worth == 0 && alice->name == 0);
    alice->worth = 7;
    assert_ptr_equal(slots_make(slots, "alice", 5), alice);
    assert_ptr_equal(slots_find(slots, "alice", 5), alice);
    assert_null(slots_find(slots, "alic", 4));
    slots_drop(slots, "alice", 5);
    assert_null(slots_find(slots, "alice", 5));
    assert_true(((struct record *)slots_make(slots, "alice", 5))->worth == 0);
    slots_free(slots);
}

/* Four times as many keys as places, all worth little: what is worth more stays, and each new key has a record. */
static void a_full_table_gives_up_what_is_worth_least(void **state)
{
    (void)state;
    struct slots *slots = slots_new(sizeof(struct record), worth);
    char key[32];
    int64_t kept = 0;

    ((struct record *)slots_make(slots, "precious", 8))->worth = 1000;
    for (int64_t i = 0; i < 4 * SLOTS_SETS * SLOTS_WAYS; i++) {
        int len = snprintf(key, sizeof key, "%lld", (long long)i);
        *(struct record *)slots_make(slots, key, (size_t)len) = (struct record){.worth = 1, .name = i};
        assert_true(((struct record *)slots_find(slots, key, (size_t)len))->name == i);
    }
    for (int64_t i = 0; i < 4 * SLOTS_SETS * SLOTS_WAYS; i++) {
        int len = snprintf(key, sizeof key, "%lld", (long long)i);
        const struct record *found = slots_find(slots, key, (size_t)len);
        kept += found != NULL;
        assert_true(!found || found->name == i);
    }
    assert_true(kept < SLOTS_SETS * SLOTS_WAYS && kept > SLOTS_SETS * SLOTS_WAYS / 2);
    assert_true(((struct record *)slots_find(slots, "precious", 8))->worth == 1000);
    slots_free(slots);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found_again_until_dropped),
        cmocka_unit_test(a_full_table_gives_up_what_is_worth_least),
    };
    return cmocka_run_group_tests_name("base/slots", tests, NULL, NULL);
}
