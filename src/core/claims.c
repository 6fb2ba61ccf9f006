/* Claims into persons and roles. Part of airlock-core; believes nothing that was not verified before. */
#include "core/claims.h"

#include <string.h>

#include "model/group_role.h"

#define CLAIM_NAME_MAX 100

static int claims_refuse(struct error *err)
{
    return error_set(err, E_UNAUTHENTICATED, "Invalid token");
}

/* The next word of a list with spaces between; false at its end. */
static bool word_next(const char **at, char out[static CLAIM_NAME_MAX])
{
    *at += strspn(*at, " ");
    size_t len = strcspn(*at, " ");
    AUTO_FREE char *word = xstrndup(*at, len);
    *at += len;
    return len > 0 && str_copy(out, CLAIM_NAME_MAX, word);
}

/* The first claim of the list that is there with a text in it; "" where none is. */
static const char *claim_first_text(const json_t *claims, const char *names)
{
    char name[CLAIM_NAME_MAX];

    while (word_next(&names, name))
        if (*json_text(claims, name))
            return json_text(claims, name);
    return "";
}

/* The first claim of the list that is there says who this is, or nobody does ("" when it is no text): falling through
 * to the next would let whoever can spoil one claim choose the person by another. */
static const char *claim_subject(const json_t *claims, const char *names)
{
    char name[CLAIM_NAME_MAX];

    while (word_next(&names, name))
        if (json_object_get(claims, name))
            return json_text(claims, name);
    return "";
}

const char *audience_client(const char *audience)
{
    static const char SCHEME[] = "api://";
    return str_starts(audience, SCHEME) ? audience + strlen(SCHEME) : audience;
}

bool claims_is_core_audience(const struct core_config *config, const char *audience)
{
    const char *at = config->core_audiences;

    if (*at == '\0')
        return strcmp(audience_client(audience), config->core_client_id) == 0;
    for (at += strspn(at, " "); *at; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        if (len == strlen(audience) && memcmp(at, audience, len) == 0)
            return true;
        at += len;
    }
    return false;
}

int claims_take_person(const struct core_config *config, const json_t *claims, struct principal *who, struct error *err)
{
    const char *audience = jwt_audience(claims);

    if (!audience || !str_copy(who->audience, sizeof who->audience, audience) ||
        !str_copy(who->subject, sizeof who->subject, claim_subject(claims, config->claim_subject)) || !*who->subject ||
        !str_copy(who->name, sizeof who->name, claim_first_text(claims, config->claim_name)) ||
        !str_copy(who->email, sizeof who->email, claim_first_text(claims, config->claim_email)))
        return claims_refuse(err);
    who->issued = json_int(claims, "iat");
    who->is_core_token = claims_is_core_audience(config, audience);
    return 0;
}

/* Calls fn with each text of a claim that is an array of texts, or just one. */
static void claim_each(const json_t *claims, const char *name, void (*fn)(void *ctx, const char *text), void *ctx)
{
    const json_t *value = json_object_get(claims, name);
    const json_t *item;
    size_t i;

    if (json_is_string(value))
        fn(ctx, json_string_value(value));
    json_array_foreach(value, i, item)
    {
        if (json_is_string(item))
            fn(ctx, json_string_value(item));
    }
}

static void add_role(void *ctx, const char *text)
{
    unsigned *roles = ctx;
    enum role role;

    if (role_by_name(text, &role))
        *roles |= role;
}

unsigned claims_roles(const struct core_config *config, const json_t *claims)
{
    unsigned roles = 0;
    claim_each(claims, config->claim_roles, add_role, &roles);
    return roles;
}

/* The groups of one token against the table. */
struct group_search {
    const struct core_config *config;
    const char *workspace; /* where roles are wanted; NULL: which workspaces */
    unsigned roles;
    struct str *workspaces;
};

static void add_group(void *ctx, const char *group)
{
    struct group_search *search = ctx;
    const char *at = search->config->group_roles;
    struct group_role row;

    while (group_role_next(&at, &row, NULL) == 1) { /* airlockd has checked the text */
        if (strcmp(row.group, group) != 0)
            continue;
        if (search->workspace && strcmp(row.workspace, search->workspace) == 0)
            search->roles |= row.role;
        if (!search->workspace && *row.workspace)
            str_printf(search->workspaces, " %s ", row.workspace);
    }
}

unsigned claims_group_roles(const struct core_config *config, const json_t *claims, const char *workspace)
{
    struct group_search search = {.config = config, .workspace = workspace};
    claim_each(claims, config->claim_groups, add_group, &search);
    return search.roles;
}

void claims_group_workspaces(const struct core_config *config, const json_t *claims, struct str *ret)
{
    struct group_search search = {.config = config, .workspaces = ret};
    claim_each(claims, config->claim_groups, add_group, &search);
}
