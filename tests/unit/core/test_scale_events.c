/* A receiver that has been away for 100,000 events: nobody else's may cost more for it. Times are printed; what is
 * asserted is that leases of another receiver take about as long as before, and that nothing takes seconds. */
#include "harness.h"

#include <string.h>

#include "base/clock.h"
#include "core/events.h"

#define BACKLOG 100000
#define CYCLES 300
#define BOUND_MS 2000

static void endpoint_add(struct bench *b, const char *name)
{
    struct endpoint *endpoint = &b->core.endpoints.items[b->core.endpoints.count++];
    *endpoint = (struct endpoint){.kind = ENDPOINT_WEBHOOK, .kinds = CLOUD_EVENT_ALL};
    assert_true(str_copy(endpoint->name, sizeof endpoint->name, name));
    assert_int_equal(webhook_keys_parse("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", &endpoint->keys, NULL), 0);
}

static int scale_setup(void **state)
{
    assert_int_equal(bench_setup(state), 0);
    struct bench *b = *state;
    b->core.config.api_url = "https://airlock.example.org";
    b->core.config.event_attempts_max = 60;
    b->core.config.event_days_max = 7;
    b->core.config.event_keep_days = 7;
    endpoint_add(b, "dead");
    endpoint_add(b, "live");
    return 0;
}

/* Events of one request, each with a delivery to the endpoint, due since then. */
static void add(struct bench *b, const char *endpoint, int64_t from, int64_t count)
{
    struct call call = {.now = clock_now_us(), .address = "", .from = PEER_CORE};
    for (int64_t i = 0; i < count; i++) {
        AUTO_ROWS struct db_rows *row = NULL;
        assert_int_equal(db_first(b->core.db, Q_EVENT_ADD,
                                  ARGS(DB_T(b->request), DB_T(WS1), DB_I(from + i), DB_T("status_changed"),
                                       DB_I(from + i), DB_I(call.now), DB_T("{\"status\":\"draft\"}")),
                                  &row, NULL),
                         1);
        assert_int_equal(delivery_add(&b->core, db_int(row, 0), endpoint, "", "", call.now, NULL), 0);
    }
    b->core.effects.count = 0;
}

static json_t *lease(struct bench *b, const char *busy, int max)
{
    json_t *ok = NULL;
    assert_int_equal(
        bench_ask(b, PEER_NOTIFY, MESSAGE_EVENT_LEASE, json_pack("{s:[s], s:i}", "busy", busy, "max", max), &ok), 0);
    return ok;
}

static void deliver(struct bench *b, const json_t *ok)
{
    const json_t *d = json_array_get(json_object_get(ok, "deliveries"), 0);
    assert_string_equal(json_text(d, "endpoint"), "live");
    assert_int_equal(bench_ask(b, PEER_NOTIFY, MESSAGE_EVENT_RESULT,
                               json_pack("{s:[{s:O, s:O, s:s}]}", "results", "id", json_object_get(d, "id"), "token",
                                         json_object_get(d, "token"), "outcome", "delivered"),
                               NULL),
                     0);
}

/* Leases and results of the live receiver, one at a time. */
static int64_t cycles(struct bench *b, int64_t from)
{
    bench_batch(b, true);
    add(b, "live", from, CYCLES);
    int64_t start = clock_mono_ms();
    for (int i = 0; i < CYCLES; i++) {
        AUTO_JSON json_t *ok = lease(b, "dead", 1);
        deliver(b, ok);
    }
    int64_t took = clock_mono_ms() - start;
    bench_batch(b, false);
    return took;
}

static int admin(struct bench *b, enum message message, json_t *fields)
{
    AUTO_FREE char *token = bench_token(b, "admin", "", 0);
    json_object_set_new(fields, "token", json_string(token));
    return bench_ask(b, PEER_API, message, fields, NULL);
}

static int keep_at(struct bench *b, int64_t now)
{
    int r = db_begin(b->core.db, NULL);
    r = r ? r : events_keep(&b->core, now, NULL);
    return r ? r : db_commit(b->core.db, NULL);
}

static int keep(struct bench *b)
{
    return keep_at(b, clock_now_us() + 30 * DAY_US);
}

/* What a receiver that never came back has left: nothing, after three months, but the newest event, which holds its
 * number. */
static void the_backlog_leaves(struct bench *b)
{
    AUTO_ROWS struct db_rows *newest = NULL;
    AUTO_ROWS struct db_rows *none = NULL;
    int64_t start = clock_mono_ms(), now = clock_now_us() + 100 * DAY_US;
    int looks = 0;

    do {
        assert_int_equal(keep_at(b, now), 0);
        assert_true(++looks < BACKLOG / 100);
    } while (b->core.events_keep_more);
    print_message("  all of it leaves: %d looks, %lld ms\n", looks, (long long)(clock_mono_ms() - start));
    assert_int_equal(db_first(b->core.db, Q_EVENT_FIRST_AFTER, ARGS(DB_I(0)), &newest, NULL), 1);
    assert_int_equal(db_first(b->core.db, Q_EVENT_FIRST_AFTER, ARGS(DB_I(db_int(newest, 0))), &none, NULL), 0);
}

static int lease_dead(struct bench *b)
{
    AUTO_JSON json_t *ok = lease(b, "live", 64);
    return json_array_size(json_object_get(ok, "deliveries")) == 64 ? 0 : -1;
}

static int release(struct bench *b)
{
    return events_release_all(&b->core, NULL);
}

static int list_page(struct bench *b)
{
    return admin(b, MESSAGE_ADMIN_EVENTS, json_pack("{s:s, s:i}", "state", "open", "limit", 100));
}

static int list_none(struct bench *b)
{
    return admin(b, MESSAGE_ADMIN_EVENTS, json_pack("{s:s}", "state", "dead"));
}

static int metrics(struct bench *b)
{
    return admin(b, MESSAGE_ADMIN_METRICS, json_object());
}

static int drop_none(struct bench *b)
{
    return admin(b, MESSAGE_ADMIN_EVENTS_DROP, json_pack("{s:b}", "all", 1));
}

static void a_dead_receiver_delays_nobody_else(void **state)
{
    struct bench *b = *state;
    static const struct {
        const char *name;
        int (*run)(struct bench *b);
    } PARTS[] = {{"64 leases of the dead one", lease_dead},
                 {"release", release},
                 {"a page of the list", list_page},
                 {"an empty list", list_none},
                 {"numbers", metrics},
                 {"drop of nothing", drop_none},
                 {"housekeeping, once", keep}};

    bench_create(b, "alice", "import");
    int64_t before = cycles(b, 1000000);
    bench_batch(b, true);
    add(b, "dead", 100, BACKLOG);
    bench_batch(b, false);
    int64_t after = cycles(b, 2000000);
    print_message("  %d leases and results: %lld ms, with %d events of another waiting %lld ms\n", CYCLES,
                  (long long)before, BACKLOG, (long long)after);
    assert_true(after < 3 * before + 500);
    for (size_t i = 0; i < ARRAY_LEN(PARTS); i++) {
        int64_t start = clock_mono_ms();
        assert_int_equal(PARTS[i].run(b), 0);
        int64_t took = clock_mono_ms() - start;
        print_message("  %s: %lld ms\n", PARTS[i].name, (long long)took);
        assert_true(took < BOUND_MS);
    }
    the_backlog_leaves(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_dead_receiver_delays_nobody_else, scale_setup, bench_teardown),
    };
    return cmocka_run_group_tests_name("core/scale_events", tests, NULL, NULL);
}
