/* airlock-idp: the built-in identity provider. It has local accounts, checks their passwords, and signs the tokens that
 * core accepts. It must never have data, SAS keys or the database; after start it opens no file at all. */
#include <malloc.h>

#include "base/log.h"
#include "base/sandbox.h"
#include "idp/idp.h"
#include "idp/publish.h"
#include "idp/server.h"
#include "ipc/child.h"
#include "ipc/client.h"

#define KEPT_ALLOCATION_MAX (1024 * 1024)
#define STOP_GRACE_MS 2000
#define FILES_BESIDE_CONNECTIONS 64

struct program {
    struct child *child;
    struct idp *idp;
    struct ipc_client *core;
    int core_fd; /* as the loop watches it; -1: none */
    struct publisher *publisher;
    struct http_server *server;
};

static int ask_scope(void *ctx, const char *scope, const char *subject, json_t **ret, struct error *err)
{
    struct program *program = ctx;
    return ipc_call(program->core, MESSAGE_IDP_SCOPE, json_pack("{s:s, s:s}", "scope", scope, "subject", subject), ret,
                    err);
}

static void load(struct program *program)
{
    struct child *child = program->child;
    AUTO_FD int seed_fd = child_take_fd(child, "seed");
    struct error err = {0};
    const struct idp_settings settings = {
        .public_url = child_setting(child, "idp.public_url"),
        .tenant = child_setting(child, "idp.tenant"),
        .api_url = child_setting(child, "api.public_url"),
        .redirect_uris = child_setting(child, "idp.redirect_uris"),
        .accounts_file = child_setting(child, "idp.accounts_file"),
        .key_file = child_setting(child, "idp.key_file"),
        .token_lifetime_s = child_setting_int(child, "idp.token_lifetime"),
        .workers = (unsigned)child_setting_int(child, "idp.workers"),
        .behind_proxy = child_setting_bool(child, "http.behind_proxy"),
    };
    (void)mallopt(M_MMAP_THRESHOLD, KEPT_ALLOCATION_MAX); /* what a password check took goes back at once */
    if (idp_new(&settings, seed_fd, ask_scope, program, &program->idp, &err) != 0)
        die(&err, "cannot load accounts and key");
    if (accounts_count(program->idp->accounts) == 0)
        log_warning("there are no accounts in %s: nobody can sign in", settings.accounts_file);
}

/* Accounts and key are in memory: no file is needed any more. */
static void confine(struct program *program)
{
    struct error err = {0};
    bool reduced = false;
    const struct sandbox spec = {
        .max_files = (unsigned)child_setting_int(program->child, "http.max_connections") + FILES_BESIDE_CONNECTIONS,
        .reduced_ok = child_setting_bool(program->child, "sandbox.reduced"),
    };
    if (sandbox_enter(&spec, &reduced, &err) != 0)
        die(&err, "cannot confine the process");
    if (reduced)
        log_warning("the sandbox is reduced: this kernel has no Landlock");
}

static void open_server(struct program *program)
{
    const struct child *child = program->child;
    struct error err = {0};
    const struct http_settings settings = {
        .name = "airlock",
        .listen_fd = child_take_fd(program->child, "listen"),
        .workers = (unsigned)child_setting_int(child, "idp.workers"),
        .max_connections = (unsigned)child_setting_int(child, "http.max_connections"),
        .max_per_address = (unsigned)child_setting_int(child, "http.max_per_address"),
        .head_deadline_ms = (unsigned)child_setting_int(child, "http.head_deadline_ms"),
        .idle_deadline_ms = (unsigned)child_setting_int(child, "http.idle_deadline_ms"),
        .min_body_rate = (unsigned)child_setting_int(child, "http.min_body_rate"),
        .buffers = (unsigned)child_setting_int(child, "http.buffers"),
        .handler = server_handle,
        .ctx = program->idp,
    };
    if (http_server_new(&settings, &program->server, &err) != 0)
        die(&err, "cannot serve");
    http_server_set_refusal(program->server, server_refuse);
}

/* --- The loop's other descriptors: the control socket and the channel to core --- */

static void core_readable(int fd, void *ctx)
{
    struct program *program = ctx;

    ipc_client_readable(program->core);
    if (ipc_client_fd(program->core) != fd) { /* it has ended; airlockd brings a new one */
        http_server_unwatch(program->server, fd);
        program->core_fd = -1;
    }
}

static void core_connected(enum peer peer, int fd, void *ctx)
{
    struct program *program = ctx;
    struct error err = {0};

    if (peer != PEER_CORE) {
        (void)close(fd); /* nobody else talks to this process */
        return;
    }
    if (program->core_fd >= 0)
        http_server_unwatch(program->server, program->core_fd);
    ipc_client_attach(program->core, fd);
    program->core_fd = fd;
    if (http_server_watch(program->server, fd, core_readable, program, &err) != 0)
        die(&err, "cannot watch the channel to core");
    publisher_wake(program->publisher);
}

static void stop(void *ctx)
{
    struct program *program = ctx;
    http_server_stop(program->server, STOP_GRACE_MS);
}

static void control_readable(int fd, void *ctx)
{
    struct program *program = ctx;
    (void)fd;
    child_control_readable(program->child);
}

static void connect_tree(struct program *program)
{
    struct error err = {0};

    program->core = ipc_client_new(NULL, NULL, NULL);
    if (publisher_start(program->core, idp_publication(program->idp), &program->publisher, &err) != 0)
        die(&err, "cannot publish");
    child_set_hooks(program->child, &(struct child_hooks){core_connected, stop, program});
    if (http_server_watch(program->server, child_control_fd(program->child), control_readable, program, &err) != 0)
        die(&err, "cannot watch the control socket");
}

int main(void)
{
    struct program program = {.child = child_begin(), .core_fd = -1};

    load(&program);
    confine(&program);
    open_server(&program);
    connect_tree(&program);
    child_ready(program.child);
    http_server_run(program.server);
    return 0; /* the publisher may still wait for core: the process ends with all it has */
}
