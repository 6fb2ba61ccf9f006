/* The authorization endpoint: check the request, show the form, check the person, send the browser back with a code.
 * Until client and redirect are known to belong together nobody is redirected anywhere. Runs on airlock-idp's workers. */
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "idp/endpoint.h"
#include "idp/page.h"
#include "idp/scope.h"
#include "idp/signin.h"
#include "idp/ticket.h"

#define AUTHORIZE_PATH "/oauth2/v2.0/authorize"
#define COOKIE_NAME "airlock_signin"
#define COOKIE_BYTES 16
#define COOKIE_SIZE (2 * COOKIE_BYTES + 1)
#define STATE_MAX 2048
#define NONCE_MAX 512

/* --- Reading the request --- */

static bool is_code(const char *v)
{
    return strcmp(v, "code") == 0;
}

static bool is_response_mode(const char *v)
{
    return *v == '\0' || strcmp(v, "query") == 0 || strcmp(v, "fragment") == 0;
}

static bool is_s256(const char *v)
{
    return strcmp(v, "S256") == 0;
}

static bool is_absent(const char *v)
{
    return *v == '\0';
}

static bool may_show_a_page(const char *v)
{
    return strcmp(v, "none") != 0;
}

/* UTF-8, so that it can travel in JSON. */
static bool is_text(const char *v, size_t max)
{
    AUTO_JSON json_t *text = strlen(v) <= max ? json_string(v) : NULL;
    return text != NULL;
}

static bool is_state(const char *v)
{
    return is_text(v, STATE_MAX);
}

static bool is_nonce(const char *v)
{
    return is_text(v, NONCE_MAX);
}

static bool is_scope(const char *v)
{
    struct scope scope;
    return scope_parse(v, &scope, NULL) == 0;
}

/* What a request must fulfil, in this order; who does not is sent back with the error. An absent parameter is "". */
static const struct {
    const char *param;
    bool (*fits)(const char *value);
    const char *error;
    const char *description;
} TERMS[] = {
    {"state", is_state, "invalid_request", "state is too long or not UTF-8"},
    {"request", is_absent, "request_not_supported", "Request objects are not offered"},
    {"request_uri", is_absent, "request_uri_not_supported", "Request objects are not offered"},
    {"response_type", is_code, "unsupported_response_type", "Only response_type=code is offered"},
    {"response_mode", is_response_mode, "invalid_request", "response_mode must be query or fragment"},
    {"code_challenge_method", is_s256, "invalid_request", "Proof keys are required: code_challenge_method must be S256"},
    {"code_challenge", challenge_is_valid, "invalid_request", "code_challenge must be the base64url of a SHA-256"},
    {"nonce", is_nonce, "invalid_request", "nonce is too long or not UTF-8"},
    {"scope", is_scope, "invalid_scope", "Ask for one scope of the form api://ID/.default"},
    {"prompt", may_show_a_page, "login_required", "The person must sign in"},
};

/* The parameters a ticket keeps. */
static const char *const KEPT[] = {"client_id", "redirect_uri", "state", "nonce", "scope", "code_challenge"};

/* The request as an object; unfit values of what was not checked yet become "". */
static json_t *request_object(const struct request *request)
{
    json_t *object = json_object();
    for (size_t i = 0; i < ARRAY_LEN(KEPT); i++) {
        const char *value = request_param(request, KEPT[i]);
        json_object_set_new(object, KEPT[i], json_string(is_text(value, STATE_MAX) ? value : ""));
    }
    json_object_set_new(object, "fragment", json_boolean(strcmp(request_param(request, "response_mode"), "fragment") == 0));
    return object;
}

/* --- Sending the browser back --- */

static void location_add(struct str *location, const char *name, const char *value)
{
    if (*value == '\0')
        return;
    str_printf(location, "%s=", name);
    str_append_url(location, value);
    str_append_char(location, '&');
}

/* To the redirect URI of a checked request; value answers name ("code" or "error"). */
static void answer_back(const struct idp *idp, const json_t *asked, const char *name, const char *value,
                        const char *description, struct answer *a)
{
    AUTO_STR struct str location = STR_INIT(REDIRECT_URI_MAX + 4 * STATE_MAX + 4096);
    const char *uri = json_text(asked, "redirect_uri");

    str_append(&location, uri);
    str_append_char(&location, json_flag(asked, "fragment") ? '#' : strchr(uri, '?') ? '&' : '?');
    location_add(&location, name, value);
    location_add(&location, "error_description", description);
    location_add(&location, "state", json_text(asked, "state"));
    str_append(&location, "iss="); /* RFC 9207: tells which provider answered */
    str_append_url(&location, idp->issuer);
    if (location.overflow) {
        page_problem(a, 400, "The request is too long.");
        return;
    }
    a->status = 303;
    a->location = TAKE_PTR(location.p);
}

/* --- The form --- */

/* The value of our cookie; "" when the browser brings none of our form. */
static void cookie_read(const char *header, char out[static COOKIE_SIZE])
{
    unsigned char bytes[COOKIE_BYTES];
    const char *at = header;

    out[0] = '\0';
    for (size_t len; *at; at += len + strspn(at + len, "; ")) {
        len = strcspn(at, "; ");
        if (len != strlen(COOKIE_NAME) + COOKIE_SIZE || !str_starts(at, COOKIE_NAME "="))
            continue;
        memcpy(out, at + strlen(COOKIE_NAME) + 1, COOKIE_SIZE - 1);
        out[COOKIE_SIZE - 1] = '\0';
        if (hex_decode(out, bytes, sizeof bytes))
            return;
        out[0] = '\0';
    }
}

