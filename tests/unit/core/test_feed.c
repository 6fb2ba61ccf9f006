/* The live feed, seen from core: who reads what of it, from where on, and when it ends for them. */
#include "harness.h"

#include <string.h>

#include "base/clock.h"
#include "core/events.h"
#include "core/limits.h"
#include "core/workspace.h"

static int setup(void **state)
{
    static const char *const PEOPLE[] = {"alice", "bob", "carol", "dave", "mallory"};
    assert_int_equal(bench_setup(state), 0);
    struct bench *b = *state;
    struct call call = {.from = PEER_CORE, .now = clock_now_us(), .address = ""};
    bench_batch(b, true);
    for (size_t i = 0; i < ARRAY_LEN(PEOPLE); i++)
        assert_int_equal(role_assign(&b->core, &call, "", PEOPLE[i], ROLE_TRE_USER, true, NULL), 0);
    bench_batch(b, false);
    b->core.config.api_url = "https://airlock.example.org";
    b->core.config.event_keep_days = 7;
    return 0;
}

/* after: -1 for none. workspace NULL: the TRE's feed, with a core token. */
static int read_as(struct bench *b, const char *who, const char *workspace, int64_t after, int limit, json_t **ret_ok)
{
    AUTO_FREE char *token = bench_token(b, who, workspace ? workspace : "", 0);
    json_t *fields = json_pack("{s:s, s:i}", "token", token, "limit", limit);
    if (after >= 0)
        json_object_set_new(fields, "after", json_integer(after));
    if (workspace)
        json_object_set_new(fields, "workspace", json_string(workspace));
    json_decref(TAKE_PTR(*ret_ok));
    return bench_ask(b, PEER_API, workspace ? MESSAGE_EVENT_READ_IN_WORKSPACE : MESSAGE_EVENT_READ, fields, ret_ok);
}

static size_t count_for(struct bench *b, const char *who, const char *workspace, int64_t after)
{
    AUTO_JSON json_t *ok = NULL;
    assert_int_equal(read_as(b, who, workspace, after, 100, &ok), 0);
    return json_array_size(json_object_get(ok, "events"));
}

static int64_t end_of_feed(struct bench *b)
{
    AUTO_JSON json_t *ok = NULL;
    assert_int_equal(read_as(b, "alice", WS1, -1, 100, &ok), 0);
    assert_int_equal(json_array_size(json_object_get(ok, "events")), 0);
    assert_false(json_flag(ok, "reset"));
    return json_int(ok, "next");
}

static void whoever_comes_reads_what_is_new_from_then_on(void **state)
{
    struct bench *b = *state;
    bench_create(b, "alice", "export");
    int64_t from = end_of_feed(b);
    AUTO_JSON json_t *ok = NULL;
    bench_create(b, "alice", "export");

    assert_int_equal(read_as(b, "alice", WS1, from, 100, &ok), 0);
    const json_t *events = json_object_get(ok, "events");
    assert_true(json_array_size(events) > 0);
    const json_t *first = json_array_get(events, 0);
    assert_int_equal(json_int(first, "id"), from + 1);
    assert_string_equal(json_text(first, "kind"), "status_changed");
    AUTO_JSON json_t *event = json_loads(json_text(first, "event"), 0, NULL);
    assert_string_equal(json_text(event, "specversion"), "1.0");
    assert_string_equal(json_text(event, "subject"), b->request);
    assert_string_equal(json_text(ok, "subject"), "alice");
    assert_true(json_int(ok, "expiresS") > clock_now_s());
    assert_int_equal(count_for(b, "alice", WS1, json_int(ok, "next")), 0);
}

static void each_event_comes_once_and_in_order_in_small_bites(void **state)
{
    struct bench *b = *state;
    int64_t from = end_of_feed(b), last = from;
    size_t all, bites = 0;
    for (int i = 0; i < 5; i++)
        bench_create(b, "alice", "export");
    all = count_for(b, "alice", WS1, from);
    for (bool more = true; more;) {
        AUTO_JSON json_t *ok = NULL;
        assert_int_equal(read_as(b, "alice", WS1, from, 1, &ok), 0);
        const json_t *events = json_object_get(ok, "events");
        assert_int_equal(json_array_size(events), 1);
        assert_true(json_int(json_array_get(events, 0), "id") > last);
        last = json_int(json_array_get(events, 0), "id");
        from = json_int(ok, "next");
        more = json_flag(ok, "more");
        bites++;
    }
    assert_int_equal(bites, all);
}

