/* `airlock admin user …`: accounts of the built-in identity provider, by /api/admin/users. A secret is printed once, by
 * the command that made it, and kept nowhere. */
#include "cli/admin_user.h"

#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/uuid.h"
#include "cli/api.h"
#include "cli/table.h"

#define USERS_PATH "/admin/users?limit=500"

static int users(struct cli *cli, bool all, json_t **ret, struct error *err)
{
    return api_list(cli, NULL, USERS_PATH, "users", all, ret, err);
}

int admin_user_find(struct cli *cli, const char *text, char **ret_id, struct error *err)
{
    static const char *const FIELDS[] = {"id", "email", "name"};
    AUTO_JSON json_t *list = NULL;
    const char *found = NULL;
    size_t index;
    json_t *user;
    int r = uuid_is_v4(text) ? 0 : users(cli, true, &list, err);

    if (r)
        return r;
    json_array_foreach(list, index, user)
    {
        bool fits = false;
        for (size_t i = 0; i < ARRAY_LEN(FIELDS); i++)
            fits = fits || strcasecmp(json_text(user, FIELDS[i]), text) == 0;
        if (fits && found)
            return error_set(err, E_USAGE, "Several users are called \"%.100s\": give the id", text);
        if (fits)
            found = json_text(user, "id");
    }
    if (!list)
        found = text;
    if (!found)
        return error_set(err, E_NOT_FOUND, "There is no user \"%.100s\" here", text);
    *ret_id = xstrdup(found);
    return 0;
}

static void add_roles(struct str *text, const json_t *user)
{
    size_t index;
    const json_t *role;
    json_array_foreach(json_object_get(user, "roles"), index, role)
    {
        str_append(text, index ? ", " : "");
        str_append(text, json_string_value(role));
    }
}

static const char *state(const json_t *user)
{
    return json_flag(user, "disabled") ? "disabled" : "active";
}

static const char *next_step(const json_t *answer)
{
    if (*json_text(answer, "password"))
        return "\nHand the password over by a safe way. It is shown this once, works for one sign-in, and that sign-in "
               "asks\nfor a new one.\n";
    if (*json_text(answer, "client_secret"))
        return "\nThe secret is shown this once. Log in with: airlock login --client-id ID --client-secret-file FILE\n";
    return "";
}

static int print_user(const struct cli *cli, const json_t *answer, struct error *err)
{
    AUTO_FACTS struct facts facts = FACTS_INIT;
    AUTO_STR struct str roles = STR_INIT(256);
    const json_t *user = json_object_get(answer, "user");

    if (cli->json)
        return output_json(answer, err);
    add_roles(&roles, user);
    facts_add(&facts, "User", json_text(user, "id"));
    facts_add(&facts, "Name", json_text(user, "name"));
    facts_add(&facts, "E-mail", json_text(user, "email"));
    facts_add(&facts, "Kind", json_flag(user, "is_service") ? "service" : "person");
    facts_add(&facts, "State", state(user));
    facts_add(&facts, "Roles", str_text(&roles));
    facts_add(&facts, "Client id", json_text(user, "client_id"));
    facts_add(&facts, "One-time password", json_text(answer, "password"));
    facts_add(&facts, "Client secret", json_text(answer, "client_secret"));
    str_append(&facts.text, next_step(answer));
    return output_write(str_text(&facts.text), err);
}

int admin_user_add_run(struct cli *cli, const struct args *args, struct error *err)
{
    AUTO_JSON json_t *answer = NULL;
    const char *email = args_get(args, "email");
    bool is_service = args_has(args, "service");

    if (!email && !is_service)
        return error_set_field(err, E_USAGE, "email", "--email is missing; only a --service may have none");
    AUTO_JSON json_t *body = json_pack("{s:s, s:s, s:b, s:b}", "name", args->items[0], "email", email ? email : "",
                                       "is_service", is_service, "tre_admin", args_has(args, "tre-admin"));
    if (!body)
        return error_set(err, E_USAGE, "The name and --email must be UTF-8 text");
    int r = api_post(cli, NULL, "/admin/users", body, &answer, err);
    return r ? r : print_user(cli, answer, err);
}

static int act(struct cli *cli, const struct args *args, const char *action, struct error *err)
{
    AUTO_FREE char *id = NULL;
    AUTO_JSON json_t *answer = NULL;

    int r = admin_user_find(cli, args->items[0], &id, err);
    if (r)
        return r;
    AUTO_FREE char *path = xasprintf("/admin/users/%s/%s", id, action);
    r = api_post(cli, NULL, path, NULL, &answer, err);
    return r ? r : print_user(cli, answer, err);
}

int admin_user_disable_run(struct cli *cli, const struct args *args, struct error *err)
{
    return act(cli, args, "disable", err);
}

int admin_user_enable_run(struct cli *cli, const struct args *args, struct error *err)
{
    return act(cli, args, "enable", err);
}

int admin_user_reset_run(struct cli *cli, const struct args *args, struct error *err)
{
    return act(cli, args, "reset", err);
}

int admin_user_list_run(struct cli *cli, const struct args *args, struct error *err)
{
    static const char *const HEADINGS[] = {"ID", "~NAME", "~E-MAIL", "KIND", "STATE", "ROLES", NULL};
    AUTO_TABLE struct table *table = table_new(HEADINGS);
    AUTO_JSON json_t *list = NULL;
    size_t index;
    const json_t *user;

    int r = users(cli, args_has(args, "all"), &list, err);
    if (r)
        return r;
    if (cli->json) {
        AUTO_JSON json_t *whole = json_pack("{s:O}", "users", list);
        return output_json(whole, err);
    }
    json_array_foreach(list, index, user)
    {
        AUTO_STR struct str roles = STR_INIT(256);
        add_roles(&roles, user);
        table_text(table, json_text(user, "id"));
        table_text(table, json_text(user, "name"));
        table_text(table, json_text(user, "email"));
        table_text(table, json_flag(user, "is_service") ? "service" : "person");
        table_text(table, state(user));
        table_text(table, str_text(&roles));
    }
    return table_print(table, cli->csv, err);
}
