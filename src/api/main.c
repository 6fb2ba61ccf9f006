/* airlock-api: HTTP and JSON in front of core. It has a listening socket and a channel to core; it must never have the
 * database, a key or a data directory, and after start it opens no file at all. It forwards credentials, never
 * verdicts. */
#include "api/handle.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "ipc/child.h"

#define STOP_GRACE_MS 2000
#define FILES_BESIDE_CONNECTIONS 64

struct program {
    struct child *child;
    struct ipc_client *core;
    int core_fd; /* as the loop watches it; -1: none */
    struct http_server *server;
    struct api api;
};

static void confine(const struct child *child)
{
    struct error err = {0};
    bool reduced = false;
    const struct sandbox spec = {
        .max_files = (unsigned)child_setting_int(child, "http.max_connections") + FILES_BESIDE_CONNECTIONS,
        .reduced_ok = child_setting_bool(child, "sandbox.reduced"),
    };

    if (sandbox_enter(&spec, &reduced, &err) != 0)
        die(&err, "cannot confine the process");
    if (reduced)
        log_warning("the sandbox is reduced: this kernel has no Landlock");
}

static void open_server(struct program *program)
{
    struct child *child = program->child;
    struct error err = {0};
    const struct http_settings settings = {
        .name = "airlock",
        .listen_fd = child_take_fd(child, "listen"),
        .workers = (unsigned)child_setting_int(child, "api.workers"),
        .max_connections = (unsigned)child_setting_int(child, "http.max_connections"),
        .max_per_address = (unsigned)child_setting_int(child, "http.max_per_address"),
        .head_deadline_ms = (unsigned)child_setting_int(child, "http.head_deadline_ms"),
        .idle_deadline_ms = (unsigned)child_setting_int(child, "http.idle_deadline_ms"),
        .min_body_rate = (unsigned)child_setting_int(child, "http.min_body_rate"),
        .buffers = (unsigned)child_setting_int(child, "http.buffers"),
        .handler = api_handle,
        .ctx = &program->api,
    };

    if (http_server_new(&settings, &program->server, &err) != 0)
        die(&err, "cannot serve");
    http_server_set_refusal(program->server, api_refuse);
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

    child_set_hooks(program->child, &(struct child_hooks){core_connected, stop, program});
    if (http_server_watch(program->server, child_control_fd(program->child), control_readable, program, &err) != 0)
        die(&err, "cannot watch the control socket");
}

int main(void)
{
    struct program program = {.child = child_begin(), .core_fd = -1};

    program.core = ipc_client_new(NULL, NULL, NULL);
    api_init(&program.api, program.core, AIRLOCK_VERSION, child_setting(program.child, "api.public_url"));
    confine(program.child);
    open_server(&program);
    connect_tree(&program);
    child_ready(program.child);
    http_server_run(program.server);
    http_server_free(program.server);
    ipc_client_free(program.core);
    api_done(&program.api);
    child_free(program.child);
    return 0;
}
