/* `airlock login|logout|whoami`. A secret comes from a file, the environment, or a prompt without echo; there is no
 * option for it, because a command line can be read by others. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "cli/api.h"
#include "cli/cli.h"
#include "cli/config.h"
#include "cli/oauth.h"
#include "cli/prompt.h"
#include "cli/table.h"
#include "cli/tokens.h"
#include "cli/url.h"
#include "cli/workspace.h"

#define BROWSER_CLIENT_ID "airlock-cli"
#define SECRET_MAX 4096
#define FACT_MAX 2048

/* A text of the metadata, or fallback (the caller's, taken over) when it is not there. *ret is the caller's. */
static int metadata_text(const json_t *metadata, const char *field, char *fallback, char **ret, struct error *err)
{
    AUTO_FREE char *owned = fallback;
    const char *text;

    int r = json_get_string(metadata, field, owned, FACT_MAX, &text, err);
    if (r)
        return r;
    *ret = xstrdup(text);
    return 0;
}

/* Asks the identity provider where to send people and codes, and believes only a document about that very issuer. */
static int discover(struct cli *cli, const char *issuer, json_t *login, struct error *err)
{
    AUTO_FREE char *url = xasprintf("%s/.well-known/openid-configuration", issuer);
    AUTO_JSON json_t *document = NULL;

    int r = oauth_get_json(cli->web, url, &document, err);
    if (r)
        return r;
    if (strcmp(json_text(document, "issuer"), issuer) != 0)
        return error_set(err, E_PROTOCOL, "%.200s describes another issuer than the server names", url);
    r = url_check_private(json_text(document, "token_endpoint"), err);
    if (!r)
        r = url_check_private(json_text(document, "authorization_endpoint"), err);
    if (r)
        return r;
    (void)json_object_set_new(login, "token_endpoint", json_string(json_text(document, "token_endpoint")));
    (void)json_object_set_new(login, "authorization_endpoint",
                              json_string(json_text(document, "authorization_endpoint")));
    return 0;
}

/* Begins the login's facts from the API's metadata. */
static int describe_server(struct cli *cli, const char *url, json_t **ret, struct error *err)
{
    AUTO_FREE char *metadata_url = xasprintf("%s/api/.metadata", url);
    AUTO_JSON json_t *metadata = NULL;
    AUTO_JSON json_t *login = json_pack("{s:s}", "url", url);
    AUTO_FREE char *scope = NULL;
    AUTO_FREE char *issuer = NULL;

    int r = oauth_get_json(cli->web, metadata_url, &metadata, err);
    if (!r)
        r = metadata_text(metadata, "api_scope", xasprintf("api://%s/.default", json_text(metadata, "api_client_id")),
                          &scope, err);
    if (!r)
        r = metadata_text(metadata, "issuer", /* AzureTRE names only the tenant */
                          xasprintf("https://login.microsoftonline.com/%s/v2.0", json_text(metadata, "aad_tenant_id")),
                          &issuer, err);
    if (!r)
        r = discover(cli, issuer, login, err);
    if (r)
        return r;
    (void)json_object_set_new(login, "core_scope", json_string(scope));
    (void)json_object_set_new(login, "issuer", json_string(issuer));
    *ret = TAKE_PTR(login);
    return 0;
}

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

static int add_credentials(const struct args *args, json_t *login, struct error *err)
{
    const char *environment = getenv("AIRLOCK_CLIENT_ID");
    const char *id = args_get(args, "client-id");
    AUTO_FREE char *secret = NULL;

    if (args_has(args, "browser")) {
        (void)json_object_set_new(login, "method", json_string("browser"));
        (void)json_object_set_new(login, "client_id", json_string(id ? id : BROWSER_CLIENT_ID));
        return 0;
    }
    id = id ? id : environment;
    if (!id || !*id)
        return error_set(err, E_USAGE, "Say --browser, or --client-id with --client-secret-file");
    int r = read_secret(args, &secret, err);
    if (r || !secret)
        return r;
    (void)json_object_set_new(login, "method", json_string("client-credentials"));
    r = json_object_set_new(login, "client_id", json_string(id)) |
        json_object_set_new(login, "client_secret", json_string(secret));
    secret_wipe(secret, strlen(secret));
    return r ? error_set(err, E_USAGE, "The client id and secret must be UTF-8 text") : 0;
}

