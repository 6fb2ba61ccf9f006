/* Links from the asking to the use: what may be asked for, what ends them, what is told about them, and what is not. */
#include "harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "core/audit.h"
#include "core/overlap.h"
#include "core/users.h"

#define MINUTE_US 60000000
#define GUESSES 2000
#define DB_MAX (64 << 20)

static const enum peer LISTENERS[] = {PEER_BLOB_EXTERNAL, PEER_BLOB_CORE, PEER_BLOB_WORKSPACE};

static void draft_with_file(struct bench *b, const char *type)
{
    char object[UUID_TEXT_SIZE];
    bench_create(b, "alice", type);
    bench_link(b, "alice");
    assert_int_equal(bench_put(b, "result.txt", 5, object), 0);
}

static void to_review(struct bench *b, const char *type)
{
    draft_with_file(b, type);
    bench_submit(b);
    bench_seal(b);
}

static int review(struct bench *b, bool approval)
{
    return bench_act(b, "bob", MESSAGE_REQUEST_REVIEW,
                     json_pack("{s:b, s:s}", "approval", approval, "decisionExplanation", "x"), NULL);
}

static void finish_move(struct bench *b)
{
    AUTO_JSON json_t *lease = NULL;
    json_t *job = bench_lease(b, &lease);
    assert_string_equal(json_text(job, "kind"), "move");
    assert_int_equal(bench_result(b, job, "moved", NULL), 0);
}

static int list(struct bench *b)
{
    return bench_blob(b, MESSAGE_BLOB_LIST, json_pack("{s:i}", "maxresults", 10), NULL);
}

/* Every operation by the last link is refused in the same words. */
static void expect_dead(struct bench *b)
{
    static const enum message ALL[] = {MESSAGE_BLOB_ACCESS, MESSAGE_BLOB_OPEN,   MESSAGE_BLOB_LIST, MESSAGE_BLOB_BEGIN,
                                       MESSAGE_BLOB_DELETE, MESSAGE_BLOCK_BEGIN, MESSAGE_BLOCK_LIST};
    char object[UUID_TEXT_SIZE];

    for (size_t i = 0; i < ARRAY_LEN(ALL); i++)
        assert_int_equal(bench_blob(b, ALL[i], json_pack("{s:s, s:b}", "blob", "result.txt", "body", 1), NULL), E_SAS);
    assert_int_equal(bench_put(b, "late.txt", 5, object), E_SAS);
}

static int64_t audit_rows(struct bench *b, const char *kind, const char *code)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    int64_t count = 0;

    assert_int_equal(db_select(b->core.db, Q_AUDIT_LIST, ARGS(DB_I(0), DB_T(""), DB_I(1000)), &rows, NULL), 0);
    while (db_rows_next(rows, NULL) == 1) {
        AUTO_JSON json_t *detail = json_loads(db_text(rows, 7), 0, NULL);
        count += strcmp(db_text(rows, 2), kind) == 0 && strcmp(json_text(detail, "code"), code) == 0;
    }
    return count;
}

/* Sum of "more" over the rows of a code. */
static int64_t audit_more(struct bench *b, const char *code)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    int64_t more = 0;

    assert_int_equal(db_select(b->core.db, Q_AUDIT_LIST, ARGS(DB_I(0), DB_T(""), DB_I(1000)), &rows, NULL), 0);
    while (db_rows_next(rows, NULL) == 1) {
        AUTO_JSON json_t *detail = json_loads(db_text(rows, 7), 0, NULL);
        if (strcmp(json_text(detail, "code"), code) == 0)
            more += json_int(detail, "more");
    }
    return more;
}

static void minute_is_over(struct bench *b)
{
    assert_int_equal(db_begin(b->core.db, NULL), 0);
    assert_int_equal(audit_flush_refusals(&b->core, clock_now_us() + MINUTE_US, NULL), 0);
    assert_int_equal(db_commit(b->core.db, NULL), 0);
}

/* --- What may be asked for --- */

