/* Events and their deliveries, seen from core: what is written with a change, who is told in which order, and what
 * becomes of what nobody takes. */
#include "harness.h"

#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "core/events.h"

#define DAYS(n) ((n)*24 * 3600 * SECOND_US)
/* whsec_ of 32 bytes, and another */
#define KEY "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
#define OLD_KEY "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="

static int64_t test_now; /* 0: the machine's clock */

static int64_t wall(void)
{
    return test_now ? test_now : clock_now_us();
}

static struct endpoint *endpoint_add(struct bench *b, const char *name, enum endpoint_kind kind, const char *workspace,
                                     unsigned kinds)
{
    struct endpoint *endpoint = &b->core.endpoints.items[b->core.endpoints.count++];
    *endpoint = (struct endpoint){.kind = kind, .kinds = kinds};
    assert_true(str_copy(endpoint->name, sizeof endpoint->name, name));
    assert_true(str_copy(endpoint->workspace, sizeof endpoint->workspace, workspace));
    assert_true(str_copy(endpoint->url, sizeof endpoint->url, "https://receiver.example.org/x"));
    assert_int_equal(webhook_keys_parse("whsec_" KEY "\n" OLD_KEY "\n", &endpoint->keys, NULL), 0);
    return endpoint;
}

static int events_setup(void **state)
{
    test_now = 0;
    assert_int_equal(bench_setup(state), 0);
    struct bench *b = *state;
    b->core.time.wall = wall;
    b->core.config.api_url = "https://airlock.example.org";
    b->core.config.event_attempts_max = 60;
    b->core.config.event_days_max = 7;
    b->core.config.event_keep_days = 7;
    return 0;
}

/* One receiver of everything. */
static int webhook_setup(void **state)
{
    int r = events_setup(state);
    (void)endpoint_add(*state, "webhook", ENDPOINT_WEBHOOK, "", CLOUD_EVENT_ALL);
    return r;
}

static void later(int64_t us)
{
    test_now = wall() + us;
}

/* So long behind core's last answer, however long this machine took since. */
static void exactly_later(struct bench *b, int64_t us)
{
    test_now = b->core.time.seen + us;
    b->core.time = (struct core_time){.wall = wall};
}

static json_t *lease_of(struct bench *b, const char *busy, int max, json_t **ret_ok)
{
    json_t *list = json_array();
    if (busy)
        json_array_append_new(list, json_string(busy));
    json_decref(TAKE_PTR(*ret_ok));
    assert_int_equal(
        bench_ask(b, PEER_NOTIFY, MESSAGE_EVENT_LEASE, json_pack("{s:o, s:i}", "busy", list, "max", max), ret_ok), 0);
    return json_object_get(*ret_ok, "deliveries");
}

static json_t *lease(struct bench *b, json_t **ret_ok)
{
    return lease_of(b, NULL, 64, ret_ok);
}

static void result(struct bench *b, const json_t *deliveries, const char *outcome)
{
    json_t *results = json_array();
    size_t i;
    const json_t *d;
    json_array_foreach(deliveries, i, d)
    {
        json_array_append_new(results,
                              json_pack("{s:O, s:O, s:s, s:s}", "id", json_object_get(d, "id"), "token",
                                        json_object_get(d, "token"), "outcome", outcome, "detail", "HTTP status 500"));
    }
    assert_int_equal(bench_ask(b, PEER_NOTIFY, MESSAGE_EVENT_RESULT, json_pack("{s:o}", "results", results), NULL), 0);
}

static const char *header(const json_t *delivery, const char *name)
{
    size_t i;
    const json_t *pair;
    json_array_foreach(json_object_get(delivery, "headers"), i, pair)
    {
        if (strcmp(json_string_value(json_array_get(pair, 0)), name) == 0)
            return json_string_value(json_array_get(pair, 1));
    }
    return "";
}

static int64_t count_events_of(struct bench *b, const char *request)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    int64_t count = 0, last = 0;
    assert_int_equal(db_select(b->core.db, Q_EVENTS_OF_REQUEST, ARGS(DB_T(request)), &rows, NULL), 0);
    for (; db_rows_next(rows, NULL) == 1; count++) {
        assert_true(last == 0 || db_int(rows, 0) == last + 1); /* without gaps */
        last = db_int(rows, 0);
    }
    return count;
}

