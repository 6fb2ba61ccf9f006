/* airlock-blob: the Azure Blob protocol of one zone. It has a listening socket, its own zone's root and a channel to
 * core; it reads below the root and writes below the root's draft account alone. It must never have another zone, a key
 * or the database, and it decides nothing: core judges every link, when a request comes and when an upload commits. */
#include <fcntl.h>
#include <signal.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "blob/app.h"
#include "blob/reconcile.h"
#include "blob/reply.h"
#include "ipc/child.h"

#define STOP_GRACE_MS 2000
#define FILES_PER_CONNECTION 2u /* a socket and an object file */
#define FILES_BESIDE 64u
#define DRAFT "draft"

static struct program {
    struct child *child;
    struct app app;
    struct http_server *server;
    int core_fd; /* as the loop watches it; -1: none */
} program = {.core_fd = -1};

static unsigned setting(const char *name)
{
    return (unsigned)child_setting_int(program.child, name); /* the table of settings bounds it */
}

/* --- Messages --- */

static void on_push(const char *op, const json_t *message, void *ctx UNUSED)
{
    enum message kind;

    if (message_by_op(op, &kind) && kind == MESSAGE_BLOB_DRAIN)
        transfers_drain(program.app.transfers, json_int(message, "drain"), json_text(message, "account"),
                        json_text(message, "container"), json_int(message, "generation"));
}

static void on_drained(int64_t drain, void *ctx UNUSED)
{
    ipc_push(program.app.core, MESSAGE_BLOB_DRAINED, json_pack("{s:I}", "drain", (json_int_t)drain));
}

/* --- Opening --- */

static void open_store(void)
{
    struct error err = {0};
    int root = child_take_fd(program.child, "root");

    if (root < 0) {
        (void)error_set(&err, E_CONFIG, "The zone's root was not passed");
        die(&err, "cannot start");
    }
    program.app.store = store_new(root, (uint64_t)child_setting_int(program.child, "storage.reserve_bytes"));
    program.app.behind_proxy = child_setting_bool(program.child, "http.behind_proxy");
    program.app.core = ipc_client_new(on_push, NULL, NULL);
    if (transfers_new(on_drained, NULL, &program.app.transfers, &err) != 0)
        die(&err, "cannot start");
}

/* Write access goes to the draft account alone, which not every zone has. */
static void confine(void)
{
    struct error err = {0};
    bool reduced = false;
    int root = store_root(program.app.store);
    AUTO_FD int draft = file_open_beneath(root, DRAFT, O_PATH | O_DIRECTORY, 0, &err);
    const struct sandbox_rule rules[] = {
        {.dirfd = root, .access = SANDBOX_READ},
        {.dirfd = draft, .access = SANDBOX_READ | SANDBOX_WRITE},
    };
    const struct sandbox spec = {
        .rules = rules,
        .rule_count = draft >= 0 ? 2 : 1,
        .max_files = FILES_PER_CONNECTION * setting("http.max_connections") + FILES_BESIDE,
        .reduced_ok = child_setting_bool(program.child, "sandbox.reduced"),
    };

    if (draft < 0 && draft != E_NOT_FOUND)
        die(&err, "cannot open the draft account");
    hash_free(hash_new_sha256()); /* OpenSSL reads its configuration at the first use */
    hash_free(hash_new_md5());
    if (sandbox_enter(&spec, &reduced, &err) != 0)
        die(&err, "cannot confine the process");
    if (reduced)
        log_warning("the sandbox is reduced: this kernel has no Landlock");
}

static void open_server(void)
{
    struct error err = {0};
    const struct http_settings settings = {
        .name = "airlock",
        .listen_fd = child_take_fd(program.child, "listen"),
        .workers = setting("blob.workers"),
        .max_connections = setting("http.max_connections"),
        .max_per_address = setting("http.max_per_address"),
        .head_deadline_ms = setting("http.head_deadline_ms"),
        .idle_deadline_ms = setting("http.idle_deadline_ms"),
        .min_body_rate = setting("http.min_body_rate"),
        .buffers = setting("http.buffers"),
        .handler = app_handle,
        .ctx = &program.app,
    };

    if (http_server_new(&settings, &program.server, &err) != 0)
        die(&err, "cannot serve");
    http_server_set_refusal(program.server, reply_refusal);
}

/* --- The loop's other descriptors: control socket, channel to core, the timer of transfers --- */

static void watch(int fd, void (*fn)(int fd, void *ctx))
{
    struct error err = {0};
    if (http_server_watch(program.server, fd, fn, NULL, &err) != 0)
        die(&err, "cannot watch a descriptor");
}

static void core_readable(int fd, void *ctx UNUSED)
{
    ipc_client_readable(program.app.core);
    if (ipc_client_fd(program.app.core) != fd) { /* it has ended; airlockd brings a new one */
        http_server_unwatch(program.server, fd);
        program.core_fd = -1;
    }
}

static void core_connected(enum peer peer, int fd, void *ctx UNUSED)
{
    if (peer != PEER_CORE) {
        (void)close(fd); /* nobody else talks to this process */
        return;
    }
    if (program.core_fd >= 0)
        http_server_unwatch(program.server, program.core_fd);
    transfers_forget_drains(program.app.transfers);
    ipc_client_attach(program.app.core, fd);
    program.core_fd = fd;
    watch(fd, core_readable);
}

static void stop(void *ctx UNUSED)
{
    http_server_stop(program.server, STOP_GRACE_MS);
}

static void control_readable(int fd UNUSED, void *ctx UNUSED)
{
    child_control_readable(program.child);
}

static void timer_readable(int fd UNUSED, void *ctx UNUSED)
{
    transfers_tick(program.app.transfers);
}

static void connect_tree(void)
{
    const struct child_hooks hooks = {.channel = core_connected, .stop = stop};

    child_set_hooks(program.child, &hooks);
    watch(child_control_fd(program.child), control_readable);
    watch(transfers_timer_fd(program.app.transfers), timer_readable);
    child_control_readable(program.child); /* what came with the start message */
}

static void look_for_leftovers(void)
{
    struct reconcile *reconcile = NULL;
    struct error err = {0};

    if (reconcile_new(program.app.store, program.app.core, &reconcile, &err) != 0)
        log_warning("interrupted uploads were not looked for: %s", err.detail);
    else
        reconcile_start(reconcile);
}

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    program.child = child_begin();
    open_store();
    confine();
    open_server();
    connect_tree();
    look_for_leftovers();
    child_ready(program.child);
    http_server_run(program.server);
    return 0; /* a question to core may still be open: the process ends with all it has */
}
