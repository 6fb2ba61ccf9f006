/* Codes: one use, one minute, one client, one redirect, one proof key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/str.h"
#include "idp/code.h"

/* RFC 7636 appendix B. */
#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
#define REDIRECT "http://127.0.0.1:5000/cb"
#define NOW 1000000

static json_t *a_grant(void)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "client_id", "airlock-cli", "redirect_uri", REDIRECT, "code_challenge",
                     CHALLENGE, "oid", "alice");
}

static char *issue(struct secrets *store)
{
    AUTO_JSON json_t *grant = a_grant();
    char *code = xcalloc(1, SECRET_SIZE);
    code_issue(store, grant, NOW, code);
    return code;
}

static struct code_proof proof_of(const char *code)
{
    return (struct code_proof){code, "airlock-cli", REDIRECT, VERIFIER};
}

/* Without a look at what was made of it. */
static int redeem(struct secrets *store, const struct code_proof *proof, int64_t now_ms, json_t **ret_grant)
{
    char family[SHA256_HEX_SIZE];
    return code_redeem(store, proof, now_ms, ret_grant, family, NULL);
}

static void code_works_once(void **state)
{
    (void)state;
    struct secrets *store = code_store_new();
    AUTO_FREE char *code = issue(store);
    AUTO_FREE char *other = issue(store);
    AUTO_JSON json_t *grant = NULL;
    json_t *none = NULL;
    struct code_proof proof = proof_of(code);

    assert_string_not_equal(code, other);
    assert_int_equal(strlen(code), 43);
    assert_int_equal(redeem(store, &proof, NOW + 59999, &grant), 0);
    assert_string_equal(json_text(grant, "oid"), "alice");
    assert_int_equal(redeem(store, &proof, NOW + 59999, &none), E_STALE);
    assert_string_equal(json_text(none, "oid"), "alice");
    json_decref(none);
    secrets_free(store);
}

/* Whoever redeems first, or comes again while tokens are made: the family is ended by one of the two. */
static void a_code_that_comes_again_names_what_was_made_of_it(void **state)
{
    (void)state;
    struct secrets *store = code_store_new();
    AUTO_FREE char *code = issue(store);
    AUTO_FREE char *early = issue(store);
    struct code_proof proof = proof_of(code), early_proof = proof_of(early);
    char family[SHA256_HEX_SIZE];
    json_t *grant = NULL;

    assert_int_equal(redeem(store, &proof, NOW, &grant), 0);
    json_decref(TAKE_PTR(grant));
    assert_true(code_settle(store, code, "f1", NOW));
    proof.verifier = ""; /* whoever knows the code counts */
    assert_int_equal(code_redeem(store, &proof, NOW, &grant, family, NULL), E_STALE);
    json_decref(TAKE_PTR(grant));
    assert_string_equal(family, "f1");
    assert_int_equal(redeem(store, &proof, NOW, &grant), E_STALE); /* until it was dealt with */
    json_decref(TAKE_PTR(grant));
    code_forget(store, code, NOW);
    assert_int_equal(redeem(store, &proof, NOW, &grant), E_INVALID);

    assert_int_equal(redeem(store, &early_proof, NOW, &grant), 0);
    json_decref(TAKE_PTR(grant));
    assert_int_equal(code_redeem(store, &early_proof, NOW, &grant, family, NULL), E_STALE);
    json_decref(TAKE_PTR(grant));
    assert_string_equal(family, "");
    code_forget(store, early, NOW);
    assert_false(code_settle(store, early, "f2", NOW));
    assert_false(code_settle(store, "never", "f3", NOW));
    secrets_free(store);
}

static void code_expires(void **state)
{
    (void)state;
    struct secrets *store = code_store_new();
    AUTO_FREE char *code = issue(store);
    struct code_proof proof = proof_of(code);
    json_t *none = NULL;
    assert_int_equal(redeem(store, &proof, NOW + CODE_LIFETIME_MS, &none), E_INVALID);
    assert_null(none);
    secrets_free(store);
}

/* Each wrong part refuses, and the code is spent with it: a thief cannot try again. */
static void wrong_proof_spends_the_code(void **state)
{
    (void)state;
    static const struct code_proof WRONG[] = {
        {NULL, "airlock-web", REDIRECT, VERIFIER},
        {NULL, "", REDIRECT, VERIFIER},
        {NULL, "airlock-cli", "http://127.0.0.1:5001/cb", VERIFIER},
        {NULL, "airlock-cli", "http://127.0.0.1:5000/cb/", VERIFIER},
        {NULL, "airlock-cli", "", VERIFIER},
        {NULL, "airlock-cli", REDIRECT, ""},
        {NULL, "airlock-cli", REDIRECT, CHALLENGE},
        {NULL, "airlock-cli", REDIRECT, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl"},
    };
    for (size_t i = 0; i < ARRAY_LEN(WRONG); i++) {
        struct secrets *store = code_store_new();
        AUTO_FREE char *code = issue(store);
        struct code_proof wrong = WRONG[i], right = proof_of(code);
        json_t *none = NULL;
        wrong.code = code;
        assert_int_equal(redeem(store, &wrong, NOW, &none), E_INVALID);
        assert_null(none);
        assert_int_equal(redeem(store, &right, NOW, &none), E_STALE);
        json_decref(none);
        secrets_free(store);
    }
}

static void unknown_codes_are_refused(void **state)
{
    (void)state;
    static const char *const CODES[] = {"", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    struct secrets *store = code_store_new();
    AUTO_FREE char *code = issue(store);
    json_t *none = NULL;
    for (size_t i = 0; i < ARRAY_LEN(CODES); i++) {
        struct code_proof proof = proof_of(CODES[i]);
        assert_int_equal(redeem(store, &proof, NOW, &none), E_INVALID);
    }
    AUTO_JSON json_t *grant = NULL;
    struct code_proof proof = proof_of(code);
    assert_int_equal(redeem(store, &proof, NOW, &grant), 0); /* and spend nothing else */
    secrets_free(store);
}

static void proof_keys(void **state)
{
    (void)state;
    static const struct {
        const char *verifier;
        const char *challenge;
        bool fits;
    } ROWS[] = {
        {VERIFIER, CHALLENGE, true},
        {VERIFIER "x", CHALLENGE, false},
        {VERIFIER "=", CHALLENGE, false},
        {VERIFIER, CHALLENGE "=", false},
        {VERIFIER, VERIFIER, false}, /* "plain" is not offered */
        {CHALLENGE, CHALLENGE, false},
        {"short", CHALLENGE, false},
        {"", "", false},
        {VERIFIER, "", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
        assert_int_equal(verifier_fits(ROWS[i].verifier, ROWS[i].challenge), ROWS[i].fits);

    static const char *const BAD[] = {
        "",
        "x",
        VERIFIER "A",
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cN",
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM",
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c",
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c=",
    };
    assert_true(challenge_is_valid(CHALLENGE));
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        if (challenge_is_valid(BAD[i]))
            fail_msg("%s", BAD[i]);

    AUTO_STR struct str longest = STR_INIT(256);
    while (longest.len < 129)
        str_append_char(&longest, 'a');
    assert_false(verifier_fits(str_text(&longest), CHALLENGE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(code_works_once),
        cmocka_unit_test(a_code_that_comes_again_names_what_was_made_of_it),
        cmocka_unit_test(code_expires),
        cmocka_unit_test(wrong_proof_spends_the_code),
        cmocka_unit_test(unknown_codes_are_refused),
        cmocka_unit_test(proof_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
