/* Calls to the airlock API. */
#include "cli/api.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "cli/oauth.h"
#include "cli/problem.h"
#include "cli/tokens.h"
#include "cli/url.h"

#define GET_TRIES 4
#define RETRY_AFTER_MAX_S 20
#define RATE_TRIES 6
#define RATE_WAIT_MAX_S 30 /* of one wait; a server that asks for more is not waited for */
#define PAGES_MAX 10000

char *api_next_path(const char *link_header)
{
    const char *open = strchr(link_header, '<');
    const char *close = open ? strchr(open, '>') : NULL;

    while (close) {
        size_t rest = strcspn(close, ",");
        AUTO_FREE char *params = xstrndup(close, rest);
        if (strstr(params, "rel=\"next\"") && str_starts(open + 1, "/api/") && close - open < API_PATH_MAX)
            return xstrndup(open + 1 + strlen("/api"), (size_t)(close - open - 1) - strlen("/api"));
        open = strchr(close + rest, '<');
        close = open ? strchr(open, '>') : NULL;
    }
    return NULL;
}

int api_scope(struct cli *cli, const char *workspace, char **ret, struct error *err)
{
    AUTO_JSON json_t *answer = NULL;
    AUTO_FREE char *path = xasprintf("/workspaces/%s/scopeid", workspace);
    bool one = strcmp(json_text(cli->login, "audiences"), "one") == 0;
    const char *known = one ? json_text(cli->login, "core_scope") : tokens_scope(cli, workspace);

    if (known) {
        *ret = xstrdup(known);
        return 0;
    }
    int r = api_get(cli, NULL, path, &answer, err);
    if (r)
        return r;
    const char *id = json_text(json_object_get(answer, "workspaceAuth"), "scopeId");
    if (!*id)
        return error_set(err, E_PROTOCOL, "The server names no scope for the workspace %s", workspace);
    AUTO_FREE char *scope = xasprintf("%s/.default", id);
    r = tokens_keep_scope(cli, workspace, scope, err);
    if (!r)
        *ret = TAKE_PTR(scope);
    return r;
}

static int call_scope(struct cli *cli, const struct api_call *call, char **ret, struct error *err)
{
    int r = tokens_open(cli, err);
    if (r)
        return r;
    if (call->workspace)
        return api_scope(cli, call->workspace, ret, err);
    *ret = xstrdup(json_text(cli->login, "core_scope"));
    return 0;
}

static void pause_s(uint64_t seconds)
{
    struct timespec wait = {.tv_sec = (time_t)seconds};
    (void)nanosleep(&wait, NULL); /* a signal cuts the pause short: fine */
}

/* Sends, and sends a GET again while the server is restarting. */
static int send_through_restart(struct cli *cli, const struct web_request *request, struct web_answer *answer,
                                struct error *err)
{
    bool again = strcmp(request->method, "GET") == 0;

    for (int try = 1;; try++) {
        int r = web_send(cli->web, request, answer, err);
        bool passing = r == E_UNAVAILABLE || (!r && answer->status >= 502 && web_status_is_passing(answer->status));
        if (!again || !passing || try == GET_TRIES)
            return r;
        pause_s(web_retry_after(answer, (uint64_t)try, RETRY_AFTER_MAX_S));
    }
}

/* A 429 changed nothing, so whatever it was is sent again, when the server says so. */
static int send_patiently(struct cli *cli, const struct web_request *request, struct web_answer *answer,
                          struct error *err)
{
    uint64_t waited_s = 0;

    for (int try = 1;; try++) {
        int r = send_through_restart(cli, request, answer, err);
        if (r || answer->status != 429)
            return r;
        uint64_t wait_s = web_retry_after(answer, (uint64_t)try, UINT32_MAX);
        if (wait_s > RATE_WAIT_MAX_S)
            return error_set(err, E_RATE, "The server takes no more of these requests for %llu seconds",
                             (unsigned long long)wait_s);
        if (try == RATE_TRIES)
            return error_set(err, E_RATE, "The server still takes no more requests after %d tries in %llu seconds", try,
                             (unsigned long long)waited_s);
        pause_s(wait_s);
        waited_s += wait_s;
    }
}