static void a_draft_is_shown_to_its_requestor_and_administrators(void **state)
{
    struct bench *b = *state;
    int64_t from = end_of_feed(b);
    bench_create(b, "alice", "export");

    assert_true(count_for(b, "alice", WS1, from) > 0);
    assert_true(count_for(b, "alice", NULL, from) > 0);
    assert_true(count_for(b, "admin", NULL, from) > 0);
    assert_int_equal(count_for(b, "dave", WS1, from), 0);
    assert_int_equal(count_for(b, "bob", WS1, from), 0);
    assert_int_equal(count_for(b, "carol", NULL, from), 0);
}

static void others_see_what_they_could_look_up(void **state)
{
    struct bench *b = *state;
    int64_t from = end_of_feed(b);
    AUTO_JSON json_t *ok = NULL;
    bench_draft(b, "export");
    (void)bench_put(b, "a.csv", 10, (char[UUID_TEXT_SIZE]){0});
    bench_submit(b);

    assert_true(count_for(b, "dave", WS1, from) > 0); /* in the workspace everybody sees everything */
    assert_true(count_for(b, "bob", NULL, from) > 0); /* who manages it */
    assert_true(count_for(b, "carol", NULL, from) > 0);
    assert_int_equal(count_for(b, "dave", NULL, from), 0);
    assert_int_equal(count_for(b, "mallory", NULL, from), 0);
    assert_int_equal(count_for(b, "mallory", WS2, from), 0);
    AUTO_FREE char *token = bench_token(b, "mallory", WS2, 0);
    assert_int_equal(bench_ask(b, PEER_API, MESSAGE_EVENT_READ_IN_WORKSPACE,
                               json_pack("{s:s, s:s}", "token", token, "workspace", WS1), &ok),
                     E_NOT_FOUND);
}

static void who_loses_the_role_reads_no_further(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *ok = NULL;
    AUTO_FREE char *admin = bench_token(b, "admin", "", 0);
    int64_t from = end_of_feed(b);

    assert_int_equal(read_as(b, "bob", WS1, from, 100, &ok), 0);
    assert_int_equal(bench_ask(b, PEER_API, MESSAGE_ROLE_REMOVE,
                               json_pack("{s:s, s:s, s:[s], s:s}", "token", admin, "workspace", WS1, "user_ids", "bob",
                                         "role_id", "AirlockManager"),
                               NULL),
                     0);
    assert_int_equal(read_as(b, "bob", WS1, from, 100, &ok), E_NOT_FOUND);
    assert_int_equal(read_as(b, "bob", NULL, from, 100, &ok), 0); /* still of the TRE, and shown nothing of others */
    bench_draft(b, "export");
    (void)bench_put(b, "a.csv", 10, (char[UUID_TEXT_SIZE]){0});
    bench_submit(b);
    assert_int_equal(count_for(b, "bob", NULL, from), 0);
}

static bool is_told_to_look(const struct bench *b)
{
    for (size_t i = 0; i < b->core.effects.count; i++)
        if (b->core.effects.items[i].kind == EFFECT_NEWS)
            return true;
    return false;
}

/* Streams need not wait for their next look. */
static void a_role_that_ends_is_news(void **state)
{
    struct bench *b = *state;
    struct call call = {.from = PEER_CORE, .now = clock_now_us(), .address = ""};

    bench_batch(b, true);
    assert_int_equal(role_assign(&b->core, &call, WS1, "bob", ROLE_RESEARCHER, false, NULL), 0);
    assert_false(is_told_to_look(b)); /* it was not theirs */
    assert_int_equal(role_assign(&b->core, &call, WS1, "bob", ROLE_MANAGER, false, NULL), 0);
    assert_true(is_told_to_look(b));
    bench_batch(b, false);
}

