/* Who is who in the demo. Runs in airlockd. */
#include "airlockd/demo_people.h"

#include <string.h>

#include "base/crypto.h"
#include "base/uuid.h"

#define WORKSPACES 2
#define SECRET_BYTES 24

static const char *const WORKSPACE_NAMES[WORKSPACES] = {"Heart Study", "Lung Study"};

static const char *const PEOPLE[] = {"alice", "dave", "bob", "carol", "mallory", "erin", "admin"};

#define TRE (-1)

/* Everyone is TREUser besides. */
static const struct {
    const char *person;
    int workspace; /* or TRE */
    const char *role;
} ROLES[] = {
    {"alice", 0, "WorkspaceResearcher"}, {"dave", 0, "WorkspaceResearcher"},    {"bob", 0, "AirlockManager"},
    {"carol", 0, "WorkspaceOwner"},      {"mallory", 1, "WorkspaceResearcher"}, {"mallory", 1, "AirlockManager"},
    {"erin", 0, "WorkspaceResearcher"},  {"erin", 0, "AirlockManager"},         {"admin", TRE, "TREAdmin"},
};
#define ROLE_OF_EVERYONE "TREUser"

static json_t *new_uuid(void)
{
    char text[UUID_TEXT_SIZE];
    uuid_new(text);
    return json_string(text);
}

static json_t *new_secret(void)
{
    AUTO_STR struct str text = STR_INIT(SECRET_BYTES * 2);
    unsigned char bytes[SECRET_BYTES];

    random_fill(bytes, sizeof bytes);
    base64url_append(&text, bytes, sizeof bytes);
    return json_string(str_text(&text));
}

json_t *people_new_ids(void)
{
    json_t *workspaces = json_array();
    json_t *accounts = json_array();

    for (size_t i = 0; i < WORKSPACES; i++)
        json_array_append_new(workspaces, json_pack("{s:o, s:o, s:s, s:[s], s:b}", "id", new_uuid(), "client_id",
                                                    new_uuid(), "display_name", WORKSPACE_NAMES[i], "networks",
                                                    "127.0.0.0/8", "enable_airlock", 1));
    for (size_t i = 0; i < ARRAY_LEN(PEOPLE); i++) {
        AUTO_FREE char *email = xasprintf("%s@example.org", PEOPLE[i]);
        json_array_append_new(accounts, json_pack("{s:o, s:s, s:s, s:o, s:o, s:o}", "oid", new_uuid(), "name",
                                                  PEOPLE[i], "email", email, "password", new_secret(), "client_id",
                                                  new_uuid(), "client_secret", new_secret()));
    }
    return json_pack("{s:o, s:o, s:o, s:o}", "tenant", new_uuid(), "core_client_id", new_uuid(), "workspaces",
                     workspaces, "accounts", accounts);
}

int people_check_ids(const json_t *ids, struct error *err)
{
    const json_t *workspaces = json_object_get(ids, "workspaces");
    const json_t *accounts = json_object_get(ids, "accounts");
    bool good = uuid_is_v4(json_text(ids, "tenant")) && uuid_is_v4(json_text(ids, "core_client_id")) &&
                json_array_size(workspaces) == WORKSPACES && json_array_size(accounts) == ARRAY_LEN(PEOPLE);

    for (size_t i = 0; i < WORKSPACES && good; i++)
        good = uuid_is_v4(json_text(json_array_get(workspaces, i), "id")) &&
               uuid_is_v4(json_text(json_array_get(workspaces, i), "client_id"));
    for (size_t i = 0; i < ARRAY_LEN(PEOPLE) && good; i++) {
        const json_t *account = json_array_get(accounts, i);
        good = strcmp(json_text(account, "name"), PEOPLE[i]) == 0 && uuid_is_v4(json_text(account, "oid")) &&
               *json_text(account, "password") && *json_text(account, "client_id") &&
               *json_text(account, "client_secret");
    }
    return good ? 0 : error_set(err, E_CONFIG, "The demo's people are not complete");
}

char *people_scope(const char *client_id)
{
    return xasprintf("api://%s/.default", client_id);
}

static json_t *workspace_id(const json_t *ids, int workspace)
{
    if (workspace == TRE)
        return json_null();
    return json_incref(json_object_get(json_array_get(json_object_get(ids, "workspaces"), (size_t)workspace), "id"));
}

static json_t *assignment(const json_t *account, json_t *workspace_stolen, const char *role)
{
    return json_pack("{s:o, s:s, s:s, s:s, s:s}", "workspace", workspace_stolen, "subject", json_text(account, "oid"),
                     "name", json_text(account, "name"), "email", json_text(account, "email"), "role", role);
}

json_t *people_core_seed(const json_t *ids)
{
    const json_t *accounts = json_object_get(ids, "accounts");
    json_t *assignments = json_array();
    json_t *account;
    size_t index;

    json_array_foreach((json_t *)(uintptr_t)accounts, index, account)
    {
        json_array_append_new(assignments, assignment(account, json_null(), ROLE_OF_EVERYONE));
        for (size_t i = 0; i < ARRAY_LEN(ROLES); i++)
            if (strcmp(json_text(account, "name"), ROLES[i].person) == 0)
                json_array_append_new(assignments,
                                      assignment(account, workspace_id(ids, ROLES[i].workspace), ROLES[i].role));
    }
    return json_pack("{s:O, s:o}", "workspaces", json_object_get(ids, "workspaces"), "assignments", assignments);
}

json_t *people_idp_seed(const json_t *ids)
{
    return json_pack("{s:O}", "accounts", json_object_get(ids, "accounts"));
}

json_t *people_line_workspaces(const json_t *ids)
{
    json_t *line = json_array();
    json_t *workspace;
    size_t index;

    json_array_foreach(json_object_get(ids, "workspaces"), index, workspace)
    {
        AUTO_FREE char *scope = people_scope(json_text(workspace, "client_id"));
        json_array_append_new(line, json_pack("{s:s, s:s}", "id", json_text(workspace, "id"), "scope", scope));
    }
    return line;
}

static json_t *line_roles(const json_t *ids, const char *person)
{
    json_t *roles = json_pack("{s:[s]}", "tre", ROLE_OF_EVERYONE);

    for (size_t i = 0; i < ARRAY_LEN(ROLES); i++) {
        AUTO_JSON json_t *id = workspace_id(ids, ROLES[i].workspace);
        const char *key = json_is_string(id) ? json_string_value(id) : "tre";
        if (strcmp(ROLES[i].person, person) != 0)
            continue;
        if (!json_object_get(roles, key))
            json_object_set_new(roles, key, json_array());
        json_array_append_new(json_object_get(roles, key), json_string(ROLES[i].role));
    }
    return roles;
}

json_t *people_line_accounts(const json_t *ids)
{
    json_t *line = json_array();
    json_t *account;
    size_t index;

    json_array_foreach(json_object_get(ids, "accounts"), index, account)
    {
        const char *name = json_text(account, "name");
        json_array_append_new(line, json_pack("{s:s, s:s, s:s, s:s, s:o}", "name", name, "password",
                                              json_text(account, "password"), "client_id",
                                              json_text(account, "client_id"), "client_secret",
                                              json_text(account, "client_secret"), "roles", line_roles(ids, name)));
    }
    return line;
}
