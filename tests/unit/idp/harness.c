/* Runs in the tests of the endpoints. */
#include "harness.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/jwt.h"
#include "base/log.h"

static char directory[] = "/tmp/airlock-idp-XXXXXX";
struct idp *idp;
int core_says;

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

struct str told = STR_INIT(65536);
void (*meanwhile)(void);

static int tell_core(void *ctx, json_t *fields, struct error *err)
{
    AUTO_JSON json_t *event = fields;
    assert_ptr_equal(ctx, &core_says);
    assert_true(*json_text(event, "address"));
    if (meanwhile && strcmp(json_text(event, "event"), "signin") != 0)
        TAKE_PTR(meanwhile)();
    if (core_says)
        return error_set(err, core_says, "core says so");
    str_printf(&told, "%s %s %s\n", json_text(event, "event"), json_text(event, "method"), json_text(event, "subject"));
    return 0;
}

int begin(void **state)
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

int end(void **state)
{
    (void)state;
    idp_free(idp);
    str_done(&told);
    AUTO_FD int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return file_remove_tree(tmp, directory + sizeof "/tmp/" - 1, NULL);
}

/* Each test starts with nobody under suspicion. */
int fresh(void **state)
{
    static const struct throttle_rule RULE = {.free = 5, .first_ms = 60000, .max_ms = 60000, .fade_ms = 60000};
    (void)state;
    throttle_free(idp->by_account);
    throttle_free(idp->by_address);
    idp->by_account = throttle_new(&RULE);
    idp->by_address = throttle_new(&RULE);
    core_says = 0;
    meanwhile = NULL;
    str_reset(&told);
    return 0;
}

/* --- Asking --- */

struct answer ask_all(endpoint_fn *endpoint, struct ask ask)
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
        .base = ask.base ? ask.base : "/" TENANT,
        .accounts = accounts,
        .arrived_s = clock_now_s(),
    };
    answer_init(&a);
    endpoint(idp, &request, &a);
    assert_int_not_equal(a.status, 0);
    http_params_done(&params);
    return a;
}

struct answer ask(endpoint_fn *endpoint, const char *params)
{
    return ask_all(endpoint, (struct ask){.params = params});
}

/* Takes the answer over; its JSON is the caller's. */
json_t *body_of(struct answer a, int status)
{
    json_t *body = NULL;
    if (a.status != status)
        fail_msg("%d %s", a.status, str_text(&a.body));
    assert_int_equal(json_parse_object(str_text(&a.body), a.body.len, &body, NULL), 0);
    answer_done(&a);
    return body;
}

void assert_error(struct answer a, int status, const char *error)
{
    AUTO_JSON json_t *body = body_of(a, status);
    if (strcmp(json_text(body, "error"), error) != 0)
        fail_msg("%s: %s, wanted %s", json_text(body, "error"), json_text(body, "error_description"), error);
    assert_null(json_object_get(body, "access_token"));
}

json_t *claims_of(const char *token)
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

/* --- A browser --- */

/* name="VALUE" of a page, or the part of a header up to an end; the caller's. */
char *cut(const char *text, const char *before, const char *end)
{
    const char *at = strstr(text, before);
    if (!at)
        fail_msg("no %s in %s", before, text);
    at += strlen(before);
    return xstrndup(at, strcspn(at, end));
}

void browser_take(struct browser *browser, const struct answer *a)
{
    if (a->cookie) {
        AUTO_FREE char *one = xstrndup(a->cookie, strcspn(a->cookie, ";"));
        char *all = browser->cookies ? xasprintf("%s; %s", one, browser->cookies) : xstrdup(one);
        free(browser->cookies);
        browser->cookies = all;
        assert_non_null(strstr(a->cookie, "; HttpOnly; SameSite=Strict"));
        assert_non_null(strstr(a->cookie, "; Path=/" TENANT ";"));
    }
    if (a->type && strstr(str_text(&a->body), "name=\"ticket\"")) {
        free(browser->ticket);
        browser->ticket = cut(str_text(&a->body), "name=\"ticket\" value=\"", "\"");
    }
}

void browser_done(struct browser *browser)
{
    free(browser->cookies);
    free(browser->ticket);
}

char *browser_visit(struct browser *browser, endpoint_fn *page_get, const char *params)
{
    struct answer a = ask_all(page_get, (struct ask){.params = params, .cookie = browser->cookies});
    if (a.status != 200)
        fail_msg("%d %s %s", a.status, str_text(&a.body), a.location ? a.location : "");
    browser_take(browser, &a);
    char *page = xstrdup(str_text(&a.body));
    answer_done(&a);
    return page;
}

char *browser_open(struct browser *browser, const char *params)
{
    return browser_visit(browser, authorize_get, params);
}

struct answer browser_post(const struct browser *browser, endpoint_fn *page_post, const char *fields)
{
    AUTO_FREE char *form = xasprintf("ticket=%s&%s", browser->ticket, fields);
    return ask_all(page_post, (struct ask){.params = form, .cookie = browser->cookies, .fetch_site = "same-origin"});
}

struct answer browser_send(const struct browser *browser, const char *fields)
{
    return browser_post(browser, authorize_post, fields);
}

char *sign_in(struct browser *browser, const char *params)
{
    free(browser_open(browser, params));
    struct answer a = browser_send(browser, PASSWORD);
    assert_int_equal(a.status, 303);
    browser_take(browser, &a);
    char *code = cut(a.location, "code=", "&");
    answer_done(&a);
    return code;
}

json_t *redeem(const char *code)
{
    AUTO_FREE char *form = xasprintf("%s&code=%s", REDEEM, code);
    return body_of(ask(token_post, form), 200);
}
