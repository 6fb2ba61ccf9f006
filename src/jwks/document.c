/* Reading discovery documents. Runs in airlock-jwks; everything here came from the network. */
#include "jwks/document.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"
#include "base/str.h"
#include "base/url.h"

#define MAX_AGE_MAX (366 * 86400)

char *document_discovery_url(const char *issuer)
{
    size_t len = strlen(issuer);

    while (len > 0 && issuer[len - 1] == '/') /* some issuers end in a slash; the path follows it once */
        len--;
    return xasprintf("%.*s/.well-known/openid-configuration", (int)len, issuer);
}

/* A part of a URL as libcurl reads it, "" when absent: the same reader that will connect. The caller's. */
static char *url_part(CURLU *url, CURLUPart part, unsigned flags)
{
    char *text = NULL;

    if (curl_url_get(url, part, &text, flags) != CURLUE_OK)
        return xstrdup("");
    char *copy = xstrdup(text);
    curl_free(text);
    return copy;
}

int document_check_url(const char *url, struct error *err)
{
    if (strnlen(url, DOCUMENT_URL_MAX + 1) <= DOCUMENT_URL_MAX && url_is_private(url))
        return 0;
    return error_set(err, E_CONFIG, "%.300s is not an https address (or on loopback); no keys come from there", url);
}

/* "host:port", in lower case and with the port that the scheme means; the caller's. "" for no URL. */
static char *url_authority(const char *text)
{
    CURLU *url = curl_url();
    char *authority = NULL;

    if (url && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK) {
        AUTO_FREE char *scheme = url_part(url, CURLUPART_SCHEME, 0);
        AUTO_FREE char *host = url_part(url, CURLUPART_HOST, 0);
        AUTO_FREE char *port = url_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
        authority = xasprintf("%s://%s:%s", scheme, host, port);
    }
    curl_url_cleanup(url);
    return authority ? authority : xstrdup("");
}

int document_keys_url(const json_t *document, const char *issuer, char **ret_keys_url, struct error *err)
{
    const char *named = json_text(document, "issuer");
    const char *keys = json_text(document, "jwks_uri");

    if (strcmp(named, issuer) != 0)
        return error_set(err, E_PROTOCOL,
                         "The provider calls itself \"%.200s\"; auth.issuer says \"%.200s\", and both must be the same",
                         named, issuer);
    if (*keys == '\0')
        return error_set(err, E_PROTOCOL, "The provider's discovery document has no \"jwks_uri\"");
    int r = document_check_url(keys, err);
    if (r != 0)
        return r;
    AUTO_FREE char *of_issuer = url_authority(issuer);
    AUTO_FREE char *of_keys = url_authority(keys);
    if (strcasecmp(of_issuer, of_keys) != 0)
        return error_set(err, E_CONFIG,
                         "The provider keeps its keys on another host (%.200s): if that is right, set auth.jwks_url",
                         keys);
    *ret_keys_url = xstrdup(keys);
    return 0;
}

int64_t document_max_age(const char *cache_control)
{
    static const char NAME[] = "max-age=";
    uint64_t seconds;

    for (const char *at = cache_control; *at; at += strcspn(at, ","), at += *at == ',') {
        at += strspn(at, " \t");
        if (strncasecmp(at, NAME, sizeof NAME - 1) != 0)
            continue;
        const char *digits = at + sizeof NAME - 1;
        return num_parse_len(digits, strspn(digits, "0123456789"), 0, MAX_AGE_MAX, &seconds) ? (int64_t)seconds : 0;
    }
    return 0;
}