/* Keeps the browser's value, so that several tabs can sign in side by side, or draws a new one. */
static void cookie_renew(const struct idp *idp, const struct request *request, char out[static COOKIE_SIZE],
                         struct answer *a)
{
    unsigned char bytes[COOKIE_BYTES];

    cookie_read(request->cookie, out);
    if (*out == '\0') {
        random_fill(bytes, sizeof bytes);
        hex_encode(bytes, sizeof bytes, out);
    }
    a->cookie = xasprintf(COOKIE_NAME "=%s; Path=%s" AUTHORIZE_PATH "; Max-Age=%d; HttpOnly; SameSite=Strict%s", out,
                          idp->tenant_path, TICKET_LIFETIME_S, idp->https ? "; Secure" : "");
}

static void answer_form(const struct idp *idp, const json_t *asked, const char *ticket, const char *username,
                        const char *problem, int status, struct answer *a)
{
    AUTO_FREE char *action = xasprintf("%s" AUTHORIZE_PATH, idp->tenant_path);
    char destination[ORIGIN_SIZE] = "";

    (void)url_origin(json_text(asked, "redirect_uri"), destination);
    page_login(a, status, &(struct login_page){
        .action = action,
        .client_title = client_find(json_text(asked, "client_id"))->title,
        .destination = destination,
        .ticket = ticket,
        .username = is_text(username, ACCOUNT_TEXT_MAX) ? username : "",
        .problem = problem,
    });
}

static void answer_new_form(const struct idp *idp, const struct request *request, const json_t *asked, struct answer *a)
{
    AUTO_FREE char *ticket = NULL;
    char browser[COOKIE_SIZE];
    struct error err = {0};

    cookie_renew(idp, request, browser, a);
    if (ticket_seal(idp->ticket_key, asked, browser, clock_now_s(), &ticket, &err) != 0)
        page_problem(a, 400, err.detail);
    else
        answer_form(idp, asked, ticket, request_param(request, "login_hint"), "", 200, a);
}

void authorize_get(struct idp *idp, const struct request *request, struct answer *a)
{
    const struct client *client = client_find(request_param(request, "client_id"));

    if (!request_is_plain(request)) {
        page_problem(a, 400, "The request names something twice.");
        return;
    }
    if (!client || !redirect_is_allowed(client, &idp->redirects, request_param(request, "redirect_uri"))) {
        page_problem(a, 400, "The application that sent you here is not known, or asked to be answered elsewhere.");
        return;
    }
    AUTO_JSON json_t *asked = request_object(request);
    for (size_t i = 0; i < ARRAY_LEN(TERMS); i++)
        if (!TERMS[i].fits(request_param(request, TERMS[i].param))) {
            answer_back(idp, asked, "error", TERMS[i].error, TERMS[i].description, a);
            return;
        }
    answer_new_form(idp, request, asked, a);
}

/* --- The form comes back --- */

/* Does core know the scope? Asked only for people who have shown who they are. */
static int scope_check(struct idp *idp, const json_t *asked, const struct account *account, struct error *err)
{
    AUTO_JSON json_t *meaning = NULL;
    struct scope scope;

    int r = scope_parse(json_text(asked, "scope"), &scope, err);
    return r ? r : idp->scope(idp->scope_ctx, scope.resource, account->oid, &meaning, err);
}

static void answer_code(struct idp *idp, json_t *asked, const struct account *account, struct answer *a)
{
    AUTO_FREE char *code = NULL;
    struct error err = {0};

    json_object_set_new(asked, "oid", json_string(account->oid));
    json_object_set_new(asked, "auth_time", json_integer(clock_now_s()));
    int r = scope_check(idp, asked, account, &err);
    if (r == 0)
        r = code_issue(idp->codes, asked, clock_mono_ms(), &code, &err);
    if (r == 0)
        answer_back(idp, asked, "code", code, "", a);
    else
        answer_back(idp, asked, "error", oauth_error_for(r), r == E_NOT_FOUND ? "The scope is not known" : "", a);
}

static void login(struct idp *idp, const struct request *request, json_t *asked, struct answer *a)
{
    const struct signin signin = {SIGNIN_PASSWORD, request_param(request, "username"),
                                  request_param(request, "password"), request->address};
    const struct account *account;
    struct error err = {0};

    int r = signin_check(idp, &signin, &account, &a->retry_after_s, &err);
    if (r == 0)
        answer_code(idp, asked, account, a);
    else
        answer_form(idp, asked, request_param(request, "ticket"), signin.who, err.detail,
                    r == E_UNAUTHENTICATED ? 403 : error_http_status(r), a);
}

void authorize_post(struct idp *idp, const struct request *request, struct answer *a)
{
    AUTO_JSON json_t *asked = NULL;
    char browser[COOKIE_SIZE];

    if (*request_param(request, "ticket") == '\0') {
        authorize_get(idp, request, a);
        return;
    }
    cookie_read(request->cookie, browser);
    bool from_our_page = *request->fetch_site == '\0' || strcmp(request->fetch_site, "same-origin") == 0;
    if (!from_our_page || !request_is_plain(request) ||
        ticket_open(idp->ticket_key, request_param(request, "ticket"), browser, clock_now_s(), &asked, NULL) != 0) {
        page_problem(a, 400, "This form is too old, or was not made for this browser. Cookies must be allowed.");
        return;
    }
    if (*request_param(request, "cancel"))
        answer_back(idp, asked, "error", "access_denied", "The person did not sign in", a);
    else
        login(idp, request, asked, a);
}
