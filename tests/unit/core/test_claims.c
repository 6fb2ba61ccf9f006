/* Tokens of providers of every kind: by which claim a person is known, whose audience it is, which roles it gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/clock.h"
#include "core/claims.h"
#include "core/time.h"
#include "core/workspace.h"

#include "harness.h"

/* The harness gives workspaces their own ids as client ids. */
#define WS1_CLIENT WS1
#define WS2_CLIENT WS2

/* A token of the given claims (stolen), with issuer and times that fit. */
static char *token_of(struct bench *b, json_t *claims)
{
    AUTO_JSON json_t *whole = claims;
    char *token = NULL;
    json_object_set_new(whole, "iss", json_string(b->core.config.issuer));
    json_object_set_new(whole, "iat", json_integer(clock_now_s()));
    json_object_set_new(whole, "exp", json_integer(clock_now_s() + 600));
    assert_int_equal(jwt_sign_rs256(b->key, whole, &token, NULL), 0);
    return token;
}

static int ask(struct bench *b, enum message message, const char *workspace, json_t *claims, json_t **ret_ok)
{
    AUTO_FREE char *token = token_of(b, claims);
    return bench_ask(b, PEER_API, message, json_pack("{s:s, s:s}", "token", token, "workspace", workspace), ret_ok);
}

static int list(struct bench *b, json_t *claims, size_t *ret_count)
{
    AUTO_JSON json_t *ok = NULL;
    int r = ask(b, MESSAGE_WORKSPACE_LIST, "", claims, &ok);
    *ret_count = json_array_size(json_object_get(ok, "workspaces"));
    return r;
}

static void the_person_is_the_claim_that_was_chosen(void **state)
{
    struct bench *b = *state;
    size_t count;
    assert_int_equal(list(b, json_pack("{s:s, s:s}", "aud", CORE_CLIENT, "sub", "alice"), &count), 0);
    assert_int_equal(list(b, json_pack("{s:s, s:s, s:s}", "aud", CORE_CLIENT, "sub", "x", "oid", "alice"), &count), 0);
    b->core.config.claim_subject = "sub";
    assert_int_equal(list(b, json_pack("{s:s, s:s, s:s}", "aud", CORE_CLIENT, "sub", "x", "oid", "alice"), &count),
                     E_FORBIDDEN); /* nobody knows x */
    assert_int_equal(list(b, json_pack("{s:s, s:s}", "aud", CORE_CLIENT, "oid", "alice"), &count), E_UNAUTHENTICATED);
    assert_int_equal(list(b, json_pack("{s:s, s:[s]}", "aud", CORE_CLIENT, "sub", "alice"), &count), E_UNAUTHENTICATED);
    AUTO_FREE char *longest = xcalloc(SUBJECT_MAX + 1, 1);
    memset(longest, 'x', SUBJECT_MAX);
    assert_int_equal(list(b, json_pack("{s:s, s:s}", "aud", CORE_CLIENT, "sub", longest), &count), E_UNAUTHENTICATED);
}

static void a_spoilt_claim_does_not_let_the_next_one_name_the_person(void **state)
{
    struct bench *b = *state;
    json_t *const spoilt[] = {json_integer(7), json_null(), json_pack("[s]", "alice"), json_string("")};
    size_t count;
    for (size_t i = 0; i < ARRAY_LEN(spoilt); i++)
        assert_int_equal(
            list(b, json_pack("{s:s, s:s, s:o}", "aud", CORE_CLIENT, "sub", "alice", "oid", spoilt[i]), &count),
            E_UNAUTHENTICATED);
    assert_int_equal(list(b, json_pack("{s:s, s:s, s:n}", "aud", CORE_CLIENT, "sub", "alice", "name"), &count), 0);
}

