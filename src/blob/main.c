/* airlock-blob: the Azure Blob protocol of one zone. It has a listening socket, its own zone's root and a channel to
 * core; it reads below the root and writes below the root's draft account alone. It must never have another zone, a key
 * or the database, and it decides nothing: core judges every link, when a request comes and when an upload commits. */
#include <fcntl.h>
#include <string.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/log.h"
#include "blob/app.h"
#include "blob/reconcile.h"
#include "blob/reply.h"
#include "listener/listener.h"
#include "store/aio.h"

#define FILES_PER_CONNECTION 2u /* a socket and an object file */
#define DRAFT "draft"

struct program {
    struct listener listener;
    struct app app;
};

/* --- Messages --- */

static void on_push(const char *op, const json_t *message, void *ctx)
{
    const struct program *program = ctx;
    enum message kind;

    if (message_by_op(op, &kind) && kind == MESSAGE_BLOB_DRAIN)
        transfers_drain(program->app.transfers, json_int(message, "drain"), json_text(message, "account"),
                        json_text(message, "container"), json_int(message, "generation"));
}

static void on_drained(int64_t drain, void *ctx)
{
    const struct program *program = ctx;
    ipc_push(program->app.core, MESSAGE_BLOB_DRAINED, json_pack("{s:I}", "drain", (json_int_t)drain));
}

/* Drains that an earlier core asked for are asked for again by the next one. */
static void on_new_core(void *ctx)
{
    const struct program *program = ctx;
    transfers_forget_drains(program->app.transfers);
}

static void on_request(struct http_exchange *x, void *ctx)
{
    struct program *program = ctx;
    app_handle(x, &program->app);
}

static void on_timer(int fd UNUSED, void *ctx)
{
    const struct program *program = ctx;
    transfers_tick(program->app.transfers);
}

/* --- Opening --- */

/* Before the sandbox, so that what the kernel refuses shows itself here. */
static struct aio *open_engine(const struct child *child)
{
    struct error err = {0};
    struct aio *aio = NULL;
    enum aio_kind kind = AIO_AUTO;

    (void)aio_kind_by_name(child_setting(child, "storage.io"), &kind); /* the table of settings knows the same names */
    if (aio_new(kind, &aio, &err) != 0)
        die(&err, "cannot start");
    log_info("files are read and written by %s", aio_name(aio));
    return aio;
}

static void open_app(struct program *program)
{
    struct child *child = program->listener.child;
    struct app *app = &program->app;
    struct error err = {0};
    int root = child_take_fd(child, "root");

    if (root < 0) {
        (void)error_set(&err, E_CONFIG, "The zone's root was not passed");
        die(&err, "cannot start");
    }
    app->store = store_new(root, (uint64_t)child_setting_int(child, "storage.reserve_bytes"));
    store_use_aio(app->store, open_engine(child));
    AUTO_FREE char *public_url = xasprintf("%s.public_url", peer_name(child_self(child)));
    *strchr(public_url, '-') = '.'; /* blob-external has blob.external.public_url */
    app->public_url = child_setting(child, public_url);
    app->behind_proxy = child_setting_bool(child, "http.behind_proxy");
    app->core = program->listener.core;
    if (cors_new(child_setting(child, "api.public_url"), child_setting(child, "blob.cors_origins"), &app->cors, &err) !=
        0)
        die(&err, "cannot start");
    if (transfers_new(on_drained, program, &app->transfers, &err) != 0)
        die(&err, "cannot start");
}

/* Write access goes to the draft account alone, which not every zone has. */
static void confine(const struct program *program)
{
    struct error err = {0};
    int root = store_root(program->app.store);
    AUTO_FD int draft = file_open_beneath(root, DRAFT, O_PATH | O_DIRECTORY, 0, &err);
    const struct sandbox_rule rules[] = {
        {.dirfd = root, .access = SANDBOX_READ},
        {.dirfd = draft, .access = SANDBOX_READ | SANDBOX_WRITE},
    };

    if (draft < 0 && draft != E_NOT_FOUND)
        die(&err, "cannot open the draft account");
    hash_free(hash_new_sha256()); /* OpenSSL reads its configuration at the first use */
    hash_free(hash_new_md5());
    listener_confine(&program->listener, rules, draft >= 0 ? 2 : 1, FILES_PER_CONNECTION);
}

static void look_for_leftovers(const struct program *program)
{
    struct reconcile *reconcile = NULL;
    struct error err = {0};

    if (reconcile_new(program->app.store, program->app.core, &reconcile, &err) != 0)
        log_warning("interrupted uploads were not looked for: %s", err.detail);
    else
        reconcile_start(reconcile);
}

int main(void)
{
    struct program program = {.app = {0}};

    listener_init(&program.listener, &(struct listener_spec){.workers_setting = "blob.workers",
                                                             .handler = on_request,
                                                             .refusal = reply_refusal,
                                                             .push = on_push,
                                                             .before_channel = on_new_core,
                                                             .ctx = &program});
    open_app(&program);
    confine(&program);
    listener_open(&program.listener);
    listener_watch(&program.listener, transfers_timer_fd(program.app.transfers), on_timer, &program);
    look_for_leftovers(&program);
    listener_run(&program.listener);
    return 0; /* a question to core may still be open: the process ends with all it has */
}
