/* `airlock login|logout|whoami`. A secret comes from a file, the environment, or a prompt without echo; there is no
 * option for it, because a command line can be read by others. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "cli/api.h"
#include "cli/cli.h"
#include "cli/config.h"
#include "cli/grant.h"
#include "cli/oauth.h"
#include "cli/prompt.h"
#include "cli/server.h"
#include "cli/table.h"
#include "cli/text.h"
#include "cli/tokens.h"
#include "cli/url.h"
#include "cli/workspace.h"

#define SECRET_MAX 4096

static int read_secret_input(char **ret, struct error *err)
{
    char line[SECRET_MAX + 1];
    size_t got = fread(line, 1, SECRET_MAX, stdin);

    line[got] = '\0';
    *ret = got ? xstrdup(line) : NULL;
    secret_wipe(line, sizeof line);
    return got ? 0 : error_set(err, E_USAGE, "Standard input holds no secret");
}

/* From --client-secret-file (- is standard input), AIRLOCK_CLIENT_SECRET, or the terminal. *ret is the caller's. */
static int read_secret(const struct args *args, char **ret, struct error *err)
{
    const char *file = args_get(args, "client-secret-file");
    const char *environment = getenv("AIRLOCK_CLIENT_SECRET");
    AUTO_FREE char *secret = NULL;
    size_t len;
    int r = 0;

    if (file && strcmp(file, "-") == 0)
        r = read_secret_input(&secret, err);
    else if (file)
        r = file_read_secret(file, SECRET_MAX, &secret, &len, err);
    else if (environment && *environment)
        secret = xstrdup(environment);
    else
        r = prompt_secret("Client secret: ", &secret, err);
    if (r)
        return r;
    if (!secret || strcspn(secret, "\r\n") == 0)
        return error_set(err, E_USAGE, "The client secret is empty");
    secret[strcspn(secret, "\r\n")] = '\0';
    *ret = TAKE_PTR(secret);
    return 0;
}

static int add_program(const struct args *args, json_t *login, struct error *err)
{
    const char *environment = getenv("AIRLOCK_CLIENT_ID");
    const char *id = args_get(args, "client-id");
    AUTO_FREE char *secret = NULL;

    id = id ? id : environment;
    if (!id || !*id)
        return error_set(err, E_USAGE, "Say --browser or --device, or --client-id with --client-secret-file");
    int r = read_secret(args, &secret, err);
    if (r || !secret)
        return r;
    r = json_object_set_new(login, "method", json_string(METHOD_SECRET)) |
        json_object_set_new(login, "client_id", json_string(id)) |
        json_object_set_new(login, "client_secret", json_string(secret));
    secret_wipe(secret, strlen(secret));
    return r ? error_set(err, E_USAGE, "The client id and secret must be UTF-8 text") : 0;
}

static int add_person(const struct args *args, json_t *login, struct error *err)
{
    const char *id = args_get(args, "client-id");

    if (args_has(args, "client-secret-file"))
        return error_set(err, E_USAGE, "A person's login has no client secret: leave --client-secret-file away");
    int r =
        json_object_set_new(login, "method", json_string(args_has(args, "device") ? METHOD_DEVICE : METHOD_BROWSER)) |
        json_object_set_new(login, "client_id", json_string(id ? id : json_text(login, "public_client")));
    return r ? error_set(err, E_USAGE, "The client id must be UTF-8 text") : 0;
}

/* What the command line adds to what the server says. */
static int add_options(const struct args *args, json_t *login, struct error *err)
{
    const char *scope = args_get(args, "scope");

    if (scope && json_object_set_new(login, "core_scope", json_string(scope)) != 0)
        return error_set(err, E_USAGE, "The scope must be UTF-8 text");
    if (args_has(args, "browser") || args_has(args, "device"))
        return add_person(args, login, err);
    return add_program(args, login, err);
}

static void append_roles(struct str *text, const json_t *caller)
{
    size_t index;
    json_t *role;

    json_array_foreach(json_object_get(caller, "roles"), index, role)
    {
        str_append(text, index ? ", " : "");
        str_append(text, json_is_string(role) ? json_string_value(role) : "");
    }
    if (index == 0)
        str_append(text, "none");
}

static json_t *nobody(void)
{
    return json_pack("{s:s, s:s, s:[]}", "name", "", "id", "", "roles");
}

/* What the server says, not the token: which claim names the person and the roles is the server's setting. */
static int load_caller(struct cli *cli, const char *workspace, json_t **ret, struct error *err)
{
    int r = api_caller(cli, workspace, ret, err);
    if (r != E_FORBIDDEN || workspace)
        return r;
    *ret = nobody(); /* no role in the TRE; perhaps in workspaces */
    return 0;
}

