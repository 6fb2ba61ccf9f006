/* Keeping the provider's keys. Part of airlock-core; it never fetches anything itself. */
#include "core/provider_keys.h"

#include <string.h>

#include "base/clock.h"
#include "core/audit.h"
#include "core/peers.h"
#include "core/tokens.h"

static void keys_replace(struct provider_keys *keys, struct jwk_set *set_stolen, char *document_stolen, int64_t fetched)
{
    jwk_set_free(keys->set);
    free(keys->document);
    keys->set = set_stolen;
    keys->document = document_stolen;
    keys->fetched = fetched;
}

int provider_keys_reload(struct core *core, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    AUTO_JSON json_t *document = NULL;
    AUTO_JWK_SET struct jwk_set *set = NULL;
    int r = db_first(core->db, Q_PROVIDER_KEYS_GET, ARGS(DB_T(core->config.issuer)), &row, err);

    if (r == 1) {
        document = json_loads(db_text(row, 0), 0, NULL);
        r = jwk_set_parse(document, &set, err);
    }
    if (r < 0)
        return r;
    bool found = set != NULL;
    keys_replace(&core->keys, TAKE_PTR(set), found ? xstrdup(db_text(row, 0)) : NULL, found ? db_int(row, 1) : 0);
    tokens_forget(core->tokens);
    return 0;
}

int provider_keys_start(struct core *core, struct error *err)
{
    if (core->config.idp_enabled)
        return 0; /* the built-in provider tells at each start */
    return provider_keys_reload(core, err);
}

void provider_keys_done(struct core *core)
{
    keys_replace(&core->keys, NULL, NULL, 0);
    free(TAKE_PTR(core->keys.token_endpoint));
}

/* The ids of keys that one set has and the other does not. */
static json_t *kids_only_in(const struct jwk_set *set, const struct jwk_set *other)
{
    json_t *kids = json_array();
    for (size_t i = 0; set && i < jwk_set_count(set); i++)
        if (!other || !jwk_set_find(other, jwk_set_at(set, i)->kid))
            json_array_append_new(kids, json_string(jwk_set_at(set, i)->kid));
    return kids;
}

/* Also when only the keys behind the same ids changed. */
static int change_audit(struct core *core, const struct call *call, const struct jwk_set *set, struct error *err)
{
    return audit_add(core, call, "keys.changed", core->config.issuer,
                     json_pack("{s:i, s:o, s:o}", "keys", (int)jwk_set_count(set), "added",
                               kids_only_in(set, core->keys.set), "removed", kids_only_in(core->keys.set, set)),
                     err);
}

int provider_keys_take(struct core *core, struct call *call, struct error *err)
{
    const json_t *published = json_object_get(call->in, "keys");
    AUTO_JWK_SET struct jwk_set *set = NULL;
    AUTO_FREE char *document = NULL;

    if (strcmp(json_text(call->in, "issuer"), core->config.issuer) != 0)
        return error_set(err, E_FORBIDDEN, "The provider's issuer is not the one that auth.issuer names");
    int r = jwk_set_parse(published, &set, err);
    if (r != 0)
        return r;
    document = json_dumps(published, JSON_COMPACT | JSON_SORT_KEYS);
    bool changed = !core->keys.document || strcmp(document, core->keys.document) != 0;
    if (changed)
        r = change_audit(core, call, set, err);
    if (r == 0)
        r = db_exec(core->db, Q_PROVIDER_KEYS_PUT,
                    ARGS(DB_T(core->config.issuer), DB_T(document), DB_I(call->now)), err);
    if (r < 0)
        return r;
    if (changed)
        tokens_forget(core->tokens);
    keys_replace(&core->keys, TAKE_PTR(set), TAKE_PTR(document), call->now);
    return 0;
}

int provider_keys_ready(const struct core *core, int64_t now, struct error *err)
{
    if (!core->keys.set)
        return error_set(err, E_UNAVAILABLE, "The identity provider has not published its keys yet; try again");
    if (!core->config.idp_enabled && now / 1000000 - core->keys.fetched / 1000000 > core->config.keys_max_age_s)
        return error_set(err, E_UNAVAILABLE,
                         "The identity provider's keys could not be fetched for too long; its administrator must look");
    return 0;
}

void provider_keys_missed(struct core *core)
{
    int64_t now_ms = clock_mono_ms();

    if (core->config.idp_enabled ||
        (core->keys.asked_mono_ms != 0 && now_ms - core->keys.asked_mono_ms < PROVIDER_KEYS_ASK_MS))
        return;
    AUTO_JSON json_t *message = json_pack("{s:s}", "op", message_op(MESSAGE_JWKS_REFRESH));
    if (peers_send(core, PEER_JWKS, message))
        core->keys.asked_mono_ms = now_ms;
}

int jwks_publish(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    const char *token_endpoint = json_text(call->in, "token_endpoint");
    int r = provider_keys_take(core, call, err);

    if (r != 0)
        return r;
    free(core->keys.token_endpoint);
    core->keys.token_endpoint = *token_endpoint ? xstrdup(token_endpoint) : NULL;
    *ret_ok = json_object();
    return 0;
}
