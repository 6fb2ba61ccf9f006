/* The token cache. In the file:
 *   "session"  that of the login it belongs to
 *   "tokens"   SCOPE: {"token", "expires"}
 *   "refresh"  SCOPE: the refresh token of the person's login for that scope. Core's serves every scope where the
 *              provider allows it (Entra and airlock's own do); elsewhere each workspace's has one of its own
 *   "scopes"   WORKSPACE: its scope
 * Several processes may run at once, and many providers end a whole login when they see an old refresh token: whoever
 * renews holds the lock, reads the file anew first, and writes the new refresh token to the disk before letting go. */
#include "cli/tokens.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/json.h"
#include "cli/config.h"
#include "cli/grant.h"
#include "cli/oauth.h"
#include "cli/prompt.h"
#include "cli/url.h"

#define EXPIRY_MARGIN_S 60
#define SESSION_BYTES 16

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

/* Takes the lock and reads what other processes wrote meanwhile. Returns the lock's descriptor. */
static int cache_lock(struct cli *cli, struct error *err)
{
    AUTO_JSON json_t *tokens = NULL;
    const char *url = json_text(cli->login, "url");

    AUTO_FD int lock = config_lock(url, err);
    if (lock < 0)
        return lock;
    int r = config_load(CONFIG_TOKENS, url, &tokens, err);
    if (r)
        return r;
    if (tokens && strcmp(json_text(tokens, "session"), json_text(cli->login, "session")) != 0)
        return error_set(err, E_UNAUTHENTICATED, "Somebody logged in to %.200s meanwhile: run the command again", url);
    json_decref(cli->tokens);
    cli->tokens = tokens ? TAKE_PTR(tokens) : json_pack("{s:s}", "session", json_text(cli->login, "session"));
    return TAKE_FD(lock);
}

static const char *cache_find(const struct cli *cli, const char *scope)
{
    const json_t *entry = json_object_get(cache_part(cli, "tokens"), scope);
    bool fresh = json_int(entry, "expires") - EXPIRY_MARGIN_S > clock_now_s();
    return fresh && *json_text(entry, "token") ? json_text(entry, "token") : NULL;
}

/* chain: the scope whose login the answer continues, or begins. */
static void cache_put(const struct cli *cli, const char *scope, const char *chain, const json_t *answer)
{
    const char *refresh = json_text(answer, "refresh_token");
    json_int_t expires = clock_now_s() + json_int(answer, "expires_in");
    json_t *entry = json_pack("{s:s, s:I}", "token", json_text(answer, "access_token"), "expires", expires);

    (void)json_object_set_new(cache_part(cli, "tokens"), scope, entry);
    if (*refresh)
        (void)json_object_set_new(cache_part(cli, "refresh"), chain, json_string(refresh));
}

int tokens_drop(struct cli *cli, const char *scope, const char *token, struct error *err)
{
    AUTO_FREE char *refused = xstrdup(token); /* it may be the cache's own */

    AUTO_FD int lock = cache_lock(cli, err);
    if (lock < 0)
        return lock;
    json_t *entries = cache_part(cli, "tokens");
    if (strcmp(json_text(json_object_get(entries, scope), "token"), refused) != 0)
        return 0; /* another process has renewed it */
    (void)json_object_del(entries, scope);
    return cache_save(cli, err);
}

const char *tokens_scope(const struct cli *cli, const char *workspace)
{
    const char *scope = json_text(cache_part(cli, "scopes"), workspace);
    return *scope ? scope : NULL;
}

int tokens_keep_scope(struct cli *cli, const char *workspace, const char *scope, struct error *err)
{
    AUTO_FD int lock = cache_lock(cli, err);
    if (lock < 0)
        return lock;
    (void)json_object_set_new(cache_part(cli, "scopes"), workspace, json_string(scope));
    return cache_save(cli, err);
}

/* Another login can be another person's: their token must not join this login's. */
static int check_subject(const struct cli *cli, const json_t *answer, struct error *err)
{
    AUTO_JSON json_t *claims = NULL;
    const char *expected = json_text(cli->login, "subject");

    int r = oauth_claims(json_text(answer, "access_token"), &claims, err);
    if (r || !*expected || strcmp(expected, oauth_subject(claims)) == 0)
        return r;
    return error_set(err, E_UNAUTHENTICATED, "That was the login of another person than the one who is logged in");
}

