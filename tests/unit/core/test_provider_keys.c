/* Whose signatures count: the published set and no other, dated, audited when it changes, remembered over a restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "core/provider_keys.h"

#include "harness.h"

static int publish(struct bench *b, enum peer from, const struct jwt_key *key)
{
    return bench_ask(b, from, from == PEER_IDP ? MESSAGE_IDP_PUBLISH : MESSAGE_JWKS_PUBLISH,
                     json_pack("{s:s, s:{s:[o]}, s:[], s:s}", "issuer", b->core.config.issuer, "keys", "keys",
                               jwt_key_public_jwk(key), "people", "token_endpoint", "https://login.example.org/token"),
                     NULL);
}

/* Audit rows of that kind, of no request. */
static int64_t audited(struct bench *b, const char *kind)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    int64_t count = 0;
    assert_int_equal(db_select(b->core.db, Q_AUDIT_LIST, ARGS(DB_I(0), DB_T(""), DB_I(1000)), &rows, NULL), 0);
    while (db_rows_next(rows, NULL) == 1)
        count += strcmp(db_text(rows, 2), kind) == 0;
    return count;
}

static int ask(struct bench *b)
{
    AUTO_FREE char *token = bench_token(b, "alice", "", 0);
    return bench_ask(b, PEER_API, MESSAGE_WORKSPACE_LIST, json_pack("{s:s}", "token", token), NULL);
}

static void only_a_change_is_audited(void **state)
{
    struct bench *b = *state;
    assert_int_equal(publish(b, PEER_IDP, b->key), 0);
    assert_int_equal(audited(b, "keys.changed"), 1);
    assert_int_equal(publish(b, PEER_IDP, b->key), 0);
    assert_int_equal(audited(b, "keys.changed"), 1);
    struct jwt_key *other = NULL;
    assert_int_equal(jwt_key_generate(&other, NULL), 0);
    assert_int_equal(publish(b, PEER_IDP, other), 0);
    assert_int_equal(audited(b, "keys.changed"), 2);
    jwt_key_free(other);
}

static void another_issuers_keys_are_refused(void **state)
{
    struct bench *b = *state;
    assert_int_equal(bench_ask(b, PEER_JWKS, MESSAGE_JWKS_PUBLISH,
                               json_pack("{s:s, s:{s:[o]}}", "issuer", "https://evil.example", "keys", "keys",
                                         jwt_key_public_jwk(b->key)),
                               NULL),
                     E_FORBIDDEN);
    assert_int_equal(bench_ask(b, PEER_API, MESSAGE_JWKS_PUBLISH, json_object(), NULL), E_PROTOCOL);
    assert_int_equal(ask(b), 0);
}

static void t53_keys_of_a_provider_that_is_away_count_for_a_bounded_time(void **state)
{
    struct bench *b = *state;
    b->core.config.idp_enabled = false;
    assert_int_equal(publish(b, PEER_JWKS, b->key), 0);
    assert_int_equal(ask(b), 0);
    b->core.keys.fetched -= (int64_t)b->core.config.keys_max_age_s * 1000000 - 5000000;
    assert_int_equal(ask(b), 0); /* five seconds before the end */
    b->core.keys.fetched -= 10000000;
    assert_int_equal(ask(b), E_UNAVAILABLE);
    assert_int_equal(publish(b, PEER_JWKS, b->key), 0); /* it is back */
    assert_int_equal(ask(b), 0);
}

static void t53_a_restart_knows_the_keys_while_the_provider_is_away(void **state)
{
    struct bench *b = *state;
    struct error err = {0};
    b->core.config.idp_enabled = false;
    assert_int_equal(publish(b, PEER_JWKS, b->key), 0);
    int64_t fetched = b->core.keys.fetched;
    provider_keys_done(&b->core);
    assert_int_equal(ask(b), E_UNAVAILABLE);
    assert_int_equal(provider_keys_start(&b->core, &err), 0);
    assert_int_equal(ask(b), 0);
    assert_int_equal(b->core.keys.fetched, fetched); /* as old as they are */
    provider_keys_done(&b->core);
    b->core.config.issuer = "https://other.example"; /* another provider's keys are none of ours */
    assert_int_equal(provider_keys_start(&b->core, &err), 0);
    assert_null(b->core.keys.set);
}

static void t53_a_key_that_was_withdrawn_counts_no_more(void **state)
{
    struct bench *b = *state;
    struct jwt_key *other = NULL;
    b->core.config.idp_enabled = false;
    assert_int_equal(publish(b, PEER_JWKS, b->key), 0);
    assert_int_equal(ask(b), 0);
    assert_int_equal(jwt_key_generate(&other, NULL), 0);
    assert_int_equal(publish(b, PEER_JWKS, other), 0);
    assert_int_equal(ask(b), E_UNAUTHENTICATED);
    jwt_key_free(other);
}

static void keys_of_a_transaction_that_was_undone_do_not_count(void **state)
{
    struct bench *b = *state;
    struct jwt_key *other = NULL;
    struct error err = {0};
    b->core.config.idp_enabled = false;
    assert_int_equal(publish(b, PEER_JWKS, b->key), 0);
    assert_int_equal(jwt_key_generate(&other, NULL), 0);
    assert_int_equal(db_begin(b->core.db, &err), 0);
    b->in_batch = true;
    assert_int_equal(publish(b, PEER_JWKS, other), 0);
    b->in_batch = false;
    db_rollback(b->core.db);
    assert_int_equal(provider_keys_reload(&b->core, &err), 0);
    assert_int_equal(ask(b), 0); /* by the key before */
    jwt_key_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
        T(only_a_change_is_audited),
        T(another_issuers_keys_are_refused),
        T(t53_keys_of_a_provider_that_is_away_count_for_a_bounded_time),
        T(t53_a_restart_knows_the_keys_while_the_provider_is_away),
        T(t53_a_key_that_was_withdrawn_counts_no_more),
        T(keys_of_a_transaction_that_was_undone_do_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
