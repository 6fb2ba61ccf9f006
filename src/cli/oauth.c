/* The client side of an identity provider's endpoints. Must never print a token or a secret. */
#include "cli/oauth.h"

#include <string.h>

#include "base/crypto.h"
#include "base/json.h"
#include "cli/problem.h"
#include "cli/url.h"

#define EXPIRES_MAX (366 * 24 * 3600)
#define EXPIRES_UNTOLD 300 /* RFC 6749 lets a provider be silent about it */
#define DEFAULT_SCOPE "/.default"

int oauth_get_json(struct web *web, const char *url, json_t **ret, struct error *err)
{
    AUTO_ANSWER struct web_answer answer = WEB_ANSWER_INIT;
    struct web_request request = {.method = "GET", .url = url, .headers = {"Accept: application/json"}};

    int r = url_check_private(url, err);
    if (!r)
        r = web_send(web, &request, &answer, err);
    if (r)
        return r;
    if (answer.status != 200)
        return error_set(err, E_PROTOCOL, "%.200s answers with HTTP status %d: is it an airlock server?", url,
                         answer.status);
    if (json_parse_object(str_text(&answer.body), answer.body.len, ret, err))
        return error_set(err, E_PROTOCOL, "%.200s does not answer with JSON: is it an airlock server?", url);
    return 0;
}

void oauth_form_add(struct str *form, const char *name, const char *value)
{
    str_printf(form, "%s%s=", form->len ? "&" : "", name);
    str_append_url(form, value);
}

char *oauth_interactive_scope(const char *scope)
{
    return xasprintf("offline_access openid profile %s", scope);
}

/* The provider of a server with resources knows a workspace's by the name that its scope begins with. */
char *oauth_resource(const json_t *login, const char *scope)
{
    const char *core = json_text(login, "resource");
    size_t len = strlen(scope);

    if (!*core)
        return NULL;
    if (strcmp(scope, json_text(login, "core_scope")) == 0)
        return xstrdup(core);
    if (len > strlen(DEFAULT_SCOPE) && strcmp(scope + len - strlen(DEFAULT_SCOPE), DEFAULT_SCOPE) == 0)
        len -= strlen(DEFAULT_SCOPE);
    return xstrndup(scope, len);
}

void oauth_form_add_scope(struct str *form, const json_t *login, const char *scope, bool interactive)
{
    AUTO_FREE char *resource = oauth_resource(login, scope);
    AUTO_FREE char *whole = interactive ? oauth_interactive_scope(scope) : xstrdup(scope);

    oauth_form_add(form, "scope", whole);
    if (resource)
        oauth_form_add(form, "resource", resource);
}

char *oauth_basic_header(const char *client_id, const char *secret)
{
    AUTO_STR struct str pair = STR_INIT(OAUTH_FORM_MAX);
    AUTO_STR struct str coded = STR_INIT(2 * OAUTH_FORM_MAX);

    str_append_url(&pair, client_id);
    str_append_char(&pair, ':');
    str_append_url(&pair, secret);
    base64_append(&coded, pair.p, pair.len);
    char *header = xasprintf("Authorization: Basic %s", str_text(&coded));
    secret_wipe(pair.p, pair.len);
    secret_wipe(coded.p, coded.len);
    return header;
}

int oauth_post(struct web *web, const json_t *login, const char *endpoint, struct str *form, struct web_answer *answer,
               struct error *err)
{
    const char *id = json_text(login, "client_id");
    const char *secret = json_text(login, "client_secret");
    bool basic = *secret && strcmp(json_text(login, "client_auth"), "basic") == 0;
    AUTO_FREE char *proof = basic ? oauth_basic_header(id, secret) : NULL;

    if (!basic)
        oauth_form_add(form, "client_id", id);
    if (!basic && *secret)
        oauth_form_add(form, "client_secret", secret);
    struct web_request request = {
        .method = "POST",
        .url = endpoint,
        .headers = {"Content-Type: application/x-www-form-urlencoded", "Accept: application/json", proof},
        .body = str_text(form),
        .body_len = form->len,
    };
    int r = form->overflow ? error_set(err, E_LIMIT, "There is too much to send to the identity provider")
                           : url_check_private(endpoint, err);
    if (!r)
        r = web_send(web, &request, answer, err);
    secret_wipe(form->p, form->len);
    if (proof)
        secret_wipe(proof, strlen(proof));
    return r;
}

int oauth_refused(const struct web_answer *answer, char code[static OAUTH_CODE_MAX], struct error *err)
{
    AUTO_JSON json_t *body = NULL;
    struct error why = {0};
    int r = problem_from_answer(&why, answer);

    code[0] = '\0';
    if (json_parse_object(str_text(&answer->body), answer->body.len, &body, NULL) == 0)
        (void)str_copy(code, OAUTH_CODE_MAX, json_text(body, "error")); /* a longer one is none of the standard's */
    if (answer->status == 400 || answer->status == 401 || answer->status == 403)
        r = E_UNAUTHENTICATED;
    return error_set(err, r, "The identity provider refuses the login: %s", why.detail);
}

int oauth_token(struct web *web, const json_t *login, struct str *form, json_t **ret, char code[static OAUTH_CODE_MAX],
                struct error *err)
{
    AUTO_ANSWER struct web_answer answer = WEB_ANSWER_INIT;
    AUTO_JSON json_t *token = NULL;
    const char *text;
    int64_t expires;

    code[0] = '\0';
    int r = oauth_post(web, login, json_text(login, "token_endpoint"), form, &answer, err);
    if (r)
        return r;
    if (answer.status != 200)
        return oauth_refused(&answer, code, err);
    r = json_parse_object(str_text(&answer.body), answer.body.len, &token, err);
    secret_wipe(answer.body.p, answer.body.len);
    if (r || json_need_string(token, "access_token", OAUTH_TOKEN_MAX, &text, err) ||
        json_get_int(token, "expires_in", EXPIRES_UNTOLD, 1, EXPIRES_MAX, &expires, err))
        return error_set(err, E_PROTOCOL, "The identity provider's answer holds no usable token");
    (void)json_object_set_new(token, "expires_in", json_integer(expires));
    *ret = TAKE_PTR(token);
    return 0;
}

int oauth_claims(const char *token, json_t **ret, struct error *err)
{
    const char *dot = strchr(token, '.');
    const char *end = dot ? strchr(dot + 1, '.') : NULL;
    AUTO_FREE unsigned char *bytes = xmalloc(OAUTH_TOKEN_MAX);
    size_t len;

    if (!end || !base64url_decode(dot + 1, (size_t)(end - dot - 1), bytes, OAUTH_TOKEN_MAX, &len) ||
        json_parse_object((const char *)bytes, len, ret, err))
        return error_set(err, E_PROTOCOL, "The access token is not a JSON web token");
    return 0;
}

const char *oauth_subject(const json_t *claims)
{
    const char *oid = json_text(claims, "oid");
    return *oid ? oid : json_text(claims, "sub");
}
