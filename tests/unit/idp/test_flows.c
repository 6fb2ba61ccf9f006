/* The flows besides the login page, from request to answer: device code, refresh, revocation, log-out, discovery under
 * both names, and what core is told of it. */
#include "harness.h"

#include "base/clock.h"
#include "idp/event.h"
#include "idp/signin.h"

#define OFFLINE "openid+offline_access+" SCOPE
#define BEGIN "client_id=airlock-cli&scope=" OFFLINE
#define POLL "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id=airlock-cli&device_code="
#define REFRESH "grant_type=refresh_token&client_id=airlock-cli&refresh_token="

/* --- Device code --- */

static json_t *begin_device(void)
{
    return body_of(ask(devicecode_post, BEGIN), 200);
}

static struct answer poll_device(const json_t *codes)
{
    AUTO_FREE char *form = xasprintf("%s%s", POLL, json_text(codes, "device_code"));
    return ask(token_post, form);
}

/* Types the code; the page that asks for the person's word is the caller's. */
static char *type_code(struct browser *browser, const json_t *codes)
{
    AUTO_FREE char *typed = xasprintf("user_code=%s", json_text(codes, "user_code"));
    free(browser_visit(browser, device_get, ""));
    struct answer a = browser_post(browser, device_post, typed);
    if (a.status != 200)
        fail_msg("%d %s", a.status, str_text(&a.body));
    browser_take(browser, &a);
    char *page = xstrdup(str_text(&a.body));
    answer_done(&a);
    return page;
}

static void say(struct browser *browser, const char *fields, int status, const char *words)
{
    struct answer a = browser_post(browser, device_post, fields);
    if (a.status != status || !strstr(str_text(&a.body), words))
        fail_msg("%d %s", a.status, str_text(&a.body));
    browser_take(browser, &a);
    answer_done(&a);
}

static void a_device_is_allowed(void **state)
{
    (void)state;
    struct browser browser = {0};
    AUTO_JSON json_t *codes = begin_device();
    assert_string_equal(json_text(codes, "verification_uri"), "http://127.0.0.1:8404/" TENANT "/device");
    assert_int_equal(json_int(codes, "interval"), DEVICE_INTERVAL_S);
    assert_int_equal(json_int(codes, "expires_in"), DEVICE_LIFETIME_S);
    assert_error(poll_device(codes), 400, "authorization_pending");
    assert_error(poll_device(codes), 400, "slow_down");
    json_decref(codes);

    codes = begin_device();
    AUTO_FREE char *page = type_code(&browser, codes);
    assert_non_null(strstr(page, "the airlock command line"));
    assert_non_null(strstr(page, json_text(codes, "user_code")));
    assert_non_null(strstr(page, "<li>api://space/user_impersonation</li>"));
    assert_non_null(strstr(page, "<li>to go on for some hours without asking you again</li>"));
    say(&browser, PASSWORD, 200, "Done");
    AUTO_JSON json_t *body = body_of(poll_device(codes), 200);
    AUTO_JSON json_t *id = claims_of(json_text(body, "id_token"));
    assert_int_equal(strlen(json_text(id, "sid")), SESSION_ID_SIZE - 1);
    assert_true(json_int(id, "auth_time") > 0);
    assert_true(*json_text(body, "refresh_token"));
    assert_error(poll_device(codes), 400, "invalid_grant");
    assert_string_equal(str_text(&told), "signin password " ALICE "\ndevice password " ALICE "\n");
    browser_done(&browser);
}

static void a_wrong_password_allows_nothing(void **state)
{
    (void)state;
    struct browser browser = {0};
    AUTO_JSON json_t *codes = begin_device();
    free(type_code(&browser, codes));
    say(&browser, "username=alice&password=wrong", 403, "The name or the password is wrong");
    say(&browser, "username=gone&password=x", 403, "The name or the password is wrong");
    say(&browser, "continue=1", 403, "too long ago");
    assert_error(poll_device(codes), 400, "authorization_pending");
    say(&browser, PASSWORD, 200, "Done");
    say(&browser, PASSWORD, 404, "used already");
    browser_done(&browser);
}

static void a_device_is_denied(void **state)
{
    (void)state;
    struct browser browser = {0};
    AUTO_JSON json_t *codes = begin_device();
    free(type_code(&browser, codes));
    say(&browser, "deny=1", 200, "Denied");
    assert_error(poll_device(codes), 400, "access_denied");
    assert_string_equal(str_text(&told), "denied  \n");
    browser_done(&browser);
}

