/* Taking URLs apart and putting them together. */
#include "cli/url.h"

#include <string.h>

#include "base/num.h"

/* The authority's host: *ret_len bytes from the returned place; NULL when url is not http(s)://HOST. User info is
 * refused. */
static const char *url_host(const char *url, size_t *ret_len)
{
    const char *host = str_starts(url, "http://") ? url + 7 : str_starts(url, "https://") ? url + 8 : NULL;

    if (!host)
        return NULL;
    size_t authority = strcspn(host, "/?#");
    if (authority == 0 || memchr(host, '@', authority))
        return NULL;
    const char *bracket = *host == '[' ? memchr(host, ']', authority) : NULL;
    const char *colon = memchr(host, ':', authority);
    if (bracket)
        *ret_len = (size_t)(bracket + 1 - host);
    else
        *ret_len = colon ? (size_t)(colon - host) : authority;
    return *ret_len ? host : NULL;
}

/* 127.a.b.c in plain decimal. A name such as 127.example.org is not one. */
static bool host_is_ipv4_loopback(const char *host, size_t len)
{
    const char *end = host + len;
    size_t parts = 0;

    if (len < 9 || memcmp(host, "127.", 4) != 0)
        return false;
    while (host < end) {
        const char *dot = memchr(host, '.', (size_t)(end - host));
        size_t digits = dot ? (size_t)(dot - host) : (size_t)(end - host);
        uint64_t value;
        if (!num_parse_len(host, digits, 0, 255, &value))
            return false;
        parts++;
        host += digits + 1;
    }
    return parts == 4;
}

bool url_is_loopback(const char *url)
{
    size_t len;
    const char *host = url_host(url, &len);

    if (!host)
        return false;
    return host_is_ipv4_loopback(host, len) || (len == 9 && memcmp(host, "localhost", 9) == 0) ||
           (len == 5 && memcmp(host, "[::1]", 5) == 0);
}

int url_check_private(const char *url, struct error *err)
{
    size_t len;
    int shown = (int)strcspn(url, "?#");

    if (strlen(url) > URL_MAX)
        return error_set(err, E_CONFIG, "The URL is longer than %d bytes", URL_MAX);
    if (!url_host(url, &len))
        return error_set(err, E_CONFIG, "\"%.*s\" is not a URL like https://airlock.example.org",
                         shown < 200 ? shown : 200, url);
    if (str_starts(url, "http://") && !url_is_loopback(url))
        return error_set(err, E_CONFIG,
                         "%.*s would show secrets to the network: use https (plain http is for this machine only)",
                         shown < 200 ? shown : 200, url);
    return 0;
}

int url_normalise(const char *url, char **ret, struct error *err)
{
    int r = url_check_private(url, err);
    if (r)
        return r;
    size_t len = strlen(url);
    if (strcspn(url, "?#") != len)
        return error_set(err, E_USAGE, "The server's URL must not have a query or a fragment");
    while (url[len - 1] == '/')
        len--;
    *ret = xstrndup(url, len);
    return 0;
}

void url_append_origin(struct str *s, const char *url)
{
    const char *authority = strstr(url, "://");
    size_t scheme = authority ? (size_t)(authority - url) + 3 : 0;
    str_append_len(s, url, scheme + strcspn(url + scheme, "/?#"));
}

void url_append_query(struct str *s, const char *name, const char *value)
{
    str_append_char(s, s->p && strchr(s->p, '?') ? '&' : '?');
    str_append(s, name);
    str_append_char(s, '=');
    str_append_url(s, value);
}

int link_parse(const char *container_url, struct link *ret, struct error *err)
{
    const char *question = strchr(container_url, '?');
    int r = url_check_private(container_url, err);

    if (r)
        return r;
    if (!question || question[1] == '\0')
        return error_set(err, E_PROTOCOL, "The server's link carries no signature");
    size_t base = (size_t)(question - container_url);
    while (base > 0 && container_url[base - 1] == '/')
        base--;
    ret->base = xstrndup(container_url, base);
    ret->sas = xstrdup(question + 1);
    return 0;
}

void link_done(struct link *link)
{
    if (link->sas)
        secret_wipe(link->sas, strlen(link->sas));
    free(link->base);
    free(link->sas);
    *link = (struct link){0};
}

void link_append_url(struct str *s, const struct link *link, const char *blob, const char *query)
{
    str_append(s, link->base);
    if (*blob)
        str_append_char(s, '/');
    for (const char *segment = blob; *segment;) {
        size_t len = strcspn(segment, "/");
        AUTO_FREE char *copy = xstrndup(segment, len);
        str_append_url(s, copy);
        segment += len;
        if (*segment == '/')
            str_append_char(s, *segment++);
    }
    str_append_char(s, '?');
    if (*query)
        str_printf(s, "%s&", query);
    str_append(s, link->sas);
}

bool url_decode(const char *text, size_t len, bool form, char *out, size_t out_size)
{
    size_t used = 0;

    for (size_t i = 0; i < len; i++) {
        uint64_t byte = (unsigned char)text[i];
        if (form && text[i] == '+') {
            byte = ' ';
        } else if (text[i] == '%') {
            if (len - i < 3 || !num_parse_hex_len(text + i + 1, 2, 255, &byte) || byte == 0)
                return false;
            i += 2;
        }
        if (used + 1 >= out_size)
            return false;
        out[used++] = (char)byte;
    }
    out[used] = '\0';
    return true;
}

bool query_get(const char *query, const char *name, char *out, size_t out_size)
{
    size_t name_len = strlen(name);

    while (*query) {
        size_t len = strcspn(query, "&");
        if (len > name_len && memcmp(query, name, name_len) == 0 && query[name_len] == '=')
            return url_decode(query + name_len + 1, len - name_len - 1, true, out, out_size);
        query += len;
        query += *query == '&';
    }
    return false;
}