static int64_t count_events(struct bench *b)
{
    return count_events_of(b, b->request);
}

/* The one delivery with a message of that kind; fails without. */
static const json_t *of_kind(const json_t *deliveries, const char *kind)
{
    size_t i;
    const json_t *d;
    json_array_foreach(deliveries, i, d)
    {
        const char *dot = strrchr(json_text(d, "message"), '.');
        if (dot && strcmp(dot + 1, kind) == 0)
            return d;
    }
    fail_msg("no %s", kind);
    return NULL;
}

static json_t *body_of(const json_t *delivery)
{
    json_t *body = json_loads(json_text(delivery, "body"), 0, NULL);
    assert_non_null(body);
    return body;
}

/* --- What is written --- */

static void an_event_is_a_cloud_event(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *ok = NULL;
    bench_create(b, "alice", "import");
    const json_t *d = of_kind(lease(b, &ok), "status_changed");
    AUTO_JSON json_t *event = body_of(d);
    AUTO_FREE char *id = xasprintf("%s.0.status_changed", b->request);

    assert_string_equal(json_text(d, "endpoint"), "webhook");
    assert_string_equal(json_text(d, "kind"), "webhook");
    assert_string_equal(json_text(d, "url"), "https://receiver.example.org/x");
    assert_string_equal(json_text(event, "specversion"), "1.0");
    assert_string_equal(json_text(event, "id"), id);
    assert_string_equal(json_text(event, "source"), "/airlock/demo");
    assert_string_equal(json_text(event, "type"), "airlock.status_changed.v1");
    assert_string_equal(json_text(event, "subject"), b->request);
    assert_string_equal(json_text(event, "dataschema"),
                        "https://airlock.example.org/api/events/schemas/status_changed.v1.json");
    assert_string_equal(json_text(event, "datacontenttype"), "application/json");
    assert_string_equal(json_text(event, "sequence"), "0000000001");
    assert_string_equal(header(d, "content-type"), "application/cloudevents+json; charset=utf-8");
    const json_t *data = json_object_get(event, "data");
    assert_string_equal(json_text(data, "request_id"), b->request);
    assert_string_equal(json_text(data, "workspace_id"), WS1);
    assert_string_equal(json_text(data, "type"), "import");
    assert_string_equal(json_text(data, "status"), "draft");
    assert_string_equal(json_text(data, "new_status"), "draft");
    assert_true(json_is_null(json_object_get(data, "previous_status")));
    assert_int_equal(json_int(data, "sequence"), 1);
}

static void in_binary_mode_the_body_is_the_data(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *ok = NULL;
    b->core.config.webhook_binary = true;
    bench_create(b, "alice", "import");
    const json_t *d = of_kind(lease(b, &ok), "status_changed");
    AUTO_JSON json_t *data = body_of(d);
    assert_string_equal(json_text(data, "status"), "draft");
    assert_string_equal(header(d, "content-type"), "application/json");
    assert_string_equal(header(d, "ce-specversion"), "1.0");
    assert_string_equal(header(d, "ce-id"), json_text(d, "message"));
    assert_string_equal(header(d, "ce-type"), "airlock.status_changed.v1");
    assert_string_equal(header(d, "ce-subject"), b->request);
    assert_string_equal(header(d, "ce-sequence"), "0000000001");
    assert_string_equal(header(d, "webhook-id"), json_text(d, "message"));
}

static void a_receiver_gets_its_workspace_and_its_kinds(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *ok = NULL;
    (void)endpoint_add(b, "other", ENDPOINT_WEBHOOK, WS2, CLOUD_EVENT_ALL);
    (void)endpoint_add(b, "people", ENDPOINT_WEBHOOK, WS1, 1U << CLOUD_EVENT_NOTIFICATION);
    (void)endpoint_add(b, "broker", ENDPOINT_BROKER, "", 1U << CLOUD_EVENT_STATUS_CHANGED);
    bench_create(b, "alice", "import");

    json_t *list = lease(b, &ok);
    assert_int_equal(json_array_size(list), 1);
    assert_string_equal(json_text(json_array_get(list, 0), "endpoint"), "people");
    list = lease(b, &ok);
    assert_int_equal(json_array_size(list), 1);
    const json_t *d = json_array_get(list, 0);
    AUTO_FREE char *key = xasprintf("airlock.status_changed.%s", WS1);
    assert_string_equal(json_text(d, "kind"), "broker");
    assert_string_equal(json_text(d, "routing_key"), key);
    assert_string_equal(json_text(d, "content_type"), "application/cloudevents+json; charset=utf-8");
    AUTO_JSON json_t *event = body_of(d);
    assert_string_equal(json_text(event, "id"), json_text(d, "message"));
    assert_int_equal(json_array_size(lease(b, &ok)), 0);
}

