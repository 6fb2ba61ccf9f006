/* The HTTP side. Runs on airlock-idp's workers; holds no secret longer than one exchange. */
#include "idp/server.h"

#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "idp/endpoint.h"
#include "idp/page.h"

#define FORM_MAX (64 * 1024)
#define PARAMS_MAX 64

/* Every route; those below the tenant without its part of the path. cors: a browser page of a known origin may read the
 * answer, because the web UI runs the code flow by itself. */
static const struct route {
    const char *path;
    bool below_tenant;
    bool cors;
    endpoint_fn *get;
    endpoint_fn *post;
} ROUTES[] = {
    {"/healthz", false, false, health_get, NULL},
    {"/common/discovery/instance", false, true, instance_get, NULL},
    {"/v2.0/.well-known/openid-configuration", true, true, discovery_get, NULL},
    {"/.well-known/openid-configuration", true, true, discovery_get, NULL},
    {"/discovery/v2.0/keys", true, true, keys_get, NULL},
    {"/oauth2/v2.0/token", true, true, NULL, token_post},
    {"/oauth2/v2.0/devicecode", true, false, NULL, devicecode_post},
    {"/oauth2/v2.0/revoke", true, true, NULL, revoke_post},
    {AUTHORIZE_PATH, true, false, authorize_get, authorize_post},
    {DEVICE_PATH, true, false, device_get, device_post},
    {PASSWORD_PATH, true, false, password_get, password_post},
    {LOGOUT_PATH, true, false, logout_get, logout_post},
};

static const struct route *route_find(const struct idp *idp, const char *path)
{
    size_t base = strlen(request_base(idp, path));

    for (size_t i = 0; i < ARRAY_LEN(ROUTES); i++)
        if (ROUTES[i].below_tenant == (base > 0) && strcmp(path + base, ROUTES[i].path) == 0)
            return &ROUTES[i];
    return NULL;
}

/* --- Sending --- */

static void add_common_headers(struct http_exchange *x, const struct idp *idp)
{
    http_header_add(x, "Referrer-Policy", "no-referrer");
    http_header_add(x, "X-Content-Type-Options", "nosniff");
    http_header_add(x, "X-Frame-Options", "DENY");
    if (idp && idp->https)
        http_header_add(x, "Strict-Transport-Security", "max-age=31536000");
}

static void add_cors_headers(struct http_exchange *x, const struct idp *idp)
{
    const char *origin = http_header(http_exchange_head(x), "Origin");
    http_header_add(x, "Vary", "Origin");
    if (origin && redirect_origin_is_known(&idp->redirects, origin))
        http_header_add(x, "Access-Control-Allow-Origin", origin);
}

static void add_answer_headers(struct http_exchange *x, const struct answer *a)
{
    AUTO_STR struct str policy = STR_INIT(1024);

    if (a->cache_s) {
        http_header_addf(x, "Cache-Control", "public, max-age=%u", a->cache_s);
    } else {
        http_header_add(x, "Cache-Control", "no-store");
        http_header_add(x, "Pragma", "no-cache"); /* RFC 6749 §5.1 */
    }
    page_policy(a, &policy);
    http_header_add(x, "Content-Security-Policy", str_text(&policy));
    if (a->location)
        http_header_add(x, "Location", a->location);
    if (a->cookie)
        http_header_add(x, "Set-Cookie", a->cookie);
    if (a->ask_basic)
        http_header_add(x, "WWW-Authenticate", "Basic realm=\"airlock\", charset=\"UTF-8\"");
    if (a->retry_after_s)
        http_header_addf(x, "Retry-After", "%u", a->retry_after_s);
}

static void answer_send(struct http_exchange *x, struct idp *idp, const struct answer *a)
{
    const struct route *route = route_find(idp, http_exchange_head(x)->path);

    add_common_headers(x, idp);
    add_answer_headers(x, a);
    if (route && route->cors)
        add_cors_headers(x, idp);
    if (a->body.overflow)
        http_reply_empty(x, 500);
    else if (a->type)
        http_reply(x, a->status, a->type, str_text(&a->body), a->body.len);
    else
        http_reply_empty(x, a->status);
}

static void send_error(struct http_exchange *x, struct idp *idp, int status, const char *description)
{
    struct answer a;
    answer_init(&a);
    answer_oauth_error(&a, status, "invalid_request", description);
    answer_send(x, idp, &a);
    answer_done(&a);
}

/* --- Running an endpoint --- */

static const char *header_or_empty(const struct http_head *head, const char *name)
{
    const char *value = http_header(head, name);
    return value ? value : "";
}

/* Parameters may be passwords. */
static void params_end(struct http_params *params)
{
    for (size_t i = 0; i < params->count; i++)
        secret_wipe(params->items[i].value, strlen(params->items[i].value));
    http_params_done(params);
}