static struct browser *other_browser;

static void deny_elsewhere(void)
{
    say(other_browser, "deny=1", 404, "used already");
}

/* Two people speak about one code at the same time: the first word counts, and only that one is on record. */
static void one_word_counts(void **state)
{
    (void)state;
    struct browser browser = {0}, other = {0};
    AUTO_JSON json_t *codes = begin_device();
    free(type_code(&browser, codes));
    free(type_code(&other, codes));
    other_browser = &other;
    meanwhile = deny_elsewhere;
    say(&browser, PASSWORD, 200, "Done");
    json_decref(body_of(poll_device(codes), 200));
    assert_string_equal(str_text(&told), "signin password " ALICE "\ndevice password " ALICE "\n");
    browser_done(&browser);
    browser_done(&other);
}

static void device_requests_are_strict(void **state)
{
    (void)state;
    static const struct {
        const char *form;
        int status;
        const char *error;
    } ROWS[] = {
        {"", 400, "invalid_request"},
        {"scope=" OFFLINE, 400, "invalid_request"},
        {"client_id=nobody&scope=" OFFLINE, 401, "invalid_client"},
        {"client_id=c1&client_secret=s%2B1%3A%25&scope=" OFFLINE, 401, "invalid_client"},
        {"client_id=airlock-cli&client_secret=x&scope=" OFFLINE, 401, "invalid_client"},
        {"client_id=airlock-cli", 400, "invalid_scope"},
        {"client_id=airlock-cli&scope=openid", 400, "invalid_scope"},
        {"client_id=airlock-cli&scope=" SCOPE "+nonsense", 400, "invalid_scope"},
        {BEGIN "&client_id=airlock-web", 400, "invalid_request"},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
        assert_error(ask(devicecode_post, ROWS[i].form), ROWS[i].status, ROWS[i].error);
    assert_error(ask(token_post, POLL "x"), 400, "invalid_grant");
    assert_error(ask(token_post, POLL), 400, "invalid_grant");
    assert_error(ask(token_post, "grant_type=device_code&client_id=airlock-cli&code=x"), 400, "invalid_grant");
    assert_error(ask(token_post, POLL "x&client_secret=x"), 401, "invalid_client");
}

static void the_core_client_is_public(void **state)
{
    (void)state;
    json_decref(body_of(ask(devicecode_post, "client_id=" CORE_CLIENT "&scope=" OFFLINE), 200));
}

static void device_codes_cannot_be_guessed(void **state)
{
    (void)state;
    struct browser browser = {0};
    free(browser_visit(&browser, device_get, ""));
    int status = 0, tries = 0;
    for (; status != 429 && tries < 20; tries++) {
        struct answer a = browser_post(&browser, device_post, "user_code=BBBB-BBBB");
        status = a.status;
        assert_true(status == 403 || (status == 429 && a.retry_after_s > 0));
        answer_done(&a);
    }
    assert_int_equal(status, 429);
    assert_true(tries > 5);
    throttle_forget(idp->by_guesser, "192.0.2.1");
    browser_done(&browser);
}

/* --- Refreshing --- */

static json_t *sign_in_offline(struct browser *browser)
{
    AUTO_FREE char *code = sign_in(browser, AUTHORIZE "&scope=" OFFLINE);
    return redeem(code);
}

static struct answer refresh(const json_t *tokens, const char *more)
{
    AUTO_FREE char *form = xasprintf("%s%s%s", REFRESH, json_text(tokens, "refresh_token"), more);
    return ask(token_post, form);
}

static void tokens_are_refreshed(void **state)
{
    (void)state;
    struct browser browser = {0};
    AUTO_JSON json_t *first = sign_in_offline(&browser);
    AUTO_JSON json_t *second = body_of(refresh(first, ""), 200);
    AUTO_JSON json_t *third = body_of(refresh(second, "&scope=api%3A%2F%2Fspace%2F.default"), 200);
    assert_string_equal(json_text(second, "scope"), "openid api://space/user_impersonation");
    assert_string_equal(json_text(third, "scope"), "api://space/.default");
    AUTO_JSON json_t *was = claims_of(json_text(first, "id_token"));
    AUTO_JSON json_t *is = claims_of(json_text(second, "id_token"));
    assert_int_equal(json_int(is, "auth_time"), json_int(was, "auth_time"));
    assert_string_equal(json_text(is, "sid"), json_text(was, "sid"));

    assert_error(refresh(first, ""), 400, "invalid_grant");
    assert_error(refresh(third, ""), 400, "invalid_grant"); /* the family is dead */
    assert_non_null(strstr(str_text(&told), "reuse  " ALICE "\n"));
    browser_done(&browser);
}

/* RFC 6749 §4.1.2: of the two who used the code one is a thief. */
static void a_code_that_comes_again_ends_what_was_made_of_it(void **state)
{
    (void)state;
    struct browser browser = {0};
    AUTO_JSON json_t *before = sign_in_offline(&browser); /* the same person, and not of this code */
    AUTO_FREE char *code = sign_in(&browser, AUTHORIZE "&scope=" OFFLINE);
    AUTO_FREE char *form = xasprintf("%s&code=%s", REDEEM, code);
    AUTO_JSON json_t *first = redeem(code);
    AUTO_JSON json_t *second = body_of(refresh(first, ""), 200);
    core_says = E_UNAVAILABLE;
    assert_error(ask(token_post, form), 503, "temporarily_unavailable"); /* not on record yet */
    core_says = 0;
    assert_error(ask(token_post, form), 400, "invalid_grant");
    assert_error(refresh(second, ""), 400, "invalid_grant");
    assert_non_null(strstr(str_text(&told), "replay  " ALICE "\n"));
    str_reset(&told);
    assert_error(ask(token_post, form), 400, "invalid_grant");
    assert_string_equal(str_text(&told), ""); /* once is enough */
    json_decref(body_of(refresh(before, ""), 200));
    browser_done(&browser);
}

static void refreshing_is_strict(void **state)
{
    (void)state;
    struct browser browser = {0};
    AUTO_JSON json_t *tokens = sign_in_offline(&browser);
    assert_error(refresh(tokens, "&scope=api%3A%2F%2Felsewhere%2F.default"), 400, "invalid_scope");
    assert_error(refresh(tokens, "&scope=" SCOPE "+api%3A%2F%2Fspace%2F.default"), 400, "invalid_scope");
    assert_error(refresh(tokens, "&client_secret=x"), 401, "invalid_client");
    assert_error(ask(token_post, "grant_type=refresh_token&client_id=airlock-cli"), 400, "invalid_grant");
    core_says = E_UNAVAILABLE;
    assert_error(refresh(tokens, ""), 503, "temporarily_unavailable");
    core_says = 0;
    AUTO_FREE char *other = xasprintf("grant_type=refresh_token&client_id=airlock-web&refresh_token=%s",
                                      json_text(tokens, "refresh_token"));
    assert_error(ask(token_post, other), 400, "invalid_grant");
    json_decref(body_of(refresh(tokens, ""), 200)); /* none of that has spent it */
    browser_done(&browser);
}

/* The lifetime counts from the password, and 0 means that there are none. */
static void refresh_tokens_can_be_off(void **state)
{
    (void)state;
    struct browser browser = {0};
    idp->refresh_lifetime_s = 0;
    AUTO_JSON json_t *tokens = sign_in_offline(&browser);
    idp->refresh_lifetime_s = 28800;
    assert_true(*json_text(tokens, "access_token"));
    assert_null(json_object_get(tokens, "refresh_token"));
    browser_done(&browser);
}

static void who_did_not_ask_gets_none(void **state)
{
    (void)state;
    struct browser browser = {0};
    AUTO_FREE char *code = sign_in(&browser, GOOD);
    AUTO_JSON json_t *tokens = redeem(code);
    assert_null(json_object_get(tokens, "refresh_token"));
    AUTO_JSON json_t *app =
        body_of(ask(token_post, "grant_type=client_credentials&client_id=c1&client_secret=s%2B1%3A%25&"
                                "scope=offline_access+api%3A%2F%2Fspace%2F.default"),
                200);
    assert_null(json_object_get(app, "refresh_token"));
    browser_done(&browser);
}

static void tokens_are_given_back(void **state)
{
    (void)state;
    struct browser browser = {0};
    AUTO_JSON json_t *tokens = sign_in_offline(&browser);
    AUTO_FREE char *mine = xasprintf("client_id=airlock-cli&token=%s", json_text(tokens, "refresh_token"));
    AUTO_FREE char *other = xasprintf("client_id=airlock-web&token=%s", json_text(tokens, "refresh_token"));
    AUTO_FREE char *access = xasprintf("client_id=airlock-cli&token=%s", json_text(tokens, "access_token"));
    assert_error(ask(revoke_post, other), 400, "invalid_grant");
    assert_error(ask(revoke_post, "client_id=airlock-cli"), 400, "invalid_request");
    assert_error(ask(revoke_post, "token=x"), 400, "invalid_request");
    assert_error(ask(revoke_post, "client_id=nobody&token=x"), 401, "invalid_client");
    const char *const fine[] = {access, "client_id=airlock-cli&token=x", mine, mine};
    for (size_t i = 0; i < ARRAY_LEN(fine); i++) {
        struct answer a = ask(revoke_post, fine[i]);
        assert_int_equal(a.status, 200);
        answer_done(&a);
    }
    assert_error(refresh(tokens, ""), 400, "invalid_grant");
    assert_non_null(strstr(str_text(&told), "revoked  " ALICE "\n"));
    browser_done(&browser);
}

/* --- Accounts that change --- */

/* From now on alice is as the member says; the snapshot before is the caller's, to be set again. */
static struct accounts *change_alice(const char *member, json_t *value)
{
    AUTO_JSON json_t *document =
        json_pack("{s:[{s:s, s:s, s:o}]}", "accounts", "oid", ALICE, "name", "alice", member, value);
    struct accounts *before = idp_accounts(idp), *after = NULL;
    assert_int_equal(accounts_parse(document, &after, NULL), 0);
    idp_set_accounts(idp, after);
    return before;
}

/* What began before an account was ended is dead: refresh tokens, sessions, device grants that nobody fetched. */
static void an_ended_account_ends_everything(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++) {
        struct browser browser = {0};
        AUTO_JSON json_t *tokens = sign_in_offline(&browser);
        AUTO_JSON json_t *codes = begin_device();
        free(type_code(&browser, codes));
        say(&browser, "continue=1", 200, "Done");
        struct accounts *before = round ? change_alice("disabled", json_true())
                                        : change_alice("valid_from", json_integer(clock_now_s() + 60));
        assert_error(refresh(tokens, ""), 400, "invalid_grant");
        assert_error(poll_device(codes), 400, "invalid_grant");
        AUTO_FREE char *page = browser_open(&browser, GOOD);
        assert_non_null(strstr(page, "type=\"password\""));
        idp_set_accounts(idp, before);
        browser_done(&browser);
    }
}