/* An event is written with what it tells, or neither is. */
static void t67_an_undone_change_leaves_no_event(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *ok = NULL;
    bench_draft(b, "import");
    result(b, lease(b, &ok), "delivered");
    int64_t before = count_events(b);

    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_SUBMIT, NULL, NULL), E_CONFLICT); /* without a file */
    assert_int_equal(bench_act(b, "bob", MESSAGE_REQUEST_REVIEW,
                               json_pack("{s:b, s:s}", "approval", 1, "decisionExplanation", "yes"), NULL),
                     E_CONFLICT);
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_CANCEL, json_pack("{s:s}", "workspace", WS2), NULL),
                     E_NOT_FOUND);
    assert_int_equal(db_begin(b->core.db, NULL), 0); /* the whole transaction */
    struct call call = {.now = wall(), .address = "", .from = PEER_CORE};
    AUTO_REQUEST struct request req = {0};
    assert_int_equal(request_load_by_id(&b->core, b->request, &req, NULL), 0);
    req.version++;
    assert_int_equal(events_add_status(&b->core, &call, &req, STATUS_SUBMITTED, NULL), 0);
    db_rollback(b->core.db);
    assert_int_equal(count_events(b), before);
    assert_int_equal(json_array_size(lease(b, &ok)), 0);

    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_CANCEL, NULL, NULL), 0);
    assert_true(count_events(b) > before); /* and no number was lost */
}

static void t67_every_status_is_told_once_and_in_order(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *moves = NULL;
    AUTO_JSON json_t *ok = NULL;
    char object[UUID_TEXT_SIZE];
    static const char *const STATUSES[] = {"draft", "submitted", "in_review", "approval_in_progress", "approved"};
    size_t seen = 0, i;
    const json_t *d;

    bench_draft(b, "export");
    assert_int_equal(bench_put(b, "result.txt", 5, object), 0);
    bench_submit(b);
    bench_seal(b);
    assert_int_equal(bench_act(b, "bob", MESSAGE_REQUEST_REVIEW,
                               json_pack("{s:b, s:s}", "approval", 1, "decisionExplanation", "fine by me"), NULL),
                     0);
    assert_int_equal(bench_result(b, bench_lease(b, &moves), "moved", NULL), 0);
    int64_t count = count_events(b);
    json_t *list = lease(b, &ok);
    assert_int_equal(json_array_size(list), count);
    json_array_foreach(list, i, d)
    {
        AUTO_JSON json_t *event = body_of(d);
        const json_t *data = json_object_get(event, "data");
        assert_int_equal(json_int(data, "sequence"), i + 1);
        if (strcmp(json_text(event, "type"), "airlock.status_changed.v1") == 0)
            assert_string_equal(json_text(data, "new_status"), STATUSES[seen++]);
    }
    assert_int_equal(seen, ARRAY_LEN(STATUSES));
}

/* --- T66 --- */

static void assert_signed(const json_t *d, const char *key_text, const char *signature)
{
    struct webhook_keys keys;
    unsigned char mac[SHA256_SIZE];
    AUTO_STR struct str expected = STR_INIT(100);
    assert_int_equal(webhook_keys_parse(key_text, &keys, NULL), 0);
    AUTO_FREE char *text =
        xasprintf("%s.%s.%s", header(d, "webhook-id"), header(d, "webhook-timestamp"), json_text(d, "body"));
    hmac_sha256(keys.items[0].bytes, keys.items[0].len, text, strlen(text), mac);
    str_append(&expected, "v1,");
    base64_append(&expected, mac, sizeof mac);
    assert_string_equal(str_text(&expected), signature);
}