static void a_link_is_what_was_asked_for(void **state)
{
    struct bench *b = *state;
    static const struct {
        const char *permissions;
        const char *sp; /* in Azure's order; NULL: refused */
    } LETTERS[] = {{"r", "r"},    {"lr", "rl"}, {"ldwcr", "rcwdl"}, {"rcwdl", "rcwdl"}, {"wc", "cw"},  {"rr", NULL},
                   {"rlr", NULL}, {"x", NULL},  {"R", NULL},        {"", NULL},         {"r l", NULL}, {"rwdlz", NULL}};
    bench_create(b, "alice", "export");
    for (size_t i = 0; i < ARRAY_LEN(LETTERS); i++) {
        AUTO_JSON json_t *ok = NULL;
        int r =
            bench_act(b, "alice", MESSAGE_REQUEST_LINK, json_pack("{s:s}", "permissions", LETTERS[i].permissions), &ok);
        assert_int_equal(r, LETTERS[i].sp ? 0 : E_INVALID);
        if (!LETTERS[i].sp)
            continue;
        AUTO_FREE char *sp = xasprintf("&sp=%s&", LETTERS[i].sp);
        assert_non_null(strstr(json_text(ok, "containerUrl"), sp));
    }
}

static void a_link_lives_within_the_policy(void **state)
{
    struct bench *b = *state;
    static const struct {
        int64_t expires_in;
        int code;
    } ROWS[] = {{1, 0}, {60, 0}, {3600, 0}, {3601, E_INVALID}, {0, E_INVALID}, {-1, E_INVALID}, {INT64_MAX, E_INVALID}};
    bench_create(b, "alice", "export");
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
        assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_LINK,
                                   json_pack("{s:I}", "expiresIn", (json_int_t)ROWS[i].expires_in), NULL),
                         ROWS[i].code);
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_LINK, json_pack("{s:s}", "expiresIn", "60"), NULL),
                     E_INVALID);
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_LINK, json_pack("{s:f}", "expiresIn", 1.5), NULL),
                     E_INVALID);
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_LINK, json_pack("{s:i}", "permissions", 7), NULL),
                     E_INVALID);
}

static void a_reviewer_gets_no_more_than_reading(void **state)
{
    struct bench *b = *state;
    to_review(b, "export");
    assert_int_equal(bench_act(b, "bob", MESSAGE_REQUEST_LINK, json_pack("{s:s}", "permissions", "lr"), NULL), 0);
    static const char *const MORE[] = {"rw", "d", "c", "a"};
    for (size_t i = 0; i < ARRAY_LEN(MORE); i++) {
        assert_int_equal(bench_act(b, "bob", MESSAGE_REQUEST_LINK, json_pack("{s:s}", "permissions", MORE[i]), NULL),
                         E_FORBIDDEN);
        assert_non_null(strstr(bench_detail, "rl"));
    }
}

static void a_transfer_may_outlive_its_link_by_the_grace_only(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *ok = NULL;
    draft_with_file(b, "export");
    assert_int_equal(bench_blob(b, MESSAGE_BLOB_OPEN, json_pack("{s:s, s:b}", "blob", "result.txt", "body", 1), &ok),
                     0);
    assert_in_range(json_int(ok, "leftMs"), (3600 + 3600 - 60) * 1000, (3600 + 3600 + 1) * 1000);
}

/* --- What ends them --- */

static void t06_submit_ends_the_drafts_links(void **state)
{
    struct bench *b = *state;
    draft_with_file(b, "export");
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_SUBMIT, NULL, NULL), 0);
    expect_dead(b);
}

static void t06_cancel_ends_the_drafts_links(void **state)
{
    struct bench *b = *state;
    draft_with_file(b, "import");
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_CANCEL, NULL, NULL), 0);
    expect_dead(b);
}

static void t06_approve_ends_the_reviewers_links(void **state)
{
    struct bench *b = *state;
    to_review(b, "export");
    bench_link(b, "bob");
    assert_int_equal(list(b), 0);
    assert_int_equal(review(b, true), 0);
    expect_dead(b);
    finish_move(b);
    expect_dead(b);
}

static void t06_reject_ends_the_reviewers_links(void **state)
{
    struct bench *b = *state;
    to_review(b, "import");
    bench_link(b, "bob");
    assert_int_equal(list(b), 0);
    assert_int_equal(review(b, false), 0);
    expect_dead(b);
    finish_move(b);
    expect_dead(b);
}

static void t06_cancel_ends_the_reviewers_links(void **state)
{
    struct bench *b = *state;
    to_review(b, "export");
    bench_link(b, "bob");
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_CANCEL, NULL, NULL), 0);
    expect_dead(b);
}

static void t06_revoke_ends_the_links_of_what_was_approved(void **state)
{
    struct bench *b = *state;
    to_review(b, "export");
    assert_int_equal(review(b, true), 0);
    finish_move(b);
    bench_link(b, "alice");
    assert_int_equal(list(b), 0);
    assert_int_equal(bench_act(b, "bob", MESSAGE_REQUEST_REVOKE, json_pack("{s:s}", "reason", "mistake"), NULL), 0);
    expect_dead(b);
}

