/* Who may not do what: every refusal changes nothing and is on record. */
#include "harness.h"

#include <string.h>

#include "base/clock.h"

static void draft_with_file(struct bench *b, const char *who)
{
    char object[UUID_TEXT_SIZE];
    bench_create(b, who, "export");
    bench_link(b, who);
    assert_int_equal(bench_put(b, "result.txt", 5, object), 0);
}

static int approve(struct bench *b, const char *who, const char *digest)
{
    json_t *fields = json_pack("{s:b, s:s}", "approval", 1, "decisionExplanation", "x");
    if (digest)
        json_object_set_new(fields, "manifestDigest", json_string(digest));
    return bench_act(b, who, MESSAGE_REQUEST_REVIEW, fields, NULL);
}

static size_t refusals_of(struct bench *b, const char *who)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    size_t count = 0;
    assert_int_equal(db_select(b->core.db, Q_AUDIT_LIST, ARGS(DB_I(0), DB_T(""), DB_I(1000)), &rows, NULL), 0);
    while (db_rows_next(rows, NULL) == 1)
        count += strcmp(db_text(rows, 2), "refused") == 0 && strcmp(db_text(rows, 5), who) == 0;
    return count;
}

static void t13_another_workspace_sees_nothing(void **state)
{
    struct bench *b = *state;
    static const enum message ALL[] = {MESSAGE_REQUEST_GET,    MESSAGE_REQUEST_SUBMIT, MESSAGE_REQUEST_CANCEL,
                                       MESSAGE_REQUEST_REVIEW, MESSAGE_REQUEST_REVOKE, MESSAGE_REQUEST_LINK};
    draft_with_file(b, "alice");
    for (size_t i = 0; i < ARRAY_LEN(ALL); i++) {
        assert_int_equal(bench_act(b, "mallory", ALL[i], NULL, NULL), E_NOT_FOUND);
        assert_int_equal(bench_act(b, "mallory", ALL[i], json_pack("{s:s}", "workspace", WS2), NULL), E_NOT_FOUND);
    }
    assert_int_equal(refusals_of(b, "mallory"), 2 * ARRAY_LEN(ALL)); /* each one under her name */
    assert_string_equal(bench_status(b), "draft");
}

static void t14_a_draft_is_its_requestors(void **state)
{
    struct bench *b = *state;
    draft_with_file(b, "alice");
    assert_int_equal(bench_act(b, "dave", MESSAGE_REQUEST_LINK, NULL, NULL), E_FORBIDDEN);
    assert_int_equal(bench_act(b, "dave", MESSAGE_REQUEST_SUBMIT, NULL, NULL), E_FORBIDDEN);
    assert_int_equal(bench_act(b, "dave", MESSAGE_REQUEST_CANCEL, NULL, NULL), E_FORBIDDEN);
    assert_int_equal(bench_act(b, "bob", MESSAGE_REQUEST_SUBMIT, NULL, NULL), E_FORBIDDEN);
    assert_int_equal(bench_count(b, "refused"), 4);
    assert_string_equal(bench_status(b), "draft");
}

static void t24_nobody_decides_on_their_own(void **state)
{
    struct bench *b = *state;
    draft_with_file(b, "erin");
    assert_int_equal(bench_act(b, "erin", MESSAGE_REQUEST_SUBMIT, NULL, NULL), 0);
    assert_int_equal(bench_ask(b, PEER_BLOB_WORKSPACE, MESSAGE_BLOB_DRAINED, json_pack("{s:i}", "drain", 1), NULL), 0);
    bench_seal(b);
    assert_int_equal(approve(b, "erin", NULL), E_FORBIDDEN);
    assert_string_equal(bench_status(b), "in_review");
    assert_int_equal(bench_count(b, "refused"), 1);
    assert_int_equal(approve(b, "bob", NULL), 0);
}

static void t25_the_second_decision_loses(void **state)
{
    struct bench *b = *state;
    draft_with_file(b, "alice");
    bench_submit(b);
    bench_seal(b);
    assert_int_equal(approve(b, "bob", NULL), 0);
    assert_int_equal(approve(b, "erin", NULL), E_CONFLICT);
    assert_non_null(strstr(bench_detail, "approval_in_progress"));
}

