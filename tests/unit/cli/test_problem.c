/* Refusals: from the wire into an error, from an error into a sentence. */
#include "cli_test.h"

#include "base/macros.h"
#include "cli/problem.h"

struct row {
    int status;
    const char *type;
    const char *error_code;
    const char *body;
    int code;
    const char *detail;
    const char *field;
};

static const struct row ROWS[] = {
    {409, "application/problem+json", "",
     "{\"type\":\"https://airlock.example/problems/stale\",\"title\":\"T\",\"detail\":\"The digest is old\"}", E_STALE,
     "The digest is old", ""},
    {422, "application/problem+json; charset=utf-8", "",
     "{\"type\":\"urn:airlock:invalid\",\"detail\":\"\\\"title\\\" is missing\",\"field\":\"title\"}", E_INVALID,
     "\"title\" is missing", "title"},
    {409, "application/problem+json", "", "{\"type\":\"about:blank\",\"title\":\"Conflict\"}", E_CONFLICT, "Conflict",
     ""},
    {409, "application/problem+json", "", "{\"code\":\"exists\",\"detail\":\"x\"}", E_EXISTS, "x", ""},
    {401, "application/json", "", "{\"error\":\"invalid_client\",\"error_description\":\"Wrong secret\"}",
     E_UNAUTHENTICATED, "Wrong secret", ""},
    {400, "application/json", "", "{\"error\":\"invalid_scope\"}", E_BAD_REQUEST, "invalid_scope", ""},
    {404, "text/plain; charset=utf-8", "", "Airlock request does not exist", E_NOT_FOUND,
     "Airlock request does not exist", ""},
    {403, "application/xml", "AuthorizationPermissionMismatch",
     "<?xml version=\"1.0\"?><Error><Code>X</Code><Message>Not granted.\nRequestId:1</Message></Error>",
     E_SAS_PERMISSION, "Not granted. (AuthorizationPermissionMismatch)", ""},
    {404, "", "BlobNotFound", "", E_BLOB_NOT_FOUND, "The specified blob does not exist (BlobNotFound)", ""},
    {502, "text/html", "", "<html>bad gateway</html>", E_UNAVAILABLE, "Not available just now (HTTP status 502)", ""},
    {507, "application/problem+json", "", "not json at all", E_NO_SPACE, "No space is left (HTTP status 507)", ""},
    {302, "text/html", "", "", E_PROTOCOL, "The message is malformed (HTTP status 302)", ""},
};

static void understands_every_kind_of_refusal(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO_ANSWER struct web_answer answer = WEB_ANSWER_INIT;
        struct error err = {0};
        answer.status = ROWS[i].status;
        str_append(&answer.body, ROWS[i].body);
        assert_true(str_copy(answer.content_type, sizeof answer.content_type, ROWS[i].type));
        assert_true(str_copy(answer.error_code, sizeof answer.error_code, ROWS[i].error_code));
        assert_int_equal(problem_from_answer(&err, &answer), ROWS[i].code);
        assert_string_equal(err.detail, ROWS[i].detail);
        assert_string_equal(err.field, ROWS[i].field);
    }
}

static void says_it_in_one_line(void **state)
{
    AUTO_STR struct str out = STR_INIT(4096);
    struct error err = {0};

    (void)state;
    (void)error_set(&err, E_UNAUTHENTICATED, "You are not logged in to any server");
    problem_render(&err, &out);
    assert_string_equal(str_text(&out),
                        "airlock: You are not logged in to any server. Log in again: airlock login --help.\n");
    str_reset(&out);
    (void)error_set(&err, E_INVALID, "Bad \x1b]0;title\x07 and\nmore.");
    problem_render(&err, &out);
    assert_string_equal(str_text(&out), "airlock: Bad \\u{001b}]0;title\\u{0007} and\\u{000a}more.\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(understands_every_kind_of_refusal),
        cmocka_unit_test(says_it_in_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
