/* Reading metadata and discovery. */
#include "cli/server.h"

#include <string.h>

#include "base/json.h"
#include "cli/oauth.h"
#include "cli/url.h"

#define PUBLIC_CLIENT "airlock-cli"
#define FACT_MAX 2048

static const char *const ENDPOINTS[] = {"token_endpoint", "authorization_endpoint", "device_authorization_endpoint",
                                        "revocation_endpoint"};

/* A text of the metadata, or fallback (the caller's, taken over) when it is not there, into login. */
static int copy_text(const json_t *metadata, const char *field, char *fallback, json_t *login, const char *name,
                     struct error *err)
{
    AUTO_FREE char *owned = fallback;
    const char *text;

    int r = json_get_string(metadata, field, owned, FACT_MAX, &text, err);
    if (!r)
        (void)json_object_set_new(login, name, json_string(text));
    return r;
}

static bool list_has(const json_t *list, const char *text)
{
    size_t index;
    json_t *item;

    json_array_foreach(list, index, item)
    {
        if (json_is_string(item) && strcmp(json_string_value(item), text) == 0)
            return true;
    }
    return false;
}

/* Silence means "basic" (RFC 8414 section 2), which is also what a client registers for when it says nothing. */
static void choose_client_auth(const json_t *document, json_t *login)
{
    const json_t *methods = json_object_get(document, "token_endpoint_auth_methods_supported");
    bool post = list_has(methods, "client_secret_post");
    bool basic = !post || list_has(methods, "client_secret_basic");

    (void)json_object_set_new(login, "client_auth", json_string(basic ? "basic" : "post"));
    (void)json_object_set_new(login, "client_auth_other", json_boolean(basic && post));
}

int server_read_discovery(const json_t *document, const char *issuer, json_t *login, struct error *err)
{
    if (strcmp(json_text(document, "issuer"), issuer) != 0)
        return error_set(err, E_PROTOCOL,
                         "The identity provider at %.200s describes another issuer than the server "
                         "names",
                         issuer);
    for (size_t i = 0; i < ARRAY_LEN(ENDPOINTS); i++) {
        const char *endpoint = json_text(document, ENDPOINTS[i]);
        int r = *endpoint || i == 0 ? url_check_private(endpoint, err) : 0;
        if (r)
            return r;
        (void)json_object_set_new(login, ENDPOINTS[i], json_string(endpoint));
    }
    choose_client_auth(document, login);
    return 0;
}

static int read_metadata(const json_t *metadata, json_t *login, struct error *err)
{
    int r = copy_text(metadata, "api_scope", xasprintf("api://%s/.default", json_text(metadata, "api_client_id")),
                      login, "core_scope", err);
    if (!r)
        r = copy_text(metadata, "issuer", /* AzureTRE names only the tenant */
                      xasprintf("https://login.microsoftonline.com/%s/v2.0", json_text(metadata, "aad_tenant_id")),
                      login, "issuer", err);
    if (!r)
        r = copy_text(metadata, "api_resource", xstrdup(""), login, "resource", err);
    if (!r)
        r = copy_text(metadata, "audiences", xstrdup("per_workspace"), login, "audiences", err);
    if (!r)
        r = copy_text(metadata, "cli_client_id", xstrdup(PUBLIC_CLIENT), login, "public_client", err);
    return r;
}

int server_describe(struct web *web, const char *url, json_t **ret, struct error *err)
{
    AUTO_FREE char *metadata_url = xasprintf("%s/api/.metadata", url);
    AUTO_JSON json_t *login = json_pack("{s:s}", "url", url);
    AUTO_JSON json_t *metadata = NULL;
    AUTO_JSON json_t *document = NULL;

    int r = oauth_get_json(web, metadata_url, &metadata, err);
    if (!r)
        r = read_metadata(metadata, login, err);
    if (r)
        return r;
    const char *issuer = json_text(login, "issuer");
    bool slash = *issuer && issuer[strlen(issuer) - 1] == '/';
    AUTO_FREE char *discovery_url = xasprintf("%s%s.well-known/openid-configuration", issuer, slash ? "" : "/");
    r = oauth_get_json(web, discovery_url, &document, err);
    if (!r)
        r = server_read_discovery(document, issuer, login, err);
    if (!r)
        *ret = TAKE_PTR(login);
    return r;
}
