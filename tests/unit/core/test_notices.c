/* Notices, seen from core: who is told of which status, what the mail says, what a person's choice changes, and what
 * happens while a mail waits. */
#include "harness.h"

#include <string.h>

#include "base/clock.h"
#include "core/events.h"
#include "core/notices.h"

#define HOUR_US (3600 * SECOND_US)

static int64_t test_now; /* 0: the machine's clock */

static int64_t wall(void)
{
    return test_now ? test_now : clock_now_us();
}

static void later(int64_t us)
{
    test_now = wall() + us;
}

static int setup(void **state)
{
    test_now = 0;
    assert_int_equal(bench_setup(state), 0);
    struct bench *b = *state;
    b->core.time.wall = wall;
    b->core.config.leeway_s = 4000 * 86400; /* tokens are the machine's clock's */
    b->core.config.decision_token_age_s = 4000 * 86400;
    b->core.config.api_url = "https://airlock.example.org";
    b->core.config.portal_url = "https://portal.example.org/tre";
    b->core.config.event_attempts_max = 60;
    b->core.config.event_keep_days = 7;
    b->core.config.digest_at_s = 7 * 3600;
    b->core.config.digest_every_s = 24 * 3600;
    struct endpoint *mail = &b->core.endpoints.items[b->core.endpoints.count++];
    *mail = (struct endpoint){.kind = ENDPOINT_MAIL, .name = "mail"};
    for (size_t i = 0; i < 6; i++) {
        static const char *const WHO[] = {"alice", "bob", "carol", "dave", "erin", "mallory"};
        AUTO_FREE char *address = xasprintf("%s@example.org", WHO[i]);
        assert_int_equal(person_put(&b->core, WHO[i], WHO[i], address, NULL), 0);
    }
    return 0;
}

/* --- Taking mail --- */

/* All that is due, as one list; the caller's. outcome NULL: it stays leased. */
static json_t *take(struct bench *b, const char *outcome)
{
    json_t *all = json_array();

    for (;;) {
        AUTO_JSON json_t *ok = NULL;
        AUTO_JSON json_t *results = json_array();
        size_t i;
        json_t *d;
        assert_int_equal(bench_ask(b, PEER_NOTIFY, MESSAGE_EVENT_LEASE, json_pack("{s:[], s:i}", "busy", "max", 64), &ok),
                         0);
        json_t *list = json_object_get(ok, "deliveries");
        if (json_array_size(list) == 0)
            return all;
        json_array_foreach(list, i, d)
        {
            json_array_append(all, d);
            if (outcome)
                json_array_append_new(results,
                                      json_pack("{s:O, s:O, s:s, s:s}", "id", json_object_get(d, "id"), "token",
                                                json_object_get(d, "token"), "outcome", outcome, "detail", ""));
        }
        if (outcome)
            assert_int_equal(bench_ask(b, PEER_NOTIFY, MESSAGE_EVENT_RESULT, json_pack("{s:O}", "results", results), NULL),
                             0);
    }
}

/* "alice bob", in the order of names; the caller's. */
static char *names(const json_t *mails)
{
    static const char *const WHO[] = {"alice", "bob", "carol", "dave", "erin", "mallory"};
    AUTO_STR struct str text = STR_INIT(1000);

    for (size_t w = 0; w < ARRAY_LEN(WHO); w++) {
        AUTO_FREE char *address = xasprintf("%s@example.org", WHO[w]);
        size_t i;
        const json_t *mail;
        json_array_foreach(mails, i, mail)
        {
            if (strcmp(json_text(json_object_get(mail, "to"), "address"), address) == 0)
                str_printf(&text, "%s%s", text.len ? " " : "", WHO[w]);
        }
    }
    return xstrdup(str_text(&text));
}

/* Everything that is due goes to exactly these, one mail each. */
static void assert_told(struct bench *b, const char *who)
{
    AUTO_JSON json_t *mails = take(b, "delivered");
    AUTO_FREE char *told = names(mails);
    assert_string_equal(told, who);
}

static const char *value(const json_t *mail, const char *name)
{
    return json_text(json_object_get(mail, "data"), name);
}

/* The only mail that is due; the caller's. */
static json_t *take_one(struct bench *b)
{
    AUTO_JSON json_t *mails = take(b, "delivered");
    assert_int_equal(json_array_size(mails), 1);
    return json_incref(json_array_get(mails, 0));
}

static void rules(struct bench *b, const char *text)
{
    struct error err = {0};
    if (rules_parse(text, &b->core.config.rules, &err) != 0)
        fail_msg("%s", err.detail);
}

static void choose(struct bench *b, const char *who, const char *choice)
{
    assert_int_equal(db_exec(b->core.db, Q_NOTICE_CHOICE_PUT, ARGS(DB_T(who), DB_T(choice)), NULL), 1);
}

/* As a person, or as an administrator, outside of any workspace. */
static int me(struct bench *b, const char *who, enum message message, json_t *fields, json_t **ret_ok)
{
    AUTO_FREE char *token = bench_token(b, who, "", 0);
    json_object_set_new(fields, "token", json_string(token));
    return bench_ask(b, PEER_API, message, fields, ret_ok);
}