static void t66_an_event_is_signed_and_keeps_its_id(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *first = NULL;
    AUTO_JSON json_t *second = NULL;
    bench_create(b, "alice", "import");
    const json_t *a = of_kind(lease(b, &first), "status_changed");
    AUTO_FREE char *both = xstrdup(header(a, "webhook-signature"));
    char *old = strchr(both, ' ');
    assert_non_null(old);
    *old++ = '\0';
    assert_signed(a, KEY, both); /* the new key first, then the one that is on its way out */
    assert_signed(a, OLD_KEY, old);

    result(b, json_object_get(first, "deliveries"), "failed");
    later(2 * SECOND_US);
    const json_t *again = of_kind(lease(b, &second), "status_changed");
    assert_string_equal(json_text(a, "message"), json_text(again, "message"));
    assert_string_equal(header(a, "webhook-id"), header(again, "webhook-id"));
    assert_string_equal(json_text(a, "body"), json_text(again, "body"));
    assert_string_not_equal(header(a, "webhook-timestamp"), header(again, "webhook-timestamp"));
    assert_string_not_equal(header(a, "webhook-signature"), header(again, "webhook-signature"));
}

/* --- T68 --- */

static void assert_says_nothing(const json_t *list, const char *text)
{
    size_t i;
    const json_t *d;
    json_array_foreach(list, i, d)
    {
        if (strstr(json_text(d, "body"), text))
            fail_msg("\"%s\" stands in %s", text, json_text(d, "body"));
    }
}

static json_t *life_with_people(struct bench *b, json_t **ret_ok)
{
    char object[UUID_TEXT_SIZE];
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_CREATE,
                               json_pack("{s:s, s:s, s:s}", "type", "export", "title", "Rare title",
                                         "businessJustification", "Rare reason"),
                               ret_ok),
                     0);
    assert_true(str_copy(b->request, sizeof b->request, json_text(json_object_get(*ret_ok, "airlockRequest"), "id")));
    bench_link(b, "alice");
    assert_int_equal(bench_put(b, "result.txt", 5, object), 0);
    bench_submit(b);
    bench_seal(b);
    assert_int_equal(bench_act(b, "bob", MESSAGE_REQUEST_REVIEW,
                               json_pack("{s:b, s:s}", "approval", 0, "decisionExplanation", "Rare words"), NULL),
                     0);
    return lease(b, ret_ok);
}

static void t68_an_event_names_no_person_and_holds_no_link(void **state)
{
    static const char *const NOT[] = {"Rare", "alice", "bob", "example.org\"", "@", "sig=", "email", "created_by"};
    struct bench *b = *state;
    AUTO_JSON json_t *ok = NULL;
    json_t *list = life_with_people(b, &ok);
    assert_true(json_array_size(list) >= 8);
    for (size_t i = 0; i < ARRAY_LEN(NOT); i++)
        assert_says_nothing(list, NOT[i]);
}

static void t68_people_are_named_where_the_setting_says_so(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *ok = NULL;
    b->core.config.personal_data = true;
    json_t *list = life_with_people(b, &ok);
    AUTO_JSON json_t *event = body_of(of_kind(list, "notification"));
    const json_t *data = json_object_get(event, "data"), *request = json_object_get(data, "request");
    assert_string_equal(json_text(request, "title"), "Rare title");
    assert_string_equal(json_text(request, "business_justification"), "Rare reason");
    assert_string_equal(json_text(json_object_get(request, "created_by"), "name"), "alice");
    const json_t *emails = json_object_get(data, "recipient_emails_by_role");
    assert_int_equal(json_array_size(json_object_get(emails, "airlock_manager")), 1); /* bob and erin share one here */
    assert_says_nothing(list, "sig=");
    assert_says_nothing(list, "Rare words"); /* a reviewer's words are in no event */
}

/* --- Leases --- */

static void a_lease_holds_for_a_minute(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *ok = NULL;
    AUTO_JSON json_t *again = NULL;
    bench_create(b, "alice", "import");
    assert_int_equal(json_array_size(lease(b, &ok)), 2);
    assert_int_equal(json_array_size(lease(b, &again)), 0);
    later(59 * SECOND_US);
    assert_int_equal(json_array_size(lease(b, &again)), 0);
    later(2 * SECOND_US);
    assert_int_equal(json_array_size(lease(b, &again)), 2);
    result(b, json_object_get(ok, "deliveries"), "delivered"); /* too late: its token is stale */
    later(61 * SECOND_US);
    json_t *list = lease(b, &ok);
    assert_int_equal(json_array_size(list), 2);
    result(b, list, "delivered");
    result(b, list, "delivered"); /* once more: nothing is there any more */
    later(DAYS(1));
    assert_int_equal(json_array_size(lease(b, &ok)), 0);
}

