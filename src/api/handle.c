/* The HTTP side of airlock-api: exchanges in, frames to core, answers out. It decides nothing: the route table says
 * what a request looks like, core says whether it may be. */
#include "api/handle.h"

#include <string.h>

#include "api/answer.h"
#include "api/input.h"
#include "api/metrics.h"
#include "api/openapi.h"
#include "api/schema.h"
#include "base/log.h"
#include "model/cloud_event_schema.h"

#define JSON_TYPE "application/json"
#define PROBLEM_TYPE "application/problem+json"
#define SCHEMA_TYPE "application/schema+json"
#define RETRY_AFTER_S 1u /* where nobody knows better */
#define TOKEN_MAX (16 * 1024)

/* One exchange between its head and its answer. */
struct turn {
    struct api *api;
    struct route_match match;
};

/* The list of the schemas of events, and each of them. */
static void render_event_schemas(struct api *api, const char *public_url)
{
    AUTO_JSON json_t *list = json_array();

    for (int i = 0; i < CLOUD_EVENT_COUNT; i++) {
        AUTO_JSON json_t *schema = cloud_event_schema((enum cloud_event)i, public_url);
        AUTO_FREE char *name = cloud_event_schema_name((enum cloud_event)i);
        api->event_schema[i] = json_dumps(schema, JSON_COMPACT);
        json_array_append_new(list, json_pack("{s:s, s:s, s:O}", "kind", cloud_event_name((enum cloud_event)i), "name",
                                              name, "url", json_object_get(schema, "$id")));
        if (!api->event_schema[i])
            abort(); /* made from our own tables */
    }
    AUTO_JSON json_t *all = json_pack("{s:O}", "schemas", list);
    api->event_schemas = json_dumps(all, JSON_COMPACT);
}

void api_init(struct api *api, struct ipc_client *core, const char *version, const char *public_url,
              unsigned streams_max)
{
    AUTO_JSON json_t *openapi = openapi_render(version);

    *api = (struct api){.core = core, .version = version, .is_https = str_starts(public_url, "https://")};
    api->feed = feed_new(core, streams_max);
    api->openapi = json_dumps(openapi, JSON_COMPACT);
    render_event_schemas(api, public_url);
    if (!api->openapi || !api->event_schemas)
        abort(); /* made from our own tables */
}

void api_done(struct api *api)
{
    feed_free(api->feed);
    free(api->openapi);
    free(api->event_schemas);
    for (int i = 0; i < CLOUD_EVENT_COUNT; i++)
        free(api->event_schema[i]);
    *api = (struct api){0};
}

/* --- Sending --- */

