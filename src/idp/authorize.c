/* Reading authorization requests. Until client and redirect are known to belong together nobody is redirected anywhere.
 * Pure. Runs in airlock-idp. */
#include "idp/authorize.h"

#include <string.h>

#include "base/num.h"
#include "idp/page.h"
#include "idp/scope.h"

#define STATE_MAX 2048
#define NONCE_MAX 512
#define AGE_MAX (366 * 86400)

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

static bool is_age(const char *v)
{
    uint64_t age;
    return *v == '\0' || num_parse(v, 0, AGE_MAX, &age);
}

static bool is_scope(const char *v)
{
    struct scope scope;
    return scope_is_identity(v) || scope_parse(v, SCOPE_SEVERAL, &scope, NULL) == 0;
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
    {"code_challenge_method", is_s256, "invalid_request",
     "Proof keys are required: code_challenge_method must be S256"},
    {"code_challenge", challenge_is_valid, "invalid_request", "code_challenge must be the base64url of a SHA-256"},
    {"nonce", is_nonce, "invalid_request", "nonce is too long or not UTF-8"},
    {"max_age", is_age, "invalid_request", "max_age must be a number of seconds"},
    {"scope", is_scope, "invalid_scope", "Ask for one scope of the form api://ID/.default"},
    {"prompt", may_show_a_page, "login_required", "The person must sign in"},
};

/* The texts that are kept until the code is redeemed. */
static const char *const KEPT[] = {"client_id", "redirect_uri", "state", "nonce", "scope", "code_challenge"};

/* Any prompt but none wants the person to say again who they are. */
static int64_t age_asked(const struct request *request)
{
    uint64_t age;

    if (*request_param(request, "prompt"))
        return 0;
    return num_parse(request_param(request, "max_age"), 0, AGE_MAX, &age) ? (int64_t)age : -1;
}

/* Who names no resource means the TRE itself: web pages with Microsoft's library sign in first, and name the resource
 * when they refresh. */
static void complete_scope(const struct idp *idp, json_t *asked)
{
    const char *scope = json_text(asked, "scope");

    if (scope_is_identity(scope))
        json_object_set_new(asked, "scope", json_sprintf("%s api://%s/user_impersonation", scope, idp->core_client_id));
}

/* Values that were not checked yet and do not fit become "". */
static json_t *asked_object(const struct idp *idp, const struct request *request)
{
    json_t *asked = json_object();
    for (size_t i = 0; i < ARRAY_LEN(KEPT); i++) {
        const char *value = request_param(request, KEPT[i]);
        json_object_set_new(asked, KEPT[i], json_string(is_text(value, STATE_MAX) ? value : ""));
    }
    complete_scope(idp, asked);
    json_object_set_new(asked, "fragment",
                        json_boolean(strcmp(request_param(request, "response_mode"), "fragment") == 0));
    json_object_set_new(asked, "max_age", json_integer(age_asked(request)));
    return asked;
}

json_t *authorize_read(const struct idp *idp, const struct request *request, struct answer *a)
{
    const struct client *client = idp_client(idp, request_param(request, "client_id"));

    if (!request_is_plain(request)) {
        page_problem(a, 400, "The request names something twice.");
        return NULL;
    }
    if (!client || !redirect_is_allowed(client, &idp->redirects, request_param(request, "redirect_uri"))) {
        page_problem(a, 400, "The application that sent you here is not known, or asked to be answered elsewhere.");
        return NULL;
    }
    AUTO_JSON json_t *asked = asked_object(idp, request);
    for (size_t i = 0; i < ARRAY_LEN(TERMS); i++)
        if (!TERMS[i].fits(request_param(request, TERMS[i].param))) {
            authorize_back(idp, asked, "error", TERMS[i].error, TERMS[i].description, a);
            return NULL;
        }
    return TAKE_PTR(asked);
}

static void location_add(struct str *location, const char *name, const char *value)
{
    if (*value == '\0')
        return;
    str_printf(location, "%s=", name);
    str_append_url(location, value);
    str_append_char(location, '&');
}

void authorize_back(const struct idp *idp, const json_t *asked, const char *name, const char *value,
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
