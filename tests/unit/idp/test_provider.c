/* The endpoints, from request to answer, with a core that is a function: both grants, client authentication, the login
 * form, sessions, what tokens say, and every refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/file.h"
#include "base/jwt.h"
#include "base/log.h"
#include "idp/endpoint.h"
#include "idp/page.h"

#define ALICE "11111111-1111-4111-8111-111111111111"
#define TENANT "99999999-9999-4999-8999-999999999999"
#define CORE_CLIENT "77777777-7777-4777-8777-777777777777"
#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
#define SCOPE "api%3A%2F%2Fspace%2Fuser_impersonation"
#define AUTHORIZE                                                                                                     \
    "client_id=airlock-cli&redirect_uri=http%3A%2F%2F127.0.0.1%3A5000%2Fcb&response_type=code&code_challenge_method=" \
    "S256&code_challenge=" CHALLENGE
#define GOOD AUTHORIZE "&scope=openid+" SCOPE "&state=s%26t&nonce=n-1"
#define REDEEM                                                                                             \
    "grant_type=authorization_code&client_id=airlock-cli&redirect_uri=http%3A%2F%2F127.0.0.1%3A5000%2Fcb&" \
    "code_verifier=" VERIFIER

static char directory[] = "/tmp/airlock-idp-XXXXXX";
static struct idp *idp;
static int core_says; /* 0, or the error core answers with */

/* Stands in for core: "space" is the one workspace, and people have a role there. */
static int ask_core(void *ctx, const char *scope, const char *subject, json_t **ret, struct error *err)
{
    assert_ptr_equal(ctx, &core_says);
    assert_string_equal(subject, ALICE);
    if (core_says)
        return error_set(err, core_says, "core says so");
    if (strncmp(scope, "api://space/", 12) != 0)
        return error_set(err, E_NOT_FOUND, "no such scope");
    *ret = json_pack("{s:s, s:s, s:[s]}", "audience", "space", "workspace", "w", "roles", "WorkspaceResearcher");
    return 0;
}

/* What core was told, oldest first: "event method subject" each. */
static struct str told = STR_INIT(65536);

static int tell_core(void *ctx, json_t *fields, struct error *err)
{
    AUTO_JSON json_t *event = fields;
    assert_ptr_equal(ctx, &core_says);
    assert_true(*json_text(event, "address"));
    if (core_says)
        return error_set(err, core_says, "core says so");
    str_printf(&told, "%s %s %s\n", json_text(event, "event"), json_text(event, "method"), json_text(event, "subject"));
    return 0;
}

static int begin(void **state)
{
    (void)state;
    static const char SEED[] =
        "{\"accounts\":[{\"oid\":\"" ALICE "\",\"name\":\"alice\",\"email\":\"alice@example.org\","
        "\"password\":\"open+sesame&\",\"client_id\":\"c1\",\"client_secret\":\"s+1:%\"},"
        "{\"oid\":\"22222222-2222-4222-8222-222222222222\",\"name\":\"gone\",\"password\":\"x\","
        "\"client_id\":\"c2\",\"client_secret\":\"x\",\"disabled\":true}]}";
    AUTO_FD int seed = memfd_create("seed", MFD_CLOEXEC);
    struct error err = {0};

    log_init("test", LOG_ERROR); /* the refusals below are meant */
    if (!mkdtemp(directory) || write(seed, SEED, strlen(SEED)) != (ssize_t)strlen(SEED))
        return -1;
    AUTO_FREE char *accounts = xasprintf("%s/accounts.json", directory);
    AUTO_FREE char *key = xasprintf("%s/key.pem", directory);
    const struct idp_settings settings = {
        .public_url = "http://127.0.0.1:8404",
        .tenant = TENANT,
        .api_url = "http://127.0.0.1:8400",
        .redirect_uris = "",
        .core_client_id = CORE_CLIENT,
        .accounts_file = accounts,
        .key_file = key,
        .token_lifetime_s = 3600,
        .refresh_lifetime_s = 28800,
        .workers = 4,
    };
    const struct idp_core core = {ask_core, tell_core, &core_says};
    if (idp_new(&settings, seed, &core, &idp, &err) != 0)
        fail_msg("%s", err.detail);
    return 0;
}