static void core_audiences_are_the_configured_ones(void **state)
{
    struct bench *b = *state;
    size_t count;
    assert_int_equal(list(b, json_pack("{s:s, s:s}", "aud", "api://" CORE_CLIENT, "sub", "alice"), &count), 0);
    b->core.config.core_audiences = "https://airlock.example.org tre";
    assert_int_equal(list(b, json_pack("{s:s, s:s}", "aud", CORE_CLIENT, "sub", "alice"), &count), E_UNAUTHENTICATED);
    assert_int_equal(list(b, json_pack("{s:s, s:s}", "aud", "tre", "sub", "alice"), &count), 0);
    assert_int_equal(list(b, json_pack("{s:[s], s:s}", "aud", "https://airlock.example.org", "sub", "alice"), &count),
                     0);
    assert_int_equal(list(b, json_pack("{s:s, s:s}", "aud", "tr", "sub", "alice"), &count), E_UNAUTHENTICATED);
    assert_int_equal(list(b, json_pack("{s:s, s:s}", "aud", "https://airlock.example.org tre", "sub", "alice"), &count),
                     E_UNAUTHENTICATED);
    assert_int_equal(list(b, json_pack("{s:[s,s], s:s}", "aud", "tre", "other", "sub", "alice"), &count),
                     E_UNAUTHENTICATED);
}

static void roles_of_the_claim_count_where_they_are_chosen(void **state)
{
    struct bench *b = *state;
    json_t *claims = json_pack("{s:s, s:s, s:[s]}", "aud", CORE_CLIENT, "sub", "nobody", "roles", "TREAdmin");
    size_t count;
    assert_int_equal(list(b, json_deep_copy(claims), &count), E_FORBIDDEN); /* assignments are asked */
    b->core.config.roles_from_claim = true;
    assert_int_equal(list(b, json_deep_copy(claims), &count), 0);
    assert_int_equal(count, 2);
    json_object_set_new(claims, "roles", json_string("TREUser")); /* one text, as some providers write one value */
    assert_int_equal(list(b, json_deep_copy(claims), &count), 0);
    assert_int_equal(count, 0);
    json_object_set_new(claims, "roles", json_string("WorkspaceOwner")); /* no role of the TRE */
    assert_int_equal(list(b, claims, &count), E_FORBIDDEN);
}

static void groups_give_roles_besides(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *ok = NULL;
    size_t count;
    b->core.config.group_roles = "everyone=TREUser, heart=" WS1 "/WorkspaceResearcher, lung=" WS2 "/AirlockManager";
    assert_int_equal(
        list(b, json_pack("{s:s, s:s, s:[s,s]}", "aud", CORE_CLIENT, "sub", "new", "groups", "everyone", "heart"),
             &count),
        0);
    assert_int_equal(count, 1);
    assert_int_equal(
        ask(b, MESSAGE_WORKSPACE_GET, WS1,
            json_pack("{s:s, s:s, s:[s,s]}", "aud", CORE_CLIENT, "sub", "new", "groups", "everyone", "heart"), &ok),
        0);
    assert_int_equal(
        ask(b, MESSAGE_WORKSPACE_GET, WS2,
            json_pack("{s:s, s:s, s:[s,s]}", "aud", CORE_CLIENT, "sub", "new", "groups", "everyone", "heart"), NULL),
        E_NOT_FOUND);
    assert_int_equal(ask(b, MESSAGE_REQUEST_LIST, WS1,
                         json_pack("{s:s, s:s, s:s}", "aud", WS1_CLIENT, "sub", "new", "groups", "heart"), NULL),
                     0);
    assert_int_equal(ask(b, MESSAGE_REQUEST_LIST, WS1,
                         json_pack("{s:s, s:s, s:s}", "aud", WS1_CLIENT, "sub", "new", "groups", "lung"), NULL),
                     E_NOT_FOUND); /* a role in the other workspace is none here */
    assert_int_equal(
        list(b, json_pack("{s:s, s:s, s:[s]}", "aud", CORE_CLIENT, "sub", "new", "groups", "heart"), &count),
        E_FORBIDDEN);
}

static void with_one_audience_the_core_token_serves_workspaces(void **state)
{
    struct bench *b = *state;
    b->core.config.one_audience = true;
    assert_int_equal(
        ask(b, MESSAGE_REQUEST_LIST, WS1, json_pack("{s:s, s:s}", "aud", CORE_CLIENT, "sub", "alice"), NULL), 0);
    assert_int_equal(
        ask(b, MESSAGE_REQUEST_LIST, WS2, json_pack("{s:s, s:s}", "aud", CORE_CLIENT, "sub", "alice"), NULL),
        E_NOT_FOUND);
    assert_int_equal(
        ask(b, MESSAGE_REQUEST_LIST, WS2, json_pack("{s:s, s:s}", "aud", CORE_CLIENT, "sub", "admin"), NULL), 0);
    b->core.config.roles_from_claim = true; /* "WorkspaceOwner" of which workspace? */
    assert_int_equal(ask(b, MESSAGE_REQUEST_LIST, WS2,
                         json_pack("{s:s, s:s, s:[s]}", "aud", CORE_CLIENT, "sub", "alice", "roles", "WorkspaceOwner"),
                         NULL),
                     E_NOT_FOUND);
}

