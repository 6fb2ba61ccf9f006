/* `airlock admin …`: what a TRE administrator does, by /api/admin and the administrators' parts of the API. */
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/num.h"
#include "base/uuid.h"
#include "cli/admin_user.h"
#include "cli/api.h"
#include "cli/cli.h"
#include "cli/table.h"
#include "cli/url.h"
#include "cli/workspace.h"

#define NUMBER_MAX INT64_MAX

/* Options that set a whole number in the workspace's policy. The server judges the value. */
static const struct {
    const char *option;
    const char *field;
} POLICY_OPTIONS[] = {
    {"max-files", "max_files"},
    {"max-bytes", "max_bytes"},
    {"link-lifetime", "link_lifetime"},
    {"approvals", "approvals"},
    {"notice-link", "notice_link"},
};

static int add_policy(const struct args *args, json_t *properties, struct error *err)
{
    AUTO_JSON json_t *policy = json_object();

    for (size_t i = 0; i < ARRAY_LEN(POLICY_OPTIONS); i++) {
        uint64_t value;
        int r = args_number(args, POLICY_OPTIONS[i].option, 0, 0, NUMBER_MAX, &value, err);
        if (r)
            return r;
        if (args_has(args, POLICY_OPTIONS[i].option))
            (void)json_object_set_new(policy, POLICY_OPTIONS[i].field, json_integer((json_int_t)value));
    }
    if (json_object_size(policy) > 0)
        (void)json_object_set(properties, "policy", policy);
    return 0;
}

static int add_text(const struct args *args, const char *option, json_t *properties, const char *field,
                    struct error *err)
{
    const char *value = args_get(args, option);

    if (value && json_object_set_new(properties, field, json_string(value)) != 0)
        return error_set_field(err, E_USAGE, option, "--%s must be UTF-8 text", option);
    return 0;
}

static int add_networks(const struct args *args, json_t *properties, struct error *err)
{
    AUTO_JSON json_t *networks = json_array();
    size_t at = 0;

    for (const char *value = args_next(args, "network", &at); value; value = args_next(args, "network", &at))
        if (json_array_append_new(networks, json_string(value)) != 0)
            return error_set_field(err, E_USAGE, "network", "--network must be a network like 10.1.0.0/16");
    if (json_array_size(networks) > 0)
        (void)json_object_set(properties, "networks", networks);
    return 0;
}

/* "NAME=VALUE NAME=VALUE" as an object: numbers as numbers, "default" as null. The server knows what the names mean. */
static int gates_rows(const char *option, const char *text, json_t **ret_rows, struct error *err)
{
    AUTO_JSON json_t *rows = json_object();
    AUTO_FREE char *copy = xstrdup(text);
    char *rest = copy;

    for (char *word; (word = strtok_r(rest, " ", &rest));) {
        char *value = strchr(word, '=');
        uint64_t number;
        if (!value || value == word)
            return error_set_field(err, E_USAGE, option, "--%s takes NAME=VALUE with spaces between, not \"%.60s\"",
                                   option, word);
        *value++ = '\0';
        for (char *comma = value; (comma = strchr(comma, ','));)
            *comma = ' ';
        json_t *item = strcmp(value, "default") == 0                  ? json_null()
                       : num_parse(value, 0, NUMBER_MAX, &number) ? json_integer((json_int_t)number)
                                                                      : json_string(value);
        if (json_object_set_new(rows, word, item) != 0)
            return error_set_field(err, E_USAGE, option, "--%s must be UTF-8 text", option);
    }
    *ret_rows = TAKE_PTR(rows);
    return 0;
}

static int add_gates(const struct args *args, json_t *properties, struct error *err)
{
    static const struct {
        const char *option;
        const char *direction;
    } DIRECTIONS[] = {{"gates-import", "import"}, {"gates-export", "export"}};
    AUTO_JSON json_t *gates = json_object();

    for (size_t i = 0; i < ARRAY_LEN(DIRECTIONS); i++) {
        const char *text = args_get(args, DIRECTIONS[i].option);
        json_t *rows = NULL;
        int r = text ? gates_rows(DIRECTIONS[i].option, text, &rows, err) : 0;
        if (r)
            return r;
        if (rows)
            (void)json_object_set_new(gates, DIRECTIONS[i].direction, rows);
    }
    if (json_object_size(gates) > 0)
        (void)json_object_set(properties, "gates", gates);
    return 0;
}

