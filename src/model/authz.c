/* Link decisions and the text form of permissions. Pure; used by core only. */
#include "model/authz.h"

#include <string.h>

static const struct {
    char letter;
    unsigned permission;
} LETTERS[] = {
    /* Azure's order; letters in between that mean nothing here (x, t, m, e, o, p) are refused */
    {'r', PERM_READ}, {'a', PERM_ADD}, {'c', PERM_CREATE}, {'w', PERM_WRITE}, {'d', PERM_DELETE}, {'l', PERM_LIST},
};

static unsigned letter_permission(char letter)
{
    for (size_t i = 0; i < ARRAY_LEN(LETTERS); i++)
        if (LETTERS[i].letter == letter)
            return LETTERS[i].permission;
    return 0;
}

int permission_parse(const char *text, unsigned *ret_permissions, struct error *err)
{
    unsigned permissions = 0;

    if (text[0] == '\0')
        return error_set_field(err, E_INVALID, "permissions", "Permissions must name at least one of r, a, c, w, d, l");
    for (const char *p = text; *p; p++) {
        unsigned permission = letter_permission(*p);
        if (permission == 0 || (permissions & permission))
            return error_set_field(err, E_INVALID, "permissions",
                                   "Permissions must be some of the letters r, a, c, w, d, l, each once");
        permissions |= permission;
    }
    *ret_permissions = permissions;
    return 0;
}

void permission_format(unsigned permissions, char ret_text[static PERMISSION_TEXT_MAX])
{
    size_t len = 0;

    for (size_t i = 0; i < ARRAY_LEN(LETTERS); i++)
        if (permissions & LETTERS[i].permission)
            ret_text[len++] = LETTERS[i].letter;
    ret_text[len] = '\0';
}

/* Which of the table's readers the actor is. */
static unsigned link_reader(const struct actor *actor, enum request_type type)
{
    unsigned reader = LINK_NOBODY;

    if (actor->is_requestor && (actor->roles & (unsigned)(ROLE_RESEARCHER | ROLE_OWNER)))
        reader |= LINK_REQUESTOR;
    if (actor->roles & ROLE_MANAGER)
        reader |= LINK_MANAGERS;
    if (actor->roles & ROLE_OWNER)
        reader |= LINK_OWNERS;
    if (type == REQUEST_IMPORT && (actor->roles & ROLE_RESEARCHER))
        reader |= LINK_RESEARCHERS_OF_IMPORT;
    return reader;
}

static int refuse_reader(enum status status, enum request_type type, struct error *err)
{
    static const struct {
        unsigned reader;
        const char *text;
    } READERS[] = {
        {LINK_REQUESTOR, "the requestor"},
        {LINK_MANAGERS, "an Airlock Manager"},
        {LINK_OWNERS, "a Workspace Owner"},
        {LINK_RESEARCHERS_OF_IMPORT, "a researcher of the workspace"},
    };
    AUTO_STR struct str who = STR_INIT(256);

    for (size_t i = 0; i < ARRAY_LEN(READERS); i++) {
        if (!(status_facts(status)->link & READERS[i].reader))
            continue;
        if (READERS[i].reader == LINK_RESEARCHERS_OF_IMPORT && type != REQUEST_IMPORT)
            continue;
        str_append(&who, who.len > 0 ? " or " : "");
        str_append(&who, READERS[i].text);
    }
    return error_set(err, E_FORBIDDEN,
                     "User is unauthorized to access airlock request files in its current status: in status %s only %s "
                     "may have a link",
                     status_name(status), str_text(&who));
}

int authz_link(enum status status, enum request_type type, const struct actor *actor, unsigned *ret_permissions,
               struct error *err)
{
    const struct status_facts *facts = status_facts(status);

    if (actor->is_system || !(actor->roles & ROLE_WORKSPACE_ALL))
        return error_set(err, E_FORBIDDEN, "Links are for people with a role in the request's workspace");
    if (facts->link == LINK_NOBODY)
        return error_set(err, E_CONFLICT, "There are no links to a request in status %s", facts->name);
    if (!(link_reader(actor, type) & facts->link))
        return refuse_reader(status, type, err);
    return permission_parse(facts->link_permissions, ret_permissions, err);
}

int authz_link_end(const struct actor *actor, struct error *err)
{
    if (actor->is_requestor || (actor->roles & AUTHZ_LINK_END_ROLES))
        return 0;
    return error_set(err, E_FORBIDDEN,
                     "Only the requestor, a Workspace Owner, an Airlock Manager or a TRE administrator "
                     "may end a request's links");
}
