/* The table of roles. Pure; any process. */
#include "model/role.h"

#include <string.h>

struct role_row {
    enum role role;
    const char *name;
    const char *display_name;
};

static const struct role_row ROLES[] = {
#define X(name, bit, wire, display) {ROLE_##name, wire, display},
#include "model/role.def"
#undef X
};

static const struct role_row *role_row(enum role role)
{
    for (size_t i = 0; i < ARRAY_LEN(ROLES); i++)
        if (ROLES[i].role == role)
            return &ROLES[i];
    return NULL;
}

const char *role_name(enum role role)
{
    const struct role_row *row = role_row(role);
    return row ? row->name : "";
}

const char *role_display_name(enum role role)
{
    const struct role_row *row = role_row(role);
    return row ? row->display_name : "";
}

bool role_by_name(const char *name, enum role *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(ROLES); i++)
        if (strcmp(ROLES[i].name, name) == 0) {
            *ret = ROLES[i].role;
            return true;
        }
    return false;
}

static void append_list(struct str *s, unsigned roles, const char *quote, const char *between)
{
    bool first = true;

    for (size_t i = 0; i < ARRAY_LEN(ROLES); i++) {
        if (!(roles & ROLES[i].role))
            continue;
        if (!first)
            str_append(s, between);
        first = false;
        str_printf(s, "%s%s%s", quote, ROLES[i].name, quote);
    }
}

json_t *role_names(unsigned roles)
{
    json_t *names = json_array();
    for (size_t i = 0; i < ARRAY_LEN(ROLES); i++)
        if (roles & ROLES[i].role)
            json_array_append_new(names, json_string(ROLES[i].name));
    return names;
}

void role_append_list(struct str *s, unsigned roles)
{
    append_list(s, roles, "", ", ");
}

void role_append_json(struct str *s, unsigned roles)
{
    append_list(s, roles, "\"", ",");
}

void role_append_missing(struct str *s, unsigned roles)
{
    str_append(s, "The user is missing a required role: [");
    append_list(s, roles, "'", ", ");
    str_append(s, "]");
}