/* --- Signing out --- */

static struct answer log_out(const struct browser *browser, const char *hint, const char *more)
{
    AUTO_FREE char *params = xasprintf("id_token_hint=%s%s", hint, more);
    return ask_all(logout_get, (struct ask){.params = params, .cookie = browser->cookies});
}

static void signing_out_takes_proof_or_a_click(void **state)
{
    (void)state;
    struct browser browser = {0}, other = {0};
    AUTO_JSON json_t *tokens = sign_in_offline(&browser);
    AUTO_JSON json_t *others = sign_in_offline(&other);
    AUTO_FREE char *altered = xasprintf("%sx", json_text(tokens, "id_token"));
    const char *const no_proof[] = {"", "x", altered, json_text(others, "id_token"), json_text(tokens, "access_token")};
    for (size_t i = 0; i < ARRAY_LEN(no_proof); i++) {
        struct answer a = log_out(&browser, no_proof[i], "");
        assert_int_equal(a.status, 200);
        assert_true(a.has_form);
        answer_done(&a);
    }
    json_t *still = body_of(refresh(tokens, ""), 200);
    json_decref(tokens);
    tokens = still;

    struct answer a = log_out(&browser, json_text(tokens, "id_token"),
                              "&post_logout_redirect_uri=http%3A%2F%2F127.0.0.1%3A5000%2Fcb&state=x%26y");
    assert_int_equal(a.status, 303);
    assert_string_equal(a.location, "http://127.0.0.1:5000/cb?state=x%26y");
    assert_non_null(strstr(a.cookie, "airlock_session=; "));
    answer_done(&a);
    assert_error(refresh(tokens, ""), 400, "invalid_grant");
    json_decref(body_of(refresh(others, ""), 200));
    AUTO_FREE char *page = browser_open(&browser, GOOD);
    assert_non_null(strstr(page, "type=\"password\"")); /* the old cookie counts no more */
    assert_non_null(strstr(str_text(&told), "logout  " ALICE "\n"));
    browser_done(&browser);
    browser_done(&other);
}

