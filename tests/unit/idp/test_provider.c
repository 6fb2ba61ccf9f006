/* The endpoints, from request to answer, with a core that is a function: both grants, client authentication, the login
 * form, sessions, what tokens say, and every refusal. */
#include "harness.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "idp/page.h"

/* --- Client credentials --- */

static void client_credentials_give_a_token(void **state)
{
    (void)state;
    AUTO_JSON json_t *body =
        body_of(ask(token_post, "grant_type=client_credentials&client_id=c1&client_secret=s%2B1%3A%25&"
                                "scope=api%3A%2F%2Fspace%2F.default"),
                200);
    assert_string_equal(json_text(body, "token_type"), "Bearer");
    assert_int_equal(json_int(body, "expires_in"), 3600);
    assert_int_equal(json_int(body, "ext_expires_in"), 3600);
    assert_string_equal(json_text(body, "scope"), "api://space/.default");
    assert_null(json_object_get(body, "id_token"));
    assert_null(json_object_get(body, "refresh_token"));

    unsigned char info[256];
    size_t len;
    assert_true(
        base64url_decode(json_text(body, "client_info"), strlen(json_text(body, "client_info")), info, 255, &len));
    info[len] = '\0';
    assert_string_equal((const char *)info, "{\"uid\":\"" ALICE "\",\"utid\":\"" TENANT "\"}");

    AUTO_JSON json_t *claims = claims_of(json_text(body, "access_token"));
    static const struct {
        const char *name;
        const char *value;
    } CLAIMS[] = {
        {"iss", "http://127.0.0.1:8404/" TENANT "/v2.0"},
        {"aud", "space"},
        {"oid", ALICE},
        {"sub", ALICE},
        {"tid", TENANT},
        {"name", "alice"},
        {"email", "alice@example.org"},
        {"preferred_username", "alice@example.org"},
        {"idtyp", "app"},
        {"azp", "c1"},
        {"appid", "c1"},
        {"ver", "2.0"},
    };
    for (size_t i = 0; i < ARRAY_LEN(CLAIMS); i++)
        assert_string_equal(json_text(claims, CLAIMS[i].name), CLAIMS[i].value);
    assert_int_equal(json_int(claims, "exp") - json_int(claims, "iat"), 3600);
    assert_int_equal(json_int(claims, "nbf"), json_int(claims, "iat"));
    assert_int_equal(json_array_size(json_object_get(claims, "roles")), 1);
    assert_int_equal(strlen(json_text(claims, "jti")), 36);
    assert_null(json_object_get(claims, "scp"));
}

/* "Basic" of form-encoded parts, RFC 6749 §2.3.1. */
static char *basic(const char *pair)
{
    AUTO_STR struct str text = STR_INIT(8192);
    str_append(&text, "Basic ");
    base64_append(&text, pair, strlen(pair));
    return TAKE_PTR(text.p);
}

static void clients_may_use_the_header(void **state)
{
    (void)state;
    static const char FORM[] = "grant_type=client_credentials&scope=api%3A%2F%2Fspace%2F.default";
    AUTO_FREE char *good = basic("c1:s%2B1%3A%25"), *bad = basic("c1:wrong");

    json_decref(body_of(ask_all(token_post, (struct ask){.params = FORM, .authorization = good}), 200));
    AUTO_FREE char *with_id = xasprintf("%s&client_id=c1", FORM);
    json_decref(body_of(ask_all(token_post, (struct ask){.params = with_id, .authorization = good}), 200));

    struct answer a = ask_all(token_post, (struct ask){.params = FORM, .authorization = bad});
    assert_true(a.ask_basic);
    assert_error(a, 401, "invalid_client");

    AUTO_FREE char *other_id = xasprintf("%s&client_id=c2", FORM), *both = xasprintf("%s&client_secret=x", FORM);
    AUTO_FREE char *no_colon = basic("c1"), *nul = xstrdup("Basic YzE6cwBx");
    const struct ask malformed[] = {
        {.params = other_id, .authorization = good},     {.params = both, .authorization = good},
        {.params = FORM, .authorization = no_colon},     {.params = FORM, .authorization = nul},
        {.params = FORM, .authorization = "Basic !!!!"}, {.params = FORM, .authorization = "Bearer abc"},
        {.params = FORM, .authorization = "Basic"},      {.params = FORM},
    };
    for (size_t i = 0; i < ARRAY_LEN(malformed); i++)
        assert_error(ask_all(token_post, malformed[i]), 400, "invalid_request");
}