static int end(void **state)
{
    (void)state;
    idp_free(idp);
    str_done(&told);
    AUTO_FD int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return file_remove_tree(tmp, directory + sizeof "/tmp/" - 1, NULL);
}

/* Each test starts with nobody under suspicion. */
static int fresh(void **state)
{
    static const struct throttle_rule RULE = {.free = 5, .first_ms = 60000, .max_ms = 60000, .fade_ms = 60000};
    (void)state;
    throttle_free(idp->by_account);
    throttle_free(idp->by_address);
    idp->by_account = throttle_new(&RULE);
    idp->by_address = throttle_new(&RULE);
    core_says = 0;
    str_reset(&told);
    return 0;
}

/* --- Asking --- */

struct ask {
    const char *params;
    const char *authorization;
    const char *cookie;
    const char *fetch_site;
    const char *address;
};

static struct answer ask_all(endpoint_fn *endpoint, struct ask ask)
{
    struct http_params params = {0};
    struct answer a;
    assert_int_equal(http_params_parse(ask.params, 64, true, &params, NULL), 0);
    AUTO_ACCOUNTS struct accounts *accounts = idp_accounts(idp);
    const struct request request = {
        .params = &params,
        .authorization = ask.authorization ? ask.authorization : "",
        .cookie = ask.cookie ? ask.cookie : "",
        .fetch_site = ask.fetch_site ? ask.fetch_site : "",
        .address = ask.address ? ask.address : "192.0.2.1",
        .base = "/" TENANT,
        .accounts = accounts,
        .arrived_s = clock_now_s(),
    };
    answer_init(&a);
    endpoint(idp, &request, &a);
    assert_int_not_equal(a.status, 0);
    http_params_done(&params);
    return a;
}

static struct answer ask(endpoint_fn *endpoint, const char *params)
{
    return ask_all(endpoint, (struct ask){.params = params});
}

/* Takes the answer over; its JSON is the caller's. */
static json_t *body_of(struct answer a, int status)
{
    json_t *body = NULL;
    if (a.status != status)
        fail_msg("%d %s", a.status, str_text(&a.body));
    assert_int_equal(json_parse_object(str_text(&a.body), a.body.len, &body, NULL), 0);
    answer_done(&a);
    return body;
}

static void assert_error(struct answer a, int status, const char *error)
{
    AUTO_JSON json_t *body = body_of(a, status);
    if (strcmp(json_text(body, "error"), error) != 0)
        fail_msg("%s: %s, wanted %s", json_text(body, "error"), json_text(body, "error_description"), error);
    assert_null(json_object_get(body, "access_token"));
}

static json_t *claims_of(const char *token)
{
    AUTO_JSON json_t *keys = idp_key_set(idp);
    AUTO_JWK_SET struct jwk_set *set = NULL;
    json_t *claims = NULL;
    struct error err = {0};
    assert_int_equal(jwk_set_parse(keys, &set, &err), 0);
    assert_int_equal(jwt_verify(set, token, &claims, &err), 0);
    assert_int_equal(jwt_check_claims(claims, "http://127.0.0.1:8404/" TENANT "/v2.0", clock_now_s(), 0, &err), 0);
    return claims;
}

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

/* name="VALUE" of a page, or the part of a header up to an end; the caller's. */
static char *cut(const char *text, const char *before, const char *end)
{
    const char *at = strstr(text, before);
    if (!at)
        fail_msg("no %s in %s", before, text);
    at += strlen(before);
    return xstrndup(at, strcspn(at, end));
}

/* A browser: keeps the cookies it is given. */
struct browser {
    char *cookies;
    char *ticket;
};