/* A person signs out here by the id token of a session elsewhere: that one ends as a whole, too. */
static void signing_out_ends_the_session_that_is_named(void **state)
{
    (void)state;
    struct browser here = {0}, elsewhere = {0};
    AUTO_JSON json_t *mine = sign_in_offline(&here);
    AUTO_JSON json_t *theirs = sign_in_offline(&elsewhere);
    struct answer a = log_out(&here, json_text(theirs, "id_token"), "");
    browser_take(&here, &a);
    answer_done(&a);
    a = browser_post(&here, logout_post, "logout=1");
    assert_int_equal(a.status, 200);
    answer_done(&a);
    const json_t *const tokens[] = {mine, theirs};
    const struct browser *const browsers[] = {&here, &elsewhere};
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
        struct browser again = {.cookies = xstrdup(browsers[i]->cookies)};
        assert_error(refresh(tokens[i], ""), 400, "invalid_grant");
        AUTO_FREE char *page = browser_open(&again, GOOD);
        assert_non_null(strstr(page, "type=\"password\""));
        browser_done(&again);
    }
    browser_done(&here);
    browser_done(&elsewhere);
}

static void signing_out_leads_nowhere_else(void **state)
{
    (void)state;
    static const char *const ROWS[] = {
        "&post_logout_redirect_uri=https%3A%2F%2Fevil.example%2F",
        "&post_logout_redirect_uri=http%3A%2F%2F127.0.0.1%3A80%40evil.example%2F",
        "&post_logout_redirect_uri=http%3A%2F%2F127.0.0.1%3A5000%2Fcb&client_id=airlock-web",
        "&post_logout_redirect_uri=http%3A%2F%2F127.0.0.1%3A5000%2Fcb&client_id=nobody",
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct browser browser = {0};
        AUTO_JSON json_t *tokens = sign_in_offline(&browser);
        struct answer a = log_out(&browser, json_text(tokens, "id_token"), ROWS[i]);
        assert_int_equal(a.status, 200);
        assert_null(a.location);
        assert_non_null(strstr(str_text(&a.body), "You are signed out"));
        answer_done(&a);
        browser_done(&browser);
    }
}