static void token_requests_are_strict(void **state)
{
    (void)state;
#define CREDENTIALS "&client_id=c1&client_secret=s%2B1%3A%25"
#define SPACE "&scope=api%3A%2F%2Fspace%2F.default"
    static const struct {
        const char *form;
        int status;
        const char *error;
    } ROWS[] = {
        {"", 400, "invalid_request"},
        {"grant_type=", 400, "invalid_request"},
        {"grant_type=password" CREDENTIALS SPACE "&username=alice&password=x", 400, "unsupported_grant_type"},
        {"grant_type=refresh_token&client_id=airlock-cli&refresh_token=x", 400, "invalid_grant"},
        {"grant_type=refresh_token&client_id=c1&client_secret=s%2B1%3A%25&refresh_token=x", 401, "invalid_client"},
        {"grant_type=CLIENT_CREDENTIALS" CREDENTIALS SPACE, 400, "unsupported_grant_type"},
        {"grant_type=client_credentials" SPACE, 400, "invalid_request"},
        {"grant_type=client_credentials&client_id=c1" SPACE, 401, "invalid_client"},
        {"grant_type=client_credentials&client_id=c1&client_secret=wrong" SPACE, 401, "invalid_client"},
        {"grant_type=client_credentials&client_id=C1&client_secret=s%2B1%3A%25" SPACE, 401, "invalid_client"},
        {"grant_type=client_credentials&client_id=c2&client_secret=x" SPACE, 401, "invalid_client"}, /* disabled */
        {"grant_type=client_credentials&client_id=airlock-cli&client_secret=" SPACE, 401, "invalid_client"},
        {"grant_type=client_credentials" CREDENTIALS, 400, "invalid_scope"},
        {"grant_type=client_credentials" CREDENTIALS "&scope=api%3A%2F%2Fspace%2Fuser_impersonation", 400,
         "invalid_scope"},
        {"grant_type=client_credentials" CREDENTIALS "&scope=api%3A%2F%2Felsewhere%2F.default", 400, "invalid_scope"},
        {"grant_type=client_credentials&grant_type=client_credentials" CREDENTIALS SPACE, 400, "invalid_request"},
        {"grant_type=client_credentials" CREDENTIALS CREDENTIALS SPACE, 400, "invalid_request"},
        {"grant_type=client_credentials" CREDENTIALS SPACE SPACE, 400, "invalid_request"},
        {"grant_type=client_credentials" CREDENTIALS SPACE "&x=1&x=2", 400, "invalid_request"},
        {REDEEM "&code=x&client_secret=x", 401, "invalid_client"},
        {"grant_type=authorization_code&client_id=c1&code=x", 401, "invalid_client"},
        {REDEEM "&code=x", 400, "invalid_grant"},
        {REDEEM, 400, "invalid_grant"},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        fresh(state);
        assert_error(ask(token_post, ROWS[i].form), ROWS[i].status, ROWS[i].error);
    }
}

static void core_decides_and_may_be_away(void **state)
{
    (void)state;
    static const struct {
        int code;
        int status;
        const char *error;
    } ROWS[] = {
        {E_NOT_FOUND, 400, "invalid_scope"},         {E_UNAVAILABLE, 503, "temporarily_unavailable"},
        {E_UNKNOWN, 503, "temporarily_unavailable"}, {E_INTERNAL, 500, "server_error"},
        {E_FORBIDDEN, 500, "server_error"},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        core_says = ROWS[i].code;
        assert_error(ask(token_post, "grant_type=client_credentials" CREDENTIALS SPACE), ROWS[i].status, ROWS[i].error);
    }
}

static void guessing_is_slowed_down(void **state)
{
    (void)state;
    static const char WRONG[] = "grant_type=client_credentials&client_id=c1&client_secret=no" SPACE;
    static const char RIGHT[] = "grant_type=client_credentials" CREDENTIALS SPACE;

    for (int i = 0; i < 6; i++) { /* from many addresses: the account is what counts */
        AUTO_FREE char *address = xasprintf("192.0.2.%d", 10 + i);
        assert_error(ask_all(token_post, (struct ask){.params = WRONG, .address = address}), 401, "invalid_client");
    }
    struct answer a = ask(token_post, RIGHT); /* not even looked at */
    assert_int_equal(a.retry_after_s, 60);
    assert_error(a, 429, "temporarily_unavailable");

    fresh(state);
    for (int i = 0; i < 6; i++) { /* many accounts from one address: the address counts, known or not */
        AUTO_FREE char *form = xasprintf("grant_type=client_credentials&client_id=x%d&client_secret=no%s", i, SPACE);
        assert_error(ask(token_post, form), 401, "invalid_client");
    }
    assert_error(ask(token_post, RIGHT), 429, "temporarily_unavailable");
    json_decref(body_of(ask_all(token_post, (struct ask){.params = RIGHT, .address = "192.0.2.9"}), 200));
}