static void t06_revoke_all_ends_every_link(void **state)
{
    struct bench *b = *state;
    draft_with_file(b, "export");
    assert_int_equal(bench_act(b, "carol", MESSAGE_REQUEST_LINK_REVOKE_ALL, NULL, NULL), 0);
    expect_dead(b);
    bench_link(b, "alice");
    assert_int_equal(list(b), 0);
}

/* --- Where they do not open --- */

/* A link, at every listener, under the name of every account of both workspaces, and with another request's container.
 */
static void t08_a_link_opens_its_place_only(void **state)
{
    struct bench *b = *state;
    static const char *const DIGITS[] = {"11111111", "22222222"};
    char other[UUID_TEXT_SIZE];
    size_t opened = 0;

    bench_create(b, "alice", "export");
    assert_true(str_copy(other, sizeof other, b->request));
    draft_with_file(b, "export");
    const char *containers[] = {b->request, other};
    for (enum account account = 0; account < ACCOUNT_COUNT; account++)
        for (size_t i = 0; i < ARRAY_LEN(DIGITS) * ARRAY_LEN(containers) * ARRAY_LEN(LISTENERS); i++) {
            char name[ACCOUNT_NAME_MAX + 1];
            const char *container = containers[i / 2 % 2];
            assert_int_equal(account_name_format(account, "demo", DIGITS[i % 2], name, NULL), 0);
            json_t *fields = json_pack("{s:s, s:s, s:O, s:s, s:i}", "account", name, "container", container, "sas",
                                       b->sas, "scheme", "http", "maxresults", 10);
            int r = bench_ask(b, LISTENERS[i / 4], MESSAGE_BLOB_LIST, fields, NULL);
            bool is_its_place = account == ACCOUNT_EXINT && i % 2 == 0 && container == b->request &&
                                LISTENERS[i / 4] == PEER_BLOB_WORKSPACE;
            assert_true(is_its_place ? r == 0 : r == E_SAS || r == E_ZONE);
            opened += r == 0;
        }
    assert_int_equal(opened, 1);
}

/* --- What is told --- */

static void t10_a_link_seen_outside_TLS_is_marked_once(void **state)
{
    struct bench *b = *state;
    b->core.config.blob_url[ZONE_WORKSPACE] = "https://127.0.0.1:3";
    bench_create(b, "alice", "export");
    bench_link(b, "alice");
    for (int i = 0; i < 5; i++)
        assert_int_equal(list(b), E_SAS_PROTOCOL);
    assert_int_equal(bench_count(b, "link.leaked"), 1);
    bench_link(b, "alice");
    assert_int_equal(list(b), E_SAS_PROTOCOL);
    assert_int_equal(bench_count(b, "link.leaked"), 2);
    json_array_clear(b->sas); /* no link, no mark */
    assert_int_equal(list(b), E_NO_CREDENTIALS);
    assert_int_equal(bench_count(b, "link.leaked"), 2);
}

/* Refused addresses are on record: the first at once, the rest as a number. */
static void refusals_in_the_wrong_place_are_counted(void **state)
{
    struct bench *b = *state;
    draft_with_file(b, "export");
    for (int i = 0; i < 100; i++) {
        char address[ADDRESS_MAX];
        (void)snprintf(address, sizeof address, "10.9.8.%d", i);
        json_t *fields = json_pack("{s:s, s:s, s:s, s:[], s:s}", "address", address, "account", b->account, "container",
                                   b->request, "sas", "scheme", "http");
        assert_int_equal(bench_ask(b, PEER_BLOB_WORKSPACE, MESSAGE_BLOB_LIST, fields, NULL), E_NO_CREDENTIALS);
        assert_int_equal(bench_blob(b, MESSAGE_BLOB_LIST, json_pack("{s:s}", "address", address), NULL), E_ZONE);
    }
    assert_int_equal(audit_rows(b, "refused", "zone"), 1);
    assert_int_equal(audit_rows(b, "refused", "no-credentials"), 1);
    minute_is_over(b);
    assert_int_equal(audit_more(b, "zone"), 99);
    assert_int_equal(audit_more(b, "no-credentials"), 99);
}

