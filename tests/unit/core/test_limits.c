/* How often one may ask: what counts, for whom, what it says, and what stands in the audit. */
#include "harness.h"

#include <string.h>

#include "base/clock.h"
#include "core/audit.h"
#include "core/limits.h"

#define S INT64_C(1000000)

static struct call a_call(enum message message, const char *subject, const json_t *in)
{
    struct call call = {.message = message, .in = in, .address = "127.0.0.1"};
    assert_true(str_copy(call.who.subject, sizeof call.who.subject, subject));
    assert_true(str_copy(call.workspace, sizeof call.workspace, WS1));
    return call;
}

static int change(struct limits *l, enum message message, const char *subject, const char *request, int64_t now,
                  struct error *err)
{
    AUTO_JSON json_t *in = json_pack("{s:s}", "request", request);
    const struct call call = a_call(message, subject, in);
    return limits_change(l, &call, now, err);
}

static void t32_a_person_waits_and_nobody_else(void **state)
{
    (void)state;
    struct limits *l = limits_new(&(struct limits_config){.subject_rate = 2, .subject_burst = 3});
    const struct call alice = a_call(MESSAGE_REQUEST_GET, "alice", NULL),
                      bob = a_call(MESSAGE_REQUEST_GET, "bob", NULL);
    struct error err = {0};

    for (int i = 0; i < 3; i++)
        assert_int_equal(limits_person(l, &alice, S, &err), 0);
    assert_int_equal(limits_person(l, &alice, S, &err), E_RATE);
    assert_int_equal(err.retry_after_s, 1);
    assert_int_equal(limits_person(l, &bob, S, &err), 0);
    assert_int_equal(limits_person(l, &alice, 2 * S, &err), 0);
    limits_free(l);
}

static void t32_a_workspace_counts_its_changes(void **state)
{
    (void)state;
    struct limits *l = limits_new(&(struct limits_config){.workspace_rate = 1, .workspace_burst = 2});
    struct error err = {0};

    assert_int_equal(change(l, MESSAGE_REQUEST_CREATE, "alice", "", S, &err), 0);
    assert_int_equal(change(l, MESSAGE_REQUEST_CANCEL, "dave", "1", S, &err), 0);
    for (int i = 0; i < 10; i++) /* reading changes nothing */
        assert_int_equal(change(l, MESSAGE_REQUEST_GET, "alice", "1", S, &err), 0);
    assert_int_equal(change(l, MESSAGE_REQUEST_LINK, "carol", "1", S, &err), E_RATE);
    assert_non_null(strstr(err.detail, "in this workspace"));
    assert_int_equal(change(l, MESSAGE_REQUEST_LINK, "carol", "1", 2 * S, &err), 0);
    limits_free(l);
}

/* The longer wait is told, and a question that one limit refuses uses up nothing of the other. */
static void waits_of_two_limits_are_true(void **state)
{
    (void)state;
    struct limits *l =
        limits_new(&(struct limits_config){.workspace_rate = 1, .workspace_burst = 1, .links_per_minute = 1});
    struct error err = {0};

    assert_int_equal(change(l, MESSAGE_REQUEST_LINK, "alice", "1", S, &err), 0);
    assert_int_equal(change(l, MESSAGE_REQUEST_LINK, "alice", "1", S, &err), E_RATE);
    assert_int_equal(err.retry_after_s, 60);
    assert_int_equal(change(l, MESSAGE_REQUEST_LINK, "dave", "1", S, &err), E_RATE);
    assert_int_equal(err.retry_after_s, 1);
    assert_int_equal(change(l, MESSAGE_REQUEST_LINK, "dave", "1", 2 * S, &err), 0);  /* the refusal took none */
    assert_int_equal(change(l, MESSAGE_REQUEST_LINK, "alice", "2", 3 * S, &err), 0); /* another request */
    assert_int_equal(change(l, MESSAGE_REQUEST_LINK, "alice", "1", 61 * S, &err), 0);
    limits_free(l);
}

static void decisions_count_by_request_and_person(void **state)
{
    (void)state;
    struct limits *l = limits_new(&(struct limits_config){.decisions_per_minute = 2});
    struct error err = {0};

    assert_int_equal(change(l, MESSAGE_REQUEST_REVIEW, "bob", "1", S, &err), 0);
    assert_int_equal(change(l, MESSAGE_REQUEST_CANCEL, "bob", "1", S, &err), 0);
    assert_int_equal(change(l, MESSAGE_REQUEST_REVOKE, "bob", "1", S, &err), E_RATE);
    assert_int_equal(err.retry_after_s, 30);
    assert_int_equal(change(l, MESSAGE_REQUEST_REVIEW, "bob", "2", S, &err), 0);
    assert_int_equal(change(l, MESSAGE_REQUEST_REVIEW, "erin", "1", S, &err), 0);
    assert_int_equal(change(l, MESSAGE_REQUEST_CREATE, "bob", "", S, &err), 0);
    limits_free(l);
}