/* --- The code flow --- */

static void code_flow_gives_tokens(void **state)
{
    (void)state;
    struct browser browser = {0};
    AUTO_FREE char *page = browser_open(&browser, GOOD);
    assert_non_null(strstr(page, "the airlock command line"));
    assert_non_null(strstr(page, "autocomplete=\"current-password\""));
    assert_null(strstr(page, "<script"));

    struct answer a = browser_send(&browser, PASSWORD);
    assert_int_equal(a.status, 303);
    assert_true(str_starts(a.location, "http://127.0.0.1:5000/cb?code="));
    assert_non_null(strstr(a.location, "&state=s%26t&"));
    assert_non_null(strstr(a.location, "iss=http%3A%2F%2F127.0.0.1%3A8404%2F" TENANT "%2Fv2.0"));
    AUTO_FREE char *code = cut(a.location, "code=", "&");
    answer_done(&a);

    AUTO_JSON json_t *body = redeem(code);
    assert_string_equal(json_text(body, "scope"), "openid api://space/user_impersonation");
    AUTO_JSON json_t *access = claims_of(json_text(body, "access_token"));
    assert_string_equal(json_text(access, "aud"), "space");
    assert_string_equal(json_text(access, "scp"), "user_impersonation");
    assert_string_equal(json_text(access, "azp"), "airlock-cli");
    assert_null(json_object_get(access, "idtyp"));
    AUTO_JSON json_t *id = claims_of(json_text(body, "id_token"));
    assert_string_equal(json_text(id, "aud"), "airlock-cli"); /* so it opens nothing at core */
    assert_string_equal(json_text(id, "nonce"), "n-1");
    assert_string_equal(json_text(id, "sub"), ALICE);
    assert_true(json_int(id, "auth_time") > 0);
    assert_null(json_object_get(id, "roles"));

    AUTO_FREE char *again = xasprintf("%s&code=%s", REDEEM, code);
    assert_error(ask(token_post, again), 400, "invalid_grant");
    browser_done(&browser);
}

static void fragments_and_plain_oauth(void **state)
{
    (void)state;
    struct browser browser = {0};
    free(browser_open(&browser, AUTHORIZE "&scope=" SCOPE "&response_mode=fragment"));
    struct answer a = browser_send(&browser, PASSWORD);
    assert_true(str_starts(a.location, "http://127.0.0.1:5000/cb#code="));
    assert_null(strstr(a.location, "state="));
    AUTO_FREE char *code = cut(a.location, "code=", "&");
    answer_done(&a);
    AUTO_JSON json_t *body = redeem(code);
    assert_null(json_object_get(body, "id_token")); /* openid was not asked for */
    browser_done(&browser);
}

static void the_scope_cannot_grow_at_the_token_endpoint(void **state)
{
    (void)state;
    struct browser browser = {0};
    AUTO_FREE char *code = sign_in(&browser, GOOD);
    AUTO_FREE char *form = xasprintf("%s&code=%s&scope=api%%3A%%2F%%2Felsewhere%%2F.default", REDEEM, code);
    assert_error(ask(token_post, form), 400, "invalid_scope");
    browser_done(&browser);
}

static void a_code_ends_with_its_account(void **state)
{
    (void)state;
    static const char DISABLED[] = "{\"accounts\":[{\"oid\":\"" ALICE "\",\"name\":\"alice\",\"disabled\":true}]}";
    struct browser browser = {0};
    struct accounts *disabled = NULL;
    AUTO_JSON json_t *document = NULL;
    AUTO_FREE char *code = sign_in(&browser, GOOD);
    AUTO_FREE char *form = xasprintf("%s&code=%s", REDEEM, code);

    assert_int_equal(json_parse_object(DISABLED, strlen(DISABLED), &document, NULL), 0);
    assert_int_equal(accounts_parse(document, &disabled, NULL), 0);
    struct accounts *before = idp_accounts(idp);
    idp_set_accounts(idp, disabled);
    struct answer a = ask(token_post, form);
    idp_set_accounts(idp, before);
    assert_error(a, 400, "invalid_grant");
    browser_done(&browser);
}