static void allow_links(struct bench *b, int seconds)
{
    assert_int_equal(me(b, "admin", MESSAGE_WORKSPACE_UPDATE,
                        json_pack("{s:s, s:s, s:{s:{s:i}}}", "workspace", WS1, "etag", "*", "body", "policy", "notice_link",
                                  seconds),
                        NULL),
                     seconds <= 900 ? 0 : E_INVALID);
}

/* --- Steps of a life --- */

static void draft(struct bench *b, const char *type)
{
    char object[UUID_TEXT_SIZE];
    bench_draft(b, type);
    assert_int_equal(bench_put(b, "result.txt", 5, object), 0);
}

static void review(struct bench *b, bool approval, const char *words)
{
    assert_int_equal(bench_act(b, "bob", MESSAGE_REQUEST_REVIEW,
                               json_pack("{s:b, s:s}", "approval", approval, "decisionExplanation", words), NULL),
                     0);
}

/* The next job, which must be of that kind, ends so. */
static void step(struct bench *b, const char *kind, const char *outcome)
{
    AUTO_JSON json_t *lease = NULL;
    json_t *job = bench_lease(b, &lease);
    assert_string_equal(json_text(job, "kind"), kind);
    assert_int_equal(bench_result(b, job, outcome, NULL), 0);
}

static void move(struct bench *b, const char *outcome)
{
    step(b, "move", outcome);
}

static void in_review(struct bench *b, const char *type)
{
    draft(b, type);
    bench_submit(b);
    bench_seal(b);
    json_decref(take(b, "delivered"));
}

static void approved(struct bench *b, const char *type)
{
    in_review(b, type);
    review(b, true, "No personal data");
    json_decref(take(b, "delivered"));
    move(b, "moved");
}

/* --- Who is told --- */

static void the_seeds_mails(void **state)
{
    static const char *const TYPES[] = {"import", "export"};
    struct bench *b = *state;

    for (size_t i = 0; i < ARRAY_LEN(TYPES); i++) {
        draft(b, TYPES[i]);
        assert_told(b, "alice");
        bench_submit(b);
        assert_told(b, "alice");
        bench_seal(b);
        assert_told(b, "bob carol erin");
        review(b, true, "fine");
        assert_told(b, "alice");
        move(b, "moved");
        assert_told(b, "alice");
        assert_int_equal(bench_act(b, "bob", MESSAGE_REQUEST_REVOKE, json_pack("{s:s}", "reason", "wrong file"), NULL), 0);
        assert_told(b, "alice bob erin");
        step(b, "remove", "removed");
    }
    in_review(b, "export");
    review(b, false, "a name in it");
    assert_told(b, "alice");
    move(b, "moved");
    assert_told(b, "alice");
    draft(b, "import");
    assert_told(b, "alice");
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_CANCEL, NULL, NULL), 0);
    assert_told(b, "alice");
    assert_int_equal(bench_count(b, "notice.sent"), 2);
}

static void a_block_and_a_failure_tell_the_owner_too(void **state)
{
    struct bench *b = *state;
    in_review(b, "export");
    review(b, true, "fine");
    json_decref(take(b, "delivered"));
    move(b, "mismatch");
    assert_told(b, ""); /* blocking_in_progress */
    move(b, "moved");
    AUTO_JSON json_t *blocked = take(b, "delivered");
    AUTO_FREE char *told = names(blocked);
    assert_string_equal(told, "alice carol");
    assert_string_equal(value(json_array_get(blocked, 0), "status"), "blocked_by_scan");
    assert_string_not_equal(value(json_array_get(blocked, 0), "reason"), "");
    assert_string_equal(value(json_array_get(blocked, 0), "actor"), "airlock");

    in_review(b, "export");
    review(b, true, "fine");
    json_decref(take(b, "delivered"));
    for (int i = 0; i < 3; i++)
        move(b, "error");
    assert_told(b, "alice carol");
}

static void nobody_is_asked_to_review_their_own(void **state)
{
    struct bench *b = *state;
    char object[UUID_TEXT_SIZE];
    bench_create(b, "erin", "export");
    bench_link(b, "erin");
    assert_int_equal(bench_put(b, "result.txt", 5, object), 0);
    assert_told(b, "erin");
    assert_int_equal(bench_act(b, "erin", MESSAGE_REQUEST_SUBMIT, NULL, NULL), 0);
    for (int64_t drain = 1; drain < 20; drain++)
        assert_int_equal(bench_ask(b, PEER_BLOB_WORKSPACE, MESSAGE_BLOB_DRAINED, json_pack("{s:I}", "drain", drain), NULL),
                         0);
    assert_told(b, "erin");
    bench_seal(b);
    assert_told(b, "bob carol");
}