static void who_was_seen_in_a_workspace_may_know_of_it(void **state)
{
    struct bench *b = *state;
    json_t *core_claims = json_pack("{s:s, s:s, s:[s]}", "aud", CORE_CLIENT, "sub", "guest", "roles", "TREUser");
    size_t count;
    b->core.config.roles_from_claim = true;
    assert_int_equal(ask(b, MESSAGE_WORKSPACE_SCOPE, WS1, json_deep_copy(core_claims), NULL), E_NOT_FOUND);
    assert_int_equal(
        ask(b, MESSAGE_REQUEST_LIST, WS1,
            json_pack("{s:s, s:s, s:[s]}", "aud", WS1_CLIENT, "sub", "guest", "roles", "WorkspaceResearcher"), NULL),
        0);
    assert_int_equal(ask(b, MESSAGE_WORKSPACE_SCOPE, WS1, json_deep_copy(core_claims), NULL), 0);
    assert_int_equal(list(b, json_deep_copy(core_claims), &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(
        ask(b, MESSAGE_REQUEST_LIST, WS1, json_pack("{s:s, s:s}", "aud", WS1_CLIENT, "sub", "guest"), NULL),
        E_NOT_FOUND); /* seeing is not a role: each token tells anew */
    assert_int_equal(db_begin(b->core.db, NULL), 0);
    assert_int_equal(members_prune(&b->core, core_now(&b->core) + INT64_C(31) * 86400000000, NULL), 0);
    assert_int_equal(db_commit(b->core.db, NULL), 0);
    assert_int_equal(list(b, core_claims, &count), 0);
    assert_int_equal(count, 0);
}

static void an_application_belongs_to_one_workspace(void **state)
{
    struct bench *b = *state;
    AUTO_FREE char *admin = bench_token(b, "admin", "", 0);
#define PATCH(id) \
    json_pack("{s:s, s:s, s:s, s:{s:s}}", "token", admin, "workspace", WS1, "etag", "*", "body", "client_id", id)
    assert_int_equal(bench_ask(b, PEER_API, MESSAGE_WORKSPACE_UPDATE, PATCH(CORE_CLIENT), NULL), E_INVALID);
    assert_int_equal(bench_ask(b, PEER_API, MESSAGE_WORKSPACE_UPDATE, PATCH("api://" CORE_CLIENT), NULL), E_INVALID);
    assert_int_equal(bench_ask(b, PEER_API, MESSAGE_WORKSPACE_UPDATE, PATCH(WS2_CLIENT), NULL), E_EXISTS);
    assert_int_equal(bench_ask(b, PEER_API, MESSAGE_WORKSPACE_UPDATE, PATCH("a b"), NULL), E_INVALID);
    assert_int_equal(bench_ask(b, PEER_API, MESSAGE_WORKSPACE_UPDATE, PATCH("heart-study"), NULL), 0);
    assert_int_equal(
        ask(b, MESSAGE_REQUEST_LIST, WS1, json_pack("{s:s, s:s}", "aud", "heart-study", "sub", "alice"), NULL), 0);
    assert_int_equal(
        ask(b, MESSAGE_REQUEST_LIST, WS1, json_pack("{s:s, s:s}", "aud", WS1_CLIENT, "sub", "alice"), NULL),
        E_UNAUTHENTICATED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
        T(the_person_is_the_claim_that_was_chosen),
        T(a_spoilt_claim_does_not_let_the_next_one_name_the_person),
        T(core_audiences_are_the_configured_ones),
        T(roles_of_the_claim_count_where_they_are_chosen),
        T(groups_give_roles_besides),
        T(with_one_audience_the_core_token_serves_workspaces),
        T(who_was_seen_in_a_workspace_may_know_of_it),
        T(an_application_belongs_to_one_workspace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