/* Before client and redirect are known to belong together there is a page and no redirect. */
static void unknown_askers_get_a_page(void **state)
{
    (void)state;
    static const char *const ROWS[] = {
        "",
        "client_id=nobody&redirect_uri=http%3A%2F%2F127.0.0.1%3A5000%2Fcb&response_type=code",
        "client_id=airlock-cli&response_type=code",
        "client_id=airlock-cli&redirect_uri=https%3A%2F%2Fevil.example%2F&response_type=code",
        "client_id=airlock-web&redirect_uri=http%3A%2F%2F127.0.0.1%3A5000%2Fcb&response_type=code",
        "client_id=c1&redirect_uri=http%3A%2F%2F127.0.0.1%3A5000%2Fcb&response_type=code",
        GOOD "&redirect_uri=https%3A%2F%2Fevil.example%2F",
        GOOD "&client_id=airlock-cli",
        GOOD "&state=2",
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct answer a = ask(authorize_get, ROWS[i]);
        assert_int_equal(a.status, 400);
        assert_null(a.location);
        assert_false(a.has_form);
        assert_null(strstr(str_text(&a.body), "evil"));
        answer_done(&a);
    }
}

static void bad_requests_go_back_with_the_error(void **state)
{
    (void)state;
#define BACK "client_id=airlock-cli&redirect_uri=http%3A%2F%2F127.0.0.1%3A5000%2Fcb"
#define PKCE "&code_challenge_method=S256&code_challenge=" CHALLENGE
    static const struct {
        const char *params;
        const char *error;
    } ROWS[] = {
        {BACK "&response_type=token" PKCE "&scope=" SCOPE, "unsupported_response_type"},
        {BACK "&response_type=code%20id_token" PKCE "&scope=" SCOPE, "unsupported_response_type"},
        {BACK PKCE "&scope=" SCOPE, "unsupported_response_type"},
        {BACK "&response_type=code&scope=" SCOPE, "invalid_request"}, /* no proof key */
        {BACK "&response_type=code&code_challenge=" CHALLENGE "&scope=" SCOPE, "invalid_request"},
        {BACK "&response_type=code&code_challenge_method=plain&code_challenge=" CHALLENGE "&scope=" SCOPE,
         "invalid_request"},
        {BACK "&response_type=code&code_challenge_method=S256&code_challenge=short&scope=" SCOPE, "invalid_request"},
        {BACK "&response_type=code" PKCE, "invalid_scope"},
        {BACK "&response_type=code" PKCE "&scope=profile", "invalid_scope"},
        {BACK "&response_type=code" PKCE "&scope=openid+nonsense", "invalid_scope"},
        {BACK "&response_type=code" PKCE "&scope=" SCOPE "&response_mode=form_post", "invalid_request"},
        {BACK "&response_type=code" PKCE "&scope=" SCOPE "&state=%ff", "invalid_request"},
        {BACK "&response_type=code" PKCE "&scope=" SCOPE "&nonce=%ff", "invalid_request"},
        {BACK "&response_type=code" PKCE "&scope=" SCOPE "&max_age=-1", "invalid_request"},
        {BACK "&response_type=code" PKCE "&scope=" SCOPE "&request=x", "request_not_supported"},
        {BACK "&response_type=code" PKCE "&scope=" SCOPE "&request_uri=https%3A%2F%2Fx", "request_uri_not_supported"},
        {BACK "&response_type=code" PKCE "&scope=" SCOPE "&prompt=none", "login_required"},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct answer a = ask(authorize_get, ROWS[i].params);
        AUTO_FREE char *wanted = xasprintf("http://127.0.0.1:5000/cb?error=%s&", ROWS[i].error);
        if (a.status != 303 || !str_starts(a.location, wanted))
            fail_msg("%s: %d %s", ROWS[i].params, a.status, a.location ? a.location : "");
        answer_done(&a);
    }
}