static void one_mail_for_two_roles(void **state)
{
    struct bench *b = *state;
    struct call call = {.now = clock_now_us(), .address = ""};
    assert_int_equal(role_assign(&b->core, &call, WS1, "bob", ROLE_OWNER, true, NULL), 0);
    in_review(b, "import");
    review(b, true, "fine");
    json_decref(take(b, "delivered"));
    rules(b, "default approved:*:owners=mail approved:*:managers=mail/house");
    move(b, "moved");
    assert_told(b, "alice bob carol erin");
}

static void who_cannot_get_mail_gets_none(void **state)
{
    struct bench *b = *state;
    draft(b, "import");
    bench_submit(b);
    json_decref(take(b, "delivered"));
    assert_int_equal(person_put(&b->core, "bob", "bob", "", NULL), 0);
    assert_true(db_exec(b->core.db, Q_PERSON_DISABLE, ARGS(DB_T("erin"), DB_I(0)), NULL) == 1);
    assert_true(db_exec(b->core.db, Q_PERSON_ACCOUNT,
                        ARGS(DB_T("carol"), DB_T("carol"), DB_T("carol@example.org"), DB_T("service"), DB_T("c"), DB_I(0)),
                        NULL) == 1);
    bench_seal(b);
    assert_told(b, "");
    assert_int_equal(bench_count(b, "notice.skipped"), 1); /* bob's; the others are not meant at all */
    AUTO_JSON json_t *ok = NULL;
    AUTO_FREE char *token = bench_token(b, "admin", "", 0);
    assert_int_equal(bench_ask(b, PEER_API, MESSAGE_ADMIN_EVENTS, json_pack("{s:s, s:s}", "token", token, "state", "skipped"),
                               &ok),
                     0);
    const json_t *row = json_array_get(json_object_get(ok, "deliveries"), 0);
    assert_string_equal(json_text(row, "error"), "the person has no mail address");
}

/* An administrator gave them a role by their id alone. */
static void another_providers_people_are_known_once_they_came(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *mine = NULL;
    b->core.config.idp_enabled = false;
    b->core.keys.fetched = clock_now_us();
    assert_int_equal(person_put(&b->core, "bob", "bob", "", NULL), 0);
    draft(b, "import");
    json_decref(take(b, "delivered"));
    assert_int_equal(bench_act(b, "bob", MESSAGE_REQUEST_GET, NULL, &mine), 0);
    bench_submit(b);
    json_decref(take(b, "delivered"));
    bench_seal(b);
    assert_told(b, "bob carol erin");
}

/* No assignment says that bob is a manager, a group of his does; and one day it does not any more. */
static void groups_tell_whom_to_write_to(void **state)
{
    struct bench *b = *state;
    struct call call = {.now = clock_now_us(), .address = "", .who = {.known = true, .subject = "bob", .name = "bob",
                                                                      .email = "bob@example.org"}};
    AUTO_JSON json_t *claims = json_pack("{s:[s]}", "groups", "reviewers");
    AUTO_JSON json_t *none = json_pack("{s:[]}", "groups");
    unsigned visible = 0;
    b->core.config.group_roles = "reviewers=" WS1 "/AirlockManager";
    assert_int_equal(role_assign(&b->core, &call, WS1, "bob", ROLE_MANAGER, false, NULL), 0);
    in_review(b, "export");
    call.claims = claims;
    assert_int_equal(member_saw_groups(&b->core, &call, WS1, NULL), 0);
    assert_int_equal(member_saw_groups(&b->core, &call, WS1, NULL), 0);
    assert_int_equal(member_roles(&b->core, WS1, "bob", &visible, NULL), 0);
    assert_int_equal(visible, 0); /* it opens nothing */
    draft(b, "export");
    bench_submit(b);
    json_decref(take(b, "delivered"));
    bench_seal(b);
    assert_told(b, "bob carol erin");
    call.claims = none;
    assert_int_equal(member_saw_groups(&b->core, &call, WS1, NULL), 0);
    in_review(b, "export");
    call.claims = claims;
    assert_int_equal(member_saw_groups(&b->core, &call, WS1, NULL), 0);
    assert_int_equal(members_prune(&b->core, call.now + INT64_C(31) * 24 * HOUR_US, NULL), 0);
    draft(b, "export");
    bench_submit(b);
    json_decref(take(b, "delivered"));
    bench_seal(b);
    assert_told(b, "carol erin");
}

static void without_a_mail_server_nothing_waits(void **state)
{
    struct bench *b = *state;
    b->core.endpoints.count = 0;
    b->core.config.review_reminder_s = 3600;
    draft(b, "import");
    bench_submit(b);
    bench_seal(b);
    AUTO_ROWS struct db_rows *row = NULL;
    assert_int_equal(db_first(b->core.db, Q_DELIVERY_COUNT, ARGS(DB_T("mail"), DB_T("open")), &row, NULL), 1);
    assert_int_equal(db_int(row, 0), 0);
}

/* --- What it says --- */

