/* The token endpoint's client side. Must never print a token or a secret. */
#include "cli/oauth.h"

#include <string.h>

#include "base/crypto.h"
#include "base/json.h"
#include "cli/problem.h"
#include "cli/url.h"

#define EXPIRES_MAX (366 * 24 * 3600)

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

static int token_refused(const struct web_answer *answer, struct error *err)
{
    struct error why = {0};
    int code = problem_from_answer(&why, answer);

    if (answer->status == 400 || answer->status == 401 || answer->status == 403)
        code = E_UNAUTHENTICATED;
    return error_set(err, code, "The identity provider refuses the login: %s", why.detail);
}

int oauth_token(struct web *web, const char *endpoint, const struct str *form, json_t **ret, struct error *err)
{
    AUTO_ANSWER struct web_answer answer = WEB_ANSWER_INIT;
    AUTO_JSON json_t *token = NULL;
    const char *text;
    int64_t expires;
    struct web_request request = {
        .method = "POST",
        .url = endpoint,
        .headers = {"Content-Type: application/x-www-form-urlencoded", "Accept: application/json"},
        .body = str_text(form),
        .body_len = form->len,
    };

    int r = url_check_private(endpoint, err);
    if (!r)
        r = web_send(web, &request, &answer, err);
    if (r)
        return r;
    if (answer.status != 200)
        return token_refused(&answer, err);
    r = json_parse_object(str_text(&answer.body), answer.body.len, &token, err);
    secret_wipe(answer.body.p, answer.body.len);
    if (r || json_need_string(token, "access_token", OAUTH_TOKEN_MAX, &text, err) ||
        json_need_int(token, "expires_in", 1, EXPIRES_MAX, &expires, err))
        return error_set(err, E_PROTOCOL, "The identity provider's answer holds no usable token");
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