static int listen_once(const struct api_call *call, const char *url, const char *token, struct web_answer *answer,
                       struct error *err)
{
    const struct api_listening *listening = call->listening;
    AUTO_FREE char *last = xasprintf("Last-Event-ID: %s", listening->last_id);
    struct web_request request = {.method = call->method, .url = url, .bearer = token, .listener = listening->listener};

    request.headers[0] = "Accept: text/event-stream";
    request.headers[1] = *listening->last_id ? last : NULL;
    return web_send(listening->web, &request, answer, err);
}

static int send_once(struct cli *cli, const struct api_call *call, const char *token, struct web_answer *answer,
                     struct error *err)
{
    AUTO_STR struct str body = STR_INIT(1024 * 1024);
    AUTO_FREE char *url = xasprintf("%s/api%s", json_text(cli->login, "url"), call->path);
    AUTO_FREE char *etag = call->etag ? xasprintf("etag: %s", call->etag) : NULL;
    struct web_request request = {.method = call->method, .url = url, .bearer = token};
    size_t headers = 0;

    if (call->listening)
        return listen_once(call, url, token, answer, err);
    request.headers[headers++] = "Accept: application/json";
    if (call->body) {
        json_append_value(&body, call->body);
        if (body.overflow)
            return error_set(err, E_TOO_LARGE, "The request's text is too long");
        request.body = str_text(&body);
        request.body_len = body.len;
        request.headers[headers++] = "Content-Type: application/json";
        request.headers[headers++] = "Expect:";
    } else if (strcmp(call->method, "GET") != 0) {
        request.body = "";
        request.headers[headers++] = "Content-Type:";
    }
    if (etag)
        request.headers[headers++] = etag;
    return send_patiently(cli, &request, answer, err);
}

/* An array at the root becomes {"items": array}, so that one strict parser serves both. */
static int parse_answer(const struct web_answer *answer, json_t **ret, struct error *err)
{
    const char *text = str_text(&answer->body);
    int r;

    if (answer->body.len == 0) {
        *ret = json_object();
        return 0;
    }
    if (text[strspn(text, " \t\r\n")] == '[') {
        AUTO_FREE char *wrapped = xasprintf("{\"items\":%s}", text);
        r = json_parse_object(wrapped, strlen(wrapped), ret, err);
    } else {
        r = json_parse_object(text, answer->body.len, ret, err);
    }
    return r ? error_set(err, E_PROTOCOL, "The server's answer is not JSON: is it an airlock server?") : 0;
}

/* A token that is refused is fetched anew, once. */
static int send_authorised(struct cli *cli, const struct api_call *call, struct web_answer *answer, struct error *err)
{
    AUTO_FREE char *scope = NULL;
    const char *token = NULL;

    int r = call_scope(cli, call, &scope, err);
    for (int try = 0; !r && try < 2; try++) {
        r = tokens_get(cli, scope, &token, err);
        if (!r)
            r = send_once(cli, call, token, answer, err);
        if (r || answer->status != 401)
            break;
        r = tokens_drop(cli, scope, token, err);
    }
    return r;
}

int api_send(struct cli *cli, const struct api_call *call, json_t **ret, char **ret_next, struct error *err)
{
    AUTO_ANSWER struct web_answer answer = WEB_ANSWER_INIT;
    int r = send_authorised(cli, call, &answer, err);

    if (r)
        return r;
    if (answer.status / 100 != 2)
        return problem_from_answer(err, &answer);
    r = parse_answer(&answer, ret, err);
    if (!r && ret_next)
        *ret_next = api_next_path(answer.link);
    return r;
}

int api_get(struct cli *cli, const char *workspace, const char *path, json_t **ret, struct error *err)
{
    struct api_call call = {.method = "GET", .path = path, .workspace = workspace};
    return api_send(cli, &call, ret, NULL, err);
}

int api_post(struct cli *cli, const char *workspace, const char *path, const json_t *body, json_t **ret,
             struct error *err)
{
    struct api_call call = {.method = "POST", .path = path, .workspace = workspace, .body = body};
    return api_send(cli, &call, ret, NULL, err);
}