static void a_mail_says_it_all(void **state)
{
    struct bench *b = *state;
    in_review(b, "export");
    review(b, false, "Row 4 names a patient");
    AUTO_JSON json_t *moving = take_one(b);
    assert_string_equal(value(moving, "status"), "rejection_in_progress");
    assert_string_equal(value(moving, "actor"), "bob");
    assert_string_equal(value(moving, "reason"), "Row 4 names a patient");
    move(b, "moved");
    AUTO_JSON json_t *mail = take_one(b);
    AUTO_FREE char *portal = xasprintf("https://portal.example.org/tre/workspaces/%s/requests/%s", WS1, b->request);

    assert_string_equal(json_text(mail, "template"), "status");
    assert_string_equal(json_text(json_object_get(mail, "to"), "name"), "alice");
    assert_string_equal(value(mail, "request_id"), b->request);
    assert_string_equal(value(mail, "title"), "T");
    assert_string_equal(value(mail, "workspace"), "One");
    assert_string_equal(value(mail, "direction"), "export");
    assert_string_equal(value(mail, "status"), "rejected");
    assert_string_equal(value(mail, "status_text"), "rejected");
    assert_string_equal(value(mail, "actor"), "bob"); /* who decided, not what moved */
    assert_string_equal(value(mail, "reason"), "Row 4 names a patient");
    assert_string_equal(value(mail, "requestor"), "alice");
    assert_string_equal(value(mail, "what_next"), "Read the reason; if you can mend it, make a new request.");
    assert_string_equal(value(mail, "portal_url"), portal);
    assert_string_equal(value(mail, "files"), "1");
    assert_string_equal(value(mail, "role"), "requestor");
    assert_string_equal(value(mail, "link"), "");
}

static void a_late_mail_tells_of_its_own_status(void **state)
{
    struct bench *b = *state;
    in_review(b, "export");
    review(b, true, "No personal data");
    move(b, "moved");
    AUTO_JSON json_t *mails = take(b, "delivered");
    assert_int_equal(json_array_size(mails), 2);
    assert_string_equal(value(json_array_get(mails, 0), "status"), "approval_in_progress");
    assert_string_equal(value(json_array_get(mails, 0), "actor"), "bob");
    assert_string_equal(value(json_array_get(mails, 1), "status"), "approved");
    draft(b, "import");
    bench_submit(b);
    AUTO_JSON json_t *two = take(b, "delivered");
    assert_string_equal(value(json_array_get(two, 0), "status"), "draft");
    assert_string_equal(value(json_array_get(two, 0), "actor"), "alice"); /* from the history */
}

/* --- While it waits --- */

static void a_person_who_left_hears_no_more(void **state)
{
    struct bench *b = *state;
    struct call call = {.now = clock_now_us(), .address = ""};
    draft(b, "import");
    bench_submit(b);
    json_decref(take(b, "delivered"));
    bench_seal(b);
    assert_int_equal(role_assign(&b->core, &call, WS1, "bob", ROLE_MANAGER, false, NULL), 0);
    assert_true(db_exec(b->core.db, Q_PERSON_DISABLE, ARGS(DB_T("erin"), DB_I(0)), NULL) == 1);
    assert_int_equal(person_put(&b->core, "carol", "carol", "", NULL), 0);
    assert_told(b, "");
    assert_int_equal(bench_count(b, "notice.skipped"), 3);
    assert_told(b, ""); /* nor later */
}

static void reminders_until_it_is_decided(void **state)
{
    struct bench *b = *state;
    b->core.config.review_reminder_s = 3600;
    in_review(b, "export");
    later(HOUR_US - 60 * SECOND_US);
    assert_told(b, "");
    later(60 * SECOND_US);
    AUTO_JSON json_t *first = take(b, "delivered");
    AUTO_FREE char *told = names(first);
    assert_string_equal(told, "bob erin"); /* those who can review */
    assert_string_equal(json_text(json_array_get(first, 0), "template"), "reminder");
    assert_string_equal(value(json_array_get(first, 0), "status"), "in_review");
    assert_string_not_equal(value(json_array_get(first, 0), "waiting_since"), "");
    assert_told(b, "");
    later(HOUR_US);
    assert_told(b, "bob erin");
    review(b, true, "fine");
    json_decref(take(b, "delivered"));
    later(HOUR_US);
    assert_told(b, "");
    later(HOUR_US);
    assert_told(b, "");
}

static void who_has_approved_is_not_reminded(void **state)
{
    struct bench *b = *state;
    AUTO_FREE char *admin = bench_token(b, "admin", "", 0);
    assert_int_equal(bench_ask(b, PEER_API, MESSAGE_WORKSPACE_UPDATE,
                               json_pack("{s:s, s:s, s:s, s:{s:{s:i}}}", "token", admin, "workspace", WS1, "etag", "*",
                                         "body", "policy", "approvals", 2),
                               NULL),
                     0);
    b->core.config.review_reminder_s = 3600;
    in_review(b, "export");
    review(b, true, "fine");
    later(HOUR_US);
    assert_told(b, "erin");
}