static void signing_out_works_without_core(void **state)
{
    (void)state;
    struct browser browser = {0};
    AUTO_JSON json_t *tokens = sign_in_offline(&browser);
    core_says = E_UNAVAILABLE;
    struct answer a = log_out(&browser, json_text(tokens, "id_token"), "");
    assert_int_equal(a.status, 200);
    answer_done(&a);
    core_says = 0;
    assert_error(refresh(tokens, ""), 400, "invalid_grant");
    browser_done(&browser);
}

/* --- T54: forms --- */

static void t54_forged_forms_are_refused(void **state)
{
    (void)state;
    struct browser code = {0}, allow = {0}, logout = {0}, login = {0};
    AUTO_JSON json_t *codes = begin_device();
    free(browser_visit(&code, device_get, ""));
    free(type_code(&allow, codes));
    free(browser_visit(&logout, logout_get, ""));
    free(browser_open(&login, GOOD));
    AUTO_FREE char *typed = xasprintf("user_code=%s", json_text(codes, "user_code"));
    const struct {
        endpoint_fn *post;
        const struct browser *browser;
        const char *fields;
        const struct browser *other; /* with a form of ours, for another page */
    } forms[] = {
        {authorize_post, &login, PASSWORD, &logout},
        {device_post, &code, typed, &login},
        {device_post, &allow, PASSWORD, &login},
        {logout_post, &logout, "logout=1", &login},
    };
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        AUTO_FREE char *form = xasprintf("ticket=%s&%s", forms[i].browser->ticket, forms[i].fields);
        AUTO_FREE char *altered = xasprintf("ticket=x%s&%s", forms[i].browser->ticket, forms[i].fields);
        AUTO_FREE char *twice = xasprintf("ticket=%s&%s", forms[i].browser->ticket, form);
        AUTO_FREE char *foreign = xasprintf("ticket=%s&%s", forms[i].other->ticket, forms[i].fields);
        const char *cookie = forms[i].browser->cookies;
        const struct ask rows[] = {
            {.params = form},
            {.params = form, .cookie = forms[i].other->cookies},
            {.params = form, .cookie = "airlock_browser="},
            {.params = form, .cookie = "airlock_browser=session"},
            {.params = form, .cookie = cookie, .fetch_site = "cross-site"},
            {.params = form, .cookie = cookie, .fetch_site = "same-site"},
            {.params = form, .cookie = cookie, .fetch_site = "none"},
            {.params = altered, .cookie = cookie},
            {.params = twice, .cookie = cookie},
            {.params = foreign, .cookie = forms[i].other->cookies},
        };
        for (size_t row = 0; row < ARRAY_LEN(rows); row++) {
            struct answer a = ask_all(forms[i].post, rows[row]);
            assert_int_equal(a.status, 400);
            assert_null(a.location);
            assert_null(a.cookie);
            answer_done(&a);
        }
    }
    assert_string_equal(str_text(&told), "");
    browser_done(&code);
    browser_done(&allow);
    browser_done(&logout);
    browser_done(&login);
}

