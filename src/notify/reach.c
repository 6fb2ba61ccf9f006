/* The judgement of addresses. Runs in airlock-notify. */
#include "notify/reach.h"

#include <netinet/in.h>
#include <string.h>

#include "base/str.h"

/* Nothing here is of the public internet (RFC 6890 and its successors). IPv4 inside IPv6 is judged as IPv4. */
static const char *const PRIVATE[] = {
    "0.0.0.0/8",      "10.0.0.0/8",    "100.64.0.0/10",   "127.0.0.0/8",     "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24",   "192.0.2.0/24",  "192.88.99.0/24",  "192.168.0.0/16",  "198.18.0.0/15",  "198.51.100.0/24",
    "203.0.113.0/24", "224.0.0.0/4",   "240.0.0.0/4",     "::/128",          "::1/128",        "64:ff9b::/96",
    "64:ff9b:1::/48", "100::/64",      "2001::/23",       "2001:db8::/32",   "2002::/16",      "3fff::/20",
    "5f00::/16",      "fc00::/7",      "fe80::/10",       "fec0::/10",       "ff00::/8",
};
static const char *const LOOPBACK[] = {"127.0.0.0/8", "::1/128"};

int reach_parse(const char *setting, const char *text, struct reach *ret, struct error *err)
{
    AUTO_FREE char *list = xstrdup(text);
    char *rest = list;

    *ret = (struct reach){0};
    for (const char *word; (word = strtok_r(rest, " ", &rest));) {
        if (ret->count == REACH_NETWORKS_MAX)
            return error_set(err, E_CONFIG, "%s has more than %d networks", setting, REACH_NETWORKS_MAX);
        int r = network_parse(word, &ret->networks[ret->count], err);
        if (r != 0)
            return r;
        ret->count++;
    }
    return 0;
}

bool reach_url_is_local(const char *url)
{
    static const char *const HOSTS[] = {"127.0.0.1", "[::1]", "localhost"};
    const char *host = strstr(url, "://");

    for (size_t i = 0; host && i < ARRAY_LEN(HOSTS); i++)
        if (str_starts(host + 3, HOSTS[i]) && strchr(":/?#", host[3 + strlen(HOSTS[i])]))
            return true; /* strchr finds the end of the text, too */
    return false;
}

static bool address_read(const struct sockaddr *address, struct address *ret)
{
    static const unsigned char MAPPED[12] = {[10] = 0xFF, [11] = 0xFF};
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    *ret = (struct address){0};
    if (address->sa_family == AF_INET) {
        memcpy(&v4, address, sizeof v4);
        memcpy(ret->bytes, &v4.sin_addr, 4);
        ret->bits = 32;
        return true;
    }
    if (address->sa_family != AF_INET6)
        return false;
    memcpy(&v6, address, sizeof v6);
    const unsigned char *bytes = v6.sin6_addr.s6_addr;
    bool mapped = memcmp(bytes, MAPPED, sizeof MAPPED) == 0;
    memcpy(ret->bytes, bytes + (mapped ? 12 : 0), mapped ? 4 : 16);
    ret->bits = mapped ? 32 : 128;
    return true;
}

static bool is_in(const char *const *networks, size_t count, const struct address *address)
{
    for (size_t i = 0; i < count; i++) {
        struct network network;
        if (network_parse(networks[i], &network, NULL) != 0 || network_contains(&network, address))
            return true; /* a row that cannot be read refuses */
    }
    return false;
}

bool reach_allows(const struct reach *reach, bool local, const struct sockaddr *address)
{
    struct address a;

    if (!address_read(address, &a))
        return false;
    if (local)
        return is_in(LOOPBACK, ARRAY_LEN(LOOPBACK), &a);
    if (is_in(LOOPBACK, ARRAY_LEN(LOOPBACK), &a))
        return false;
    for (size_t i = 0; i < reach->count; i++)
        if (network_contains(&reach->networks[i], &a))
            return true;
    return !is_in(PRIVATE, ARRAY_LEN(PRIVATE), &a);
}
