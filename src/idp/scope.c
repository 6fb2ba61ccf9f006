/* Reading scopes. Pure. Runs in airlock-idp. */
#include "idp/scope.h"

#include <string.h>

static const char ID_CHARACTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._";

/* The forms of a resource. core is told whole for api:// ones, else the id before the slash. */
static const struct {
    const char *prefix;
    const char *suffix;
    bool whole;
    bool app_default;
} RESOURCES[] = {
    {"api://", "/.default", true, true},
    {"api://", "/user_impersonation", true, false},
    {"", "/.default", false, true},
};

static const struct {
    const char *name;
    bool openid;
    bool offline;
    bool granted;
} IDENTITY[] = {
    {"openid", true, false, true},
    {"profile", false, false, true},
    {"email", false, false, true},
    {"offline_access", false, true, false},
};

bool scope_is_identity(const char *text)
{
    AUTO_FREE char *copy = xstrndup(text, strnlen(text, SCOPE_MAX + 1));
    char *rest = copy;
    bool openid = false;

    if (strlen(copy) > SCOPE_MAX)
        return false;
    for (char *word = strsep(&rest, " "); word; word = strsep(&rest, " ")) {
        bool known = *word == '\0';
        for (size_t i = 0; i < ARRAY_LEN(IDENTITY) && !known; i++) {
            known = strcmp(word, IDENTITY[i].name) == 0;
            openid = openid || (known && IDENTITY[i].openid);
        }
        if (!known)
            return false;
    }
    return openid;
}

/* One word as a resource; false when it is none. */
static bool resource_read(const char *word, struct scope *scope)
{
    for (size_t i = 0; i < ARRAY_LEN(RESOURCES); i++) {
        size_t prefix = strlen(RESOURCES[i].prefix);
        size_t id = str_starts(word, RESOURCES[i].prefix) ? strspn(word + prefix, ID_CHARACTERS) : 0;
        if (id == 0 || strcmp(word + prefix + id, RESOURCES[i].suffix) != 0)
            continue;
        AUTO_FREE char *resource = RESOURCES[i].whole ? xstrdup(word) : xstrndup(word, id);
        scope->app_default = RESOURCES[i].app_default;
        return str_copy(scope->resource, sizeof scope->resource, resource);
    }
    return false;
}

/* One word; *ret_granted tells whether the answer names it. */
static int word_read(const char *word, enum scope_count count, struct scope *scope, bool *ret_granted,
                     struct error *err)
{
    struct scope further = {0};

    for (size_t i = 0; i < ARRAY_LEN(IDENTITY); i++)
        if (strcmp(word, IDENTITY[i].name) == 0) {
            scope->openid = scope->openid || IDENTITY[i].openid;
            scope->offline = scope->offline || IDENTITY[i].offline;
            *ret_granted = IDENTITY[i].granted;
            return 0;
        }
    if (*scope->resource && count == SCOPE_ONE)
        return error_set(err, E_INVALID,
                         "A token is for one resource: ask for one scope of the form api://ID/.default");
    *ret_granted = *scope->resource == '\0';
    if (!resource_read(word, *scope->resource ? &further : scope))
        return error_set(err, E_INVALID, "The scope is not known; ask for one of the form api://ID/.default");
    return 0;
}

int scope_parse(const char *text, enum scope_count count, struct scope *ret, struct error *err)
{
    struct scope scope = {0};
    AUTO_STR struct str granted = STR_INIT(SCOPE_MAX);
    AUTO_FREE char *copy = xstrndup(text, strnlen(text, SCOPE_MAX + 1));
    char *rest = copy;

    if (strlen(copy) > SCOPE_MAX)
        return error_set(err, E_INVALID, "The scope is longer than %d bytes", SCOPE_MAX);
    for (char *word = strsep(&rest, " "); word; word = strsep(&rest, " ")) {
        bool is_granted = false;
        int r = *word ? word_read(word, count, &scope, &is_granted, err) : 0;
        if (r != 0)
            return r;
        if (is_granted)
            str_printf(&granted, "%s%s", granted.len ? " " : "", word);
    }
    if (*scope.resource == '\0')
        return error_set(err, E_INVALID, "A scope of the form api://ID/.default is missing");
    (void)str_copy(scope.granted, sizeof scope.granted, str_text(&granted)); /* not longer than what was asked for */
    *ret = scope;
    return 0;
}