static int read_with(struct bench *b, const char *token, int64_t after)
{
    return bench_ask(b, PEER_API, MESSAGE_EVENT_READ_IN_WORKSPACE,
                     json_pack("{s:s, s:s, s:I, s:b}", "token", token, "workspace", WS1, "after", (json_int_t)after,
                               "again", 1),
                     NULL);
}

/* A stream reads on with the token it began with, which counts no longer than it would elsewhere. */
static void a_token_that_ends_reads_no_further(void **state)
{
    static const struct {
        enum db_query query;
        const char *detail;
    } ENDS[] = {{Q_PERSON_DISABLE, "disabled"}, {Q_PERSON_END_TOKENS, "signed out"}};
    struct bench *b = *state;
    int64_t from = end_of_feed(b);
    AUTO_FREE char *token = bench_token(b, "alice", WS1, 10);

    for (size_t i = 0; i < ARRAY_LEN(ENDS); i++) {
        assert_int_equal(read_with(b, token, from), 0);
        bench_batch(b, true);
        assert_int_equal(db_exec(b->core.db, ENDS[i].query, ARGS(DB_T("alice"), DB_I(clock_now_s())), NULL), 1);
        bench_batch(b, false);
        assert_int_equal(read_with(b, token, from), E_UNAUTHENTICATED);
        assert_non_null(strstr(bench_detail, ENDS[i].detail));
        bench_batch(b, true);
        assert_true(db_exec(b->core.db, Q_PERSON_ENABLE, ARGS(DB_T("alice")), NULL) >= 0);
        assert_true(db_exec(b->core.db, Q_PERSON_END_TOKENS, ARGS(DB_T("alice"), DB_I(0)), NULL) >= 0);
        bench_batch(b, false);
    }
}

static void a_place_that_is_gone_or_never_was_is_told(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *ok = NULL;
    bench_create(b, "alice", "export");
    int64_t from = end_of_feed(b);
    bench_create(b, "alice", "export");
    int64_t newest = end_of_feed(b);

    assert_int_equal(read_as(b, "alice", WS1, newest + 5, 100, &ok), 0);
    assert_true(json_flag(ok, "reset"));
    assert_int_equal(json_int(ok, "next"), newest);
    b->core.config.event_keep_days = 0;
    assert_int_equal(read_as(b, "alice", WS1, from, 100, &ok), 0);
    assert_true(json_flag(ok, "reset"));
    assert_int_equal(json_array_size(json_object_get(ok, "events")), 0);
    assert_int_equal(json_int(ok, "next"), newest);
    assert_int_equal(read_as(b, "alice", WS1, newest, 100, &ok), 0);
    assert_false(json_flag(ok, "reset"));
}

/* Their person asked once. */
static void reading_on_is_no_request(void **state)
{
    struct limits *l = limits_new(&(struct limits_config){.subject_rate = 1, .subject_burst = 1});
    AUTO_JSON json_t *again = json_pack("{s:b}", "again", 1);
    struct call first = {.message = MESSAGE_EVENT_READ, .address = "", .who.subject = "alice"};
    struct call other = {.message = MESSAGE_REQUEST_GET, .in = again, .address = "", .who.subject = "alice"};
    struct call on = {.message = MESSAGE_EVENT_READ, .in = again, .address = "", .who.subject = "alice"};
    (void)state;

    assert_int_equal(limits_person(l, &first, 1, NULL), 0);
    for (int i = 0; i < 10; i++)
        assert_int_equal(limits_person(l, &on, 1, NULL), 0);
    assert_int_equal(limits_person(l, &first, 1, NULL), E_RATE);
    assert_int_equal(limits_person(l, &other, 1, NULL), E_RATE);
    limits_free(l);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, bench_teardown)

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        TEST(whoever_comes_reads_what_is_new_from_then_on),
        TEST(each_event_comes_once_and_in_order_in_small_bites),
        TEST(a_draft_is_shown_to_its_requestor_and_administrators),
        TEST(others_see_what_they_could_look_up),
        TEST(who_loses_the_role_reads_no_further),
        TEST(a_role_that_ends_is_news),
        TEST(a_token_that_ends_reads_no_further),
        TEST(a_place_that_is_gone_or_never_was_is_told),
        cmocka_unit_test(reading_on_is_no_request),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