static void receivers_take_turns_and_the_busy_are_passed_over(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *ok = NULL;
    (void)endpoint_add(b, "second", ENDPOINT_WEBHOOK, "", CLOUD_EVENT_ALL);
    bench_create(b, "alice", "import");
    assert_string_equal(json_text(json_array_get(lease_of(b, NULL, 1, &ok), 0), "endpoint"), "webhook");
    assert_string_equal(json_text(json_array_get(lease_of(b, NULL, 1, &ok), 0), "endpoint"), "second");
    assert_string_equal(json_text(json_array_get(lease_of(b, "webhook", 64, &ok), 0), "endpoint"), "second");
    assert_int_equal(json_array_size(lease_of(b, "webhook", 64, &ok)), 0);
    assert_int_equal(json_array_size(lease_of(b, NULL, 64, &ok)), 1);
}

static void what_failed_waits_twice_as_long_each_time(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *ok = NULL;
    int64_t expected = SECOND_US;
    bench_create(b, "alice", "import");
    for (int i = 1; i <= 16; i++) {
        int64_t spread = i == 1 ? 2 : 4, least = expected - expected / spread;
        json_t *list = lease(b, &ok);
        assert_int_equal(json_array_size(list), 2);
        result(b, list, "failed");
        exactly_later(b, least < 3600 * SECOND_US ? least - 1 : 3600 * SECOND_US - 1);
        if (least < 2700 * SECOND_US)
            assert_int_equal(json_array_size(lease(b, &ok)), 0);
        later(2 * expected / spread + 2);
        expected = 2 * expected < 3600 * SECOND_US ? 2 * expected : 3600 * SECOND_US;
    }
}

static int64_t dead(struct bench *b)
{
    return bench_count(b, "event.dead");
}

static void after_too_many_tries_it_is_dead(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *ok = NULL;
    b->core.config.event_attempts_max = 3;
    bench_create(b, "alice", "import");
    for (int i = 0; i < 3; i++) {
        json_t *list = lease(b, &ok);
        assert_int_equal(json_array_size(list), 2);
        assert_int_equal(dead(b), 0);
        result(b, list, "failed");
        later(DAYS(1));
    }
    assert_int_equal(dead(b), 2);
    assert_int_equal(json_array_size(lease(b, &ok)), 0);
}

/* A lease without a word is a try; one that ended with airlock-notify is none. */
static void a_lease_without_a_word_counts(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *ok = NULL;
    b->core.config.event_attempts_max = 2;
    bench_create(b, "alice", "import");
    for (int i = 0; i < 10; i++) {
        assert_int_equal(json_array_size(lease(b, &ok)), 2);
        assert_int_equal(events_release_all(&b->core, NULL), 0);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(json_array_size(lease(b, &ok)), 2);
        later(61 * SECOND_US);
    }
    assert_int_equal(json_array_size(lease(b, &ok)), 0);
    assert_int_equal(dead(b), 2);
}

static void what_is_refused_is_dead_at_once(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *ok = NULL;
    bench_create(b, "alice", "import");
    result(b, lease(b, &ok), "refused");
    assert_int_equal(dead(b), 2);
    later(DAYS(1));
    assert_int_equal(json_array_size(lease(b, &ok)), 0);
}

static void a_long_reason_is_cut_between_characters(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *ok = NULL;
    AUTO_STR struct str text = STR_INIT(2000);
    bench_create(b, "alice", "import");
    const json_t *d = json_array_get(lease(b, &ok), 0);
    for (int i = 0; i < 300; i++)
        str_append(&text, "ä");
    json_t *one = json_pack("{s:[{s:O, s:O, s:s, s:s}]}", "results", "id", json_object_get(d, "id"), "token",
                            json_object_get(d, "token"), "outcome", "refused", "detail", str_text(&text));
    assert_int_equal(bench_ask(b, PEER_NOTIFY, MESSAGE_EVENT_RESULT, one, NULL), 0); /* an odd number of bytes fits */
    assert_int_equal(dead(b), 1); /* a text that is no UTF-8 makes no audit row */
}

