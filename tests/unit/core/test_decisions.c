/* Decisions about a request: by whom, how often, how many people it takes, and what a second try finds. */
#include "harness.h"

#include <string.h>

#include "base/clock.h"
#include "base/jwt.h"

static void in_review(struct bench *b, const char *who)
{
    char object[UUID_TEXT_SIZE];

    bench_create(b, who, "export");
    bench_link(b, who);
    assert_int_equal(bench_put(b, "result.txt", 5, object), 0);
    assert_int_equal(bench_act(b, who, MESSAGE_REQUEST_SUBMIT, NULL, NULL), 0);
    assert_int_equal(bench_ask(b, PEER_BLOB_WORKSPACE, MESSAGE_BLOB_DRAINED, json_pack("{s:i}", "drain", 1), NULL), 0);
    bench_seal(b);
    assert_string_equal(bench_status(b), "in_review");
}

static int review_with(struct bench *b, const char *token, const char *workspace, bool approve)
{
    return bench_ask(b, PEER_API, MESSAGE_REQUEST_REVIEW,
                     json_pack("{s:s, s:s, s:s, s:b, s:s}", "token", token, "workspace", workspace, "request",
                               b->request, "approval", approve, "decisionExplanation", "x"),
                     NULL);
}

static int review_as(struct bench *b, const char *who, const char *audience, bool approve)
{
    AUTO_FREE char *token = bench_token(b, who, audience, 0);
    return review_with(b, token, WS1, approve);
}

static void give(struct bench *b, const char *workspace, const char *who, const char *role)
{
    assert_int_equal(db_exec(b->core.db, Q_ASSIGNMENT_ADD, ARGS(DB_T(workspace), DB_T(who), DB_T(role)), NULL), 1);
}

static size_t reviews_of(struct bench *b)
{
    AUTO_JSON json_t *ok = NULL;
    assert_int_equal(bench_act(b, "bob", MESSAGE_REQUEST_GET, NULL, &ok), 0);
    return json_array_size(json_object_get(json_object_get(ok, "airlockRequest"), "reviews"));
}

static void want_approvals(struct bench *b, int count)
{
    AUTO_FREE char *admin = bench_token(b, "admin", "", 0);
    assert_int_equal(bench_ask(b, PEER_API, MESSAGE_WORKSPACE_UPDATE,
                               json_pack("{s:s, s:s, s:s, s:{s:{s:i}}}", "token", admin, "workspace", WS1, "etag", "*",
                                         "body", "policy", "approvals", count),
                               NULL),
                     0);
}

/* The requestor with every role there is, and by every token. */
static void t24_no_role_and_no_token_decides_on_its_own(void **state)
{
    struct bench *b = *state;

    in_review(b, "erin");
    give(b, WS1, "erin", "WorkspaceOwner");
    give(b, WS2, "erin", "AirlockManager");
    give(b, "", "erin", "TREAdmin");
    for (int approve = 0; approve < 2; approve++) {
        assert_int_equal(review_as(b, "erin", WS1, approve), E_FORBIDDEN);
        assert_int_equal(review_as(b, "erin", WS2, approve), E_NOT_FOUND);
        assert_int_equal(review_as(b, "erin", "", approve), E_UNAUTHENTICATED);
    }
    assert_int_equal(bench_count(b, "refused"), 2); /* the paths that reach the request, under its id */
    assert_int_equal(reviews_of(b), 0);
    assert_string_equal(bench_status(b), "in_review");
}

static void t27_a_request_is_submitted_once(void **state)
{
    struct bench *b = *state;
    char object[UUID_TEXT_SIZE];

    bench_draft(b, "export");
    assert_int_equal(bench_put(b, "result.txt", 5, object), 0);
    bench_submit(b);
    int64_t steps = bench_count(b, "transition");
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_SUBMIT, NULL, NULL), E_CONFLICT);
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_CANCEL, NULL, NULL), E_CONFLICT);
    assert_non_null(strstr(bench_detail, "submitted"));
    assert_int_equal(bench_count(b, "transition"), steps);
}

static void t27_a_cancelled_draft_is_not_submitted(void **state)
{
    struct bench *b = *state;
    char object[UUID_TEXT_SIZE];

    bench_draft(b, "export");
    assert_int_equal(bench_put(b, "result.txt", 5, object), 0);
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_CANCEL, NULL, NULL), 0);
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_SUBMIT, NULL, NULL), E_CONFLICT);
    assert_string_equal(bench_status(b), "cancelled");
}

static void t29_a_role_taken_away_is_gone_at_the_next_request(void **state)
{
    struct bench *b = *state;

    in_review(b, "alice");
    AUTO_FREE char *token = bench_token(b, "erin", WS1, 0); /* given out while erin was a manager */
    assert_int_equal(
        db_exec(b->core.db, Q_ASSIGNMENT_REMOVE, ARGS(DB_T(WS1), DB_T("erin"), DB_T("AirlockManager")), NULL), 1);
    assert_int_equal(review_with(b, token, WS1, true), E_FORBIDDEN);
    assert_string_equal(bench_status(b), "in_review");
}