static void t28_a_stale_digest_is_refused(void **state)
{
    struct bench *b = *state;
    static const char WRONG[] = "0000000000000000000000000000000000000000000000000000000000000000";
    draft_with_file(b, "alice");
    bench_submit(b);
    bench_seal(b);
    assert_int_equal(approve(b, "bob", WRONG), E_STALE);
    assert_string_equal(bench_status(b), "in_review");
}

static void t06_links_die_with_the_status(void **state)
{
    struct bench *b = *state;
    char object[UUID_TEXT_SIZE];
    draft_with_file(b, "alice");
    bench_submit(b);
    assert_int_equal(bench_put(b, "late.txt", 5, object), E_SAS);
    assert_int_equal(bench_blob(b, MESSAGE_BLOB_LIST, json_pack("{s:i}", "maxresults", 10), NULL), E_SAS);
}

static void t08_a_link_opens_its_account_only(void **state)
{
    struct bench *b = *state;
    draft_with_file(b, "alice");
    const char *others[] = {"stalexip11111111", "stalexint22222222", "stalimapp11111111"};
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_int_equal(bench_blob(b, MESSAGE_BLOB_LIST, json_pack("{s:s}", "account", others[i]), NULL), E_SAS);
    assert_int_equal(bench_blob(b, MESSAGE_BLOB_LIST, json_pack("{s:s}", "account", "stalimexdemo"), NULL), E_ZONE);
}

static json_t *last_refusal(struct bench *b)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    json_t *last = NULL;
    assert_int_equal(db_select(b->core.db, Q_AUDIT_LIST, ARGS(DB_I(0), DB_T(""), DB_I(1000)), &rows, NULL), 0);
    while (db_rows_next(rows, NULL) == 1)
        if (strcmp(db_text(rows, 2), "refused") == 0) {
            json_decref(last);
            last = json_loads(db_text(rows, 7), 0, NULL);
        }
    return last;
}

static int list_from(struct bench *b, const char *account, const char *address)
{
    return bench_blob(b, MESSAGE_BLOB_LIST, json_pack("{s:s, s:s}", "account", account, "address", address), NULL);
}

static void forge_signature(struct bench *b)
{
    json_t *pair;
    size_t i;
    json_array_foreach(b->sas, i, pair)
    {
        if (strcmp(json_string_value(json_array_get(pair, 0)), "sig") == 0)
            json_array_set_new(pair, 1, json_string("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="));
    }
}

/* Outside its networks a workspace's accounts say one thing, to good links, bad links and names of no workspace. */
static void t61_networks_are_judged_before_links(void **state)
{
    struct bench *b = *state;
    draft_with_file(b, "alice");
    assert_int_equal(list_from(b, "stalexint99999999", "127.0.0.1"), E_ZONE); /* no such workspace */
    assert_int_equal(list_from(b, b->account, "10.1.1.1"), E_ZONE);
    AUTO_JSON json_t *seen = last_refusal(b);
    assert_true(*json_text(seen, "link")); /* a good link in the wrong place is on record */
    assert_int_equal(list_from(b, b->account, "::1"), E_ZONE);
    assert_int_equal(list_from(b, b->account, "::ffff:127.0.0.1"), 0);
    forge_signature(b);
    assert_int_equal(list_from(b, b->account, "10.1.1.1"), E_ZONE);
    assert_int_equal(list_from(b, "stalexrej11111111", "10.1.1.1"), E_ZONE);
    assert_int_equal(list_from(b, "stalexrej11111111", "127.0.0.1"), E_SAS);
}

static void t29_a_decision_wants_a_fresh_token(void **state)
{
    struct bench *b = *state;
    draft_with_file(b, "alice");
    bench_submit(b);
    bench_seal(b);
    AUTO_FREE char *old = bench_token(b, "bob", WS1, 6000);
    assert_int_equal(bench_ask(b, PEER_API, MESSAGE_REQUEST_REVIEW,
                               json_pack("{s:s, s:s, s:s, s:b}", "token", old, "workspace", WS1, "request", b->request,
                                         "approval", 1),
                               NULL),
                     E_UNAUTHENTICATED);
}

