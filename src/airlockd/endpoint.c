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

int endpoint_parse(const char *text, struct endpoint *ret, struct error *err)
{
    const char *colon = strrchr(text, ':');
    AUTO_FREE char *host = colon ? xstrndup(text, (size_t)(colon - text)) : NULL;
    size_t len = host ? strlen(host) : 0;
    bool bracketed = len > 2 && host[0] == '[' && host[len - 1] == ']';
    struct endpoint endpoint;
    uint64_t port;

    if (bracketed) {
        memmove(host, host + 1, len - 2);
        host[len - 2] = '\0';
    }
    if (!host || (!bracketed && strchr(host, ':')) || !num_parse(colon + 1, 1, UINT16_MAX, &port) ||
        !parse_host(host, (uint16_t)port, &endpoint))
        return error_set(err, E_INVALID, "must be a numeric address and a port, such as 127.0.0.1:8400 or [::1]:8400");
    *ret = endpoint;
    return 0;
}

int endpoint_listen(const char *text, struct error *err)
{
    int64_t deadline = clock_mono_ms() + LISTEN_RETRY_MS;
    struct endpoint endpoint;
    const int on = 1;

    int r = endpoint_parse(text, &endpoint, err);
    if (r != 0)
        return r;
    AUTO_FD int fd = socket(endpoint.any.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
        return error_set_errno(err, E_UNAVAILABLE, "Cannot make a socket for %s", text);
    if (endpoint.any.ss_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on); /* an older kernel's default is as good */
    while (bind(fd, (struct sockaddr *)&endpoint.any, endpoint.len) != 0) {
        if (errno != EADDRINUSE || clock_mono_ms() > deadline)
            return error_set_errno(err, E_UNAVAILABLE, "Cannot listen on %s", text);
        (void)poll(NULL, 0, LISTEN_RETRY_STEP_MS);
    }
    if (listen(fd, LISTEN_BACKLOG) != 0)
        return error_set_errno(err, E_UNAVAILABLE, "Cannot listen on %s", text);
    return TAKE_FD(fd);
}
