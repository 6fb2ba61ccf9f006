/* Token checks. Part of airlock-core; the only place that turns a token into a person. */
#include "core/caller.h"

#include <string.h>

#include "base/clock.h"
#include "core/limits.h"
#include "core/provider_keys.h"
#include "core/tokens.h"
#include "core/workspace.h"

static int caller_refuse(struct error *err, const char *detail)
{
    return error_set(err, E_UNAUTHENTICATED, "%s", detail);
}

static bool claim_text(const json_t *claims, const char *name, char *out, size_t size)
{
    return str_copy(out, size, json_text(claims, name));
}

/* Copies what we use of verified claims. */
static int caller_take_claims(struct principal *who, const json_t *claims, struct error *err)
{
    const char *audience = jwt_audience(claims);

    if (!audience || !str_copy(who->audience, sizeof who->audience, audience))
        return caller_refuse(err, "Invalid token");
    const char *subject = *json_text(claims, "oid") ? "oid" : "sub";
    if (!claim_text(claims, subject, who->subject, sizeof who->subject) || !*who->subject)
        return caller_refuse(err, "Invalid token");
    const char *email = *json_text(claims, "email") ? "email" : "preferred_username";
    if (!claim_text(claims, "name", who->name, sizeof who->name) ||
        !claim_text(claims, email, who->email, sizeof who->email))
        return caller_refuse(err, "Invalid token");
    who->issued = json_int(claims, "iat");
    return 0;
}

static unsigned claim_roles(const json_t *claims)
{
    unsigned roles = 0;
    size_t i;
    const json_t *item;
    json_array_foreach(json_object_get(claims, "roles"), i, item)
    {
        enum role role;
        if (json_is_string(item) && role_by_name(json_string_value(item), &role))
            roles |= role;
    }
    return roles;
}

/* Verifies the token; *ret_claimed are the roles it claims. */
static int caller_verify(struct core *core, struct call *call, unsigned *ret_claimed, struct error *err)
{
    const char *token = json_text(call->in, "token");
    AUTO_JSON json_t *claims = NULL;

    if (!*token)
        return caller_refuse(err, "Could not validate credentials");
    int r = provider_keys_ready(core, call->now, err);
    if (r == 0)
        r = tokens_verify(core->tokens, core->keys.set, token, &claims, err);
    if (r == E_UNAUTHENTICATED && !jwt_names_known_key(core->keys.set, token))
        provider_keys_missed(core);
    if (r == 0)
        r = jwt_check_claims(claims, core->config.issuer, call->now / 1000000, core->config.leeway_s, err);
    if (r == 0)
        r = caller_take_claims(&call->who, claims, err);
    if (r != 0)
        return r;
    call->who.known = true; /* for the audit of a refusal; the roles follow */
    *ret_claimed = claim_roles(claims);
    call->who.is_core_token = strcmp(call->who.audience, core->config.core_client_id) == 0;
    return limits_person(core->limits, call, clock_mono_us(), err);
}

/* The caller's roles in a scope ("" is the TRE): by assignment, or as the token claims, as the operator chose. */
static int caller_roles(struct core *core, struct call *call, const char *workspace, unsigned claimed,
                        struct error *err)
{
    unsigned kind = *workspace ? ROLE_WORKSPACE_ALL : ROLE_TRE_ALL;
    int r = 0;

    if (!core->config.roles_from_claim)
        r = roles_load(core, workspace, call->who.subject, &claimed, err);
    if (r == 0)
        call->who.roles = claimed & kind;
    return r;
}

int caller_need_role(const struct call *call, unsigned needed, struct error *err)
{
    if (call->who.roles & needed)
        return 0;
    AUTO_STR struct str text = STR_INIT(400);
    role_append_missing(&text, needed);
    return error_set(err, E_FORBIDDEN, "%s", str_text(&text));
}

int caller_core(struct core *core, struct call *call, struct error *err)
{
    unsigned claimed = 0;
    int r = caller_verify(core, call, &claimed, err);

    if (r != 0)
        return r;
    if (!call->who.is_core_token)
        return caller_refuse(err, "Invalid token");
    return caller_roles(core, call, "", claimed, err);
}

static int no_such_workspace(struct error *err)
{
    return error_set(err, E_NOT_FOUND, "Workspace does not exist");
}

static int caller_workspace_by_core_token(struct core *core, struct call *call, unsigned claimed, unsigned core_roles,
                                          struct error *err)
{
    AUTO_WORKSPACE struct workspace w = {0};

    if (!core_roles)
        return caller_refuse(err, "Invalid token");
    int r = caller_roles(core, call, "", claimed, err);
    if (r != 0)
        return r;
    if (!(call->who.roles & core_roles))
        return caller_refuse(err, "Invalid token"); /* AzureTRE's answer to any other core token */
    return workspace_load(core, call->workspace, &w, err);
}

static int caller_enter(struct core *core, struct call *call, unsigned needed, unsigned core_roles, struct error *err)
{
    AUTO_WORKSPACE struct workspace w = {0};
    unsigned claimed = 0;
    int r = caller_verify(core, call, &claimed, err);

    if (r != 0)
        return r;
    (void)str_copy(call->workspace, sizeof call->workspace, json_text(call->in, "workspace")); /* too long: no such */
    if (call->who.is_core_token)
        return caller_workspace_by_core_token(core, call, claimed, core_roles, err);
    r = workspace_load_by_client(core, call->who.audience, &w, NULL);
    if (r == E_NOT_FOUND)
        return caller_refuse(err, "Invalid token"); /* an audience that is none of ours */
    if (r != 0)
        return error_set(err, r, "The workspace cannot be read");
    if (strcmp(w.id, call->workspace) != 0)
        return no_such_workspace(err); /* what lies outside the token's workspace does not exist */
    r = caller_roles(core, call, w.id, claimed, err);
    if (r != 0)
        return r;
    if (call->who.roles == 0)
        return no_such_workspace(err);
    return caller_need_role(call, needed, err);
}

int caller_workspace(struct core *core, struct call *call, unsigned needed, unsigned core_roles, struct error *err)
{
    int r = caller_enter(core, call, needed, core_roles, err);
    return r ? r : limits_change(core->limits, call, clock_mono_us(), err);
}

int caller_fresh(const struct core *core, const struct call *call, struct error *err)
{
    if (call->now / 1000000 - call->who.issued <= core->config.decision_token_age_s)
        return 0;
    return error_set(err, E_UNAUTHENTICATED, "The token is too old for a decision: log in again");
}

json_t *caller_render(const struct principal *who)
{
    json_t *roles = json_array();
    for (unsigned bit = 1; bit <= who->roles && bit; bit <<= 1)
        if (who->roles & bit)
            json_array_append_new(roles, json_string(role_name((enum role)bit)));
    return json_pack("{s:s, s:s, s:s, s:o, s:s, s:b}", "id", who->subject, "name", who->name, "email", who->email,
                     "roles", roles, "audience", who->audience, "is_workspace_token", !who->is_core_token);
}
