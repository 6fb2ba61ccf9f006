/* Numeric TCP addresses of listeners, and the listening sockets themselves. Runs in airlockd. */
#ifndef AIRLOCK_AIRLOCKD_ENDPOINT_H
#define AIRLOCK_AIRLOCKD_ENDPOINT_H

#include <net/if.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/error.h"

#define LISTEN_BACKLOG 1024
#define LISTEN_RETRY_MS 3000 /* children of a tree that was killed may hold the port for a moment */

struct endpoint {
    struct sockaddr_storage any;
    socklen_t len;
    bool loopback;
    char interface[IFNAMSIZ]; /* empty: any */
};

/* "127.0.0.1:8400" or "[::1]:8400", and "@INTERFACE" behind it or not; E_INVALID otherwise. Port 0 is refused, and a
 * name that no interface may have. Pure: whether there is such an interface now, endpoint_check_interface says. */
int endpoint_parse(const char *text, struct endpoint *ret, struct error *err) MUST_USE;

/* E_INVALID when the endpoint names an interface that this machine, or its network namespace, does not have now. */
int endpoint_check_interface(const struct endpoint *endpoint, struct error *err) MUST_USE;

/* The address and port alone, for a URL; to be freed. */
char *endpoint_authority(const char *text) MUST_USE;

/* A listening, non-blocking socket, close-on-exec. Waits up to LISTEN_RETRY_MS for a port that is still in use.
 * With an interface it takes only connections that came in through it (SO_BINDTODEVICE, socket(7)): Linux answers on
 * every interface for any of its own addresses, so an address alone keeps nobody out of a zone. */
int endpoint_listen(const char *text, struct error *err) MUST_USE;

#endif