/* --- Core is told first --- */

static void nothing_is_given_that_is_not_on_record(void **state)
{
    (void)state;
    struct browser browser = {0};
    AUTO_JSON json_t *codes = begin_device();
    free(type_code(&browser, codes));
    core_says = E_UNAVAILABLE;
    say(&browser, PASSWORD, 503, "core says so");
    assert_error(ask(token_post, "grant_type=client_credentials&client_id=c1&client_secret=s%2B1%3A%25&"
                                 "scope=api%3A%2F%2Fspace%2F.default"),
                 503, "temporarily_unavailable");
    say(&browser, "deny=1", 503, "core says so");
    core_says = 0;
    assert_error(poll_device(codes), 400, "authorization_pending");
    say(&browser, "deny=1", 200, "Denied");
    free(browser_open(&browser, GOOD));
    core_says = E_UNAVAILABLE;
    struct answer a = browser_send(&browser, PASSWORD);
    assert_int_equal(a.status, 503);
    assert_null(a.location);
    assert_null(a.cookie);
    answer_done(&a);
    browser_done(&browser);
}

static void failures_and_locks_are_told(void **state)
{
    (void)state;
    struct browser browser = {0};
    free(browser_open(&browser, GOOD));
    for (int i = 0; i < 6; i++) {
        struct answer a = browser_send(&browser, "username=alice&password=wrong");
        answer_done(&a);
    }
    size_t refused = 0;
    for (const char *at = str_text(&told); (at = strstr(at, "refused password \n")); at++)
        refused++;
    assert_int_equal(refused, 6);
    assert_non_null(strstr(str_text(&told), "lockout password " ALICE "\n"));
    browser_done(&browser);
}

/* --- Nobody learns who has an account --- */

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Medians of tries that alternate, so that whatever else the machine does falls on both. */
static void unknown_accounts_take_as_long(void **state)
{
    (void)state;
    enum { TRIES = 25 };
    static const char *const WHO[] = {"alice", "nobody", "gone"};
    static int64_t took[ARRAY_LEN(WHO)][TRIES];
    for (size_t i = 0; i < TRIES; i++)
        for (size_t w = 0; w < ARRAY_LEN(WHO); w++) {
            AUTO_ACCOUNTS struct accounts *accounts = idp_accounts(idp);
            const struct signin signin = {
                .kind = SIGNIN_PASSWORD,
                .accounts = accounts,
                .who = WHO[w],
                .secret = "wrong",
                .client_id = "airlock-cli",
                .address = "192.0.2.1",
            };
            const struct account *account;
            struct error err = {0};
            unsigned wait;
            fresh(NULL);
            int64_t from = clock_mono_us();
            assert_int_equal(signin_check(idp, &signin, &account, &wait, &err), E_UNAUTHENTICATED);
            took[w][i] = clock_mono_us() - from;
            assert_string_equal(err.detail, "The name or the password is wrong");
        }
    for (size_t w = 0; w < ARRAY_LEN(WHO); w++)
        qsort(took[w], TRIES, sizeof took[w][0], compare);
    for (size_t w = 1; w < ARRAY_LEN(WHO); w++) {
        int64_t known = took[0][TRIES / 2], unknown = took[w][TRIES / 2];
        if (unknown * 10 < known * 7 || known * 10 < unknown * 7)
            fail_msg("alice %lld us, %s %lld us", (long long)known, WHO[w], (long long)unknown);
    }
}