static int workspace_body(const struct args *args, json_t **ret, struct error *err)
{
    static const char *const SWITCH[] = {"on", "off", NULL};
    AUTO_JSON json_t *properties = json_object();
    const char *airlock = NULL;

    int r = args_choice(args, "airlock", SWITCH, &airlock, err);
    if (!r)
        r = add_text(args, "name", properties, "display_name", err);
    if (!r)
        r = add_text(args, "description", properties, "description", err);
    if (!r)
        r = add_text(args, "client-id", properties, "client_id", err);
    if (!r)
        r = add_networks(args, properties, err);
    if (!r)
        r = add_policy(args, properties, err);
    if (!r)
        r = add_gates(args, properties, err);
    if (r)
        return r;
    if (airlock)
        (void)json_object_set_new(properties, "enable_airlock", json_boolean(strcmp(airlock, "on") == 0));
    if (json_object_size(properties) == 0)
        return error_set(err, E_USAGE, "Say what to change; see: airlock admin workspace update --help");
    *ret = json_pack("{s:O}", "properties", properties);
    return 0;
}

int admin_workspace_create_run(struct cli *cli, const struct args *args, struct error *err)
{
    AUTO_JSON json_t *body = NULL;
    AUTO_JSON json_t *answer = NULL;
    const char *name;

    int r = args_need(args, "name", &name, err);
    if (!r)
        r = workspace_body(args, &body, err);
    if (!r)
        r = api_post(cli, NULL, "/workspaces", body, &answer, err);
    return r ? r : workspace_print(cli, answer, err);
}

/* Changes the version that it read: a change by somebody else in between is refused, not overwritten. */
int admin_workspace_update_run(struct cli *cli, const struct args *args, struct error *err)
{
    AUTO_FREE char *id = NULL;
    AUTO_JSON json_t *body = NULL;
    AUTO_JSON json_t *before = NULL;
    AUTO_JSON json_t *answer = NULL;

    int r = workspace_body(args, &body, err);
    if (!r)
        r = workspace_resolve(cli, args->items[0], &id, err);
    if (r)
        return r;
    AUTO_FREE char *path = xasprintf("/workspaces/%s", id);
    r = api_get(cli, NULL, path, &before, err);
    if (r)
        return r;
    struct api_call call = {.method = "PATCH",
                            .path = path,
                            .body = body,
                            .etag = json_text(json_object_get(before, "workspace"), "_etag")};
    r = api_send(cli, &call, &answer, NULL, err);
    json_decref(before);
    before = NULL;
    if (!r)
        r = api_get(cli, NULL, path, &before, err); /* AzureTRE answers a change with an operation, not the workspace */
    return r ? r : workspace_print(cli, before, err);
}

static bool entry_matches(const json_t *entry, const char *const *fields, const char *text)
{
    for (; *fields; fields++)
        if (strcasecmp(json_text(entry, *fields), text) == 0)
            return true;
    return false;
}

/* The id of the one entry of a list that text names by any of the fields. */
static int pick_id(const json_t *list, const char *const *fields, const char *text, const char *what, const char **ret,
                   struct error *err)
{
    const char *found = NULL;
    size_t index;
    json_t *entry;

    json_array_foreach((json_t *)list, index, entry)
    {
        if (!entry_matches(entry, fields, text))
            continue;
        if (found && strcmp(found, json_text(entry, "id")) != 0)
            return error_set(err, E_USAGE, "Several %ss are called \"%.100s\": give the id", what, text);
        found = json_text(entry, "id");
    }
    if (!found || !*found)
        return error_set(err, E_NOT_FOUND, "There is no %s \"%.100s\" here", what, text);
    *ret = found;
    return 0;
}

/* What both role commands need: the workspace, and the ids of the person and the role. */
struct assignment {
    char *workspace;
    json_t *people;
    json_t *roles;
    const char *person;
    const char *role;
};

static void assignment_done(struct assignment *a)
{
    free(a->workspace);
    json_decref(a->people);
    json_decref(a->roles);
}