static int print_caller(const struct cli *cli, const char *workspace, const json_t *caller, struct error *err)
{
    AUTO_FACTS struct facts facts = FACTS_INIT;
    AUTO_STR struct str roles = STR_INIT(4096);
    const char *url = json_text(cli->login, "url");
    const char *method = json_text(cli->login, "method");

    if (cli->json) {
        AUTO_JSON json_t *whole =
            json_pack("{s:s, s:s, s:s, s:s, s:O}", "url", url, "method", method, "name", json_text(caller, "name"),
                      "id", json_text(caller, "id"), "roles", json_object_get(caller, "roles"));
        return output_json(whole, err);
    }
    append_roles(&roles, caller);
    facts_add(&facts, "Server", url);
    facts_add(&facts, "Login", method);
    facts_add(&facts, "Name", json_text(caller, "name"));
    facts_add(&facts, "Id", json_text(caller, "id"));
    facts_add(&facts, workspace ? "Roles there" : "Roles", str_text(&roles));
    return output_write(str_text(&facts.text), err);
}

static int print_identity(struct cli *cli, const char *workspace, struct error *err)
{
    AUTO_JSON json_t *caller = NULL;

    int r = load_caller(cli, workspace, &caller, err);
    return r ? r : print_caller(cli, workspace, caller, err);
}

/* The provider has let the person in; a server that is away, or has not heard of the provider's new key yet, changes
 * nothing about that. */
static int print_login(struct cli *cli, struct error *err)
{
    AUTO_JSON json_t *caller = NULL;
    AUTO_STR struct str line = STR_INIT(1024);
    struct error why = {0};

    if (load_caller(cli, NULL, &caller, &why) != 0) {
        caller = nobody();
        text_append_safe(&line, why.detail);
        (void)fprintf(stderr, "You are logged in; the server does not say yet who you are: %s\n", str_text(&line));
    }
    return print_caller(cli, NULL, caller, err);
}

/* A client can be registered for one way to send its secret only, whatever the provider knows besides. */
static int fetch_by_secret(struct cli *cli, json_t *login, json_t **ret_answer, struct error *err)
{
    const char *scope = json_text(login, "core_scope");

    int r = grant_by_secret(cli->web, login, scope, ret_answer, err);
    if (r != E_UNAUTHENTICATED || !json_flag(login, "client_auth_other"))
        return r;
    bool basic = strcmp(json_text(login, "client_auth"), "basic") == 0;
    (void)json_object_set_new(login, "client_auth", json_string(basic ? "post" : "basic"));
    return grant_by_secret(cli->web, login, scope, ret_answer, err);
}

/* Proves the login by fetching a core token before anything is kept, and notes whose it is. */
static int try_login(struct cli *cli, json_t *login, json_t **ret_answer, struct error *err)
{
    AUTO_JSON json_t *claims = NULL;

    int r = grant_needs_person(login)
                ? grant_by_person(cli->web, login, json_text(login, "core_scope"), ret_answer, err)
                : fetch_by_secret(cli, login, ret_answer, err);
    if (!r)
        r = oauth_claims(json_text(*ret_answer, "access_token"), &claims, err);
    if (!r)
        (void)json_object_set_new(login, "subject", json_string(oauth_subject(claims)));
    return r;
}

int login_run(struct cli *cli, const struct args *args, struct error *err)
{
    AUTO_FREE char *url = NULL;
    AUTO_JSON json_t *login = NULL;
    AUTO_JSON json_t *answer = NULL;

    if (!cli->url)
        return error_set(err, E_USAGE, "--url is missing: the address of the airlock server");
    if (args_has(args, "browser") && args_has(args, "device"))
        return error_set(err, E_USAGE, "--browser and --device exclude each other");
    int r = url_normalise(cli->url, &url, err);
    if (!r)
        r = server_describe(cli->web, url, &login, err);
    if (!r)
        r = add_options(args, login, err);
    if (!r)
        r = try_login(cli, login, &answer, err);
    if (!r)
        r = tokens_begin(cli, login, answer, err);
    if (!r)
        r = config_set_current(url, err);
    return r ? r : print_login(cli, err);
}

int logout_run(struct cli *cli, const struct args *args, struct error *err)
{
    (void)args;
    int r = tokens_open(cli, err);
    if (!r)
        r = tokens_end(cli, err);
    if (r || cli->json)
        return r;
    AUTO_FREE char *line = xasprintf("Logged out of %s\n", json_text(cli->login, "url"));
    return output_write(line, err);
}

int whoami_run(struct cli *cli, const struct args *args, struct error *err)
{
    AUTO_FREE char *workspace = NULL;

    int r = tokens_open(cli, err);
    if (!r && workspace_option(args))
        r = workspace_need(cli, args, &workspace, err);
    return r ? r : print_identity(cli, workspace, err);
}
