/* The frame of a program that serves HTTP. Runs in airlock-api, airlock-blob and airlock-idp. */
#include "listener/listener.h"

#include <string.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/log.h"

#define STOP_GRACE_MS 2000
#define FILES_BESIDE_CONNECTIONS 64u

static void on_push(const char *op, const json_t *message, void *ctx)
{
    const struct listener *listener = ctx;
    if (listener->spec.push)
        listener->spec.push(op, message, listener->spec.ctx);
}

void listener_init(struct listener *listener, const struct listener_spec *spec)
{
    *listener = (struct listener){.child = child_begin(), .core_fd = -1, .spec = *spec};
    listener->core = ipc_client_new(on_push, NULL, listener);
}

static unsigned listener_setting(const struct listener *listener, const char *name)
{
    return (unsigned)child_setting_int(listener->child, name); /* the table of settings bounds it */
}

void listener_confine(const struct listener *listener, const struct sandbox_rule *rules, size_t rule_count,
                      unsigned files_each)
{
    const struct sandbox spec = {
        .rules = rules,
        .rule_count = rule_count,
        .max_files = files_each * listener_setting(listener, "http.max_connections") + FILES_BESIDE_CONNECTIONS,
    };
    struct error err = {0};

    if (child_confine(listener->child, &spec, &err) != 0)
        die(&err, "cannot confine the process");
}

void listener_watch(struct listener *listener, int fd, void (*fn)(int fd, void *ctx), void *ctx)
{
    struct error err = {0};
    if (http_server_watch(listener->server, fd, fn, ctx, &err) != 0)
        die(&err, "cannot watch a descriptor");
}

static void core_readable(int fd, void *ctx)
{
    struct listener *listener = ctx;

    ipc_client_readable(listener->core);
    if (ipc_client_fd(listener->core) != fd) { /* it has ended; airlockd brings a new one */
        http_server_unwatch(listener->server, fd);
        listener->core_fd = -1;
    }
}

static void core_connected(enum peer peer, int fd, void *ctx)
{
    struct listener *listener = ctx;

    if (peer != PEER_CORE) {
        (void)close(fd); /* nobody else talks to this process */
        return;
    }
    if (listener->core_fd >= 0)
        http_server_unwatch(listener->server, listener->core_fd);
    if (listener->spec.before_channel)
        listener->spec.before_channel(listener->spec.ctx);
    ipc_client_attach(listener->core, fd);
    listener->core_fd = fd;
    listener_watch(listener, fd, core_readable, listener);
    if (listener->spec.after_channel)
        listener->spec.after_channel(listener->spec.ctx);
}

static void on_stop(void *ctx)
{
    const struct listener *listener = ctx;
    http_server_stop(listener->server, STOP_GRACE_MS);
}

static void control_readable(int fd UNUSED, void *ctx)
{
    const struct listener *listener = ctx;
    child_control_readable(listener->child);
}

/* A pair of PEM texts for new connections. */
static int use_certificate(struct listener *listener, int certificate, int key, struct error *err)
{
    AUTO_FREE char *chain_text = NULL;
    AUTO_FREE char *key_text = NULL;
    struct http_certificate pair = {0};

    int rc = file_read_fd(certificate, "the certificate", LISTENER_PEM_MAX, &chain_text, &pair.chain_len, err);
    if (rc == 0)
        rc = file_read_fd(key, "the key", LISTENER_PEM_MAX, &key_text, &pair.key_len, err);
    pair.chain = chain_text;
    pair.key = key_text;
    if (rc == 0)
        rc = http_server_set_certificate(listener->server, &pair, err);
    if (key_text)
        secret_wipe(key_text, pair.key_len);
    return rc;
}

static void on_tls(int certificate, int key, void *ctx)
{
    struct error err = {0};
    if (use_certificate(ctx, certificate, key, &err) != 0)
        log_error("the new certificate is not used, the one before stays: %s", err.detail);
    else
        log_info("new connections get the new certificate");
}

/* With the start message; without a certificate the listener speaks plain HTTP. */
static void listener_begin_tls(struct listener *listener)
{
    AUTO_FD int certificate = child_take_fd(listener->child, "certificate");
    AUTO_FD int key = child_take_fd(listener->child, "key");
    struct error err = {0};

    if (certificate >= 0 && use_certificate(listener, certificate, key, &err) != 0)
        die(&err, "cannot speak TLS");
}

/* The setting's list, as airlockd has checked it; it lives as long as the process. */
static void read_proxies(struct listener *listener)
{
    AUTO_FREE char *list = xstrdup(child_setting(listener->child, "http.proxies"));
    struct error err = {0};
    char *rest = list;

    for (const char *word; (word = strtok_r(rest, " ", &rest));) {
        listener->proxies = xrealloc(listener->proxies, (listener->proxy_count + 1) * sizeof *listener->proxies);
        if (network_parse(word, &listener->proxies[listener->proxy_count++], &err) != 0)
            die(&err, "http.proxies");
    }
}

/* Behind a proxy that does not name its clients all have one address: nothing can be said about any of them. */
static struct bucket_rule read_pace(const struct listener *listener)
{
    const struct child *c = listener->child;

    if (!listener->spec.paced || (child_setting_bool(c, "http.behind_proxy") && listener->proxy_count == 0))
        return (struct bucket_rule){.count = 0};
    return (struct bucket_rule){.count = child_setting_int(c, "limits.address_rate"),
                                .per_s = 1,
                                .burst = child_setting_int(c, "limits.address_burst")};
}

static void listener_serve(struct listener *listener)
{
    read_proxies(listener);
    const struct http_settings settings = {
        .name = "airlock",
        .listen_fd = child_take_fd(listener->child, "listen"),
        .workers = listener_setting(listener, listener->spec.workers_setting),
        .max_connections = listener_setting(listener, "http.max_connections"),
        .max_per_address = listener_setting(listener, "http.max_per_address"),
        .pace = read_pace(listener),
        .head_deadline_ms = listener_setting(listener, "http.head_deadline_ms"),
        .idle_deadline_ms = listener_setting(listener, "http.idle_deadline_ms"),
        .min_body_rate = listener_setting(listener, "http.min_body_rate"),
        .proxies = listener->proxies,
        .proxy_count = listener->proxy_count,
        .buffers = listener_setting(listener, "http.buffers"),
        .handler = listener->spec.handler,
        .ctx = listener->spec.ctx,
    };
    struct error err = {0};

    if (http_server_new(&settings, &listener->server, &err) != 0)
        die(&err, "cannot serve");
    http_server_set_refusal(listener->server, listener->spec.refusal);
    listener_begin_tls(listener);
}

void listener_open(struct listener *listener)
{
    listener_serve(listener);
    child_set_hooks(listener->child, &(struct child_hooks){core_connected, on_stop, on_tls, listener});
    listener_watch(listener, child_control_fd(listener->child), control_readable, listener);
    child_control_readable(listener->child); /* what came with the start message */
}

void listener_run(struct listener *listener)
{
    child_ready(listener->child);
    http_server_run(listener->server);
}