/* --- Discovery --- */

static void both_names_of_the_tenant_are_consistent(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"authorization_endpoint",        "token_endpoint",
                                        "device_authorization_endpoint", "revocation_endpoint",
                                        "end_session_endpoint",          "jwks_uri"};
    AUTO_JSON json_t *tenant = body_of(ask(discovery_get, ""), 200);
    AUTO_JSON json_t *alias = body_of(ask_all(discovery_get, (struct ask){.params = "", .base = "/adfs"}), 200);
    assert_string_equal(json_text(alias, "issuer"), json_text(tenant, "issuer"));
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        assert_true(str_starts(json_text(alias, NAMES[i]), "http://127.0.0.1:8404/adfs/"));
        assert_true(str_starts(json_text(tenant, NAMES[i]), "http://127.0.0.1:8404/" TENANT "/"));
    }
    AUTO_JSON json_t *codes = body_of(ask_all(devicecode_post, (struct ask){.params = BEGIN, .base = "/adfs"}), 200);
    assert_string_equal(json_text(codes, "verification_uri"), "http://127.0.0.1:8404/adfs/device");
}

static void instance_discovery_knows_us_alone(void **state)
{
    (void)state;
#define ROOT "authorization_endpoint=http%3A%2F%2F127.0.0.1%3A8404"
    AUTO_JSON json_t *known = body_of(ask(instance_get, ROOT "%2F" TENANT "%2Foauth2%2Fv2.0%2Fauthorize"), 200);
    assert_string_equal(json_text(known, "tenant_discovery_endpoint"),
                        "http://127.0.0.1:8404/" TENANT "/v2.0/.well-known/openid-configuration");
    AUTO_JSON json_t *alias = body_of(ask(instance_get, ROOT "%2Fadfs%2Foauth2%2Fv2.0%2Fauthorize"), 200);
    assert_string_equal(json_text(alias, "tenant_discovery_endpoint"),
                        "http://127.0.0.1:8404/adfs/v2.0/.well-known/openid-configuration");
    static const char *const OTHERS[] = {
        "",
        "authorization_endpoint=https%3A%2F%2Flogin.microsoftonline.com%2Fcommon",
        ROOT "0%2F" TENANT "%2F",
        ROOT ".evil.example%2F" TENANT "%2F",
        ROOT "%2F" TENANT "x%2F",
        ROOT "%2Fcommon%2F",
    };
    for (size_t i = 0; i < ARRAY_LEN(OTHERS); i++)
        assert_error(ask(instance_get, OTHERS[i]), 400, "invalid_instance");
}

/* Core takes one key; id tokens are signed by the other. */
static void id_tokens_are_not_for_core(void **state)
{
    (void)state;
    AUTO_JSON json_t *told_core = idp_publication(idp);
    AUTO_JSON json_t *published = idp_key_set(idp);
    assert_int_equal(json_array_size(json_object_get(json_object_get(told_core, "keys"), "keys")), 1);
    assert_int_equal(json_array_size(json_object_get(published, "keys")), 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, fresh)
    const struct CMUnitTest tests[] = {
        TEST(a_device_is_allowed),
        TEST(a_wrong_password_allows_nothing),
        TEST(a_device_is_denied),
        TEST(one_word_counts),
        TEST(device_requests_are_strict),
        TEST(the_core_client_is_public),
        TEST(device_codes_cannot_be_guessed),
        TEST(tokens_are_refreshed),
        TEST(a_code_that_comes_again_ends_what_was_made_of_it),
        TEST(refreshing_is_strict),
        TEST(refresh_tokens_can_be_off),
        TEST(who_did_not_ask_gets_none),
        TEST(tokens_are_given_back),
        TEST(an_ended_account_ends_everything),
        TEST(signing_out_takes_proof_or_a_click),
        TEST(signing_out_ends_the_session_that_is_named),
        TEST(signing_out_leads_nowhere_else),
        TEST(signing_out_works_without_core),
        TEST(t54_forged_forms_are_refused),
        TEST(nothing_is_given_that_is_not_on_record),
        TEST(failures_and_locks_are_told),
        TEST(unknown_accounts_take_as_long),
        TEST(both_names_of_the_tenant_are_consistent),
        TEST(instance_discovery_knows_us_alone),
        TEST(id_tokens_are_not_for_core),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