static void wrong_passwords_show_the_form_again(void **state)
{
    (void)state;
    static const char *const ROWS[] = {
        "username=alice&password=wrong",
        "username=nobody&password=wrong",
        "username=gone&password=x",
        "username=&password=",
        "username=alice",
        "password=open%2Bsesame%26",
        "username=alice&password=open+sesame%26", /* '+' is a space in a form */
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct browser browser = {0};
        fresh(state);
        free(browser_open(&browser, GOOD));
        struct answer a = browser_send(&browser, ROWS[i]);
        assert_int_equal(a.status, 403);
        assert_null(a.location);
        assert_non_null(strstr(str_text(&a.body), "The name or the password is wrong"));
        assert_null(strstr(str_text(&a.body), "sesame"));
        browser_take(&browser, &a); /* the form is good for another try */
        answer_done(&a);
        a = browser_send(&browser, PASSWORD);
        assert_int_equal(a.status, 303);
        answer_done(&a);
        browser_done(&browser);
    }
}

static void login_guessing_is_slowed_down(void **state)
{
    (void)state;
    struct browser browser = {0};
    free(browser_open(&browser, GOOD));
    for (int i = 0; i < 6; i++) { /* by name and by address in turn: it is one account */
        struct answer a =
            browser_send(&browser, i % 2 ? "username=ALICE&password=x" : "username=alice%40example.org&password=x");
        assert_int_equal(a.status, 403);
        answer_done(&a);
    }
    struct answer a = browser_send(&browser, PASSWORD);
    assert_int_equal(a.status, 429);
    assert_true(a.retry_after_s > 0);
    assert_null(a.location);
    answer_done(&a);
    browser_done(&browser);
}

static void a_browser_without_fetch_metadata_may_sign_in(void **state)
{
    (void)state;
    struct browser browser = {0};
    free(browser_open(&browser, GOOD));
    AUTO_FREE char *form = xasprintf("ticket=%s&%s", browser.ticket, PASSWORD);
    struct answer a = ask_all(authorize_post, (struct ask){.params = form, .cookie = browser.cookies});
    assert_int_equal(a.status, 303);
    answer_done(&a);
    browser_done(&browser);
}

static void pages_escape_what_they_show(void **state)
{
    (void)state;
    struct browser browser = {0};
    AUTO_FREE char *page = browser_open(&browser, GOOD "&login_hint=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E");
    assert_null(strstr(page, "<script"));
    assert_non_null(strstr(page, "value=\"&quot;&gt;&lt;script&gt;"));
    struct answer a = browser_send(&browser, "username=%3Cscript%3E&password=x");
    assert_null(strstr(str_text(&a.body), "<script"));
    assert_true(a.has_form);
    assert_string_equal(a.form_target, "http://127.0.0.1:5000");
    AUTO_STR struct str policy = STR_INIT(1024);
    page_policy(&a, &policy);
    assert_non_null(strstr(str_text(&policy), "form-action 'self' http://127.0.0.1:5000"));
    assert_non_null(strstr(str_text(&policy), "default-src 'none'"));
    answer_done(&a);
    browser_done(&browser);
}

static void cancel_goes_back(void **state)
{
    (void)state;
    struct browser browser = {0};
    free(browser_open(&browser, GOOD));
    struct answer a = browser_send(&browser, "cancel=1&username=&password=");
    assert_int_equal(a.status, 303);
    assert_true(str_starts(a.location, "http://127.0.0.1:5000/cb?error=access_denied&"));
    answer_done(&a);
    browser_done(&browser);
}

static void unknown_scope_is_told_after_the_login(void **state)
{
    (void)state;
    struct browser browser = {0};
    free(browser_open(&browser, AUTHORIZE "&scope=api%3A%2F%2Felsewhere%2F.default"));
    struct answer a = browser_send(&browser, PASSWORD);
    assert_true(str_starts(a.location, "http://127.0.0.1:5000/cb?error=invalid_scope&"));
    answer_done(&a);
    browser_done(&browser);
}

/* --- Sessions --- */

static void a_known_browser_needs_a_click(void **state)
{
    (void)state;
    struct browser browser = {0};
    free(sign_in(&browser, GOOD));
    AUTO_FREE char *page = browser_open(&browser, GOOD);
    assert_non_null(strstr(page, "<strong>alice</strong>"));
    assert_null(strstr(page, "type=\"password\""));
    struct answer a = browser_send(&browser, "continue=1");
    assert_int_equal(a.status, 303);
    AUTO_FREE char *code = cut(a.location, "code=", "&");
    answer_done(&a);
    AUTO_JSON json_t *body = redeem(code);
    assert_true(*json_text(body, "access_token"));
    browser_done(&browser);
}

