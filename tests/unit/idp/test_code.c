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

static char *issue(struct code_store *store)
{
    AUTO_JSON json_t *grant = a_grant();
    char *code = NULL;
    assert_int_equal(code_issue(store, grant, NOW, &code, NULL), 0);
    return code;
}

static struct code_proof proof_of(const char *code)
{
    return (struct code_proof){code, "airlock-cli", REDIRECT, VERIFIER};
}

static void code_works_once(void **state)
{
    (void)state;
    struct code_store *store = code_store_new();
    AUTO_FREE char *code = issue(store);
    AUTO_FREE char *other = issue(store);
    AUTO_JSON json_t *grant = NULL;
    json_t *none = NULL;
    struct code_proof proof = proof_of(code);

    assert_string_not_equal(code, other);
    assert_int_equal(strlen(code), 43);
    assert_int_equal(code_redeem(store, &proof, NOW + 59999, &grant, NULL), 0);
    assert_string_equal(json_text(grant, "oid"), "alice");
    assert_int_equal(code_redeem(store, &proof, NOW + 59999, &none, NULL), E_STALE);
    assert_null(none);
    code_store_free(store);
}

static void code_expires(void **state)
{
    (void)state;
    struct code_store *store = code_store_new();
    AUTO_FREE char *code = issue(store);
    struct code_proof proof = proof_of(code);
    json_t *none = NULL;
    assert_int_equal(code_redeem(store, &proof, NOW + CODE_LIFETIME_MS, &none, NULL), E_INVALID);
    assert_null(none);
    code_store_free(store);
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
        struct code_store *store = code_store_new();
        AUTO_FREE char *code = issue(store);
        struct code_proof wrong = WRONG[i], right = proof_of(code);
        json_t *none = NULL;
        wrong.code = code;
        assert_int_equal(code_redeem(store, &wrong, NOW, &none, NULL), E_INVALID);
        assert_int_equal(code_redeem(store, &right, NOW, &none, NULL), E_STALE);
        assert_null(none);
        code_store_free(store);
    }
}

static void unknown_codes_are_refused(void **state)
{
    (void)state;
    static const char *const CODES[] = {"", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    struct code_store *store = code_store_new();
    AUTO_FREE char *code = issue(store);
    json_t *none = NULL;
    for (size_t i = 0; i < ARRAY_LEN(CODES); i++) {
        struct code_proof proof = proof_of(CODES[i]);
        assert_int_equal(code_redeem(store, &proof, NOW, &none, NULL), E_INVALID);
    }
    AUTO_JSON json_t *grant = NULL;
    struct code_proof proof = proof_of(code);
    assert_int_equal(code_redeem(store, &proof, NOW, &grant, NULL), 0); /* and spend nothing else */
    code_store_free(store);
}

static void the_store_is_bounded_and_empties_itself(void **state)
{
    (void)state;
    struct code_store *store = code_store_new();
    AUTO_JSON json_t *grant = a_grant();
    char *code = NULL;
    for (int i = 0; i < CODES_MAX; i++) {
        assert_int_equal(code_issue(store, grant, NOW, &code, NULL), 0);
        free(TAKE_PTR(code));
    }
    assert_int_equal(code_issue(store, grant, NOW + CODE_LIFETIME_MS - 1, &code, NULL), E_UNAVAILABLE);
    assert_null(code);
    assert_int_equal(code_issue(store, grant, NOW + CODE_LIFETIME_MS, &code, NULL), 0);
    free(code);
    code_store_free(store);
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
        cmocka_unit_test(code_expires),
        cmocka_unit_test(wrong_proof_spends_the_code),
        cmocka_unit_test(unknown_codes_are_refused),
        cmocka_unit_test(the_store_is_bounded_and_empties_itself),
        cmocka_unit_test(proof_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
