/* Reading URLs strictly. Used by every program that is told one. */
#include "base/url.h"

#include <string.h>
#include <strings.h>

#include "base/macros.h"
#include "base/num.h"
#include "base/str.h"

static const char HOST_CHARACTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.";
static const char ADDRESS_CHARACTERS[] = "0123456789abcdefABCDEF:.";

/* What other readers disagree about: none of it stands in a URL that was written with care. */
static bool has_odd_characters(const char *url)
{
    for (const char *c = url; *c; c++)
        if (*c <= ' ' || *c >= 0x7f || strchr("\\\"<>^`{|}", *c))
            return true;
    return false;
}

/* How long the host at the beginning of an authority is; 0 for none. */
static size_t host_len(const char *authority)
{
    if (*authority != '[')
        return strspn(authority, HOST_CHARACTERS);
    size_t digits = strspn(authority + 1, ADDRESS_CHARACTERS);
    return digits > 0 && authority[1 + digits] == ']' ? digits + 2 : 0;
}

/* Behind the host: nothing or a port, and then the path, the query or the fragment. */
static bool port_is_good(const char *text)
{
    uint64_t port;

    if (*text == ':') {
        size_t digits = strspn(++text, "0123456789");
        if (!num_parse_len(text, digits, 1, 65535, &port))
            return false;
        text += digits;
    }
    return *text == '\0' || strchr("/?#", *text);
}

static bool host_is_loopback(const char *host, size_t len)
{
    static const char *const NAMES[] = {"127.0.0.1", "[::1]", "localhost"};

    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
        if (strlen(NAMES[i]) == len && strncasecmp(NAMES[i], host, len) == 0)
            return true;
    return false;
}

bool url_is_private(const char *url)
{
    static const char PLAIN[] = "http://", TLS[] = "https://";
    bool is_tls = strncasecmp(url, TLS, sizeof TLS - 1) == 0;

    if (has_odd_characters(url) || (!is_tls && strncasecmp(url, PLAIN, sizeof PLAIN - 1) != 0))
        return false;
    const char *host = url + (is_tls ? sizeof TLS - 1 : sizeof PLAIN - 1);
    size_t len = host_len(host);
    return len > 0 && port_is_good(host + len) && (is_tls || host_is_loopback(host, len));
}
