/* Token checks. Part of airlock-core; the only place that turns a token into a person. */
#include "core/caller.h"

#include <string.h>

#include "base/clock.h"
#include "core/claims.h"
#include "core/limits.h"
#include "core/provider_keys.h"
#include "core/tokens.h"
#include "core/users.h"
#include "core/workspace.h"

static int caller_refuse(struct error *err, const char *detail)
{
    return error_set(err, E_UNAUTHENTICATED, "%s", detail);
}

/* Verifies the token, and keeps its claims for the time of the call. */
static int caller_verify(struct core *core, struct call *call, struct error *err)
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
        r = claims_take_person(&core->config, claims, &call->who, err);
    if (r != 0)
        return r;
    (void)str_copy(call->workspace, sizeof call->workspace, json_text(call->in, "workspace")); /* too long: no such */
    call->who.known = true; /* for the audit of a refusal; the roles follow */
    json_decref(call->claims);
    call->claims = TAKE_PTR(claims);
    r = limits_person(core->limits, call, clock_mono_us(), err);
    return r ? r : user_check(core, call->who.subject, call->who.issued, err);
}

/* The caller's roles in a scope ("" is the TRE): by assignment, or as the token claims, as the operator chose; and what
 * groups give. A token that is everybody's for every workspace cannot claim a role in one. */
static int caller_roles(struct core *core, struct call *call, const char *workspace, struct error *err)
{
    bool by_claim = core->config.roles_from_claim && !(core->config.one_audience && *workspace);
    unsigned kind = *workspace ? ROLE_WORKSPACE_ALL : ROLE_TRE_ALL;
    unsigned roles = by_claim ? claims_roles(&core->config, call->claims) : 0;
    int r = by_claim ? 0 : roles_load(core, workspace, call->who.subject, &roles, err);

    if (r == 0)
        call->who.roles = (roles | claims_group_roles(&core->config, call->claims, workspace)) & kind;
    return r;
}

static int caller_need_role(const struct call *call, unsigned needed, struct error *err)
{
    if (call->who.roles & needed)
        return 0;
    AUTO_STR struct str text = STR_INIT(400);
    role_append_missing(&text, needed);
    return error_set(err, E_FORBIDDEN, "%s", str_text(&text));
}

static int caller_core(struct core *core, struct call *call, unsigned needed, struct error *err)
{
    int r = caller_verify(core, call, err);

    if (r != 0)
        return r;
    if (!call->who.is_core_token)
        return caller_refuse(err, "Invalid token");
    r = caller_roles(core, call, "", err);
    return r ? r : caller_need_role(call, needed, err);
}

static int no_such_workspace(struct error *err)
{
    return error_set(err, E_NOT_FOUND, "Workspace does not exist");
}

static int caller_workspace_by_core_token(struct core *core, struct call *call, unsigned core_roles, struct error *err)
{
    AUTO_WORKSPACE struct workspace w = {0};

    if (!core_roles)
        return caller_refuse(err, "Invalid token");
    int r = caller_roles(core, call, "", err);
    if (r != 0)
        return r;
    if (!(call->who.roles & core_roles))
        return caller_refuse(err, "Invalid token"); /* AzureTRE's answer to any other core token */
    return workspace_load(core, call->workspace, &w, err);
}

/* With one audience a core token is judged as the workspace's token first. */
static int caller_workspace_by_any_token(struct core *core, struct call *call, unsigned needed, unsigned core_roles,
                                         struct error *err)
{
    AUTO_WORKSPACE struct workspace w = {0};
    int r = workspace_load(core, call->workspace, &w, err);

    if (r == 0)
        r = caller_roles(core, call, w.id, err);
    if (r != 0)
        return r;
    if (call->who.roles & needed) {
        call->who.is_core_token = false;
        return 0;
    }
    unsigned in_workspace = call->who.roles;
    r = core_roles ? caller_roles(core, call, "", err) : 0;
    if (r != 0 || (core_roles & call->who.roles))
        return r;
    call->who.roles = in_workspace;
    return in_workspace ? caller_need_role(call, needed, err) : no_such_workspace(err);
}

/* The workspace whose token this is. */
static int workspace_of_audience(struct core *core, const struct call *call, struct workspace *ret, struct error *err)
{
    const char *audience = call->who.audience;
    int r = workspace_load_by_client(core, audience, ret, NULL);

    if (r == E_NOT_FOUND && audience_client(audience) != audience)
        r = workspace_load_by_client(core, audience_client(audience), ret, NULL);
    if (r == E_NOT_FOUND)
        return caller_refuse(err, "Invalid token"); /* an audience that is none of ours */
    return r ? error_set(err, r, "The workspace cannot be read") : 0;
}

static int caller_workspace(struct core *core, struct call *call, unsigned needed, unsigned core_roles,
                            struct error *err)
{
    AUTO_WORKSPACE struct workspace w = {0};
    int r = caller_verify(core, call, err);

    if (r != 0)
        return r;
    if (call->who.is_core_token && core->config.one_audience)
        return caller_workspace_by_any_token(core, call, needed, core_roles, err);
    if (call->who.is_core_token)
        return caller_workspace_by_core_token(core, call, core_roles, err);
    r = workspace_of_audience(core, call, &w, err);
    if (r != 0)
        return r;
    if (strcmp(w.id, call->workspace) != 0)
        return no_such_workspace(err); /* what lies outside the token's workspace does not exist */
    r = caller_roles(core, call, w.id, err);
    if (r != 0)
        return r;
    if (call->who.roles == 0)
        return no_such_workspace(err);
    if (core->config.roles_from_claim && (r = member_saw(core, call, w.id, err)) != 0)
        return r;
    return caller_need_role(call, needed, err);
}

int caller_authorise(struct core *core, struct call *call, enum right right, struct error *err)
{
    const struct right_facts *facts = right_facts(right);
    int r;

    switch (facts->token) {
    case TOKEN_NONE:
        return 0;
    case TOKEN_CORE:
        return caller_core(core, call, facts->tre_roles, err);
    case TOKEN_WORKSPACE:
        r = caller_workspace(core, call, facts->workspace_roles, facts->tre_roles, err);
        if (r == 0 && !core->config.idp_enabled) /* the built-in provider publishes its people */
            r = person_saw(core, &call->who, err);
        if (r == 0 && *core->config.group_roles)
            r = member_saw_groups(core, call, call->workspace, err);
        return r ? r : limits_change(core->limits, call, clock_mono_us(), err);
    }
    return error_set(err, E_INTERNAL, "Right %s asks for no kind of token", facts->name);
}

int caller_fresh(const struct core *core, const struct call *call, struct error *err)
{
    if (call->now / 1000000 - call->who.issued <= core->config.decision_token_age_s)
        return 0;
    return error_set(err, E_UNAUTHENTICATED, "The token is too old for a decision: log in again");
}

json_t *caller_render(const struct principal *who)
{
    return json_pack("{s:s, s:s, s:s, s:o, s:s, s:b}", "id", who->subject, "name", who->name, "email", who->email,
                     "roles", role_names(who->roles), "audience", who->audience, "is_workspace_token",
                     !who->is_core_token);
}

int caller_get(struct core *core UNUSED, struct call *call, json_t **ret_ok, struct error *err UNUSED)
{
    *ret_ok = caller_render(&call->who);
    return 0;
}