/* One link's refusals do not hide another's, nor those from another network. */
static void refusals_of_different_links_are_apart(void **state)
{
    struct bench *b = *state;
    draft_with_file(b, "export");
    assert_int_equal(bench_blob(b, MESSAGE_BLOB_LIST, json_pack("{s:s}", "address", "10.0.0.1"), NULL), E_ZONE);
    assert_int_equal(bench_blob(b, MESSAGE_BLOB_LIST, json_pack("{s:s}", "address", "10.0.1.1"), NULL), E_ZONE);
    bench_link(b, "alice");
    assert_int_equal(bench_blob(b, MESSAGE_BLOB_LIST, json_pack("{s:s}", "address", "10.0.0.1"), NULL), E_ZONE);
    assert_int_equal(audit_rows(b, "refused", "zone"), 3);
}

/* --- What is not told --- */

static void expect_not_in(const char *text, size_t len, const char *needle)
{
    assert_null(memmem(text, len, needle, strlen(needle)));
}

static const char *sas_value(const struct bench *b, const char *name)
{
    size_t i;
    const json_t *pair;
    json_array_foreach(b->sas, i, pair)
    {
        if (strcmp(json_string_value(json_array_get(pair, 0)), name) == 0)
            return json_string_value(json_array_get(pair, 1));
    }
    return "";
}

static int64_t copies_on_record(struct bench *b)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    int64_t count = 0;

    assert_int_equal(db_select(b->core.db, Q_AUDIT_LIST, ARGS(DB_I(0), DB_T(""), DB_I(1000)), &rows, NULL), 0);
    while (db_rows_next(rows, NULL) == 1) {
        AUTO_JSON json_t *detail = json_loads(db_text(rows, 7), 0, NULL);
        count += json_flag(detail, "copy") || strcmp(json_text(detail, "kind"), "copy") == 0;
    }
    return count;
}

/* Though it falls into the minute of a download by the same link. */
static void a_copy_is_on_record_beside_a_download(void **state)
{
    struct bench *b = *state;
    char object[UUID_TEXT_SIZE];

    bench_create(b, "alice", "export");
    bench_link(b, "alice");
    assert_int_equal(bench_put(b, "result.txt", 5, object), 0);
    json_t *download = json_pack("{s:s, s:b}", "blob", "result.txt", "body", 1);
    assert_int_equal(bench_blob(b, MESSAGE_BLOB_OPEN, download, NULL), 0);
    assert_int_equal(copies_on_record(b), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(bench_blob(b, MESSAGE_BLOB_OPEN,
                                    json_pack("{s:s, s:b, s:b}", "blob", "result.txt", "body", 1, "copy", 1), NULL),
                         0);
    assert_in_range(copies_on_record(b), 1, 2); /* a minute may have passed */
}

static void t11_the_database_holds_no_signature(void **state)
{
    struct bench *b = *state;
    static const char *const FILES[] = {"state.db", "state.db-wal"};
    size_t seen = 0;

    draft_with_file(b, "export");
    assert_int_equal(bench_blob(b, MESSAGE_BLOB_OPEN, json_pack("{s:s, s:b}", "blob", "result.txt", "body", 1), NULL),
                     0);
    assert_int_equal(bench_blob(b, MESSAGE_BLOB_LIST, json_pack("{s:s}", "address", "10.0.0.1"), NULL), E_ZONE);
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_CANCEL, NULL, NULL), 0);
    expect_dead(b);
    const char *sig = sas_value(b, "sig");
    assert_int_equal(strlen(sig), 44);
    AUTO_FD int dir = open(b->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < ARRAY_LEN(FILES); i++) {
        AUTO_FREE char *text = NULL;
        size_t len = 0;
        if (file_read(dir, FILES[i], DB_MAX, &text, &len, NULL) != 0)
            continue;
        seen += memmem(text, len, b->request, strlen(b->request)) != NULL;
        expect_not_in(text, len, sig);
        AUTO_FREE char *middle = xstrndup(sig + 8, 16);
        expect_not_in(text, len, middle);
    }
    assert_true(seen > 0); /* we did look where things are written */
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t guess(struct bench *b, const char *container)
{
    json_t *fields = json_pack("{s:s, s:s, s:O, s:s, s:i}", "account", b->account, "container", container, "sas",
                               b->sas, "scheme", "http", "maxresults", 10);
    int64_t began = clock_mono_us();
    assert_int_equal(bench_ask(b, PEER_BLOB_WORKSPACE, MESSAGE_BLOB_LIST, fields, NULL), E_SAS);
    return clock_mono_us() - began;
}

/* Whether a container is there cannot be told from the words of a refusal, nor from its time: the medians of guesses at
 * an id that exists and at random ones, taken in turns, differ by less than a third. */