static void append_roles(struct str *text, const json_t *claims)
{
    size_t index;
    json_t *role;

    json_array_foreach(json_object_get(claims, "roles"), index, role)
    {
        str_append(text, index ? ", " : "");
        str_append(text, json_is_string(role) ? json_string_value(role) : "");
    }
}

/* The claims of the core token, or of the workspace's. */
static int load_claims(struct cli *cli, const char *workspace, json_t **ret, struct error *err)
{
    const char *scope = json_text(cli->login, "core_scope");
    const char *token;

    int r = workspace ? api_scope(cli, workspace, &scope, err) : 0;
    if (!r)
        r = tokens_get(cli, scope, &token, err);
    return r ? r : oauth_claims(token, ret, err);
}

static int print_identity(struct cli *cli, const char *workspace, struct error *err)
{
    AUTO_FACTS struct facts facts = FACTS_INIT;
    AUTO_STR struct str roles = STR_INIT(4096);
    AUTO_JSON json_t *claims = NULL;

    int r = load_claims(cli, workspace, &claims, err);
    if (r)
        return r;
    const char *id = oauth_subject(claims);
    const char *url = json_text(cli->login, "url");
    const char *method = json_text(cli->login, "method");
    if (cli->json) {
        const json_t *list = json_object_get(claims, "roles");
        AUTO_JSON json_t *whole =
            json_pack("{s:s, s:s, s:s, s:s, s:o}", "url", url, "method", method, "name", json_text(claims, "name"),
                      "id", id, "roles", list ? json_deep_copy(list) : json_array());
        return output_json(whole, err);
    }
    append_roles(&roles, claims);
    facts_add(&facts, "Server", url);
    facts_add(&facts, "Login", method);
    facts_add(&facts, "Name", json_text(claims, "name"));
    facts_add(&facts, "Id", id);
    facts_add(&facts, workspace ? "Roles there" : "Roles", roles.len ? str_text(&roles) : "none");
    return output_write(str_text(&facts.text), err);
}

/* Proves the login by fetching a core token before anything is kept, and notes whose it is. */
static int try_login(struct cli *cli, json_t *login, json_t **ret_answer, struct error *err)
{
    AUTO_JSON json_t *tokens = json_object();
    AUTO_JSON json_t *claims = NULL;

    json_decref(cli->login);
    json_decref(cli->tokens);
    cli->login = json_incref(login);
    cli->tokens = TAKE_PTR(tokens);
    int r = tokens_fetch(cli, json_text(login, "core_scope"), ret_answer, err);
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
    int r = url_normalise(cli->url, &url, err);
    if (!r)
        r = describe_server(cli, url, &login, err);
    if (!r)
        r = add_credentials(args, login, err);
    if (!r)
        r = try_login(cli, login, &answer, err);
    if (!r)
        r = config_save(CONFIG_LOGIN, url, login, err);
    if (!r)
        r = tokens_keep(cli, json_text(login, "core_scope"), answer, err);
    if (!r)
        r = config_set_current(url, err);
    return r ? r : print_identity(cli, NULL, err);
}

int logout_run(struct cli *cli, const struct args *args, struct error *err)
{
    (void)args;
    int r = tokens_open(cli, err);
    if (r)
        return r;
    const char *url = json_text(cli->login, "url");
    r = config_remove(CONFIG_TOKENS, url, err);
    if (!r)
        r = config_remove(CONFIG_LOGIN, url, err);
    if (r || cli->json)
        return r;
    AUTO_FREE char *line = xasprintf("Logged out of %s\n", url);
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