/* Nothing the API says is for caches, frames, scripts or other origins. */
static void add_security_headers(struct http_exchange *x, const struct api *api)
{
    static const struct {
        const char *name, *value;
    } HEADERS[] = {
        {"Cache-Control", "no-store"},
        {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Permissions-Policy", ""},
        {"Referrer-Policy", "no-referrer"},
        {"X-Content-Type-Options", "nosniff"},
    };

    for (size_t i = 0; i < ARRAY_LEN(HEADERS); i++)
        http_header_add(x, HEADERS[i].name, HEADERS[i].value);
    if (api && api->is_https)
        http_header_add(x, "Strict-Transport-Security", "max-age=31536000");
}

static void send_json(struct http_exchange *x, const struct api *api, int status, const char *text, size_t len)
{
    add_security_headers(x, api);
    http_reply(x, status, JSON_TYPE, text, len);
}

/* RFC 9110 §10.2.1: every 405 names what would work, also when the switch is a workspace's. */
static void add_allow(struct http_exchange *x, const struct route_match *match)
{
    AUTO_STR struct str methods = STR_INIT(128);
    unsigned bits = match->methods;

    if (match->route)
        bits &= ~(1U << match->route->method);
    route_append_methods(&methods, bits);
    http_header_add(x, "Allow", str_text(&methods));
}

/* RFC 6750 §3: a client that sent no token is told only that one is needed. */
static void add_challenge(struct http_exchange *x)
{
    const char *authorization = http_header(http_exchange_head(x), "Authorization");
    bool had_token = input_bearer(authorization)[0] != '\0';
    http_header_add(x, "WWW-Authenticate", had_token ? "Bearer error=\"invalid_token\"" : "Bearer");
}

static void send_problem(struct http_exchange *x, const struct turn *turn, const struct error *problem)
{
    AUTO_STR struct str body = STR_INIT(16 * 1024);
    int status = error_http_status(problem->code);

    if (answer_hides_detail(problem->code))
        log_error("%s %s failed: %s", http_exchange_head(x)->method_text, turn->match.path, problem->detail);
    add_security_headers(x, turn->api);
    if (status == 401)
        add_challenge(x);
    if (status == 405)
        add_allow(x, &turn->match);
    if (status == 503 || status == 429)
        http_header_addf(x, "Retry-After", "%u", problem->retry_after_s ? problem->retry_after_s : RETRY_AFTER_S);
    answer_problem(problem, &body);
    http_reply(x, status, PROBLEM_TYPE, str_text(&body), body.len);
}

void api_refuse(struct http_exchange *x, int status, const char *detail)
{
    AUTO_STR struct str body = STR_INIT(4096);

    add_security_headers(x, NULL);
    answer_refusal(status, detail, &body);
    http_reply(x, status, PROBLEM_TYPE, str_text(&body), body.len);
}

/* --- Answers that are not just core's --- */

static void send_value(struct http_exchange *x, const struct turn *turn, int status, const json_t *value)
{
    AUTO_STR struct str body = STR_INIT(64 * 1024);

    json_append_value(&body, value);
    send_json(x, turn->api, status, str_text(&body), body.len);
}

/* AzureTRE's form: always 200, and what does not work is in the list. */
static void send_health(struct http_exchange *x, const struct turn *turn, int r, json_t *result,
                        const struct error *err)
{
    AUTO_JSON json_t *down =
        json_pack("{s:[{s:s, s:s, s:s}]}", "services", "service", "Core", "status", "Not OK", "message", err->detail);
    if (r == 0)
        json_object_del(result, "ready");
    send_value(x, turn, 200, r == 0 ? result : down);
}

static void send_ready(struct http_exchange *x, const struct turn *turn, int r, const json_t *result)
{
    bool ready = r == 0 && json_flag(result, "ready");
    AUTO_JSON json_t *value = json_pack("{s:s}", "status", ready ? "ok" : "not ready");
    send_value(x, turn, ready ? 200 : 503, value);
}

static void send_metadata(struct http_exchange *x, const struct turn *turn, json_t *result)
{
    json_object_set_new(result, "api_version", json_string(turn->api->version));
    send_value(x, turn, 200, result);
}

/* A list of what an airlock has none of, for someone who may see it. */
static void send_empty(struct http_exchange *x, const struct turn *turn, const json_t *result)
{
    AUTO_JSON json_t *value = schema_empty(turn->match.route->schema, result);
    send_value(x, turn, turn->match.route->status, value);
}

static void send_metrics(struct http_exchange *x, const struct turn *turn, const json_t *result)
{
    AUTO_STR struct str body = STR_INIT(64 * 1024);

    metrics_render(result, &body);
    add_security_headers(x, turn->api);
    http_reply(x, 200, METRICS_TYPE, str_text(&body), body.len);
}

static void send_result(struct http_exchange *x, const struct turn *turn, const json_t *result)
{
    AUTO_STR struct str body = STR_INIT(ANSWER_BODY_MAX);
    AUTO_STR struct str link = STR_INIT(ANSWER_LINK_MAX);
    struct error err = {0};

    if (answer_render(&turn->match, http_exchange_head(x)->query, result, &body, &link, &err) != 0) {
        send_problem(x, turn, &err);
        return;
    }
    if (link.len > 0)
        http_header_add(x, "Link", str_text(&link));
    send_json(x, turn->api, turn->match.route->status, str_text(&body), body.len);
}

/* --- Asking core --- */

static void ask_core(struct http_exchange *x, const struct turn *turn, json_t *frame)
{
    const struct route *route = turn->match.route;
    AUTO_JSON json_t *result = NULL;
    struct error err = {0};

    int r = ipc_call(turn->api->core, route->message, frame, &result, &err);
    if (route->answer == ANSWER_HEALTH)
        send_health(x, turn, r, result, &err);
    else if (route->answer == ANSWER_READY)
        send_ready(x, turn, r, result);
    else if (r != 0)
        send_problem(x, turn, &err);
    else if (route->answer == ANSWER_METADATA)
        send_metadata(x, turn, result);
    else if (route->answer == ANSWER_METRICS)
        send_metrics(x, turn, result);
    else if (route->answer == ANSWER_EMPTY)
        send_empty(x, turn, result);
    else
        send_result(x, turn, result);
}

/* The first answer says whether the caller may; then the exchange is the feed's. */
static void follow(struct http_exchange *x, const struct turn *turn, json_t *frame)
{
    struct api *api = turn->api;
    enum message message = turn->match.route->message;
    AUTO_JSON json_t *question = json_copy(frame);
    AUTO_JSON json_t *first = NULL;
    struct feed_stream *stream = NULL;
    bool head_only = http_exchange_head(x)->method == HTTP_HEAD;
    struct error err = {0};

    int r = ipc_call(api->core, message, frame, &first, &err);
    if (r == 0 && !head_only)
        r = feed_admit(api->feed, message, question, first, &stream, &err);
    if (r != 0) {
        send_problem(x, turn, &err);
        return;
    }
    add_security_headers(x, api);
    http_header_add(x, "X-Accel-Buffering", "no"); /* nginx passes on what comes as it comes */
    if (head_only) {
        http_reply(x, 200, FEED_TYPE, NULL, 0);
        return;
    }
    free(http_exchange_state(x)); /* the turn is over */
    feed_begin(stream, x, first);
}

/* Where AzureTRE has its Swagger page, clients know this refusal. */
static void refuse_docs(struct http_exchange *x, const struct turn *turn)
{
    struct error err = {0};

    (void)error_set(&err, E_FORBIDDEN, "Swagger is disabled. The API is described at /api/openapi.json");
    send_problem(x, turn, &err);
}

static void send_event_schema(struct http_exchange *x, const struct turn *turn)
{
    struct error err = {0};

    for (int i = 0; i < CLOUD_EVENT_COUNT; i++) {
        AUTO_FREE char *name = cloud_event_schema_name((enum cloud_event)i);
        if (strcmp(name, turn->match.name) != 0)
            continue;
        add_security_headers(x, turn->api);
        http_reply(x, 200, SCHEMA_TYPE, turn->api->event_schema[i], strlen(turn->api->event_schema[i]));
        return;
    }
    (void)error_set(&err, E_NOT_FOUND, "There is no schema of this name: /api/events/schemas lists them");
    send_problem(x, turn, &err);
}

static void send_local(struct http_exchange *x, const struct turn *turn)
{
    static const char ALIVE[] = "{\"status\":\"ok\"}";
    static const char PONG[] = "\"pong\"";

    if (turn->match.route->answer == ANSWER_OPENAPI)
        send_json(x, turn->api, 200, turn->api->openapi, strlen(turn->api->openapi));
    else if (turn->match.route->answer == ANSWER_EVENT_SCHEMAS)
        send_json(x, turn->api, 200, turn->api->event_schemas, strlen(turn->api->event_schemas));
    else if (turn->match.route->answer == ANSWER_EVENT_SCHEMA)
        send_event_schema(x, turn);
    else if (turn->match.route->answer == ANSWER_DOCS)
        refuse_docs(x, turn);
    else if (turn->match.route->answer == ANSWER_ALIVE)
        send_json(x, turn->api, 200, ALIVE, strlen(ALIVE));
    else
        send_json(x, turn->api, 200, PONG, strlen(PONG));
}

/* body: NULL when there is none. */
static void take_turn(struct http_exchange *x, const struct turn *turn, const char *body, size_t len)
{
    const struct http_head *head = http_exchange_head(x);
    const struct input input = {
        .query = head->query,
        .token = input_bearer(http_header(head, "Authorization")),
        .address = http_exchange_address(x),
        .head = head,
        .body = body,
        .body_len = len,
    };
    json_t *frame = NULL;
    struct error err = {0};

    if (turn->match.route->message == ROUTE_ASKS_NOBODY)
        send_local(x, turn);
    else if (input_frame(&turn->match, &input, &frame, &err) != 0)
        send_problem(x, turn, &err);
    else if (turn->match.route->answer == ANSWER_FEED)
        follow(x, turn, frame);
    else
        ask_core(x, turn, frame);
}

static void body_arrived(struct http_exchange *x, char *body, size_t len)
{
    take_turn(x, http_exchange_state(x), body, len);
}

static void body_too_large(struct http_exchange *x)
{
    struct error err = {0};

    (void)error_set(&err, E_TOO_LARGE, "The body must not be longer than %zu bytes", API_BODY_MAX);
    send_problem(x, http_exchange_state(x), &err);
}

/* --- Heads --- */

/* Headers that mean one thing stand once: two of them would let two readers see two requests. */
static int check_head(const struct http_head *head, struct error *err)
{
    static const char *const SINGLE[] = {"Authorization", "Content-Type"};

    for (size_t i = 0; i < ARRAY_LEN(SINGLE); i++)
        if (http_header_count(head, SINGLE[i]) > 1)
            return error_set(err, E_BAD_REQUEST, "The header %s is given twice", SINGLE[i]);
    const char *authorization = http_header(head, "Authorization");
    if (authorization && strlen(authorization) > TOKEN_MAX)
        return error_set(err, E_UNAUTHENTICATED, "Could not validate credentials");
    return 0;
}

static bool has_body(const struct http_head *head)
{
    return head->chunked || head->content_length > 0;
}

static int check_turn(const struct http_head *head, struct route_match *match, struct error *err)
{
    int r = route_find(head->method, head->path, match, err);
    if (r == 0)
        r = check_head(head, err);
    if (r < 0)
        return r;
    if (match->route->body != BODY_NONE && has_body(head) && !input_is_json(http_header(head, "Content-Type")))
        return error_set(err, E_MEDIA_TYPE, "The body must be application/json");
    return 0;
}

void api_handle(struct http_exchange *x, void *ctx)
{
    const struct http_head *head = http_exchange_head(x);
    struct turn *turn = xcalloc(1, sizeof *turn);
    struct error err = {0};

    turn->api = ctx;
    http_exchange_set_state(x, turn, free);
    if (check_turn(head, &turn->match, &err) != 0)
        send_problem(x, turn, &err);
    else if (has_body(head))
        http_collect_body(x, API_BODY_MAX, body_arrived, body_too_large);
    else
        take_turn(x, turn, NULL, 0);
}
