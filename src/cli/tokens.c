/* The token cache and the three ways to fill it. */
#include "cli/tokens.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/browser.h"
#include "cli/config.h"
#include "cli/oauth.h"
#include "cli/url.h"

#define EXPIRY_MARGIN_S 60

static int choose_server(const struct cli *cli, char **ret, struct error *err)
{
    if (cli->url)
        return url_normalise(cli->url, ret, err);
    int r = config_current(ret, err);
    if (!r && !*ret)
        return error_set(err, E_UNAUTHENTICATED, "You are not logged in to any server");
    return r;
}

int tokens_open(struct cli *cli, struct error *err)
{
    AUTO_FREE char *url = NULL;

    if (cli->login)
        return 0;
    int r = choose_server(cli, &url, err);
    if (!r)
        r = config_load(CONFIG_LOGIN, url, &cli->login, err);
    if (!r && !cli->login)
        r = error_set(err, E_UNAUTHENTICATED, "You are not logged in to %.200s", url);
    if (!r)
        r = config_load(CONFIG_TOKENS, url, &cli->tokens, err);
    if (!r && !cli->tokens)
        cli->tokens = json_object();
    return r;
}

/* The object below the cache's root with that name, made when it is missing. */
static json_t *cache_part(const struct cli *cli, const char *name)
{
    json_t *part = json_object_get(cli->tokens, name);

    if (json_is_object(part))
        return part;
    part = json_object();
    (void)json_object_set_new(cli->tokens, name, part);
    return part;
}

static int cache_save(const struct cli *cli, struct error *err)
{
    return config_save(CONFIG_TOKENS, json_text(cli->login, "url"), cli->tokens, err);
}

static const char *cache_find(const struct cli *cli, const char *scope)
{
    const json_t *entry = json_object_get(cache_part(cli, "tokens"), scope);
    bool fresh = json_int(entry, "expires") - EXPIRY_MARGIN_S > clock_now_s();
    return fresh && *json_text(entry, "token") ? json_text(entry, "token") : NULL;
}

int tokens_keep(struct cli *cli, const char *scope, const json_t *answer, struct error *err)
{
    const char *refresh = json_text(answer, "refresh_token");
    json_int_t expires = clock_now_s() + json_int(answer, "expires_in");
    json_t *entry = json_pack("{s:s, s:I}", "token", json_text(answer, "access_token"), "expires", expires);

    (void)json_object_set_new(cache_part(cli, "tokens"), scope, entry);
    if (*refresh)
        (void)json_object_set_new(cli->tokens, "refresh_token", json_string(refresh));
    return cache_save(cli, err);
}

void tokens_drop(struct cli *cli, const char *scope)
{
    (void)json_object_del(cache_part(cli, "tokens"), scope);
}

const char *tokens_scope(const struct cli *cli, const char *workspace)
{
    const char *scope = json_text(cache_part(cli, "scopes"), workspace);
    return *scope ? scope : NULL;
}

int tokens_keep_scope(struct cli *cli, const char *workspace, const char *scope, struct error *err)
{
    (void)json_object_set_new(cache_part(cli, "scopes"), workspace, json_string(scope));
    return cache_save(cli, err);
}

static int fetch_by_secret(struct cli *cli, const char *scope, json_t **ret, struct error *err)
{
    AUTO_STR struct str form = STR_INIT(32768);

    oauth_form_add(&form, "grant_type", "client_credentials");
    oauth_form_add(&form, "client_id", json_text(cli->login, "client_id"));
    oauth_form_add(&form, "client_secret", json_text(cli->login, "client_secret"));
    oauth_form_add(&form, "scope", scope);
    int r = oauth_token(cli->web, json_text(cli->login, "token_endpoint"), &form, ret, err);
    secret_wipe(form.p, form.len);
    return r;
}

static int fetch_by_refresh(struct cli *cli, const char *refresh, const char *scope, json_t **ret, struct error *err)
{
    AUTO_STR struct str form = STR_INIT(32768);

    oauth_form_add(&form, "grant_type", "refresh_token");
    oauth_form_add(&form, "client_id", json_text(cli->login, "client_id"));
    oauth_form_add(&form, "refresh_token", refresh);
    oauth_form_add(&form, "scope", scope);
    int r = oauth_token(cli->web, json_text(cli->login, "token_endpoint"), &form, ret, err);
    secret_wipe(form.p, form.len);
    return r;
}

static int fetch_by_browser(struct cli *cli, const char *scope, json_t **ret, struct error *err)
{
    const char *refresh = json_text(cli->tokens, "refresh_token");

    if (*refresh && fetch_by_refresh(cli, refresh, scope, ret, NULL) == 0)
        return 0;
    if (json_object_size(cache_part(cli, "tokens")) > 0 && strcmp(scope, json_text(cli->login, "core_scope")) != 0)
        (void)fputs("This workspace needs a token of its own, so the browser is needed once more.\n", stderr);
    return browser_login(cli->web, cli->login, scope, ret, err);
}

/* Another login in the browser may be another person's: their token must not join this login's. */
static int check_subject(const struct cli *cli, const json_t *answer, struct error *err)
{
    AUTO_JSON json_t *claims = NULL;
    const char *expected = json_text(cli->login, "subject");

    int r = oauth_claims(json_text(answer, "access_token"), &claims, err);
    if (r || !*expected || strcmp(expected, oauth_subject(claims)) == 0)
        return r;
    return error_set(err, E_UNAUTHENTICATED, "That was the login of another person than the one who is logged in");
}

int tokens_fetch(struct cli *cli, const char *scope, json_t **ret, struct error *err)
{
    AUTO_JSON json_t *answer = NULL;
    bool browser = strcmp(json_text(cli->login, "method"), "browser") == 0;

    int r = browser ? fetch_by_browser(cli, scope, &answer, err) : fetch_by_secret(cli, scope, &answer, err);
    if (!r)
        r = check_subject(cli, answer, err);
    if (!r)
        *ret = TAKE_PTR(answer);
    return r;
}

int tokens_get(struct cli *cli, const char *scope, const char **ret, struct error *err)
{
    AUTO_JSON json_t *answer = NULL;
    const char *cached = cache_find(cli, scope);

    if (!cached) {
        int r = tokens_fetch(cli, scope, &answer, err);
        if (!r)
            r = tokens_keep(cli, scope, answer, err);
        if (r)
            return r;
        cached = json_text(json_object_get(cache_part(cli, "tokens"), scope), "token");
    }
    *ret = cached;
    return 0;
}