/* --- What leaves --- */

static void keep(struct bench *b)
{
    assert_int_equal(db_begin(b->core.db, NULL), 0);
    assert_int_equal(events_keep(&b->core, wall(), NULL), 0);
    assert_int_equal(db_commit(b->core.db, NULL), 0);
}

static void events_leave_when_they_are_old_and_told(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *ok = NULL;
    static const char *const OUTCOMES[] = {"delivered", "refused", "delivered"};
    char ids[ARRAY_LEN(OUTCOMES)][UUID_TEXT_SIZE];
    for (size_t i = 0; i < ARRAY_LEN(OUTCOMES); i++) {
        bench_create(b, "alice", "import");
        assert_true(str_copy(ids[i], sizeof ids[i], b->request));
        result(b, lease(b, &ok), OUTCOMES[i]);
    }
    later(DAYS(6));
    keep(b);
    assert_int_equal(count_events_of(b, ids[0]), 2);
    later(DAYS(2));
    keep(b);
    assert_int_equal(count_events_of(b, ids[0]), 0);
    assert_int_equal(count_events_of(b, ids[1]), 2); /* dead, but not gone */
    assert_int_equal(count_events_of(b, ids[2]), 1); /* the newest of all holds its number */
    later(DAYS(81));
    keep(b);
    assert_int_equal(count_events_of(b, ids[1]), 2);
    later(DAYS(2));
    keep(b); /* the dead delivery leaves, then its event */
    keep(b);
    assert_int_equal(count_events_of(b, ids[1]), 0);
}

static int64_t waiting(struct bench *b, const char *endpoint, const char *state)
{
    AUTO_ROWS struct db_rows *row = NULL;
    assert_int_equal(db_first(b->core.db, Q_DELIVERY_COUNT, ARGS(DB_T(endpoint), DB_T(state)), &row, NULL), 1);
    return db_int(row, 0);
}

/* A receiver that is not there for so many events that few of them are tried: they must end, too. */
static void t65_what_waits_too_long_is_dead_however_few_its_tries(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *ok = NULL;
    bench_create(b, "alice", "import");
    later(DAYS(7) - SECOND_US);
    keep(b);
    assert_int_equal(waiting(b, "webhook", "open"), 2);
    later(2 * SECOND_US);
    json_t *sending = lease_of(b, NULL, 1, &ok);
    keep(b);
    assert_int_equal(waiting(b, "webhook", "open"), 1); /* the one that is being sent */
    assert_int_equal(waiting(b, "webhook", "dead"), 1);
    result(b, sending, "delivered");
    assert_int_equal(waiting(b, "webhook", "open"), 0);
    assert_int_equal(db_exec(b->core.db, Q_DELIVERY_REPLAY_SOME, ARGS(DB_T("webhook"), DB_I(10), DB_I(wall())), NULL),
                     1);
    keep(b);
    assert_int_equal(waiting(b, "webhook", "open"), 1); /* a replay waits as if it had come now */
}

static void what_no_setting_names_is_dead_at_the_start(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *ok = NULL;
    (void)endpoint_add(b, "gone", ENDPOINT_WEBHOOK, "", CLOUD_EVENT_ALL);
    bench_create(b, "alice", "import");
    b->core.endpoints.count = 1;
    assert_int_equal(events_start(&b->core, NULL), 0);
    AUTO_ROWS struct db_rows *row = NULL;
    assert_int_equal(db_first(b->core.db, Q_DELIVERY_OLDEST, ARGS(DB_T("gone")), &row, NULL), 1);
    assert_true(db_is_null(row, 0));
    assert_int_equal(json_array_size(lease(b, &ok)), 2); /* the others are told */
}

/* --- For administrators --- */

static int admin(struct bench *b, enum message message, json_t *fields, json_t **ret_ok)
{
    AUTO_FREE char *token = bench_token(b, "admin", "", 0);
    json_object_set_new(fields, "token", json_string(token));
    return bench_ask(b, PEER_API, message, fields, ret_ok);
}