static void core_tokens_open_only_what_they_should(void **state)
{
    struct bench *b = *state;
    draft_with_file(b, "alice");
    AUTO_FREE char *alice = bench_token(b, "alice", "", 0);
    AUTO_FREE char *admin = bench_token(b, "admin", "", 0);
    const struct {
        const char *token;
        enum message message;
        int expected;
    } rows[] = {
        {alice, MESSAGE_REQUEST_GET, E_UNAUTHENTICATED},
        {alice, MESSAGE_REQUEST_SUBMIT, E_UNAUTHENTICATED},
        {admin, MESSAGE_REQUEST_SUBMIT, E_UNAUTHENTICATED},
        {admin, MESSAGE_REQUEST_LINK, E_UNAUTHENTICATED},
        {admin, MESSAGE_REQUEST_GET, 0},
        {alice, MESSAGE_WORKSPACE_GET, 0},
        {admin, MESSAGE_WORKSPACE_GET, 0},
        {admin, MESSAGE_REQUEST_CANCEL, 0},
        {"", MESSAGE_REQUEST_GET, E_UNAUTHENTICATED},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(
            bench_ask(b, PEER_API, rows[i].message,
                      json_pack("{s:s, s:s, s:s}", "token", rows[i].token, "workspace", WS1, "request", b->request),
                      NULL),
            rows[i].expected);
}

/* Lists that are empty here show nothing, and still not to everyone. */
static void empty_lists_have_their_readers(void **state)
{
    struct bench *b = *state;
    static const struct {
        const char *who, *audience;
        int of_tre, for_admin, of_workspace, for_owner;
    } ROWS[] = {
        {"admin", "", 0, 0, E_UNAUTHENTICATED, 0},
        {"alice", "", 0, E_FORBIDDEN, E_UNAUTHENTICATED, E_UNAUTHENTICATED},
        {"alice", WS1, E_UNAUTHENTICATED, E_UNAUTHENTICATED, 0, E_FORBIDDEN},
        {"bob", WS1, E_UNAUTHENTICATED, E_UNAUTHENTICATED, 0, E_FORBIDDEN},
        {"carol", WS1, E_UNAUTHENTICATED, E_UNAUTHENTICATED, 0, 0},
        {"mallory", WS2, E_UNAUTHENTICATED, E_UNAUTHENTICATED, E_NOT_FOUND, E_NOT_FOUND},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO_FREE char *token = bench_token(b, ROWS[i].who, ROWS[i].audience, 0);
        const int expected[] = {ROWS[i].of_tre, ROWS[i].for_admin, ROWS[i].of_workspace, ROWS[i].for_owner};
        for (size_t m = 0; m < ARRAY_LEN(expected); m++)
            assert_int_equal(bench_ask(b, PEER_API, (enum message)(MESSAGE_NOTHING_OF_TRE + m),
                                       json_pack("{s:s, s:s}", "token", token, "workspace", WS1), NULL),
                             expected[m]);
    }
}

static void a_remembered_token_is_judged_afresh(void **state)
{
    struct bench *b = *state;
    draft_with_file(b, "alice");
    AUTO_FREE char *token = bench_token(b, "dave", WS1, 0);
    for (int round = 0; round < 2; round++)
        assert_int_equal(
            bench_ask(b, PEER_API, MESSAGE_REQUEST_GET,
                      json_pack("{s:s, s:s, s:s}", "token", token, "workspace", WS1, "request", b->request), NULL),
            0);
    assert_true(db_exec(b->core.db, Q_ASSIGNMENT_REMOVE, ARGS(DB_T(WS1), DB_T("dave"), DB_T("WorkspaceResearcher")),
                        NULL) == 1);
    assert_int_equal(bench_ask(b, PEER_API, MESSAGE_REQUEST_GET,
                               json_pack("{s:s, s:s, s:s}", "token", token, "workspace", WS1, "request", b->request),
                               NULL),
                     E_NOT_FOUND);
    struct jwt_key *other = NULL; /* new keys: what was signed with the old one holds no more */
    assert_int_equal(jwt_key_generate(&other, NULL), 0);
    assert_int_equal(bench_ask(b, PEER_IDP, MESSAGE_IDP_PUBLISH,
                               json_pack("{s:s, s:{s:[o]}, s:[]}", "issuer", b->core.config.issuer, "keys", "keys",
                                         jwt_key_public_jwk(other), "people"),
                               NULL),
                     0);
    jwt_key_free(other);
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_GET, NULL, NULL), E_UNAUTHENTICATED);
}

