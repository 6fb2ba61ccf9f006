/* Which receivers are asked for more, and which have enough. */
#include "../check.h"

#include <string.h>

#include "notify/rooms.h"

static bool is_busy(const struct rooms *rooms, const char *name, int64_t now)
{
    AUTO_JSON json_t *busy = rooms_busy(rooms, now);
    size_t i;
    const json_t *item;
    bool found = false;

    json_array_foreach(busy, i, item)
    {
        found = found || strcmp(json_string_value(item), name) == 0;
    }
    return found;
}

static void a_receiver_is_busy_when_a_batch_would_not_fit(void **state)
{
    struct rooms rooms = {0};
    struct room *a = rooms_get(&rooms, "a", "webhook");
    struct room *broker = rooms_get(&rooms, "broker", "broker");
    (void)state;

    assert_ptr_equal(rooms_get(&rooms, "a", "webhook"), a);
    assert_ptr_not_equal(a, broker);
    a->in_hand = broker->in_hand = 16 - ROOM_BATCH;
    assert_false(is_busy(&rooms, "a", 0));
    a->in_hand++;
    broker->in_hand++;
    assert_true(is_busy(&rooms, "a", 0));
    assert_false(is_busy(&rooms, "broker", 0));
}

static void four_posts_at_once(void **state)
{
    struct rooms rooms = {0};
    struct room *a = rooms_get(&rooms, "a", "webhook");
    (void)state;

    a->under_way = 3;
    assert_true(room_is_open(a));
    a->under_way = 4;
    assert_false(room_is_open(a));
}

/* One that is there but refuses is not left alone: what it refuses may be one event. */
static void t65_a_receiver_that_is_not_there_is_left_alone_longer_and_longer(void **state)
{
    struct rooms rooms = {0};
    struct room *a = rooms_get(&rooms, "a", "webhook");
    (void)rooms_get(&rooms, "b", "webhook");
    const int64_t rests[] = {1000, 2000, 4000, 8000, 8000};
    int64_t now = 50;
    (void)state;

    for (int i = 0; i < 100; i++)
        room_note(a, true, 0, now);
    assert_false(is_busy(&rooms, "a", now));
    for (size_t i = 0; i < ARRAY_LEN(rests); i++) {
        for (int miss = 0; miss < 8; miss++) {
            assert_false(is_busy(&rooms, "a", now));
            room_note(a, false, 0, now);
        }
        assert_true(is_busy(&rooms, "a", now + rests[i] - 1));
        assert_false(is_busy(&rooms, "b", now));
        assert_int_equal(rooms_rest_end(&rooms, now), now + rests[i]);
        now += rests[i];
    }
    room_note(a, true, 0, now);
    for (int miss = 0; miss < 8; miss++)
        room_note(a, false, 0, now);
    assert_false(is_busy(&rooms, "a", now + 1000));
    assert_int_equal(rooms_rest_end(&rooms, now + 1000), INT64_MAX);
}

static void a_pause_that_was_asked_for_is_kept(void **state)
{
    struct rooms rooms = {0};
    struct room *a = rooms_get(&rooms, "a", "webhook");
    (void)state;

    room_note(a, true, 5, 100);
    room_note(a, true, 2, 100);
    assert_true(is_busy(&rooms, "a", 5099));
    assert_false(is_busy(&rooms, "a", 5100));
}

static void what_cannot_be_is_refused(void **state)
{
    struct rooms rooms = {0};
    (void)state;

    assert_null(rooms_get(&rooms, "a", "pigeon"));
    for (int i = 0; i < ROOMS_MAX; i++) {
        AUTO_FREE char *name = xasprintf("r%d", i);
        assert_non_null(rooms_get(&rooms, name, "webhook"));
    }
    assert_null(rooms_get(&rooms, "one-more", "webhook"));
    assert_non_null(rooms_get(&rooms, "r7", "webhook"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_receiver_is_busy_when_a_batch_would_not_fit),
        cmocka_unit_test(four_posts_at_once),
        cmocka_unit_test(t65_a_receiver_that_is_not_there_is_left_alone_longer_and_longer),
        cmocka_unit_test(a_pause_that_was_asked_for_is_kept),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests_name("notify/rooms", tests, NULL, NULL);
}