static void an_administrator_pages_through_what_is_not_told(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *ok = NULL;
    AUTO_FREE char *cursor = xstrdup("");
    int64_t seen = 0, dead_ones = 0;
    (void)endpoint_add(b, "chat", ENDPOINT_WEBHOOK, "", CLOUD_EVENT_ALL);
    for (int i = 0; i < 3; i++) {
        bench_create(b, "alice", "import");
        if (i == 0)
            result(b, lease_of(b, "chat", 64, &ok), "refused");
    }
    do {
        AUTO_JSON json_t *page = NULL;
        size_t i;
        const json_t *d;
        assert_int_equal(admin(b, MESSAGE_ADMIN_EVENTS, json_pack("{s:i, s:s}", "limit", 5, "cursor", cursor), &page),
                         0);
        json_array_foreach(json_object_get(page, "deliveries"), i, d)
        {
            bool is_chat = strcmp(json_text(d, "endpoint"), "chat") == 0,
                 is_dead = !strcmp(json_text(d, "state"), "dead");
            assert_true(is_chat == (seen < 6)); /* by endpoint, then the dead first */
            assert_true(is_dead == (seen >= 6 && seen < 8));
            dead_ones += is_dead;
            seen++;
        }
        free(cursor);
        cursor = xstrdup(json_text(page, "nextCursor"));
    } while (*cursor);
    assert_int_equal(seen, 12);
    assert_int_equal(dead_ones, 2);
    json_decref(TAKE_PTR(ok));
    assert_int_equal(admin(b, MESSAGE_ADMIN_EVENTS, json_pack("{s:s}", "state", "dead"), &ok), 0);
    assert_int_equal(json_array_size(json_object_get(ok, "deliveries")), 2);
    const json_t *d = json_array_get(json_object_get(ok, "deliveries"), 0);
    assert_string_equal(json_text(d, "error"), "HTTP status 500");
    assert_int_equal(json_int(d, "attempts"), 1);
    assert_int_equal(admin(b, MESSAGE_ADMIN_EVENTS, json_pack("{s:s}", "state", "late"), NULL), E_INVALID);
    assert_int_equal(admin(b, MESSAGE_ADMIN_EVENTS, json_pack("{s:s}", "cursor", "x:y"), NULL), E_INVALID);
    assert_int_equal(admin(b, MESSAGE_ADMIN_EVENTS, json_pack("{s:s}", "cursor", "a:dead:1:"), NULL), E_INVALID);
}

static void a_replay_begins_anew(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *ok = NULL;
    AUTO_JSON json_t *done = NULL;
    AUTO_JSON json_t *none = NULL;
    bench_create(b, "alice", "import");
    json_t *list = lease(b, &ok);
    AUTO_FREE char *message = xstrdup(json_text(json_array_get(list, 0), "message"));
    int64_t id = json_int(json_array_get(list, 0), "id");
    result(b, list, "refused");
    assert_int_equal(admin(b, MESSAGE_ADMIN_EVENTS_REPLAY, json_pack("{s:I}", "delivery", (json_int_t)id), NULL), 0);
    list = lease(b, &ok);
    assert_int_equal(json_array_size(list), 1);
    assert_string_equal(json_text(json_array_get(list, 0), "message"), message);
    result(b, list, "refused");
    assert_int_equal(admin(b, MESSAGE_ADMIN_EVENTS_REPLAY, json_pack("{s:s}", "endpoint", "webhook"), &done), 0);
    assert_int_equal(json_int(done, "count"), 2);
    assert_false(json_flag(done, "more"));
    result(b, lease(b, &ok), "delivered");
    assert_int_equal(admin(b, MESSAGE_ADMIN_EVENTS_REPLAY, json_pack("{s:b}", "all", 1), &none), 0);
    assert_int_equal(json_int(none, "count"), 0);
}