static void a_delayed_rule_holds_only_while_it_is_true(void **state)
{
    struct bench *b = *state;
    rules(b, "submitted:*:requestor=mail in_review:*:owners=mail/house+2h");
    draft(b, "import");
    bench_submit(b);
    assert_told(b, "alice");
    bench_seal(b);
    later(HOUR_US);
    assert_told(b, "");
    later(HOUR_US);
    AUTO_JSON json_t *mail = take_one(b);
    assert_string_equal(json_text(mail, "template"), "house");
    assert_string_equal(json_text(json_object_get(mail, "to"), "address"), "carol@example.org");

    draft(b, "import");
    bench_submit(b);
    bench_seal(b);
    json_decref(take(b, "delivered"));
    review(b, false, "no");
    later(3 * HOUR_US);
    assert_told(b, ""); /* it is not in review any more */
}

static void two_roles_on_one_date_are_one_mail(void **state)
{
    struct bench *b = *state;
    struct call call = {.now = clock_now_us(), .address = ""};
    assert_int_equal(role_assign(&b->core, &call, WS1, "bob", ROLE_OWNER, true, NULL), 0);
    rules(b, "in_review:*:owners=mail/house+2h in_review:*:managers=mail+2h");
    in_review(b, "import");
    later(2 * HOUR_US);
    assert_told(b, "bob carol erin");
    assert_told(b, "");
}

static void no_reminder_once_the_setting_says_never(void **state)
{
    struct bench *b = *state;
    b->core.config.review_reminder_s = 3600;
    in_review(b, "export");
    b->core.config.review_reminder_s = 0;
    later(HOUR_US);
    assert_told(b, "");
    later(HOUR_US);
    assert_told(b, "");
}

static void dates_that_came_to_nothing_take_nobodys_place(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *ok = NULL;
    b->core.config.review_reminder_s = 3600;
    in_review(b, "export");
    review(b, true, "fine");
    json_decref(take(b, "delivered"));
    later(HOUR_US);
    bench_create(b, "alice", "import");
    assert_int_equal(bench_ask(b, PEER_NOTIFY, MESSAGE_EVENT_LEASE, json_pack("{s:[], s:i}", "busy", "max", 1), &ok), 0);
    assert_int_equal(json_array_size(json_object_get(ok, "deliveries")), 1);
}

/* The mail server was taken out of the settings, and came back. */
static void a_replay_keeps_dates(void **state)
{
    struct bench *b = *state;
    AUTO_FREE char *token = bench_token(b, "admin", "", 0);
    rules(b, "in_review:*:owners=mail+2h");
    in_review(b, "import");
    size_t endpoints = b->core.endpoints.count;
    b->core.endpoints.count = 0;
    assert_int_equal(events_start(&b->core, NULL), 0);
    b->core.endpoints.count = endpoints;
    later(HOUR_US);
    assert_int_equal(bench_ask(b, PEER_API, MESSAGE_ADMIN_EVENTS_REPLAY, json_pack("{s:s, s:b}", "token", token, "all", 1), NULL),
                     0);
    assert_told(b, "");
    later(HOUR_US);
    assert_told(b, "carol");
}

static void a_mail_that_cannot_be_written_holds_up_no_other(void **state)
{
    struct bench *b = *state;
    allow_links(b, 300);
    approved(b, "export");
    assert_int_equal(db_exec(b->core.db, Q_REQUEST_SET_DIR, ARGS(DB_T(b->request), DB_T("nowhere")), NULL), 1);
    bench_create(b, "dave", "export");
    assert_told(b, "dave");
    later(2 * SECOND_US);
    assert_told(b, ""); /* it is tried again, with no better luck */
}

static void what_is_due_later_is_not_late(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *ok = NULL;
    AUTO_FREE char *token = bench_token(b, "admin", "", 0);
    b->core.config.review_reminder_s = 3600;
    in_review(b, "import");
    assert_int_equal(bench_ask(b, PEER_API, MESSAGE_ADMIN_METRICS, json_pack("{s:s}", "token", token), &ok), 0);
    const json_t *mail = json_array_get(json_object_get(ok, "endpoints"), 0);
    assert_int_equal(json_int(mail, "open"), 1);
    assert_true(json_real_value(json_object_get(mail, "oldestUndeliveredSeconds")) == 0.0);
}

/* --- Choice --- */

static void a_choice_is_kept(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *before = NULL;
    AUTO_JSON json_t *after = NULL;
    assert_int_equal(me(b, "alice", MESSAGE_CALLER_NOTICES, json_object(), &before), 0);
    assert_string_equal(json_text(before, "choice"), "immediate");
    assert_int_equal(me(b, "alice", MESSAGE_CALLER_SET_NOTICES, json_pack("{s:s}", "choice", "digest"), NULL), 0);
    assert_int_equal(me(b, "alice", MESSAGE_CALLER_SET_NOTICES, json_pack("{s:s}", "choice", "off"), NULL), 0);
    assert_int_equal(me(b, "alice", MESSAGE_CALLER_SET_NOTICES, json_pack("{s:s}", "choice", "weekly"), NULL), E_INVALID);
    assert_int_equal(me(b, "alice", MESSAGE_CALLER_SET_NOTICES, json_object(), NULL), E_INVALID);
    assert_int_equal(me(b, "alice", MESSAGE_CALLER_NOTICES, json_object(), &after), 0);
    assert_string_equal(json_text(after, "choice"), "off");
}