/* text: the query or the body; OAuth encodes both as forms (RFC 6749 appendix B). */
static void run(struct http_exchange *x, struct idp *idp, endpoint_fn *endpoint, const char *text)
{
    const struct http_head *head = http_exchange_head(x);
    struct http_params params = {0};
    struct error err = {0};
    struct answer a;

    if (http_params_parse(text, PARAMS_MAX, true, &params, &err) != 0) {
        send_error(x, idp, 400, err.detail);
        return;
    }
    int64_t arrived_s = clock_now_s(); /* before the accounts are taken: what ends afterwards ends this, too */
    AUTO_ACCOUNTS struct accounts *accounts = idp_accounts(idp);
    const struct request request = {
        .params = &params,
        .authorization = header_or_empty(head, "Authorization"),
        .cookie = header_or_empty(head, "Cookie"),
        .fetch_site = header_or_empty(head, "Sec-Fetch-Site"),
        .address = http_exchange_address(x),
        .base = request_base(idp, head->path),
        .accounts = accounts,
        .arrived_s = arrived_s,
    };
    answer_init(&a);
    endpoint(idp, &request, &a);
    answer_send(x, idp, &a);
    answer_done(&a);
    params_end(&params);
}

static void form_arrived(struct http_exchange *x, char *body, size_t len)
{
    struct idp *idp = http_exchange_state(x);

    if (strlen(body) != len)
        send_error(x, idp, 400, "A form has no NUL bytes");
    else
        run(x, idp, route_find(idp, http_exchange_head(x)->path)->post, body);
    secret_wipe(body, len);
}

static void form_too_large(struct http_exchange *x)
{
    send_error(x, http_exchange_state(x), 413, "A form has at most 64 KiB");
}

static bool is_form(const struct http_head *head)
{
    static const char FORM[] = "application/x-www-form-urlencoded";
    const char *type = header_or_empty(head, "Content-Type");
    size_t len = strcspn(type, "; \t");
    return len == sizeof FORM - 1 && strncasecmp(type, FORM, len) == 0;
}

/* Headers that mean one thing stand once. */
static bool headers_are_single(const struct http_head *head)
{
    static const char *const SINGLE[] = {"Authorization", "Cookie", "Content-Type", "Origin", "Sec-Fetch-Site"};
    for (size_t i = 0; i < ARRAY_LEN(SINGLE); i++)
        if (http_header_count(head, SINGLE[i]) > 1)
            return false;
    return true;
}

static void refuse_method(struct http_exchange *x, struct idp *idp, const struct route *route)
{
    http_header_addf(x, "Allow", "%s%s%s", route->get ? "GET, HEAD" : "", route->get && route->post ? ", " : "",
                     route->post ? "POST" : "");
    send_error(x, idp, 405, "This address does not take that method");
}

/* The question a browser asks before a page of another origin may use a route. */
static void answer_preflight(struct http_exchange *x, struct idp *idp)
{
    add_common_headers(x, idp);
    add_cors_headers(x, idp);
    http_header_add(x, "Access-Control-Allow-Methods", "GET, POST");
    http_header_add(x, "Access-Control-Allow-Headers", "Content-Type");
    http_header_add(x, "Access-Control-Max-Age", "600");
    http_reply_empty(x, 204);
}

void server_handle(struct http_exchange *x, void *ctx)
{
    struct idp *idp = ctx;
    const struct http_head *head = http_exchange_head(x);
    const struct route *route = route_find(idp, head->path);
    bool is_get = head->method == HTTP_GET || head->method == HTTP_HEAD;

    http_exchange_set_state(x, idp, NULL);
    if (!route)
        send_error(x, idp, 404, "There is nothing at this address");
    else if (!headers_are_single(head))
        send_error(x, idp, 400, "A header stands twice");
    else if (is_get && route->get)
        run(x, idp, route->get, head->query);
    else if (head->method == HTTP_OPTIONS && route->cors)
        answer_preflight(x, idp);
    else if (head->method != HTTP_POST || !route->post)
        refuse_method(x, idp, route);
    else if (!is_form(head))
        send_error(x, idp, 415, "The body must be application/x-www-form-urlencoded");
    else
        http_collect_body(x, FORM_MAX, form_arrived, form_too_large);
}

void server_refuse(struct http_exchange *x, int status, const char *detail)
{
    struct answer a;

    answer_init(&a);
    answer_oauth_error(&a, status, status == 429 ? oauth_error_for(E_RATE) : "invalid_request", detail);
    add_common_headers(x, NULL);
    add_answer_headers(x, &a);
    http_reply(x, a.status, a.type, str_text(&a.body), a.body.len);
    answer_done(&a);
}