int api_list(struct cli *cli, const char *workspace, const char *path, const char *field, bool all, json_t **ret,
             struct error *err)
{
    AUTO_JSON json_t *items = json_array();
    AUTO_FREE char *at = xstrdup(path);
    bool more = false;

    for (int page = 0; at && page < PAGES_MAX && (all || page == 0); page++) {
        AUTO_JSON json_t *answer = NULL;
        struct api_call call = {.method = "GET", .path = at, .workspace = workspace};
        char *next = NULL;
        int r = api_send(cli, &call, &answer, &next, err);
        if (r)
            return r;
        free(at);
        at = next;
        more = next != NULL;
        if (json_array_extend(items, json_object_get(answer, field)) != 0)
            return error_set(err, E_PROTOCOL, "The server's answer has no list \"%s\"", field);
    }
    if (more)
        (void)fputs("There are more; --all shows them.\n", stderr);
    *ret = TAKE_PTR(items);
    return 0;
}

/* Does the core token name the role, or no list of roles? Then they may be kept by the server. */
static bool may_have_core_role(struct cli *cli, const char *role)
{
    AUTO_JSON json_t *claims = NULL;
    const char *token = NULL;
    size_t index;
    json_t *name;

    if (tokens_open(cli, NULL) || tokens_get(cli, json_text(cli->login, "core_scope"), &token, NULL) ||
        oauth_claims(token, &claims, NULL))
        return false;
    if (!json_is_array(json_object_get(claims, "roles")))
        return true;
    json_array_foreach(json_object_get(claims, "roles"), index, name)
    {
        if (strcmp(role, json_string_value(name) ? json_string_value(name) : "") == 0)
            return true;
    }
    return false;
}

bool api_is_refusal(int code)
{
    return code == E_NOT_FOUND || code == E_FORBIDDEN || code == E_UNAUTHENTICATED;
}

/* Answers that a core token with TREAdmin may turn into success. */
static bool may_try_core(struct cli *cli, int code)
{
    return api_is_refusal(code) && may_have_core_role(cli, "TREAdmin");
}

int api_send_any(struct cli *cli, const struct api_call *call, json_t **ret, struct error *err)
{
    struct api_call core = *call;

    int r = api_send(cli, call, ret, NULL, err);
    core.workspace = NULL;
    return may_try_core(cli, r) && api_send(cli, &core, ret, NULL, NULL) == 0 ? 0 : r;
}

int api_list_any(struct cli *cli, const char *workspace, const char *path, const char *field, bool all, json_t **ret,
                 struct error *err)
{
    int r = api_list(cli, workspace, path, field, all, ret, err);
    return may_try_core(cli, r) && api_list(cli, NULL, path, field, all, ret, NULL) == 0 ? 0 : r;
}

static int listen_as(struct cli *cli, const struct api_call *call, uint64_t *ret_retry_s, struct error *err)
{
    AUTO_ANSWER struct web_answer answer = WEB_ANSWER_INIT;
    int r = send_authorised(cli, call, &answer, err);

    *ret_retry_s = r ? 0 : web_retry_after(&answer, 0, RATE_WAIT_MAX_S);
    if (r || call->listening->listener->enough || answer.status / 100 == 2)
        return r;
    return problem_from_answer(err, &answer);
}

int api_listen_any(struct cli *cli, const struct api_call *call, const struct api_listening *listening,
                   uint64_t *ret_retry_s, struct error *err)
{
    struct api_call own = *call;

    own.listening = listening;
    int r = listen_as(cli, &own, ret_retry_s, err);
    own.workspace = NULL;
    return may_try_core(cli, r) && listen_as(cli, &own, ret_retry_s, NULL) == 0 ? 0 : r;
}

int api_caller(struct cli *cli, const char *workspace, json_t **ret, struct error *err)
{
    if (!workspace)
        return api_get(cli, NULL, "/me", ret, err);
    AUTO_FREE char *path = xasprintf("/workspaces/%s/me", workspace);
    const struct api_call call = {.method = "GET", .path = path, .workspace = workspace};
    return api_send_any(cli, &call, ret, err);
}
