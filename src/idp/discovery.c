/* What anybody may know: how to use this provider, its keys, and that it lives. Runs on airlock-idp's workers. */
#include <string.h>

#include "idp/endpoint.h"

#define PUBLIC_CACHE_S 300

const char *request_param(const struct request *request, const char *name)
{
    const char *value = http_params_get(request->params, name);
    return value ? value : "";
}

const char *request_base(const struct idp *idp, const char *path)
{
    const char *const bases[] = {idp->tenant_path, BASE_ALIAS};
    for (size_t i = 0; i < ARRAY_LEN(bases); i++)
        if (str_starts(path, bases[i]) && path[strlen(bases[i])] == '/')
            return bases[i];
    return "";
}

bool request_is_plain(const struct request *request)
{
    for (size_t i = 0; i < request->params->count; i++)
        if (http_params_count(request->params, request->params->items[i].name) > 1)
            return false;
    return true;
}

static json_t *texts(const char *list)
{
    json_t *array = json_array();
    AUTO_FREE char *copy = xstrdup(list);
    char *rest = copy;
    for (char *word = strsep(&rest, " "); word; word = strsep(&rest, " "))
        json_array_append_new(array, json_string(word));
    return array;
}

/* Members that are lists, the same for every installation. */
static const struct {
    const char *name;
    const char *words;
} LISTS[] = {
    {"response_types_supported", "code"},
    {"response_modes_supported", "query fragment"},
    {"grant_types_supported", "authorization_code client_credentials refresh_token "
                              "urn:ietf:params:oauth:grant-type:device_code"},
    {"subject_types_supported", "public"},
    {"id_token_signing_alg_values_supported", "RS256"},
    {"token_endpoint_auth_methods_supported", "client_secret_post client_secret_basic none"},
    {"revocation_endpoint_auth_methods_supported", "none"},
    {"code_challenge_methods_supported", "S256"},
    {"scopes_supported", "openid profile email offline_access"},
    {"claims_supported", "iss aud exp iat nbf sub oid tid name email preferred_username roles nonce sid auth_time ver"},
};

/* Members that are addresses below {public_url} and what the question's path began with, so that who asks below the
 * other name of the tenant stays there. The issuer is always the same: it stands in the tokens. */
static const struct {
    const char *name;
    const char *path;
} ADDRESSES[] = {
    {"authorization_endpoint", AUTHORIZE_PATH},
    {"token_endpoint", "/oauth2/v2.0/token"},
    {"device_authorization_endpoint", "/oauth2/v2.0/devicecode"},
    {"revocation_endpoint", "/oauth2/v2.0/revoke"},
    {"end_session_endpoint", LOGOUT_PATH},
    {"jwks_uri", "/discovery/v2.0/keys"},
};

void discovery_get(struct idp *idp, const struct request *request, struct answer *a)
{
    json_t *body = json_pack("{s:s}", "issuer", idp->issuer);

    for (size_t i = 0; i < ARRAY_LEN(ADDRESSES); i++)
        json_object_set_new(body, ADDRESSES[i].name,
                            json_sprintf("%s%s%s", idp->public_url, request->base, ADDRESSES[i].path));
    for (size_t i = 0; i < ARRAY_LEN(LISTS); i++)
        json_object_set_new(body, LISTS[i].name, texts(LISTS[i].words));
    json_object_set_new(body, "request_parameter_supported", json_false());
    json_object_set_new(body, "request_uri_parameter_supported", json_false());
    json_object_set_new(body, "authorization_response_iss_parameter_supported", json_true()); /* RFC 9207 */
    a->cache_s = PUBLIC_CACHE_S;
    answer_json(a, 200, body);
}

/* Microsoft's libraries ask this before they trust a host that they do not know: about the authorization endpoint that
 * they mean to use. */
void instance_get(struct idp *idp, const struct request *request, struct answer *a)
{
    const char *asked = request_param(request, "authorization_endpoint");
    bool is_here = str_starts(asked, idp->public_url);
    const char *base = is_here ? request_base(idp, asked + strlen(idp->public_url)) : "";

    if (*base == '\0') {
        answer_oauth_error(a, 400, "invalid_instance", "authorization_endpoint is not one of this provider");
        return;
    }
    const char *host = strstr(idp->public_url, "://") + 3;
    AUTO_FREE char *name = xstrndup(host, strcspn(host, ":/"));
    a->cache_s = PUBLIC_CACHE_S;
    answer_json(a, 200,
                json_pack("{s:o, s:s, s:[{s:s, s:s, s:[s, s]}]}", "tenant_discovery_endpoint",
                          json_sprintf("%s%s/v2.0/.well-known/openid-configuration", idp->public_url, base),
                          "api-version", "1.1", "metadata", "preferred_network", host, "preferred_cache", host,
                          "aliases", host, name));
}

void keys_get(struct idp *idp, const struct request *request, struct answer *a)
{
    (void)request;
    a->cache_s = PUBLIC_CACHE_S;
    answer_json(a, 200, idp_key_set(idp));
}

void health_get(struct idp *idp, const struct request *request, struct answer *a)
{
    (void)idp;
    (void)request;
    answer_json(a, 200, json_pack("{s:s}", "status", "ok"));
}
