/* The grants, one function for each. */
#include "cli/grant.h"

#include <string.h>

#include "base/json.h"
#include "cli/browser.h"
#include "cli/device.h"
#include "cli/oauth.h"

static bool has_method(const json_t *login, const char *method)
{
    return strcmp(json_text(login, "method"), method) == 0;
}

bool grant_needs_person(const json_t *login)
{
    return !has_method(login, METHOD_SECRET);
}

int grant_by_secret(struct web *web, const json_t *login, const char *scope, json_t **ret, struct error *err)
{
    AUTO_STR struct str form = STR_INIT(OAUTH_FORM_MAX);
    char code[OAUTH_CODE_MAX];

    oauth_form_add(&form, "grant_type", "client_credentials");
    oauth_form_add_scope(&form, login, scope, false);
    return oauth_token(web, login, &form, ret, code, err);
}

int grant_by_refresh(struct web *web, const json_t *login, const char *refresh, const char *scope, json_t **ret,
                     struct error *err)
{
    AUTO_STR struct str form = STR_INIT(OAUTH_FORM_MAX);
    char code[OAUTH_CODE_MAX];

    oauth_form_add(&form, "grant_type", "refresh_token");
    oauth_form_add(&form, "refresh_token", refresh);
    oauth_form_add_scope(&form, login, scope, false);
    return oauth_token(web, login, &form, ret, code, err);
}

int grant_by_person(struct web *web, const json_t *login, const char *scope, json_t **ret, struct error *err)
{
    return has_method(login, METHOD_DEVICE) ? device_login(web, login, scope, ret, err)
                                            : browser_login(web, login, scope, ret, err);
}

int grant_revoke(struct web *web, const json_t *login, const char *refresh, struct error *err)
{
    AUTO_ANSWER struct web_answer answer = WEB_ANSWER_INIT;
    AUTO_STR struct str form = STR_INIT(OAUTH_FORM_MAX);
    const char *endpoint = json_text(login, "revocation_endpoint");
    char code[OAUTH_CODE_MAX];

    if (!*endpoint)
        return 0;
    oauth_form_add(&form, "token", refresh);
    oauth_form_add(&form, "token_type_hint", "refresh_token");
    int r = oauth_post(web, login, endpoint, &form, &answer, err);
    if (r || answer.status == 200)
        return r;
    return oauth_refused(&answer, code, err);
}