static void set_limits(struct bench *b, struct limits_config config)
{
    limits_free(b->core.limits);
    b->core.limits = limits_new(&config);
}

/* "refused" rows of a subject with that code. more: how many of them tell a count. */
static size_t refusals(struct bench *b, const char *subject, const char *code, int64_t *ret_more)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    size_t count = 0;

    *ret_more = 0;
    assert_int_equal(db_select(b->core.db, Q_AUDIT_LIST, ARGS(DB_I(0), DB_T(""), DB_I(1000)), &rows, NULL), 0);
    while (db_rows_next(rows, NULL) == 1) {
        AUTO_JSON json_t *detail = json_loads(db_text(rows, 7), 0, NULL);
        if (strcmp(db_text(rows, 2), "refused") != 0 || strcmp(db_text(rows, 5), subject) != 0 ||
            strcmp(json_text(detail, "code"), code) != 0)
            continue;
        count++;
        *ret_more += json_int(detail, "more");
    }
    return count;
}

static void flush_a_minute_later(struct bench *b)
{
    assert_int_equal(db_begin(b->core.db, NULL), 0);
    assert_int_equal(audit_flush_refusals(&b->core, clock_now_us() + 60 * S, NULL), 0);
    assert_int_equal(db_commit(b->core.db, NULL), 0);
}

static void t32_a_flood_changes_nothing_and_is_two_rows(void **state)
{
    struct bench *b = *state;
    int64_t more = 0;

    bench_create(b, "alice", "export");
    set_limits(b, (struct limits_config){.subject_rate = 1, .subject_burst = 1});
    AUTO_FREE char *token = bench_token(b, "alice", WS1, 0);
    bench_batch(b, true); /* one token and one commit for all: a busy machine must not make the flood a trickle */
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_GET, NULL, NULL), 0);
    for (int i = 0; i < 200; i++)
        assert_int_equal(bench_ask(b, PEER_API, MESSAGE_REQUEST_CANCEL,
                                   json_pack("{s:s, s:s, s:s, s:s}", "token", token, "workspace", WS1, "request",
                                             b->request, "address", "127.0.0.1"),
                                   NULL),
                         E_RATE);
    bench_batch(b, false);
    assert_string_equal(bench_status(b), "draft");
    assert_int_equal(bench_act(b, "dave", MESSAGE_REQUEST_GET, NULL, NULL), 0);
    assert_int_equal(refusals(b, "alice", "rate", &more), 1);
    flush_a_minute_later(b);
    assert_int_equal(refusals(b, "alice", "rate", &more), 2);
    assert_int_equal(more, 199);
}

static void refused_tokens_are_on_record_and_counted(void **state)
{
    struct bench *b = *state;
    int64_t more = 0;

    for (int i = 0; i < 50; i++)
        assert_int_equal(bench_ask(b, PEER_API, MESSAGE_WORKSPACE_LIST, json_pack("{s:s}", "token", "a.b.c"), NULL),
                         E_UNAUTHENTICATED);
    assert_int_equal(refusals(b, "", "unauthenticated", &more), 1);
    flush_a_minute_later(b);
    assert_int_equal(refusals(b, "", "unauthenticated", &more), 2);
    assert_int_equal(more, 49);
}

/* Who is no member cannot use up what the members may. */
static void a_stranger_uses_up_nothing_of_a_workspace(void **state)
{
    struct bench *b = *state;

    bench_create(b, "alice", "export");
    set_limits(b, (struct limits_config){.workspace_rate = 1, .workspace_burst = 1});
    for (int i = 0; i < 10; i++)
        assert_int_equal(bench_act(b, "mallory", MESSAGE_REQUEST_CANCEL, NULL, NULL), E_NOT_FOUND);
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_CANCEL, NULL, NULL), 0);
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_CANCEL, NULL, NULL), E_RATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(t32_a_person_waits_and_nobody_else), cmocka_unit_test(t32_a_workspace_counts_its_changes),
        cmocka_unit_test(waits_of_two_limits_are_true),       cmocka_unit_test(decisions_count_by_request_and_person),
#define T(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
        T(t32_a_flood_changes_nothing_and_is_two_rows),       T(refused_tokens_are_on_record_and_counted),
        T(a_stranger_uses_up_nothing_of_a_workspace),
    };
    return cmocka_run_group_tests_name("core/limits", tests, NULL, NULL);
}