/* Rows of one kind, whosever. */
static int rows_of(struct bench *b, const char *kind, const char *subject)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    int count = 0;
    assert_int_equal(db_select(b->core.db, Q_AUDIT_LIST, ARGS(DB_I(0), DB_T(""), DB_I(1000)), &rows, NULL), 0);
    while (db_rows_next(rows, NULL) == 1)
        count += strcmp(db_text(rows, 2), kind) == 0 && strcmp(db_text(rows, 5), subject) == 0;
    return count;
}

static int tell(struct bench *b, const char *event, const char *subject, const char *address)
{
    return bench_ask(b, PEER_IDP, MESSAGE_IDP_EVENT,
                     json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "event", event, "subject", subject, "method",
                               "password", "client", "airlock-cli", "address", address, "reason", "why"),
                     NULL);
}

/* Each log-in is a row; of those who failed, one per address prefix and minute. */
static void log_ins_are_recorded(void **state)
{
    struct bench *b = *state;
    static const char *const KINDS[][2] = {
        {"signin", "login"},
        {"device", "login.device"},
        {"denied", "login.denied"},
        {"lockout", "login.locked"},
        {"reuse", "login.token_reused"},
        {"replay", "login.code_reused"},
        {"revoked", "login.token_revoked"},
        {"logout", "logout"},
    };
    for (size_t i = 0; i < ARRAY_LEN(KINDS); i++) {
        assert_int_equal(tell(b, KINDS[i][0], "alice", "192.0.2.1"), 0);
        assert_int_equal(rows_of(b, KINDS[i][1], "alice"), 1);
    }
    for (int i = 0; i < 100; i++)
        assert_int_equal(tell(b, "refused", "", i % 2 ? "192.0.2.1" : "192.0.2.77"), 0);
    int rows = rows_of(b, "refused", "");
    assert_true(rows >= 1 && rows <= 4); /* two, if the minute turned meanwhile, with their counts */
    AUTO_JSON json_t *detail = last_refusal(b);
    assert_string_equal(json_text(detail, "op"), "idp.event");
    assert_int_equal(tell(b, "lockout", "", "198.51.100.1"), 0); /* of an address alone */
    assert_int_equal(rows_of(b, "login.locked", ""), 0);
    assert_int_equal(tell(b, "nonsense", "alice", "192.0.2.1"), E_INVALID);
    assert_int_equal(bench_ask(b, PEER_API, MESSAGE_IDP_EVENT, json_pack("{s:s}", "event", "signin"), NULL),
                     E_PROTOCOL);
}

static void a_process_says_only_what_it_may(void **state) /* T34 */
{
    struct bench *b = *state;
    assert_int_equal(bench_ask(b, PEER_API, MESSAGE_JOB_LEASE, json_object(), NULL), E_PROTOCOL);
    assert_int_equal(bench_ask(b, PEER_BLOB_EXTERNAL, MESSAGE_REQUEST_REVIEW, json_object(), NULL), E_PROTOCOL);
    assert_int_equal(bench_ask(b, PEER_MOVER, MESSAGE_IDP_PUBLISH, json_object(), NULL), E_PROTOCOL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
        T(t13_another_workspace_sees_nothing),   T(t14_a_draft_is_its_requestors),
        T(t24_nobody_decides_on_their_own),      T(t25_the_second_decision_loses),
        T(t28_a_stale_digest_is_refused),        T(t06_links_die_with_the_status),
        T(t61_networks_are_judged_before_links), T(t08_a_link_opens_its_account_only),
        T(t29_a_decision_wants_a_fresh_token),   T(core_tokens_open_only_what_they_should),
        T(a_remembered_token_is_judged_afresh),  T(a_process_says_only_what_it_may),
        T(empty_lists_have_their_readers),       T(log_ins_are_recorded),
    };
    return cmocka_run_group_tests_name("core/refusals", tests, NULL, NULL);
}
