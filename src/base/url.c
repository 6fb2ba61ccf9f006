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

/* Behind the host: nothing or a port, which *ret_port then is. NULL when it is none. */
static const char *port_end(const char *text, uint64_t *ret_port)
{
    if (*text != ':')
        return text;
    size_t digits = strspn(++text, "0123456789");
    return num_parse_len(text, digits, 1, 65535, ret_port) ? text + digits : NULL;
}

/* And then the path, the query or the fragment. */
static bool port_is_good(const char *text)
{
    uint64_t port;

    text = port_end(text, &port);
    return text && (*text == '\0' || strchr("/?#", *text));
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

/* The byte that %XX at the start of the len bytes stands for; -1: it is none. */
static int escaped_byte(const char *text, size_t len)
{
    int high = len > 2 ? num_hex_digit(text[1]) : -1;
    int low = high >= 0 ? num_hex_digit(text[2]) : -1;

    return low >= 0 ? 16 * high + low : -1;
}

/* Decodes the len bytes; false: a %XX that is none, a NUL, or too long. */
static bool decode(const char *text, size_t len, char ret[static BROKER_URL_PART_MAX + 1])
{
    size_t out = 0;

    for (size_t i = 0; i < len; i++) {
        bool escaped = text[i] == '%';
        int byte = escaped ? escaped_byte(text + i, len - i) : (unsigned char)text[i];
        if (out == BROKER_URL_PART_MAX || byte <= 0)
            return false;
        ret[out++] = (char)byte;
        i += escaped ? 2 : 0;
    }
    ret[out] = '\0';
    return true;
}

bool broker_url_parse(const char *url, struct broker_url *ret)
{
    static const char PLAIN[] = "amqp://", TLS[] = "amqps://";
    struct broker_url u = {.tls = str_starts(url, TLS)};
    uint64_t port = u.tls ? 5671 : 5672;

    if (has_odd_characters(url) || (!u.tls && !str_starts(url, PLAIN)))
        return false;
    const char *user = url + (u.tls ? sizeof TLS : sizeof PLAIN) - 1;
    size_t user_len = strcspn(user, "@:/?#");
    const char *host = user + user_len + 1;
    if (user_len == 0 || user[user_len] != '@' || !decode(user, user_len, u.user))
        return false;
    size_t len = host_len(host), bracket = *host == '[';
    const char *path = len > 0 ? port_end(host + len, &port) : NULL;
    if (!path || len > BROKER_URL_PART_MAX || (!u.tls && !host_is_loopback(host, len)))
        return false;
    memcpy(u.host, host + bracket, len - 2 * bracket);
    u.port = (uint16_t)port;
    size_t vhost_len = *path == '/' ? strlen(path + 1) : 0;
    if ((*path && *path != '/') || (*path && path[1 + strcspn(path + 1, "/?#")]) ||
        !decode(path + 1, vhost_len, u.vhost))
        return false;
    if (*u.vhost == '\0')
        (void)str_copy(u.vhost, sizeof u.vhost, "/");
    *ret = u;
    return true;
}
