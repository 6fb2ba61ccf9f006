/* What is sent to an identity provider, and what is read from it. */
#include "cli_test.h"

#include "base/json.h"
#include "base/macros.h"
#include "cli/device.h"
#include "cli/oauth.h"
#include "cli/server.h"

#define ISSUER "https://login.example.org"

/* RFC 6749 section 2.3.1: both are form-encoded before they are joined. */
static void a_secret_may_hold_any_character(void **state)
{
    (void)state;
    AUTO_FREE char *plain = oauth_basic_header("Aladdin", "open");
    AUTO_FREE char *odd = oauth_basic_header("a:b", "s+ %&\"");

    assert_string_equal(plain, "Authorization: Basic QWxhZGRpbjpvcGVu");
    assert_string_equal(odd, "Authorization: Basic YSUzQWI6cyUyQiUyMCUyNSUyNiUyMg==");
}

static void resources_follow_the_scope(void **state)
{
    static const struct {
        const char *resource, *scope, *expected;
    } ROWS[] = {
        {"", "api://core/.default", NULL},
        {"", "api://ws/.default", NULL},
        {"https://core", "api://core/.default", "https://core"},
        {"https://core", "api://ws/.default", "api://ws"},
        {"https://core", "airlock", "airlock"},
        {"https://core", "/.default", "/.default"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO_JSON json_t *login =
            json_pack("{s:s, s:s}", "resource", ROWS[i].resource, "core_scope", "api://core/.default");
        AUTO_FREE char *resource = oauth_resource(login, ROWS[i].scope);
        if (ROWS[i].expected)
            assert_string_equal(resource, ROWS[i].expected);
        else
            assert_null(resource);
    }
}

static void only_a_person_asks_to_stay_logged_in(void **state)
{
    AUTO_JSON json_t *login = json_pack("{s:s, s:s}", "resource", "https://core", "core_scope", "airlock");
    AUTO_STR struct str person = STR_INIT(OAUTH_FORM_MAX);
    AUTO_STR struct str program = STR_INIT(OAUTH_FORM_MAX);

    (void)state;
    oauth_form_add_scope(&person, login, "airlock", true);
    oauth_form_add_scope(&program, login, "airlock", false);
    assert_string_equal(str_text(&person),
                        "scope=offline_access%20openid%20profile%20airlock&resource=https%3A%2F%2Fcore");
    assert_string_equal(str_text(&program), "scope=airlock&resource=https%3A%2F%2Fcore");
}

static void a_refusal_keeps_its_code_and_its_words(void **state)
{
    static const struct {
        int status;
        const char *body, *code, *words;
        int error;
    } ROWS[] = {
        {400, "{\"error\":\"slow_down\",\"error_description\":\"Not so fast\"}", "slow_down", "Not so fast",
         E_UNAUTHENTICATED},
        {401, "{\"error\":\"invalid_client\"}", "invalid_client", "invalid_client", E_UNAUTHENTICATED},
        {400, "{\"error\":7}", "", "cannot be understood", E_UNAUTHENTICATED},
        {503, "no JSON", "", "503", E_UNAVAILABLE},
        {429, "{\"error\":\"slow_down\"}", "slow_down", "slow_down", E_RATE},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO_ANSWER struct web_answer answer = WEB_ANSWER_INIT;
        char code[OAUTH_CODE_MAX] = "left over";
        struct error err = {0};
        answer.status = ROWS[i].status;
        if (ROWS[i].body[0] == '{')
            (void)strcpy(answer.content_type, "application/json");
        str_append(&answer.body, ROWS[i].body);
        assert_int_equal(oauth_refused(&answer, code, &err), ROWS[i].error);
        assert_string_equal(code, ROWS[i].code);
        assert_non_null(strstr(err.detail, ROWS[i].words));
    }
}

static void polling_goes_on_until_the_provider_decides(void **state)
{
    (void)state;
    assert_int_equal(device_judge(E_UNAUTHENTICATED, "authorization_pending"), DEVICE_AGAIN);
    assert_int_equal(device_judge(E_UNAUTHENTICATED, "slow_down"), DEVICE_SLOWER);
    assert_int_equal(device_judge(E_RATE, ""), DEVICE_SLOWER);
    assert_int_equal(device_judge(E_UNAVAILABLE, ""), DEVICE_SLOWER);
    assert_int_equal(device_judge(E_UNAUTHENTICATED, "access_denied"), DEVICE_OVER);
    assert_int_equal(device_judge(E_UNAUTHENTICATED, "expired_token"), DEVICE_OVER);
    assert_int_equal(device_judge(E_UNAUTHENTICATED, "invalid_grant"), DEVICE_OVER);
    assert_int_equal(device_judge(E_UNAUTHENTICATED, ""), DEVICE_OVER);
    assert_int_equal(device_judge(E_CONFIG, ""), DEVICE_OVER);
}

static int discover(json_t *changes, json_t *login, struct error *err)
{
    AUTO_JSON json_t *document = json_pack("{s:s, s:s}", "issuer", ISSUER, "token_endpoint", ISSUER "/token");

    (void)json_object_update(document, changes);
    json_decref(changes);
    return server_read_discovery(document, ISSUER, login, err);
}

static void discovery_must_be_about_the_issuer_and_private(void **state)
{
    AUTO_JSON json_t *login = json_object();
    struct error err;

    (void)state;
    assert_int_equal(discover(json_object(), login, &err), 0);
    assert_string_equal(json_text(login, "device_authorization_endpoint"), "");
    assert_int_equal(discover(json_pack("{s:s}", "issuer", ISSUER "/"), login, &err), E_PROTOCOL);
    assert_int_equal(discover(json_pack("{s:s}", "token_endpoint", ""), login, &err), E_CONFIG);
    assert_int_equal(discover(json_pack("{s:s}", "token_endpoint", "http://login.example.org/token"), login, &err),
                     E_CONFIG);
    assert_int_equal(discover(json_pack("{s:s}", "revocation_endpoint", "http://example.org/"), login, &err), E_CONFIG);
    assert_int_equal(discover(json_pack("{s:s}", "device_authorization_endpoint", "http://127.0.0.1:1/d"), login, &err),
                     0);
    assert_string_equal(json_text(login, "device_authorization_endpoint"), "http://127.0.0.1:1/d");
}

static void a_secret_goes_the_way_the_provider_knows(void **state)
{
    static const struct {
        const char *methods, *expected;
        bool other;
    } ROWS[] = {
        {NULL, "basic", false},
        {"[]", "basic", false},
        {"[\"client_secret_basic\"]", "basic", false},
        {"[\"private_key_jwt\", \"client_secret_post\"]", "post", false},
        {"[\"client_secret_post\", \"client_secret_basic\", \"none\"]", "basic", true},
        {"[7]", "basic", false},
    };
    struct error err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO_JSON json_t *login = json_object();
        json_t *changes = json_object();
        if (ROWS[i].methods)
            (void)json_object_set_new(changes, "token_endpoint_auth_methods_supported",
                                      json_loads(ROWS[i].methods, 0, NULL));
        assert_int_equal(discover(changes, login, &err), 0);
        assert_string_equal(json_text(login, "client_auth"), ROWS[i].expected);
        assert_int_equal(json_flag(login, "client_auth_other"), ROWS[i].other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_may_hold_any_character),
        cmocka_unit_test(resources_follow_the_scope),
        cmocka_unit_test(only_a_person_asks_to_stay_logged_in),
        cmocka_unit_test(a_refusal_keeps_its_code_and_its_words),
        cmocka_unit_test(polling_goes_on_until_the_provider_decides),
        cmocka_unit_test(discovery_must_be_about_the_issuer_and_private),
        cmocka_unit_test(a_secret_goes_the_way_the_provider_knows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