static void a_session_is_not_enough_for_who_wants_a_password(void **state)
{
    (void)state;
    static const char *const ROWS[] = {GOOD "&prompt=login", GOOD "&prompt=select_account", GOOD "&max_age=0"};
    struct browser browser = {0};
    free(sign_in(&browser, GOOD));
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO_FREE char *page = browser_open(&browser, ROWS[i]);
        assert_non_null(strstr(page, "type=\"password\""));
        struct answer a = browser_send(&browser, "continue=1");
        assert_int_equal(a.status, 403);
        assert_null(a.location);
        answer_done(&a);
    }
    browser_done(&browser);
}

static void a_session_ends_and_cannot_be_made(void **state)
{
    (void)state;
    struct browser browser = {0};
    free(sign_in(&browser, GOOD));
    free(browser_open(&browser, GOOD));
    struct answer a = browser_send(&browser, "other=1");
    assert_int_equal(a.status, 200);
    assert_non_null(strstr(a.cookie, "airlock_session=; "));
    assert_non_null(strstr(a.cookie, "; Max-Age=0"));
    assert_non_null(strstr(str_text(&a.body), "type=\"password\""));
    answer_done(&a);

    struct browser forger = {0}; /* a form's ticket is no session, and no text of one's own is */
    free(browser_open(&forger, GOOD));
    AUTO_FREE char *cookies = xasprintf("%s; airlock_session=%s", forger.cookies, forger.ticket);
    AUTO_FREE char *form = xasprintf("ticket=%s&continue=1", forger.ticket);
    a = ask_all(authorize_post, (struct ask){.params = form, .cookie = cookies});
    assert_int_equal(a.status, 403);
    assert_null(a.location);
    answer_done(&a);
    browser_done(&browser);
    browser_done(&forger);
}

/* --- What anybody may know --- */

static void discovery_names_what_there_is(void **state)
{
    (void)state;
    AUTO_JSON json_t *body = body_of(ask(discovery_get, ""), 200);
    assert_string_equal(json_text(body, "issuer"), "http://127.0.0.1:8404/" TENANT "/v2.0");
    assert_string_equal(json_text(body, "token_endpoint"), "http://127.0.0.1:8404/" TENANT "/oauth2/v2.0/token");
    assert_string_equal(json_text(body, "authorization_endpoint"),
                        "http://127.0.0.1:8404/" TENANT "/oauth2/v2.0/authorize");
    assert_string_equal(json_text(body, "jwks_uri"), "http://127.0.0.1:8404/" TENANT "/discovery/v2.0/keys");
    assert_string_equal(json_string_value(json_array_get(json_object_get(body, "code_challenge_methods_supported"), 0)),
                        "S256");

    AUTO_JSON json_t *keys = body_of(ask(keys_get, ""), 200);
    const json_t *key = json_array_get(json_object_get(keys, "keys"), 0);
    assert_string_equal(json_text(key, "kty"), "RSA");
    static const char *const PRIVATE[] = {"d", "p", "q", "dp", "dq", "qi"};
    for (size_t i = 0; i < ARRAY_LEN(PRIVATE); i++)
        assert_null(json_object_get(key, PRIVATE[i]));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, fresh)
    const struct CMUnitTest tests[] = {
        TEST(client_credentials_give_a_token),
        TEST(clients_may_use_the_header),
        TEST(token_requests_are_strict),
        TEST(core_decides_and_may_be_away),
        TEST(guessing_is_slowed_down),
        TEST(code_flow_gives_tokens),
        TEST(fragments_and_plain_oauth),
        TEST(the_scope_cannot_grow_at_the_token_endpoint),
        TEST(a_code_ends_with_its_account),
        TEST(unknown_askers_get_a_page),
        TEST(bad_requests_go_back_with_the_error),
        TEST(wrong_passwords_show_the_form_again),
        TEST(login_guessing_is_slowed_down),
        TEST(a_browser_without_fetch_metadata_may_sign_in),
        TEST(pages_escape_what_they_show),
        TEST(cancel_goes_back),
        TEST(unknown_scope_is_told_after_the_login),
        TEST(a_known_browser_needs_a_click),
        TEST(a_session_is_not_enough_for_who_wants_a_password),
        TEST(a_session_ends_and_cannot_be_made),
        TEST(discovery_names_what_there_is),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
