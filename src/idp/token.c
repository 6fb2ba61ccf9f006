/* Making tokens. Runs on airlock-idp's workers. A token never leaves but in the answer. */
#include "idp/token.h"

#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/jwt.h"
#include "base/uuid.h"

/* What both kinds of token say about the person and the time. */
static json_t *common_claims(const struct idp *idp, const struct account *account, int64_t now_s)
{
    return json_pack("{s:s, s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "iss", idp->issuer, "iat",
                     (json_int_t)now_s, "nbf", (json_int_t)now_s, "exp", (json_int_t)now_s + idp->token_lifetime_s,
                     "oid", account->oid, "sub", account->oid, "tid", idp->tenant, "name", account->name, "email",
                     account->email, "preferred_username", *account->email ? account->email : account->name, "ver",
                     "2.0");
}

static void set_text(json_t *object, const char *name, const char *text)
{
    json_object_set_new(object, name, json_string(text));
}

json_t *token_access_claims(const struct idp *idp, const struct token_order *order, const json_t *meaning,
                            int64_t now_s)
{
    json_t *claims = common_claims(idp, order->account, now_s);
    char jti[UUID_TEXT_SIZE];

    uuid_new(jti);
    set_text(claims, "jti", jti);
    set_text(claims, "aud", json_text(meaning, "audience"));
    set_text(claims, "azp", order->client_id);
    set_text(claims, "appid", order->client_id);
    json_object_set(claims, "roles", json_object_get(meaning, "roles"));
    if (order->app)
        set_text(claims, "idtyp", "app");
    else
        set_text(claims, "scp", "user_impersonation");
    return claims;
}

json_t *token_id_claims(const struct idp *idp, const struct token_order *order, int64_t now_s)
{
    json_t *claims = common_claims(idp, order->account, now_s);

    set_text(claims, "aud", order->client_id);
    json_object_set_new(claims, "auth_time", json_integer(order->auth_time_s));
    if (order->nonce && *order->nonce)
        set_text(claims, "nonce", order->nonce);
    if (order->session && *order->session)
        set_text(claims, "sid", order->session);
    return claims;
}

/* Microsoft's libraries name their cache entries by it: base64url of {"uid","utid"}. */
static void set_client_info(json_t *body, const struct idp *idp, const struct account *account)
{
    AUTO_FREE char *json = xasprintf("{\"uid\":\"%s\",\"utid\":\"%s\"}", account->oid, idp->tenant);
    AUTO_STR struct str text = STR_INIT(1024);
    base64url_append(&text, json, strlen(json));
    set_text(body, "client_info", str_text(&text));
}

static int set_token(json_t *body, const char *name, struct jwt_key *key, json_t *claims_stolen, struct error *err)
{
    AUTO_JSON json_t *claims = claims_stolen;
    AUTO_FREE char *token = NULL;

    int r = jwt_sign_rs256(key, claims, &token, err);
    if (r != 0)
        return r;
    set_text(body, name, token);
    secret_wipe(token, strlen(token));
    return 0;
}

static int token_body(const struct idp *idp, const struct token_order *order, const json_t *meaning, json_t *body,
                      struct error *err)
{
    int64_t now_s = clock_now_s();

    int r = set_token(body, "access_token", idp->key, token_access_claims(idp, order, meaning, now_s), err);
    if (r == 0 && order->scope->openid && !order->app)
        r = set_token(body, "id_token", idp->id_key, token_id_claims(idp, order, now_s), err);
    if (r != 0)
        return r;
    set_text(body, "token_type", "Bearer");
    json_object_set_new(body, "expires_in", json_integer(idp->token_lifetime_s));
    json_object_set_new(body, "ext_expires_in", json_integer(idp->token_lifetime_s));
    set_text(body, "scope", order->scope->granted);
    set_client_info(body, idp, order->account);
    return 0;
}

static int set_refresh_token(struct idp *idp, const struct token_order *order, json_t *body, struct error *err)
{
    struct refresh_grant grant = {.auth_time_s = order->auth_time_s,
                                  .expires_s = order->auth_time_s + idp->refresh_lifetime_s};
    const struct refresh_now now = {clock_now_s(), clock_mono_ms()};
    AUTO_FREE char *token = NULL;
    int r;

    if (order->spends) {
        r = refresh_turn(idp->refreshes, order->spends, order->client_id, now, &token, &grant, err);
    } else {
        if (!str_copy(grant.oid, sizeof grant.oid, order->account->oid) ||
            !str_copy(grant.client_id, sizeof grant.client_id, order->client_id) ||
            !str_copy(grant.session, sizeof grant.session, order->session) ||
            !str_copy(grant.scope, sizeof grant.scope, order->offline_scope))
            return error_set(err, E_LIMIT, "The grant is too long");
        r = refresh_begin(idp->refreshes, &grant, now.s, &token, err);
    }
    if (r != 0)
        return r;
    set_text(body, "refresh_token", token);
    secret_wipe(token, strlen(token));
    return 0;
}

int token_make(struct idp *idp, const struct token_order *order, json_t **ret_body, struct error *err)
{
    AUTO_JSON json_t *meaning = NULL;
    AUTO_JSON json_t *body = json_object();

    int r = idp->core.scope(idp->core.ctx, order->scope->resource, order->account->oid, &meaning, err);
    if (r == 0)
        r = token_body(idp, order, meaning, body, err);
    if (r == 0 && (order->spends || (order->offline_scope && idp->refresh_lifetime_s > 0)))
        r = set_refresh_token(idp, order, body, err);
    if (r == 0)
        *ret_body = TAKE_PTR(body);
    return r;
}

void token_answer(struct idp *idp, const struct token_order *order, struct answer *a)
{
    json_t *body = NULL;
    struct error err = {0};

    if (token_make(idp, order, &body, &err) == 0)
        answer_json(a, 200, body);
    else
        answer_failure(a, &err);
}
