/* Facts about public clients, and the comparison of redirect URIs. Pure. Runs in airlock-idp. */
#include "idp/client.h"

#include <string.h>

#include "base/macros.h"
#include "base/num.h"
#include "base/str.h"

static const struct client CLIENTS[] = {
    {"airlock-cli", "the airlock command line", REDIRECT_LOOPBACK},
    {"airlock-web", "the airlock web interface", REDIRECT_API | REDIRECT_CONFIGURED},
};

static const char *const LOOPBACK_PREFIXES[] = {"http://127.0.0.1:", "http://localhost:", "http://[::1]:"};

static const char PATH_CHARACTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";

const struct client *client_find(const char *id)
{
    for (size_t i = 0; i < ARRAY_LEN(CLIENTS); i++)
        if (strcmp(CLIENTS[i].id, id) == 0)
            return &CLIENTS[i];
    return NULL;
}

/* PORT, then nothing or a path of harmless characters: no user, query, fragment, escape or backslash can hide here. */
static bool is_port_and_path(const char *text)
{
    uint64_t port;
    size_t digits = strspn(text, "0123456789");
    const char *path = text + digits;

    return digits <= 5 && num_parse_len(text, digits, 1, 65535, &port) &&
           (*path == '\0' || (*path == '/' && path[strspn(path, PATH_CHARACTERS)] == '\0'));
}

static bool is_loopback(const char *uri)
{
    for (size_t i = 0; i < ARRAY_LEN(LOOPBACK_PREFIXES); i++)
        if (str_starts(uri, LOOPBACK_PREFIXES[i]))
            return is_port_and_path(uri + strlen(LOOPBACK_PREFIXES[i]));
    return false;
}

static bool is_api(const char *origin, const char *uri)
{
    size_t len = strlen(origin);
    return len > 0 && strncmp(uri, origin, len) == 0 && (uri[len] == '\0' || strcmp(uri + len, "/") == 0);
}

/* The next word of a list with spaces between, or NULL; *at moves behind it. */
static const char *next_word(const char **at, size_t *ret_len)
{
    const char *word = *at + strspn(*at, " ");
    *ret_len = strcspn(word, " ");
    *at = word + *ret_len;
    return *ret_len ? word : NULL;
}

static bool is_configured(const char *list, const char *uri)
{
    size_t len;
    for (const char *word = next_word(&list, &len); word; word = next_word(&list, &len))
        if (len == strlen(uri) && memcmp(word, uri, len) == 0)
            return true;
    return false;
}

bool redirect_is_allowed(const struct client *client, const struct redirect_policy *policy, const char *uri)
{
    if (*uri == '\0' || strlen(uri) > REDIRECT_URI_MAX)
        return false;
    return ((client->redirects & REDIRECT_LOOPBACK) && is_loopback(uri)) ||
           ((client->redirects & REDIRECT_API) && is_api(policy->api_origin, uri)) ||
           ((client->redirects & REDIRECT_CONFIGURED) && is_configured(policy->configured, uri));
}

bool url_origin(const char *url, char out[static ORIGIN_SIZE])
{
    size_t scheme = str_starts(url, "https://") ? 8 : str_starts(url, "http://") ? 7 : 0;
    size_t len = scheme + strcspn(url + scheme, "/?#");

    if (scheme == 0 || len == scheme || len >= ORIGIN_SIZE)
        return false;
    memcpy(out, url, len);
    out[len] = '\0';
    return true;
}

bool redirect_origin_is_known(const struct redirect_policy *policy, const char *origin)
{
    const char *list = policy->configured;
    size_t len;

    if (strcmp(origin, policy->api_origin) == 0)
        return true;
    for (const char *word = next_word(&list, &len); word; word = next_word(&list, &len)) {
        AUTO_FREE char *uri = xstrndup(word, len);
        char known[ORIGIN_SIZE];
        if (url_origin(uri, known) && strcmp(known, origin) == 0)
            return true;
    }
    return false;
}