static void what_is_dropped_is_gone(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *ok = NULL;
    AUTO_JSON json_t *done = NULL;
    bench_create(b, "alice", "import");
    json_t *list = lease(b, &ok);
    json_int_t id = (json_int_t)json_int(json_array_get(list, 0), "id");
    result(b, list, "refused");
    assert_int_equal(admin(b, MESSAGE_ADMIN_EVENTS_DROP, json_pack("{s:I}", "delivery", id), NULL), 0);
    assert_int_equal(admin(b, MESSAGE_ADMIN_EVENTS_DROP, json_pack("{s:I}", "delivery", id), NULL), E_NOT_FOUND);
    b->core.endpoints.count = 0; /* nobody names it any more: it cannot be replayed, but dropped */
    assert_int_equal(admin(b, MESSAGE_ADMIN_EVENTS_REPLAY, json_pack("{s:s}", "endpoint", "webhook"), NULL),
                     E_CONFLICT);
    assert_int_equal(admin(b, MESSAGE_ADMIN_EVENTS_DROP, json_pack("{s:b}", "all", 1), &done), 0);
    assert_int_equal(json_int(done, "count"), 1);
    assert_int_equal(admin(b, MESSAGE_ADMIN_EVENTS_DROP, json_object(), NULL), E_INVALID);
    assert_int_equal(admin(b, MESSAGE_ADMIN_EVENTS_DROP, json_pack("{s:b, s:i}", "all", 1, "delivery", 1), NULL),
                     E_INVALID);
    b->request[0] = '\0';
    AUTO_ROWS struct db_rows *row = NULL;
    assert_int_equal(db_first(b->core.db, Q_AUDIT_LIST, ARGS(DB_I(0), DB_T(""), DB_I(1000)), &row, NULL), 1);
    int64_t replayed = 0, dropped = 0;
    do {
        replayed += strcmp(db_text(row, 2), "event.replayed") == 0;
        dropped += strcmp(db_text(row, 2), "event.dropped") == 0;
    } while (db_rows_next(row, NULL) == 1);
    assert_int_equal(dropped, 2);
    assert_int_equal(replayed, 0); /* refused */
}

static void the_numbers_tell_what_waits(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *before = NULL;
    AUTO_JSON json_t *after = NULL;
    AUTO_JSON json_t *ok = NULL;
    assert_int_equal(admin(b, MESSAGE_ADMIN_METRICS, json_object(), &before), 0);
    const json_t *line = json_array_get(json_object_get(before, "endpoints"), 0);
    assert_string_equal(json_text(line, "endpoint"), "webhook");
    assert_true(json_number_value(json_object_get(line, "oldestUndeliveredSeconds")) == 0);
    bench_create(b, "alice", "import");
    json_t *list = lease_of(b, NULL, 1, &ok);
    result(b, list, "refused");
    later(90 * SECOND_US);
    assert_int_equal(admin(b, MESSAGE_ADMIN_METRICS, json_object(), &after), 0);
    line = json_array_get(json_object_get(after, "endpoints"), 0);
    double age = json_number_value(json_object_get(line, "oldestUndeliveredSeconds"));
    assert_true(age >= 90 && age < 100);
    assert_int_equal(json_int(line, "open"), 1);
    assert_int_equal(json_int(line, "dead"), 1);
}

#define EVENT_TEST(f) cmocka_unit_test_setup_teardown(f, webhook_setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EVENT_TEST(an_event_is_a_cloud_event),
        EVENT_TEST(in_binary_mode_the_body_is_the_data),
        cmocka_unit_test_setup_teardown(a_receiver_gets_its_workspace_and_its_kinds, events_setup, bench_teardown),
        EVENT_TEST(t67_an_undone_change_leaves_no_event),
        EVENT_TEST(t67_every_status_is_told_once_and_in_order),
        EVENT_TEST(t66_an_event_is_signed_and_keeps_its_id),
        EVENT_TEST(t68_an_event_names_no_person_and_holds_no_link),
        EVENT_TEST(t68_people_are_named_where_the_setting_says_so),
        EVENT_TEST(a_lease_holds_for_a_minute),
        EVENT_TEST(receivers_take_turns_and_the_busy_are_passed_over),
        EVENT_TEST(what_failed_waits_twice_as_long_each_time),
        EVENT_TEST(after_too_many_tries_it_is_dead),
        EVENT_TEST(a_lease_without_a_word_counts),
        EVENT_TEST(what_is_refused_is_dead_at_once),
        EVENT_TEST(a_long_reason_is_cut_between_characters),
        EVENT_TEST(events_leave_when_they_are_old_and_told),
        EVENT_TEST(t65_what_waits_too_long_is_dead_however_few_its_tries),
        EVENT_TEST(what_no_setting_names_is_dead_at_the_start),
        EVENT_TEST(an_administrator_pages_through_what_is_not_told),
        EVENT_TEST(a_replay_begins_anew),
        EVENT_TEST(what_is_dropped_is_gone),
        EVENT_TEST(the_numbers_tell_what_waits),
    };
    return cmocka_run_group_tests_name("core/events", tests, NULL, NULL);
}
