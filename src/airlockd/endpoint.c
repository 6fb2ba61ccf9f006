/* Listening sockets. Runs in airlockd, which opens them for its children and keeps them while children come and go. */
#include "airlockd/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/str.h"

#define LISTEN_RETRY_STEP_MS 50

static bool parse_host(const char *host, uint16_t port, struct endpoint *out)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&out->any;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&out->any;

    *out = (struct endpoint){0};
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        out->len = sizeof *v4;
        out->loopback = ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
        return true;
    }
    if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        out->len = sizeof *v6;
        out->loopback = IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
        return true;
    }
    return false;
}

/* dev_valid_name() of the kernel; the length is known. */
static bool interface_name_is_valid(const char *name)
{
    return *name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && !name[strcspn(name, "/: \t\n\v\f\r")];
}

/* "ADDRESS:PORT" */
static bool parse_address(const char *text, struct endpoint *ret)
{
    const char *colon = strrchr(text, ':');
    AUTO_FREE char *host = colon ? xstrndup(text, (size_t)(colon - text)) : NULL;
    size_t len = host ? strlen(host) : 0;
    bool bracketed = len > 2 && host[0] == '[' && host[len - 1] == ']';
    uint64_t port;

    if (bracketed) {
        memmove(host, host + 1, len - 2);
        host[len - 2] = '\0';
    }
    return host && (bracketed || !strchr(host, ':')) && num_parse(colon + 1, 1, UINT16_MAX, &port) &&
           parse_host(host, (uint16_t)port, ret);
}

char *endpoint_authority(const char *text)
{
    return xstrndup(text, strcspn(text, "@"));
}

int endpoint_parse(const char *text, struct endpoint *ret, struct error *err)
{
    AUTO_FREE char *authority = endpoint_authority(text);
    const char *at = strchr(text, '@');
    struct endpoint endpoint;

    if (!parse_address(authority, &endpoint))
        return error_set(err, E_INVALID,
                         "must be a numeric address and a port, such as 127.0.0.1:8400 or [::1]:8400, and may end in "
                         "@INTERFACE");
    if (at && (!str_copy(endpoint.interface, sizeof endpoint.interface, at + 1) ||
               !interface_name_is_valid(endpoint.interface)))
        return error_set(err, E_INVALID, "must have the name of a network interface behind @, of at most %d bytes",
                         IFNAMSIZ - 1);
    *ret = endpoint;
    return 0;
}

int endpoint_check_interface(const struct endpoint *endpoint, struct error *err)
{
    if (*endpoint->interface && if_nametoindex(endpoint->interface) == 0)
        return error_set(err, E_INVALID, "names the network interface %s, which is not there: see `ip link`",
                         endpoint->interface);
    return 0;
}

/* Binding to a device before anything else needs no capability since Linux 5.7. */
static int socket_prepare(int fd, const struct endpoint *endpoint, struct error *err)
{
    const int on = 1;
    const char *interface = endpoint->interface;

    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
        return error_set_errno(err, E_UNAVAILABLE, "Cannot prepare a socket");
    if (endpoint->any.ss_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on); /* an older kernel's default is as good */
    if (*interface && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, (socklen_t)strlen(interface)) != 0)
        return error_set_errno(err, E_UNAVAILABLE, "Cannot bind a socket to the network interface %s", interface);
    return 0;
}

static int socket_bind(int fd, const struct endpoint *endpoint, const char *text, struct error *err)
{
    int64_t deadline = clock_mono_ms() + LISTEN_RETRY_MS;

    while (bind(fd, (const struct sockaddr *)&endpoint->any, endpoint->len) != 0) {
        if (errno != EADDRINUSE || clock_mono_ms() > deadline)
            return error_set_errno(err, E_UNAVAILABLE, "Cannot listen on %s", text);
        (void)poll(NULL, 0, LISTEN_RETRY_STEP_MS);
    }
    return 0;
}

int endpoint_listen(const char *text, struct error *err)
{
    struct endpoint endpoint;

    int r = endpoint_parse(text, &endpoint, err);
    if (r != 0)
        return r;
    AUTO_FD int fd = socket(endpoint.any.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_set_errno(err, E_UNAVAILABLE, "Cannot make a socket for %s", text);
    r = socket_prepare(fd, &endpoint, err);
    if (r == 0)
        r = socket_bind(fd, &endpoint, text, err);
    if (r == 0 && listen(fd, LISTEN_BACKLOG) != 0)
        r = error_set_errno(err, E_UNAVAILABLE, "Cannot listen on %s", text);
    return r ? r : TAKE_FD(fd);
}