static void browser_take(struct browser *browser, const struct answer *a)
{
    if (a->cookie) {
        AUTO_FREE char *one = xstrndup(a->cookie, strcspn(a->cookie, ";"));
        char *all = browser->cookies ? xasprintf("%s; %s", one, browser->cookies) : xstrdup(one);
        free(browser->cookies);
        browser->cookies = all;
        assert_non_null(strstr(a->cookie, "; HttpOnly; SameSite=Strict"));
        assert_non_null(strstr(a->cookie, "; Path=/" TENANT ";"));
    }
    if (a->type) {
        free(browser->ticket);
        browser->ticket = cut(str_text(&a->body), "name=\"ticket\" value=\"", "\"");
    }
}

static void browser_done(struct browser *browser)
{
    free(browser->cookies);
    free(browser->ticket);
}

/* Opens the form and returns the page's text; the caller's. */
static char *browser_open(struct browser *browser, const char *params)
{
    struct answer a = ask_all(authorize_get, (struct ask){.params = params, .cookie = browser->cookies});
    if (a.status != 200)
        fail_msg("%d %s %s", a.status, str_text(&a.body), a.location ? a.location : "");
    browser_take(browser, &a);
    char *page = xstrdup(str_text(&a.body));
    answer_done(&a);
    return page;
}

static struct answer browser_send(const struct browser *browser, const char *fields)
{
    AUTO_FREE char *form = xasprintf("ticket=%s&%s", browser->ticket, fields);
    return ask_all(authorize_post,
                   (struct ask){.params = form, .cookie = browser->cookies, .fetch_site = "same-origin"});
}

#define PASSWORD "username=alice&password=open%2Bsesame%26"

/* Signs in and returns the code; the caller's. */
static char *sign_in(struct browser *browser, const char *params)
{
    free(browser_open(browser, params));
    struct answer a = browser_send(browser, PASSWORD);
    assert_int_equal(a.status, 303);
    browser_take(browser, &a);
    char *code = cut(a.location, "code=", "&");
    answer_done(&a);
    return code;
}

static json_t *redeem(const char *code)
{
    AUTO_FREE char *form = xasprintf("%s&code=%s", REDEEM, code);
    return body_of(ask(token_post, form), 200);
}

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
        {BACK "&response_type=code" PKCE "&scope=openid", "invalid_scope"},
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

/* T54: a form that another site, another browser or a forger brings. */
static void t54_forged_forms_are_refused(void **state)
{
    (void)state;
    struct browser browser = {0}, other = {0};
    free(browser_open(&browser, GOOD));
    free(browser_open(&other, GOOD));
    AUTO_FREE char *form = xasprintf("ticket=%s&%s", browser.ticket, PASSWORD);
    AUTO_FREE char *forged = xasprintf("ticket=x%s&%s", browser.ticket, PASSWORD);
    AUTO_FREE char *twice = xasprintf("ticket=%s&ticket=%s&%s", browser.ticket, browser.ticket, PASSWORD);
    const struct ask rows[] = {
        {.params = form},
        {.params = form, .cookie = other.cookies},
        {.params = form, .cookie = "airlock_browser="},
        {.params = form, .cookie = "airlock_browser=session"},
        {.params = form, .cookie = browser.cookies, .fetch_site = "cross-site"},
        {.params = form, .cookie = browser.cookies, .fetch_site = "same-site"},
        {.params = form, .cookie = browser.cookies, .fetch_site = "none"},
        {.params = forged, .cookie = browser.cookies},
        {.params = twice, .cookie = browser.cookies},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct answer a = ask_all(authorize_post, rows[i]);
        assert_int_equal(a.status, 400);
        assert_null(a.location);
        assert_null(a.cookie);
        answer_done(&a);
    }
    struct answer a = ask_all(authorize_post, (struct ask){.params = form, .cookie = browser.cookies});
    assert_int_equal(a.status, 303); /* an old browser without Sec-Fetch-Site */
    answer_done(&a);
    browser_done(&browser);
    browser_done(&other);
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
        TEST(unknown_askers_get_a_page),
        TEST(bad_requests_go_back_with_the_error),
        TEST(wrong_passwords_show_the_form_again),
        TEST(login_guessing_is_slowed_down),
        TEST(t54_forged_forms_are_refused),
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
