/* What the three programs that serve HTTP share: a listening socket under the loop of http/, the control socket and the
 * channel to core beside it, the sandbox around it. airlock-api, airlock-blob and airlock-idp each have one. */
#ifndef AIRLOCK_LISTENER_LISTENER_H
#define AIRLOCK_LISTENER_LISTENER_H

#include "base/sandbox.h"
#include "http/http.h"
#include "ipc/child.h"
#include "ipc/client.h"

#define LISTENER_PEM_MAX ((size_t)256 * 1024) /* bytes of a certificate chain, and of a key */

struct listener_spec {
    const char *workers_setting;  /* "api.workers" and the like */
    void (*handler)(struct http_exchange *x, void *ctx);
    void (*refusal)(struct http_exchange *x, int status, const char *detail);
    bool paced; /* limits.address_rate holds here; the program receives its settings */
    /* What core says unasked; NULL: nothing is expected. */
    void (*push)(const char *op, const json_t *message, void *ctx);
    void (*before_channel)(void *ctx); /* loop thread: a new channel to core is about to be used; NULL */
    void (*after_channel)(void *ctx);  /* and now it is; NULL */
    void *ctx;
};

struct listener {
    struct child *child;
    struct ipc_client *core;
    struct http_server *server;
    struct network *proxies; /* http.proxies */
    size_t proxy_count;
    int core_fd; /* as the loop watches it; -1: none */
    struct listener_spec spec;
};

/* Each step ends the process with a clear word when it cannot be done; their order is the order of a program's main. */

/* Waits for airlockd's start message; questions to core may be asked once a channel comes. */
void listener_init(struct listener *listener, const struct listener_spec *spec);
/* Gives up everything but the rules (see base/sandbox.h); before the first thread. files_each: descriptors that one
 * connection may need at once. */
void listener_confine(const struct listener *listener, const struct sandbox_rule *rules, size_t rule_count,
                      unsigned files_each);
/* Takes the descriptor "listen" and makes the server; then watches control socket and channel. */
void listener_open(struct listener *listener);
/* Another descriptor for the loop. */
void listener_watch(struct listener *listener, int fd, void (*fn)(int fd, void *ctx), void *ctx);
/* Says ready and serves until airlockd says stop. */
void listener_run(struct listener *listener);

#endif
