/* Numeric TCP addresses of listeners, and the listening sockets themselves. Runs in airlockd. */
#ifndef AIRLOCK_AIRLOCKD_ENDPOINT_H
#define AIRLOCK_AIRLOCKD_ENDPOINT_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/error.h"

#define LISTEN_BACKLOG 1024
#define LISTEN_RETRY_MS 3000 /* children of a tree that was killed may hold the port for a moment */

struct endpoint {
    struct sockaddr_storage any;
    socklen_t len;
    bool loopback;
};

/* "127.0.0.1:8400" or "[::1]:8400"; E_INVALID otherwise. Port 0 is refused. */
int endpoint_parse(const char *text, struct endpoint *ret, struct error *err) MUST_USE;

/* A listening, non-blocking socket, close-on-exec. Waits up to LISTEN_RETRY_MS for a port that is still in use. */
int endpoint_listen(const char *text, struct error *err) MUST_USE;

#endif
