/* `airlock workspace …`, and finding a workspace by its name. */
#include "cli/workspace.h"

#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/str.h"
#include "base/uuid.h"
#include "cli/api.h"
#include "cli/table.h"

int workspace_list(struct cli *cli, json_t **ret, struct error *err)
{
    return api_list(cli, NULL, "/workspaces", "workspaces", true, ret, err);
}

static const char *display_name(const json_t *workspace)
{
    return json_text(json_object_get(workspace, "properties"), "display_name");
}

int workspace_resolve(struct cli *cli, const char *id_or_name, char **ret, struct error *err)
{
    AUTO_JSON json_t *list = NULL;
    const char *found = NULL;
    size_t index;
    json_t *workspace;

    if (uuid_is_v4(id_or_name)) {
        *ret = xstrdup(id_or_name);
        return 0;
    }
    int r = workspace_list(cli, &list, err);
    if (r)
        return r;
    json_array_foreach(list, index, workspace)
    {
        if (strcasecmp(display_name(workspace), id_or_name) != 0)
            continue;
        if (found)
            return error_set(err, E_USAGE, "Several workspaces are named \"%.100s\": give the id", id_or_name);
        found = json_text(workspace, "id");
    }
    if (!found || !uuid_is_v4(found))
        return error_set(err, E_NOT_FOUND, "You have no workspace named \"%.100s\"", id_or_name);
    *ret = xstrdup(found);
    return 0;
}

const char *workspace_option(const struct args *args)
{
    const char *option = args_get(args, "workspace");
    const char *environment = getenv("AIRLOCK_WORKSPACE");

    if (option)
        return option;
    return environment && *environment ? environment : NULL;
}

int workspace_need(struct cli *cli, const struct args *args, char **ret, struct error *err)
{
    const char *option = workspace_option(args);

    if (!option)
        return error_set_field(err, E_USAGE, "workspace", "--workspace is missing (or set AIRLOCK_WORKSPACE)");
    return workspace_resolve(cli, option, ret, err);
}

int workspace_list_run(struct cli *cli, const struct args *args, struct error *err)
{
    static const char *const HEADINGS[] = {"ID", "~NAME", "AIRLOCK", "~DESCRIPTION", NULL};
    AUTO_TABLE struct table *table = table_new(HEADINGS);
    AUTO_JSON json_t *list = NULL;
    size_t index;
    json_t *workspace;

    (void)args;
    int r = workspace_list(cli, &list, err);
    if (r)
        return r;
    if (cli->json) {
        AUTO_JSON json_t *whole = json_pack("{s:O}", "workspaces", list);
        return output_json(whole, err);
    }
    json_array_foreach(list, index, workspace)
    {
        const json_t *properties = json_object_get(workspace, "properties");
        table_text(table, json_text(workspace, "id"));
        table_text(table, display_name(workspace));
        table_text(table, json_is_false(json_object_get(properties, "enable_airlock")) ? "off" : "on");
        table_text(table, json_text(properties, "description"));
    }
    return table_print(table, cli->csv, err);
}

/* One fact of the workspace's properties, whatever its JSON type. */
static void add_property(struct facts *facts, const char *name, const json_t *value)
{
    AUTO_STR struct str text = STR_INIT(65536);

    if (!value || json_is_null(value))
        return;
    if (json_is_string(value))
        str_append(&text, json_string_value(value));
    else
        json_append_value(&text, value);
    facts_add(facts, name, str_text(&text));
}

int workspace_print(const struct cli *cli, const json_t *answer, struct error *err)
{
    static const struct {
        const char *label;
        const char *field;
    } SHOWN[] = {
        {"Name", "display_name"}, {"Description", "description"}, {"Airlock", "enable_airlock"},
        {"Networks", "networks"}, {"Policy", "policy"},           {"Scope", "scope_id"},
    };
    AUTO_FACTS struct facts facts = FACTS_INIT;
    const json_t *workspace = json_object_get(answer, "workspace");

    if (cli->json)
        return output_json(answer, err);
    facts_add(&facts, "Workspace", json_text(workspace, "id"));
    for (size_t i = 0; i < ARRAY_LEN(SHOWN); i++)
        add_property(&facts, SHOWN[i].label, json_object_get(json_object_get(workspace, "properties"), SHOWN[i].field));
    return output_write(str_text(&facts.text), err);
}

/* A core token opens a workspace for its members and for administrators. */
int workspace_show_run(struct cli *cli, const struct args *args, struct error *err)
{
    AUTO_FREE char *id = NULL;
    AUTO_JSON json_t *answer = NULL;

    int r = workspace_resolve(cli, args->items[0], &id, err);
    if (r)
        return r;
    AUTO_FREE char *path = xasprintf("/workspaces/%s", id);
    r = api_get(cli, NULL, path, &answer, err);
    return r ? r : workspace_print(cli, answer, err);
}

static void append_roles(struct str *text, const json_t *user)
{
    size_t index;
    json_t *role;

    json_array_foreach(json_object_get(user, "roles"), index, role)
    {
        str_append(text, index ? ", " : "");
        str_append(text, json_text(role, "displayName"));
    }
}

static int print_users(const struct cli *cli, const json_t *answer, struct error *err)
{
    static const char *const HEADINGS[] = {"ID", "~NAME", "~MAIL", "~ROLES", NULL};
    AUTO_TABLE struct table *table = table_new(HEADINGS);
    size_t index;
    json_t *user;

    json_array_foreach(json_object_get(answer, "users"), index, user)
    {
        AUTO_STR struct str roles = STR_INIT(4096);
        append_roles(&roles, user);
        table_text(table, json_text(user, "id"));
        table_text(table, json_text(user, "displayName"));
        table_text(table, json_text(user, "email"));
        table_text(table, str_text(&roles));
    }
    return table_print(table, cli->csv, err);
}

int workspace_users_run(struct cli *cli, const struct args *args, struct error *err)
{
    AUTO_FREE char *id = NULL;
    AUTO_JSON json_t *answer = NULL;

    int r = workspace_resolve(cli, args->items[0], &id, err);
    if (r)
        return r;
    AUTO_FREE char *path = xasprintf("/workspaces/%s/users", id);
    struct api_call call = {.method = "GET", .path = path, .workspace = id};
    r = api_send_any(cli, &call, &answer, err);
    if (r)
        return r;
    return cli->json ? output_json(answer, err) : print_users(cli, answer, err);
}