static void off_is_not_for_what_must_be_known(void **state)
{
    struct bench *b = *state;
    choose(b, "alice", "off");
    choose(b, "bob", "off");
    draft(b, "export");
    assert_told(b, "");
    bench_submit(b);
    assert_told(b, "");
    bench_seal(b);
    assert_told(b, "bob carol erin");
    review(b, true, "fine");
    assert_told(b, "");
    move(b, "moved");
    assert_told(b, "alice");
}

static void a_summary_tells_all_at_once(void **state)
{
    struct bench *b = *state;
    char object[UUID_TEXT_SIZE];
    choose(b, "alice", "digest");
    test_now = INT64_C(1900000000) / 86400 * 86400 * SECOND_US + 6 * HOUR_US; /* an hour before */
    draft(b, "export");
    bench_submit(b);
    bench_create(b, "alice", "import");
    bench_link(b, "alice");
    assert_int_equal(bench_put(b, "x.txt", 5, object), 0);
    later(HOUR_US - SECOND_US);
    assert_told(b, "");
    later(2 * SECOND_US);
    AUTO_JSON json_t *leased = take(b, NULL);
    assert_int_equal(json_array_size(leased), 1);
    const json_t *mail = json_array_get(leased, 0);
    assert_string_equal(json_text(mail, "template"), "digest");
    assert_string_equal(value(mail, "count"), "3");
    const json_t *items = json_object_get(json_object_get(mail, "data"), "items");
    assert_int_equal(json_array_size(items), 3);
    assert_string_equal(json_text(json_array_get(items, 0), "status"), "draft");
    assert_string_equal(json_text(json_array_get(items, 1), "status"), "submitted");
    assert_string_equal(json_text(json_array_get(items, 1), "workspace"), "One");
    assert_string_equal(json_text(json_array_get(items, 2), "direction"), "import");

    /* What comes while it is under way stands in the next one; a new try sends the same. */
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_CANCEL, NULL, NULL), 0);
    assert_int_equal(events_release_all(&b->core, NULL), 0);
    AUTO_JSON json_t *again = take_one(b);
    assert_string_equal(value(again, "count"), "3");
    assert_string_equal(json_text(again, "message"), json_text(mail, "message"));
    later(24 * HOUR_US);
    AUTO_JSON json_t *next = take_one(b);
    assert_string_equal(value(next, "count"), "1");
    assert_told(b, "");
}

static void a_summary_tells_only_what_one_may_still_know(void **state)
{
    struct bench *b = *state;
    struct call call = {.now = clock_now_us(), .address = ""};
    rules(b, "submitted:*:researchers=mail");
    choose(b, "dave", "digest");
    draft(b, "export");
    bench_submit(b);
    assert_told(b, "alice erin");
    assert_int_equal(role_assign(&b->core, &call, WS1, "dave", ROLE_RESEARCHER, false, NULL), 0);
    later(25 * HOUR_US);
    assert_told(b, "");
}

static void an_event_whose_summary_is_given_up_holds_nothing_up(void **state)
{
    struct bench *b = *state;
    choose(b, "alice", "digest");
    rules(b, "draft:*:requestor=mail draft:*:requestor=mail+30h");
    draft(b, "export");
    later(25 * HOUR_US);
    AUTO_JSON json_t *refused = take(b, "refused");
    assert_int_equal(json_array_size(refused), 1);
    later(6 * HOUR_US);
    assert_told(b, "");
    bench_create(b, "dave", "import");
    assert_told(b, "dave");
}

static void a_summary_that_is_replayed_takes_no_more(void **state)
{
    struct bench *b = *state;
    AUTO_FREE char *token = bench_token(b, "admin", "", 0);
    choose(b, "alice", "digest");
    draft(b, "export");
    later(25 * HOUR_US);
    AUTO_JSON json_t *refused = take(b, "refused");
    assert_int_equal(bench_ask(b, PEER_API, MESSAGE_ADMIN_EVENTS_REPLAY, json_pack("{s:s, s:b}", "token", token, "all", 1), NULL),
                     0);
    bench_submit(b);
    AUTO_JSON json_t *again = take_one(b);
    assert_string_equal(value(again, "count"), "1");
    assert_string_equal(json_text(again, "message"), json_text(json_array_get(refused, 0), "message"));
    later(25 * HOUR_US);
    AUTO_JSON json_t *next = take_one(b);
    assert_string_equal(value(next, "count"), "1");
}

/* --- Other ways --- */

static struct endpoint *receiver(struct bench *b, const char *name, const char *workspace, unsigned kinds)
{
    struct endpoint *endpoint = &b->core.endpoints.items[b->core.endpoints.count++];
    *endpoint = (struct endpoint){.kind = ENDPOINT_WEBHOOK, .kinds = kinds};
    assert_true(str_copy(endpoint->name, sizeof endpoint->name, name));
    assert_true(str_copy(endpoint->workspace, sizeof endpoint->workspace, workspace));
    assert_true(str_copy(endpoint->url, sizeof endpoint->url, "https://chat.example.org/x"));
    assert_int_equal(webhook_keys_parse("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", &endpoint->keys, NULL), 0);
    return endpoint;
}

