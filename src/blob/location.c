/* Host and path to account, container and blob. Pure; runs in airlock-blob. Must never let two spellings of a request
 * mean different things here and in core: core only sees what this file read. */
#include "blob/location.h"

#include <string.h>
#include <strings.h>

#include "http/http.h"
#include "model/name.h"

#define HOST_MARK ".blob."
#define ACCOUNT_NAME_MIN 3
#define CONTAINER_NAME_MIN 3

static bool is_lower_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_account(const char *text, size_t len)
{
    if (len < ACCOUNT_NAME_MIN || len > ACCOUNT_NAME_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_lower_alnum(text[i]))
            return false;
    return true;
}

/* ^[a-z0-9](?!.*--)[a-z0-9-]{1,61}[a-z0-9]$ */
static bool is_container(const char *text, size_t len)
{
    if (len < CONTAINER_NAME_MIN || len > CONTAINER_NAME_MAX || text[0] == '-' || text[len - 1] == '-')
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_lower_alnum(text[i]) && (text[i] != '-' || text[i - 1] == '-'))
            return false;
    return true;
}

static void copy_bytes(char *dst, const char *text, size_t len)
{
    memcpy(dst, text, len);
    dst[len] = '\0';
}

/* The account in a host-style name; names of hosts do not know case. */
static bool take_host_account(const char *host, struct location *location)
{
    size_t label = strcspn(host, ".");
    char lower[ACCOUNT_NAME_MAX + 1];

    if (strncasecmp(host + label, HOST_MARK, strlen(HOST_MARK)) != 0 || label > ACCOUNT_NAME_MAX)
        return false;
    for (size_t i = 0; i < label; i++)
        lower[i] = (char)(host[i] >= 'A' && host[i] <= 'Z' ? host[i] + ('a' - 'A') : host[i]);
    if (!is_account(lower, label))
        return false;
    copy_bytes(location->account, lower, label);
    return true;
}

/* The segment at *at; *at moves behind it and one slash. */
static size_t take_segment(const char **at, const char **ret_text)
{
    size_t len = strcspn(*at, "/");
    *ret_text = *at;
    *at += len + ((*at)[len] == '/');
    return len;
}

static enum azure_code split(const char *decoded, struct location *location, struct error *err)
{
    const char *at = decoded + 1;
    const char *text;

    if (!location->host_style) {
        size_t len = take_segment(&at, &text);
        if (!is_account(text, len))
            return AZURE_INVALID_URI;
        copy_bytes(location->account, text, len);
    }
    location->level = LEVEL_ACCOUNT;
    if (!*at)
        return AZURE_OK;
    size_t len = take_segment(&at, &text);
    if (!is_container(text, len))
        return AZURE_INVALID_RESOURCE_NAME;
    copy_bytes(location->container, text, len);
    location->level = LEVEL_CONTAINER;
    if (!*at)
        return AZURE_OK;
    if (name_check(at, strlen(at), err) < 0)
        return AZURE_INVALID_RESOURCE_NAME;
    location->blob = xstrdup(at);
    location->level = LEVEL_BLOB;
    return AZURE_OK;
}

enum azure_code location_parse(const char *host, const char *path, struct location *ret, struct error *err)
{
    struct location location = {0};
    size_t len = strlen(path);
    AUTO_FREE char *decoded = xmalloc(len + 1);

    if (path[0] != '/' || !http_decode(path, len, decoded, len + 1))
        return AZURE_INVALID_URI;
    for (char *c = decoded; *c; c++)
        if (*c == '\\')
            *c = '/';
    if (decoded[0] != '/')
        return AZURE_INVALID_URI;
    location.host_style = take_host_account(host ? host : "", &location);
    enum azure_code code = split(decoded, &location, err);
    if (code == AZURE_OK)
        *ret = location;
    else
        location_done(&location);
    return code;
}

void location_done(struct location *location)
{
    free(location->blob);
    location->blob = NULL;
}