static int assignment_read(struct cli *cli, const struct args *args, struct assignment *a, struct error *err)
{
    static const char *const PERSON_FIELDS[] = {"id", "email", "userPrincipalName", "displayName", NULL};
    static const char *const ROLE_FIELDS[] = {"id", "value", "displayName", NULL};

    int r = workspace_resolve(cli, args->items[0], &a->workspace, err);
    if (r)
        return r;
    AUTO_FREE char *people = xasprintf("/workspaces/%s/assignable-users", a->workspace);
    AUTO_FREE char *roles = xasprintf("/workspaces/%s/roles", a->workspace);
    r = api_get(cli, NULL, people, &a->people, err);
    if (!r)
        r = api_get(cli, NULL, roles, &a->roles, err);
    if (!r)
        r = pick_id(json_object_get(a->people, "assignable_users"), PERSON_FIELDS, args->items[1], "person", &a->person,
                    err);
    if (!r)
        r = pick_id(json_object_get(a->roles, "roles"), ROLE_FIELDS, args->items[2], "role", &a->role, err);
    return r;
}

static int print_done(const struct cli *cli, const json_t *answer, const char *text, struct error *err)
{
    return cli->json ? output_json(answer, err) : output_write(text, err);
}

/* "tre" stands where a workspace would: the role is one of the TRE as a whole. */
static bool is_tre(const struct args *args)
{
    return strcmp(args->items[0], "tre") == 0;
}

static int tre_role(struct cli *cli, const struct args *args, const char *method, const char *done, struct error *err)
{
    AUTO_FREE char *person = NULL;
    AUTO_JSON json_t *answer = NULL;
    AUTO_JSON json_t *body = NULL;
    AUTO_STR struct str path = STR_INIT(API_PATH_MAX);

    int r = admin_user_find(cli, args->items[1], &person, err);
    if (r)
        return r;
    str_append(&path, "/admin/roles");
    if (strcmp(method, "DELETE") == 0) {
        url_append_query(&path, "user_id", person);
        url_append_query(&path, "role_id", args->items[2]);
    } else {
        body = json_pack("{s:[s], s:s}", "user_ids", person, "role_id", args->items[2]);
    }
    struct api_call call = {.method = method, .path = str_text(&path), .body = body};
    r = api_send(cli, &call, &answer, NULL, err);
    return r ? r : print_done(cli, answer, done, err);
}

int admin_role_assign_run(struct cli *cli, const struct args *args, struct error *err)
{
    if (is_tre(args))
        return tre_role(cli, args, "POST", "The role is assigned.\n", err);
    struct assignment a = {0};
    AUTO_JSON json_t *answer = NULL;

    int r = assignment_read(cli, args, &a, err);
    if (!r) {
        AUTO_FREE char *path = xasprintf("/workspaces/%s/users/assign", a.workspace);
        AUTO_JSON json_t *body = json_pack("{s:[s], s:s}", "user_ids", a.person, "role_id", a.role);
        r = api_post(cli, NULL, path, body, &answer, err);
    }
    assignment_done(&a);
    return r ? r : print_done(cli, answer, "The role is assigned.\n", err);
}

int admin_role_remove_run(struct cli *cli, const struct args *args, struct error *err)
{
    if (is_tre(args))
        return tre_role(cli, args, "DELETE", "The role is removed.\n", err);
    struct assignment a = {0};
    AUTO_JSON json_t *answer = NULL;

    int r = assignment_read(cli, args, &a, err);
    if (!r) {
        AUTO_STR struct str path = STR_INIT(API_PATH_MAX);
        str_printf(&path, "/workspaces/%s/users/assign", a.workspace);
        url_append_query(&path, "user_id", a.person);
        url_append_query(&path, "role_id", a.role);
        struct api_call call = {.method = "DELETE", .path = str_text(&path)};
        r = api_send(cli, &call, &answer, NULL, err);
    }
    assignment_done(&a);
    return r ? r : print_done(cli, answer, "The role is removed.\n", err);
}