/* A token of another provider, which says the role itself; NULL: none. The caller's. */
static char *token_with_role(struct bench *b, const char *who, const char *role, int64_t age_s)
{
    int64_t now = clock_now_s();
    AUTO_JSON json_t *claims =
        json_pack("{s:s, s:s, s:s, s:I, s:I, s:[s*]}", "iss", b->core.config.issuer, "aud", WS1, "sub", who, "iat",
                  (json_int_t)(now - age_s), "exp", (json_int_t)now + 600, "roles", role);
    char *token = NULL;
    assert_int_equal(jwt_sign_rs256(b->key, claims, &token, NULL), 0);
    return token;
}

/* Nobody tells airlock that a role ended there: what counts is the token of this request, and not for long. */
static void t29_a_role_of_the_claim_ends_with_the_token(void **state)
{
    struct bench *b = *state;

    in_review(b, "alice");
    int64_t steps = bench_count(b, "transition");
    b->core.config.roles_from_claim = true;
    AUTO_FREE char *old = token_with_role(b, "erin", "AirlockManager", b->core.config.decision_token_age_s + 1);
    AUTO_FREE char *without = token_with_role(b, "erin", "WorkspaceResearcher", 0);
    AUTO_FREE char *none = token_with_role(b, "erin", NULL, 0); /* erin's assignment here says nothing any more */
    AUTO_FREE char *fresh = token_with_role(b, "erin", "AirlockManager", b->core.config.decision_token_age_s - 10);
    assert_int_equal(review_with(b, old, WS1, true), E_UNAUTHENTICATED);
    assert_int_equal(review_with(b, without, WS1, true), E_FORBIDDEN);
    assert_int_equal(review_with(b, none, WS1, true), E_NOT_FOUND);
    assert_int_equal(bench_count(b, "transition"), steps);
    assert_int_equal(review_with(b, fresh, WS1, true), 0);
    assert_int_equal(bench_count(b, "transition"), steps + 1);
}

static void t30_two_people_approve(void **state)
{
    struct bench *b = *state;

    in_review(b, "alice");
    want_approvals(b, 2);
    assert_int_equal(review_as(b, "bob", WS1, true), 0);
    assert_string_equal(bench_status(b), "in_review");
    assert_int_equal(bench_count(b, "review.approved"), 1);
    assert_int_equal(review_as(b, "bob", WS1, true), E_CONFLICT);
    assert_int_equal(reviews_of(b), 1);
    assert_int_equal(review_as(b, "erin", WS1, true), 0);
    assert_string_equal(bench_status(b), "approval_in_progress");
    assert_int_equal(reviews_of(b), 2);
}

static void t30_the_requestor_is_none_of_them(void **state)
{
    struct bench *b = *state;

    in_review(b, "erin");
    want_approvals(b, 2);
    assert_int_equal(review_as(b, "bob", WS1, true), 0);
    assert_int_equal(review_as(b, "erin", WS1, true), E_FORBIDDEN);
    assert_string_equal(bench_status(b), "in_review");
}

/* Two accounts of one person, by the address that both have. */
static void t30_two_accounts_of_one_person_are_one(void **state)
{
    struct bench *b = *state;

    in_review(b, "alice");
    want_approvals(b, 2);
    give(b, WS1, "BOB", "AirlockManager");
    assert_int_equal(review_as(b, "bob", WS1, true), 0);
    assert_int_equal(review_as(b, "BOB", WS1, true), E_CONFLICT);
    assert_string_equal(bench_status(b), "in_review");
}

static void t30_one_rejection_ends_it(void **state)
{
    struct bench *b = *state;

    in_review(b, "alice");
    want_approvals(b, 3);
    assert_int_equal(review_as(b, "bob", WS1, true), 0);
    assert_int_equal(review_as(b, "erin", WS1, false), 0);
    assert_string_equal(bench_status(b), "rejection_in_progress");
}

static void t31_a_replayed_approval_decides_nothing(void **state)
{
    struct bench *b = *state;

    in_review(b, "alice");
    AUTO_FREE char *token = bench_token(b, "bob", WS1, 0);
    assert_int_equal(review_with(b, token, WS1, true), 0);
    int64_t steps = bench_count(b, "transition");
    for (int i = 0; i < 5; i++)
        assert_int_equal(review_with(b, token, WS1, true), E_CONFLICT);
    assert_int_equal(bench_count(b, "transition"), steps);
    assert_int_equal(reviews_of(b), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
        T(t24_no_role_and_no_token_decides_on_its_own),
        T(t27_a_request_is_submitted_once),
        T(t27_a_cancelled_draft_is_not_submitted),
        T(t29_a_role_taken_away_is_gone_at_the_next_request),
        T(t29_a_role_of_the_claim_ends_with_the_token),
        T(t30_two_people_approve),
        T(t30_the_requestor_is_none_of_them),
        T(t30_two_accounts_of_one_person_are_one),
        T(t30_one_rejection_ends_it),
        T(t31_a_replayed_approval_decides_nothing),
    };
    return cmocka_run_group_tests_name("core/decisions", tests, NULL, NULL);
}