static void a_rule_tells_a_receiver(void **state)
{
    struct bench *b = *state;
    (void)receiver(b, "chat", WS1, 0);
    (void)receiver(b, "theirs", WS2, 0);
    (void)receiver(b, "slow", "", 0);
    rules(b, "draft:*:managers=chat draft:*:owners=chat draft:*:managers=theirs draft:*:managers=slow+1h");
    draft(b, "export");
    AUTO_JSON json_t *one = take_one(b); /* once, though two rules say so */
    assert_string_equal(json_text(one, "endpoint"), "chat");
    assert_non_null(strstr(json_text(one, "body"), "\"airlock.notification.v1\""));
    later(HOUR_US);
    AUTO_JSON json_t *slow = take_one(b);
    assert_string_equal(json_text(slow, "endpoint"), "slow");
    draft(b, "export");
    json_decref(take(b, "delivered"));
    bench_submit(b);
    later(HOUR_US);
    assert_told(b, "");
    AUTO_JSON json_t *rest = take(b, "delivered");
    assert_int_equal(json_array_size(rest), 0); /* it is no draft any more */
}

static void a_receiver_of_all_hears_it_once(void **state)
{
    struct bench *b = *state;
    (void)receiver(b, "all", "", CLOUD_EVENT_ALL);
    rules(b, "draft:*:managers=all");
    bench_create(b, "alice", "export");
    AUTO_JSON json_t *two = take(b, "delivered");
    assert_int_equal(json_array_size(two), 2); /* status_changed and notification */
}

/* --- Rules tried out --- */

static void rules_are_tried_out_and_nobody_is_told(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *bare = NULL;
    AUTO_JSON json_t *there = NULL;
    AUTO_JSON json_t *mine = NULL;
    choose(b, "alice", "digest");
    assert_int_equal(person_put(&b->core, "bob", "bob", "", NULL), 0);
    assert_int_equal(me(b, "admin", MESSAGE_ADMIN_RULES_TEST, json_pack("{s:s}", "status", "in_review"), &bare), 0);
    assert_int_equal(json_array_size(json_object_get(bare, "notices")), 4); /* two rules, both directions */
    assert_int_equal(me(b, "admin", MESSAGE_ADMIN_RULES_TEST,
                        json_pack("{s:s, s:s, s:s}", "status", "in_review", "type", "export", "of_workspace", WS1), &there),
                     0);
    const json_t *rows = json_object_get(there, "notices");
    assert_int_equal(json_array_size(rows), 3);
    assert_string_equal(json_text(json_object_get(json_array_get(rows, 0), "person"), "name"), "bob");
    assert_string_equal(json_text(json_array_get(rows, 0), "outcome"), "no_address");
    assert_string_equal(json_text(json_array_get(rows, 1), "outcome"), "now");
    bench_create(b, "alice", "import");
    assert_int_equal(me(b, "admin", MESSAGE_ADMIN_RULES_TEST,
                        json_pack("{s:s, s:s}", "status", "submitted", "of_request", b->request), &mine),
                     0);
    const json_t *row = json_array_get(json_object_get(mine, "notices"), 0);
    assert_string_equal(json_text(row, "type"), "import");
    assert_string_equal(json_text(row, "outcome"), "digest");
    assert_string_equal(json_text(json_object_get(row, "person"), "email"), "alice@example.org");
    assert_told(b, "");
    assert_int_equal(me(b, "admin", MESSAGE_ADMIN_RULES_TEST, json_pack("{s:s}", "status", "done"), NULL), E_INVALID);
    assert_int_equal(me(b, "admin", MESSAGE_ADMIN_RULES_TEST, json_pack("{s:s, s:s}", "status", "draft", "type", "both"), NULL),
                     E_INVALID);
    assert_int_equal(me(b, "admin", MESSAGE_ADMIN_RULES_TEST,
                        json_pack("{s:s, s:s, s:s}", "status", "draft", "of_workspace", WS1, "of_request", b->request), NULL),
                     E_INVALID);
    assert_int_equal(me(b, "admin", MESSAGE_ADMIN_RULES_TEST,
                        json_pack("{s:s, s:s}", "status", "draft", "of_workspace", b->request), NULL),
                     E_NOT_FOUND);
}

/* --- The link of the final notice --- */

static int list_from(struct bench *b, const char *address)
{
    return bench_blob(b, MESSAGE_BLOB_LIST, json_pack("{s:i, s:s}", "maxresults", 10, "address", address), NULL);
}

static void t68_a_link_comes_by_mail_only_where_the_workspace_says_so(void **state)
{
    struct bench *b = *state;
    approved(b, "export");
    AUTO_JSON json_t *without = take_one(b);
    assert_string_equal(value(without, "link"), "");
    allow_links(b, 901);
    allow_links(b, 300);
    approved(b, "export");
    AUTO_JSON json_t *with = take_one(b);
    assert_non_null(strstr(value(with, "link"), "sig="));
    assert_string_not_equal(value(with, "link_expires"), "");
}

