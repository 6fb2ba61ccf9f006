/* Reading x-ms-copy-source. Pure; runs in airlock-blob. Must never take a foreign URL for one of ours, nor keep the
 * link's parameters anywhere but in the question to core. */
#include "blob/source_url.h"

#include <string.h>
#include <strings.h>

#include "blob/request.h"

#define AUTHORITY_MAX 300
#define ACCOUNT_MARK "{account}"

/* The pieces of an absolute URL; they point into it. */
struct url {
    size_t scheme_len;
    const char *authority;
    size_t authority_len;
    const char *path;
    size_t path_len;
    const char *query; /* "" when there is none */
};

/* host or host:port. "host:1:80" would otherwise become "host:1" once an implied port is taken off. */
static bool authority_is_plain(const char *authority, size_t len)
{
    const char *bracket = memrchr(authority, ']', len);
    const char *at = bracket ? bracket : authority;
    size_t left = len - (size_t)(at - authority);
    const char *colon = memchr(at, ':', left);

    return len > 0 && !memchr(authority, '@', len) &&
           (!colon || !memchr(colon + 1, ':', left - (size_t)(colon + 1 - at)));
}

static bool url_split(const char *text, struct url *ret)
{
    const char *mark = strstr(text, "://");

    if (!mark || strchr(text, '#'))
        return false;
    const char *authority = mark + 3;
    size_t authority_len = strcspn(authority, "/?");
    const char *path = authority + authority_len;
    size_t path_len = strcspn(path, "?");
    if (!authority_is_plain(authority, authority_len) || *path != '/')
        return false;
    *ret = (struct url){.scheme_len = (size_t)(mark - text),
                        .authority = authority,
                        .authority_len = authority_len,
                        .path = path,
                        .path_len = path_len,
                        .query = path[path_len] ? path + path_len + 1 : ""};
    return true;
}

/* scheme://host:port in lower case and without a port that the scheme implies. false: too long. */
static bool origin_write(const char *scheme, size_t scheme_len, const char *authority, size_t len,
                         char out[static AUTHORITY_MAX])
{
    bool is_tls = scheme_len == 5 && strncasecmp(scheme, "https", 5) == 0;
    const char *implied = is_tls ? ":443" : ":80";
    size_t implied_len = strlen(implied);

    if (len > implied_len && memcmp(authority + len - implied_len, implied, implied_len) == 0)
        len -= implied_len;
    if (scheme_len + 3 + len >= AUTHORITY_MAX)
        return false;
    memcpy(out, scheme, scheme_len);
    memcpy(out + scheme_len, "://", 3);
    memcpy(out + scheme_len + 3, authority, len);
    out[scheme_len + 3 + len] = '\0';
    for (char *c = out; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    return true;
}

/* Equal, or equal but for one label where pattern says "{account}". */
static bool origin_fits(const char *pattern, const char *origin)
{
    const char *mark = strstr(pattern, ACCOUNT_MARK);

    if (!mark)
        return strcmp(pattern, origin) == 0;
    size_t before = (size_t)(mark - pattern);
    if (strncmp(pattern, origin, before) != 0)
        return false;
    size_t label = strcspn(origin + before, ".:/");
    return label > 0 && strcmp(origin + before + label, mark + strlen(ACCOUNT_MARK)) == 0;
}

static bool is_ours(const struct source_bases *bases, const char *text, const struct url *url)
{
    char origin[AUTHORITY_MAX], own[AUTHORITY_MAX];
    struct url base;
    AUTO_FREE char *base_text = xasprintf("%s/", bases->public_url);

    if (!origin_write(text, url->scheme_len, url->authority, url->authority_len, origin))
        return false;
    if (url_split(base_text, &base) &&
        origin_write(base_text, base.scheme_len, base.authority, base.authority_len, own) && origin_fits(own, origin))
        return true;
    return origin_write(bases->scheme, strlen(bases->scheme), bases->host, strlen(bases->host), own) &&
           strcmp(own, origin) == 0;
}

static enum azure_code read_location(const struct url *url, struct location *ret, struct error *err)
{
    AUTO_FREE char *host = xstrndup(url->authority, url->authority_len);
    AUTO_FREE char *path = xstrndup(url->path, url->path_len);

    enum azure_code code = location_parse(host, path, ret, err);
    if (code == AZURE_OK && ret->level != LEVEL_BLOB) {
        location_done(ret);
        return AZURE_INVALID_HEADER_VALUE;
    }
    return code;
}

static enum azure_code read_link(const struct url *url, json_t **ret_sas, struct error *err)
{
    CLEANUP(http_params_done) struct http_params params = {0};

    if (http_params_parse(url->query, REQUEST_PARAMS_MAX, false, &params, err) < 0)
        return AZURE_INVALID_HEADER_VALUE;
    enum azure_code code = request_check_params(&params);
    if (code == AZURE_OK)
        code = operation_check_params(&params);
    if (code == AZURE_OK && (http_params_get(&params, "comp") || http_params_get(&params, "restype")))
        code = AZURE_INVALID_HEADER_VALUE;
    if (code == AZURE_OK)
        *ret_sas = request_sas_pairs(&params);
    return code;
}

enum azure_code source_url_parse(const struct source_bases *bases, const char *text, struct source_url *ret,
                                 struct error *err)
{
    struct source_url source = {0};
    struct url url;

    if (!url_split(text, &url)) {
        (void)error_set(err, E_BAD_REQUEST, "x-ms-copy-source is not a URL of a blob");
        return AZURE_INVALID_HEADER_VALUE;
    }
    if (!is_ours(bases, text, &url)) {
        (void)error_set(err, E_FORBIDDEN, "Copies are made between accounts of this zone of this server only");
        return AZURE_CANNOT_VERIFY_COPY_SOURCE;
    }
    enum azure_code code = read_location(&url, &source.location, err);
    if (code == AZURE_OK)
        code = read_link(&url, &source.sas, err);
    if (code != AZURE_OK) {
        source_url_done(&source);
        return code;
    }
    size_t shown = (size_t)(url.path + url.path_len - text);
    source.shown = shown <= SOURCE_URL_TEXT_MAX ? xstrndup(text, shown) : NULL;
    *ret = source;
    return AZURE_OK;
}

void source_url_done(struct source_url *source)
{
    location_done(&source->location);
    json_decref(source->sas);
    free(source->shown);
    *source = (struct source_url){0};
}