/* Renews without anybody, under the lock. *ret_person: only a person can go on, why stands in err. */
static int renew_alone(struct cli *cli, const char *scope, bool *ret_person, struct error *err)
{
    AUTO_JSON json_t *answer = NULL;
    const char *core = json_text(cli->login, "core_scope");
    int r;

    AUTO_FD int lock = cache_lock(cli, err);
    if (lock < 0)
        return lock;
    if (cache_find(cli, scope))
        return 0;
    const char *chain = *json_text(cache_part(cli, "refresh"), scope) ? scope : core;
    const char *refresh = json_text(cache_part(cli, "refresh"), chain);
    if (!grant_needs_person(cli->login))
        r = grant_by_secret(cli->web, cli->login, scope, &answer, err);
    else if (*refresh)
        r = grant_by_refresh(cli->web, cli->login, refresh, scope, &answer, err);
    else
        r = error_set(err, E_UNAUTHENTICATED,
                      "The login has ended, and the identity provider gave nothing to renew it");
    *ret_person = r == E_UNAUTHENTICATED && grant_needs_person(cli->login);
    if (r)
        return r;
    cache_put(cli, scope, chain, answer);
    r = cache_save(cli, err); /* before anything else can fail: the old refresh token may be dead already */
    return r ? r : check_subject(cli, answer, err);
}

/* Asks the person who sits there; a program without one gets the refusal. No lock meanwhile: it takes minutes. */
static int renew_with_person(struct cli *cli, const char *scope, struct error *err)
{
    AUTO_JSON json_t *answer = NULL;
    bool core = strcmp(scope, json_text(cli->login, "core_scope")) == 0;

    if (!prompt_possible())
        return E_UNAUTHENTICATED;
    (void)fputs(core ? "The login has ended. Log in once more.\n"
                     : "The identity provider wants a login of its own for this workspace. Log in once more.\n",
                stderr);
    int r = grant_by_person(cli->web, cli->login, scope, &answer, err);
    if (!r)
        r = check_subject(cli, answer, err);
    if (r)
        return r;
    AUTO_FD int lock = cache_lock(cli, err);
    if (lock < 0)
        return lock;
    cache_put(cli, scope, scope, answer);
    return cache_save(cli, err);
}

int tokens_get(struct cli *cli, const char *scope, const char **ret, struct error *err)
{
    bool person = false;
    int r = 0;

    if (!cache_find(cli, scope))
        r = renew_alone(cli, scope, &person, err);
    if (r && person)
        r = renew_with_person(cli, scope, err);
    if (r)
        return r;
    *ret = json_text(json_object_get(cache_part(cli, "tokens"), scope), "token");
    return 0;
}

int tokens_begin(struct cli *cli, json_t *login, const json_t *answer, struct error *err)
{
    AUTO_STR struct str session = STR_INIT(64);
    unsigned char bytes[SESSION_BYTES];
    const char *scope = json_text(login, "core_scope");
    const char *url = json_text(login, "url");

    random_fill(bytes, sizeof bytes);
    base64url_append(&session, bytes, sizeof bytes);
    (void)json_object_set_new(login, "session", json_string(str_text(&session)));
    json_decref(cli->login);
    json_decref(cli->tokens);
    cli->login = json_incref(login);
    cli->tokens = json_pack("{s:s}", "session", str_text(&session));
    cache_put(cli, scope, scope, answer);
    AUTO_FD int lock = config_lock(url, err);
    if (lock < 0)
        return lock;
    int r = config_save(CONFIG_LOGIN, url, login, err);
    return r ? r : cache_save(cli, err);
}

int tokens_end(struct cli *cli, struct error *err)
{
    const char *url = json_text(cli->login, "url");
    const char *scope;
    json_t *refresh;

    AUTO_FD int lock = cache_lock(cli, err);
    if (lock < 0)
        return lock;
    json_object_foreach(cache_part(cli, "refresh"), scope, refresh)
    {
        struct error why = {0};
        if (json_is_string(refresh) && grant_revoke(cli->web, cli->login, json_string_value(refresh), &why) != 0)
            (void)fprintf(stderr, "The identity provider may still take the refresh token: it could not be told.\n");
    }
    int r = config_remove(CONFIG_TOKENS, url, err);
    return r ? r : config_remove(CONFIG_LOGIN, url, err);
}
