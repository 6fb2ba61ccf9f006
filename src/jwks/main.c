/* airlock-jwks: fetches the keys of an identity provider that is not the built-in one, and tells core. It connects to
 * that one host and nowhere else, and never has data, links, keys of ours or the database. */
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "ipc/child.h"
#include "ipc/client.h"
#include "jwks/keeper.h"
#include "outward/outward.h"

#define FILES_MAX 64
#define IDLE_MS 500

struct program {
    struct child *child;
    struct ipc_client *core;
    struct keeper keeper;
    bool new_channel;
};

/* Control socket, channel and the fetch under way. */
static void serve(int timeout_ms, void *ctx)
{
    struct program *program = ctx;
    const int fds[] = {child_control_fd(program->child), ipc_client_fd(program->core)};
    bool readable[ARRAY_LEN(fds)];

    fetcher_wait(program->keeper.fetcher, fds, readable, ARRAY_LEN(fds), timeout_ms);
    if (readable[0])
        child_control_readable(program->child);
    if (readable[1] && ipc_client_fd(program->core) == fds[1])
        ipc_client_readable(program->core);
}

static void on_channel(enum peer peer, int fd, void *ctx)
{
    struct program *program = ctx;

    if (peer != PEER_CORE) {
        (void)close(fd); /* nobody else talks to this process */
        return;
    }
    ipc_client_attach(program->core, fd);
    program->new_channel = true;
}

static void on_push(const char *op, const json_t *message, void *ctx)
{
    struct program *program = ctx;

    (void)message;
    if (strcmp(op, message_op(MESSAGE_JWKS_REFRESH)) == 0)
        schedule_wanted(&program->keeper.schedule, clock_mono_ms());
}

static void on_stop(void *ctx)
{
    (void)ctx;
    log_info("stopped");
    _exit(0);
}

static int publish(void *ctx, json_t *publication_stolen, struct error *err)
{
    struct program *program = ctx;
    return ipc_call(program->core, MESSAGE_JWKS_PUBLISH, publication_stolen, NULL, err);
}

int main(void)
{
    struct program program = {.child = child_begin()};
    struct error err = {0};

    program.keeper = (struct keeper){
        .issuer = child_setting(program.child, "auth.issuer"),
        .keys_url = child_setting(program.child, "auth.jwks_url"),
        .schedule = SCHEDULE_INIT,
        .publish = publish,
        .ctx = &program,
    };
    if (fetcher_new(child_setting(program.child, "auth.ca_file"), &program.keeper.fetcher, &err) != 0)
        die(&err, "cannot start");
    outward_confine(program.child);
    program.core = ipc_client_new(on_push, serve, &program);
    child_set_hooks(program.child, &(struct child_hooks){.channel = on_channel, .stop = on_stop, .ctx = &program});
    child_control_readable(program.child); /* what came with the start message */
    child_ready(program.child);
    for (;;) {
        keeper_start_due(&program.keeper, clock_mono_ms());
        serve(IDLE_MS, &program);
        keeper_take(&program.keeper, clock_mono_ms());
        if (program.new_channel) {
            program.new_channel = false;
            keeper_tell_again(&program.keeper);
        }
    }
}