static void t68_who_has_left_the_workspace_gets_no_link(void **state)
{
    struct bench *b = *state;
    struct call call = {.now = clock_now_us(), .address = ""};
    allow_links(b, 300);
    approved(b, "export");
    assert_int_equal(role_assign(&b->core, &call, WS1, "alice", ROLE_RESEARCHER, false, NULL), 0);
    AUTO_JSON json_t *mail = take_one(b);
    assert_string_equal(value(mail, "status"), "approved");
    assert_string_equal(value(mail, "link"), "");
    assert_string_equal(value(mail, "link_expires"), "");
}

static void t68_a_mailed_link_opens_to_the_first_address_only(void **state)
{
    struct bench *b = *state;
    allow_links(b, 300);
    approved(b, "export");
    AUTO_JSON json_t *mail = take_one(b);
    bench_take_link(b, value(mail, "link"));
    assert_int_equal(list_from(b, "192.0.2.7"), 0);
    assert_int_equal(list_from(b, "192.0.2.7"), 0);
    int64_t before = bench_count(b, "refused");
    assert_int_equal(list_from(b, "192.0.2.8"), E_SAS);
    assert_non_null(strstr(bench_detail, "another address"));
    assert_int_equal(bench_count(b, "refused"), before + 1);
    assert_int_equal(list_from(b, "192.0.2.7"), 0);
    /* It reads, and nothing else; and ends with its time. */
    assert_int_equal(bench_blob(b, MESSAGE_BLOB_DELETE, json_pack("{s:s, s:s}", "blob", "result.txt", "address", "192.0.2.7"),
                                NULL),
                     E_SAS_PERMISSION);
    later(301 * SECOND_US);
    assert_int_equal(list_from(b, "192.0.2.7"), E_SAS);
}

static void t68_a_mailed_link_ends_with_the_approval(void **state)
{
    struct bench *b = *state;
    allow_links(b, 300);
    approved(b, "export");
    AUTO_JSON json_t *mail = take_one(b);
    bench_take_link(b, value(mail, "link"));
    assert_int_equal(bench_act(b, "bob", MESSAGE_REQUEST_REVOKE, json_pack("{s:s}", "reason", "x"), NULL), 0);
    assert_int_equal(list_from(b, "192.0.2.7"), E_SAS);
    step(b, "remove", "removed");
    AUTO_JSON json_t *revoked = take(b, "delivered");
    for (size_t i = 0; i < json_array_size(revoked); i++)
        assert_string_equal(value(json_array_get(revoked, i), "link"), "");
    approved(b, "export");
    assert_int_equal(bench_act(b, "bob", MESSAGE_REQUEST_REVOKE, json_pack("{s:s}", "reason", "x"), NULL), 0);
    AUTO_JSON json_t *late = take(b, "delivered");
    for (size_t i = 0; i < json_array_size(late); i++) /* the approval's mail was not sent before it ended */
        assert_string_equal(value(json_array_get(late, i), "link"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, bench_teardown)
        T(the_seeds_mails),
        T(a_block_and_a_failure_tell_the_owner_too),
        T(nobody_is_asked_to_review_their_own),
        T(one_mail_for_two_roles),
        T(who_cannot_get_mail_gets_none),
        T(another_providers_people_are_known_once_they_came),
        T(groups_tell_whom_to_write_to),
        T(without_a_mail_server_nothing_waits),
        T(a_mail_says_it_all),
        T(a_late_mail_tells_of_its_own_status),
        T(a_person_who_left_hears_no_more),
        T(reminders_until_it_is_decided),
        T(who_has_approved_is_not_reminded),
        T(a_delayed_rule_holds_only_while_it_is_true),
        T(two_roles_on_one_date_are_one_mail),
        T(no_reminder_once_the_setting_says_never),
        T(dates_that_came_to_nothing_take_nobodys_place),
        T(a_replay_keeps_dates),
        T(a_mail_that_cannot_be_written_holds_up_no_other),
        T(what_is_due_later_is_not_late),
        T(a_choice_is_kept),
        T(off_is_not_for_what_must_be_known),
        T(a_summary_tells_all_at_once),
        T(a_summary_tells_only_what_one_may_still_know),
        T(an_event_whose_summary_is_given_up_holds_nothing_up),
        T(a_summary_that_is_replayed_takes_no_more),
        T(a_rule_tells_a_receiver),
        T(a_receiver_of_all_hears_it_once),
        T(rules_are_tried_out_and_nobody_is_told),
        T(t68_a_link_comes_by_mail_only_where_the_workspace_says_so),
        T(t68_who_has_left_the_workspace_gets_no_link),
        T(t68_a_mailed_link_opens_to_the_first_address_only),
        T(t68_a_mailed_link_ends_with_the_approval),
#undef T
    };
    return cmocka_run_group_tests_name("core/notices", tests, NULL, NULL);
}