static void t12_a_guess_learns_nothing(void **state)
{
    struct bench *b = *state;
    static int64_t there[GUESSES], not_there[GUESSES];
    char detail[sizeof bench_detail], other[UUID_TEXT_SIZE];

    bench_create(b, "dave", "export"); /* not alice's link's */
    assert_true(str_copy(other, sizeof other, b->request));
    draft_with_file(b, "export");
    (void)guess(b, other);
    assert_true(str_copy(detail, sizeof detail, bench_detail));
    for (size_t i = 0; i < GUESSES; i++) {
        char id[UUID_TEXT_SIZE];
        uuid_new(id);
        not_there[i] = guess(b, id);
        assert_string_equal(bench_detail, detail);
        there[i] = guess(b, other);
        assert_string_equal(bench_detail, detail);
    }
    qsort(there, GUESSES, sizeof *there, by_value);
    qsort(not_there, GUESSES, sizeof *not_there, by_value);
    int64_t a = there[GUESSES / 2], z = not_there[GUESSES / 2];
    print_message("T12: median of a guess %lld us where there is a container, %lld us where there is none\n",
                  (long long)a, (long long)z);
    assert_true(llabs(a - z) * 3 < a + z);
}

/* --- Whose it is --- */

static void disable(struct bench *b)
{
    assert_int_equal(db_begin(b->core.db, NULL), 0);
    assert_int_equal(db_exec(b->core.db, Q_PERSON_DISABLE, ARGS(DB_T("alice"), DB_I(clock_now_s())), NULL), 1);
    assert_int_equal(db_commit(b->core.db, NULL), 0);
}

static void enable(struct bench *b)
{
    assert_int_equal(db_begin(b->core.db, NULL), 0);
    assert_int_equal(db_exec(b->core.db, Q_PERSON_ENABLE, ARGS(DB_T("alice")), NULL), 1);
    assert_int_equal(db_commit(b->core.db, NULL), 0);
}

/* What a person was given ends with the account, also for an upload that is under way, and is not given back. */
static void links_end_with_their_owners_account(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *alice = json_pack("{s:s, s:s, s:s}", "oid", "alice", "name", "Alice", "email", "a@example.org");

    b->core.config.idp_enabled = true;
    assert_int_equal(user_put(&b->core, alice, NULL), 0);
    draft_with_file(b, "export");
    assert_int_equal(list(b), 0);
    disable(b);
    expect_dead(b);
    assert_non_null(strstr(bench_detail, "disabled"));
    enable(b);
    expect_dead(b);
    assert_true(audit_rows(b, "refused", "sas") >= 8); /* one for each operation; the rest is counted */
}

/* --- Networks --- */

static void overlapping_networks_are_warned_about(void **state)
{
    struct bench *b = *state;
    struct error err = {0};
    AUTO_FREE char *token = bench_token(b, "admin", "", 0);

    assert_int_equal(overlap_warn(&b->core, NULL, &err), 2); /* both are 127.0.0.0/8 */
    assert_int_equal(overlap_warn(&b->core, WS1, &err), 1);
    assert_int_equal(bench_ask(b, PEER_API, MESSAGE_WORKSPACE_UPDATE,
                               json_pack("{s:s, s:s, s:s, s:{s:[s]}}", "token", token, "workspace", WS2, "etag", "*",
                                         "body", "networks", "10.2.0.0/16"),
                               NULL),
                     0);
    assert_int_equal(overlap_warn(&b->core, NULL, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
        T(a_link_is_what_was_asked_for),
        T(a_link_lives_within_the_policy),
        T(a_reviewer_gets_no_more_than_reading),
        T(a_transfer_may_outlive_its_link_by_the_grace_only),
        T(t06_submit_ends_the_drafts_links),
        T(t06_cancel_ends_the_drafts_links),
        T(t06_approve_ends_the_reviewers_links),
        T(t06_reject_ends_the_reviewers_links),
        T(t06_cancel_ends_the_reviewers_links),
        T(t06_revoke_ends_the_links_of_what_was_approved),
        T(t06_revoke_all_ends_every_link),
        T(t08_a_link_opens_its_place_only),
        T(t10_a_link_seen_outside_TLS_is_marked_once),
        T(refusals_in_the_wrong_place_are_counted),
        T(refusals_of_different_links_are_apart),
        T(a_copy_is_on_record_beside_a_download),
        T(t11_the_database_holds_no_signature),
        T(t12_a_guess_learns_nothing),
        T(links_end_with_their_owners_account),
        T(overlapping_networks_are_warned_about),
    };
    return cmocka_run_group_tests_name("core/links", tests, NULL, NULL);
}
