/* The table of rights. Pure; any process. */
#include "model/right.h"

#include "model/authz.h"

#define ALONE .rule = RULE_ALONE
#define MEMBER .rule = RULE_MEMBER
#define ACCOUNT .rule = RULE_ACCOUNT
#define LINK .rule = RULE_LINK
#define LINK_END .rule = RULE_LINK_END
#define EVENT(name) .rule = RULE_EVENT, .event = EVENT_##name

static const struct right_facts RIGHTS[RIGHT_COUNT] = {
    [RIGHT_OF_NOBODY] = {.name = "OF_NOBODY"},
#define RIGHT(right, kind, in_workspace, in_tre, ...) \
    [RIGHT_##right] = {.name = #right, \
                       .token = TOKEN_##kind, \
                       .workspace_roles = (in_workspace), \
                       .tre_roles = (in_tre), \
                       __VA_ARGS__},
#include "model/right.def"
#undef RIGHT
};

const struct right_facts *right_facts(enum right right)
{
    return &RIGHTS[right];
}

const char *right_name(enum right right)
{
    return RIGHTS[right].name;
}

const char *right_token_name(enum right_token token)
{
    static const char *const NAMES[] = {"none", "core", "workspace"};
    return NAMES[token];
}

/* The members of the workspace first: most of those who ask are. */
static void append_roles(struct str *s, const struct right_facts *facts)
{
    role_append_list(s, facts->workspace_roles);
    str_append(s, facts->workspace_roles && facts->tre_roles ? ", " : "");
    role_append_list(s, facts->tre_roles);
}

void right_append_who(struct str *s, enum right right)
{
    const struct right_facts *facts = right_facts(right);

    if (right == RIGHT_OF_NOBODY) {
        str_append(s, "nobody");
        return;
    }
    if (facts->token == TOKEN_NONE) {
        str_append(s, "anyone");
        return;
    }
    switch (facts->rule) {
    case RULE_ALONE:
        append_roles(s, facts);
        return;
    case RULE_EVENT:
        flow_append_who(s, facts->event);
        return;
    case RULE_MEMBER:
        append_roles(s, facts);
        str_append(s, " who is a member");
        return;
    case RULE_ACCOUNT:
        str_append(s, "the check's own account (gates.external)");
        return;
    case RULE_LINK:
        str_append(s, "by status: see the life cycle");
        return;
    case RULE_LINK_END:
        str_append(s, "requestor, ");
        role_append_list(s, AUTHZ_LINK_END_ROLES);
        return;
    }
}

static int check_token(const struct right_facts *facts, struct error *err)
{
    bool in_workspace = facts->workspace_roles != 0, in_tre = facts->tre_roles != 0;

    if (facts->token == TOKEN_NONE && (in_workspace || in_tre || facts->rule != RULE_ALONE))
        return error_set(err, E_INTERNAL, "Right %s asks for roles without a token", facts->name);
    if (facts->token == TOKEN_CORE && (in_workspace || !in_tre))
        return error_set(err, E_INTERNAL, "Right %s must ask for TRE roles, and only for those", facts->name);
    if (facts->token == TOKEN_WORKSPACE && !in_workspace)
        return error_set(err, E_INTERNAL, "Right %s opens a workspace to none of its roles", facts->name);
    if ((facts->workspace_roles & ~ROLE_WORKSPACE_ALL) || (facts->tre_roles & ~ROLE_TRE_ALL))
        return error_set(err, E_INTERNAL, "Right %s mixes roles of a workspace and of the TRE", facts->name);
    return 0;
}

/* Whoever may cause the event gets as far as the rule that says so. */
static int check_event(const struct right_facts *facts, struct error *err)
{
    if (facts->rule != RULE_EVENT)
        return 0;
    const struct event_facts *event = event_facts(facts->event);
    if (event->relation == RELATION_SYSTEM)
        return error_set(err, E_INTERNAL, "Right %s: no person causes \"%s\"", facts->name, event->name);
    if (event->roles & ~(facts->workspace_roles | facts->tre_roles))
        return error_set(err, E_INTERNAL, "Right %s shuts out who may cause \"%s\"", facts->name, event->name);
    return 0;
}

int right_check(const struct right_facts *facts, struct error *err)
{
    int r = check_token(facts, err);
    return r ? r : check_event(facts, err);
}

int right_self_check(struct error *err)
{
    for (int i = RIGHT_OF_NOBODY + 1; i < RIGHT_COUNT; i++) {
        int r = right_check(&RIGHTS[i], err);
        if (r < 0)
            return r;
    }
    return 0;
}
