/* Reading auth.group_roles. Pure; any process. */
#include "model/group_role.h"

#include <string.h>

static const char SPACE[] = " \t";

/* A copy of text[0..len) without white space at its ends; the caller's. */
static char *trimmed(const char *text, size_t len)
{
    while (len > 0 && strchr(SPACE, *text)) {
        text++;
        len--;
    }
    while (len > 0 && strchr(SPACE, text[len - 1]))
        len--;
    return xstrndup(text, len);
}

/* ROLE, or WORKSPACE-ID/ROLE. A role of the TRE stands alone, one of a workspace behind its id. */
static int meaning_read(const char *text, struct group_role *ret, struct error *err)
{
    const char *slash = strchr(text, '/');
    unsigned fitting = slash ? ROLE_WORKSPACE_ALL : ROLE_TRE_ALL;

    if (slash) {
        AUTO_FREE char *workspace = xstrndup(text, (size_t)(slash - text));
        if (!uuid_is_v4(workspace))
            return error_set(err, E_INVALID, "names \"%.60s\", which is no workspace's id", workspace);
        (void)str_copy(ret->workspace, sizeof ret->workspace, workspace); /* its length was checked as a UUID's */
    }
    const char *name = slash ? slash + 1 : text;
    if (role_by_name(name, &ret->role) && (ret->role & fitting))
        return 0;
    return error_set(err, E_INVALID, "gives \"%.60s\", which is no role in %s", name,
                     slash ? "a workspace" : "the TRE (a workspace's id and a slash go before the others)");
}

int group_role_next(const char **at, struct group_role *ret, struct error *err)
{
    size_t len;

    *at += strspn(*at, " \t,");
    len = strcspn(*at, ",");
    if (len == 0)
        return 0;
    AUTO_FREE char *entry = xstrndup(*at, len);
    char *equals = strrchr(entry, '=');
    *at += len;
    if (!equals)
        return error_set(err, E_INVALID, "must be GROUP=ROLE or GROUP=WORKSPACE-ID/ROLE, with commas between");
    AUTO_FREE char *group = trimmed(entry, (size_t)(equals - entry));
    AUTO_FREE char *meaning = trimmed(equals + 1, strlen(equals + 1));
    struct group_role row = {.workspace = ""};
    if (*group == '\0' || !str_copy(row.group, sizeof row.group, group))
        return error_set(err, E_INVALID, "must name groups of 1 to %d bytes", GROUP_NAME_MAX);
    int r = meaning_read(meaning, &row, err);
    if (r != 0)
        return r;
    *ret = row;
    return 1;
}