int admin_retry_run(struct cli *cli, const struct args *args, struct error *err)
{
    AUTO_JSON json_t *answer = NULL;

    if (!uuid_is_v4(args->items[0]))
        return error_set(err, E_USAGE, "\"%.80s\" is not a request's id", args->items[0]);
    AUTO_FREE char *path = xasprintf("/admin/requests/%s/retry", args->items[0]);
    int r = api_post(cli, NULL, path, NULL, &answer, err);
    return r ? r : print_done(cli, answer, "The request goes on where it failed.\n", err);
}

static int print_audit(const struct cli *cli, const json_t *entries, struct error *err)
{
    static const char *const HEADINGS[] = {">ID", "AT", "KIND", "~SUBJECT", "ADDRESS", "~DETAIL", NULL};
    AUTO_TABLE struct table *table = table_new(HEADINGS);
    size_t index;
    json_t *entry;

    json_array_foreach((json_t *)entries, index, entry)
    {
        AUTO_STR struct str detail = STR_INIT(1024 * 1024);
        AUTO_FREE char *id = xasprintf("%lld", (long long)json_int(entry, "id"));
        const json_t *value = json_object_get(entry, "detail");
        if (value)
            json_append_value(&detail, value);
        table_text(table, id);
        table_time(table, json_object_get(entry, "at"));
        table_text(table, json_text(entry, "kind"));
        table_text(table, json_text(entry, "subject"));
        table_text(table, json_text(entry, "address"));
        table_text(table, str_text(&detail));
    }
    return table_print(table, cli->csv, err);
}

int admin_audit_run(struct cli *cli, const struct args *args, struct error *err)
{
    AUTO_STR struct str path = STR_INIT(API_PATH_MAX);
    AUTO_JSON json_t *entries = NULL;
    const char *request = args_get(args, "request");

    str_append(&path, "/admin/audit");
    if (request)
        url_append_query(&path, "request", request);
    int r = api_list(cli, NULL, str_text(&path), "entries", args_has(args, "all"), &entries, err);
    if (r)
        return r;
    if (!cli->json)
        return print_audit(cli, entries, err);
    AUTO_JSON json_t *whole = json_pack("{s:O}", "entries", entries);
    return output_json(whole, err);
}

static int print_jobs(const struct cli *cli, const json_t *jobs, struct error *err)
{
    static const char *const HEADINGS[] = {">ID", "REQUEST", "KIND", "STATE", ">TRIES", "NEXT TRY", "~ERROR", NULL};
    AUTO_TABLE struct table *table = table_new(HEADINGS);
    size_t index;
    json_t *job;

    json_array_foreach((json_t *)jobs, index, job)
    {
        AUTO_FREE char *id = xasprintf("%lld", (long long)json_int(job, "id"));
        AUTO_FREE char *attempts = xasprintf("%lld", (long long)json_int(job, "attempts"));
        table_text(table, id);
        table_text(table, json_text(job, "request"));
        table_text(table, json_text(job, "kind"));
        table_text(table, json_flag(job, "leased") ? "running" : json_text(job, "state"));
        table_text(table, attempts);
        table_time(table, json_object_get(job, "nextTry"));
        table_text(table, json_text(job, "error"));
    }
    return table_print(table, cli->csv, err);
}

int admin_jobs_run(struct cli *cli, const struct args *args, struct error *err)
{
    AUTO_JSON json_t *answer = NULL;

    (void)args;
    int r = api_get(cli, NULL, "/admin/jobs", &answer, err);
    if (r)
        return r;
    return cli->json ? output_json(answer, err) : print_jobs(cli, json_object_get(answer, "jobs"), err);
}

int admin_rotate_keys_run(struct cli *cli, const struct args *args, struct error *err)
{
    AUTO_FACTS struct facts facts = FACTS_INIT;
    AUTO_JSON json_t *body = json_pack("{s:b}", "now", args_has(args, "now"));
    AUTO_JSON json_t *answer = NULL;

    int r = api_post(cli, NULL, "/admin/rotate-keys", body, &answer, err);
    if (r)
        return r;
    if (cli->json)
        return output_json(answer, err);
    facts_add(&facts, "Links are signed with", json_text(answer, "keyId"));
    facts_add_time(&facts, "Older links end", json_object_get(answer, "olderEndWhen"));
    return output_write(str_text(&facts.text), err);
}
