/* airlock-notify: tells the outside what core has for it; today the calls of external gates. It has the network and a
 * channel to core, and never data, links, keys or the database: core signs what it sends. */
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "ipc/child.h"
#include "ipc/client.h"
#include "notify/caller.h"
#include "outward/outward.h"

#define IDLE_MS 500
#define ASK_MS 1000 /* between two questions that nobody's word brought about */

/* A call that ended, of which core does not know yet. */
struct ended {
    int64_t id, token;
    bool delivered;
    char detail[300];
};

struct program {
    struct child *child;
    struct ipc_client *core;
    struct caller *caller;
    struct ended ended[CALLER_CALLS_MAX];
    size_t ended_count;
    int64_t ask_ms; /* not before */
};

/* Control socket, channel and the calls under way. */
static void serve(int timeout_ms, void *ctx)
{
    struct program *program = ctx;
    const int fds[] = {child_control_fd(program->child), ipc_client_fd(program->core)};
    bool readable[ARRAY_LEN(fds)];

    caller_wait(program->caller, fds, readable, ARRAY_LEN(fds), timeout_ms);
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
    program->ask_ms = 0;
}

static void on_push(const char *op, const json_t *message, void *ctx)
{
    struct program *program = ctx;

    (void)message;
    if (strcmp(op, message_op(MESSAGE_CALL_WAKE)) == 0)
        program->ask_ms = 0;
}

static void on_stop(void *ctx)
{
    (void)ctx;
    log_info("stopped");
    _exit(0);
}

/* Kept until the loop tells core: this may run while another question waits. More calls than fit are never under way. */
static void on_done(void *ctx, int64_t id, int64_t token, bool delivered, const char *detail)
{
    struct program *program = ctx;

    if (program->ended_count == CALLER_CALLS_MAX)
        return; /* its lease lapses, and it is called again */
    struct ended *ended = &program->ended[program->ended_count++];
    *ended = (struct ended){.id = id, .token = token, .delivered = delivered};
    (void)snprintf(ended->detail, sizeof ended->detail, "%s", detail); /* a long one is cut */
}

/* What core does not take is called again when its lease lapses. */
static void tell_ended(struct program *program)
{
    while (program->ended_count > 0) {
        struct ended ended = program->ended[--program->ended_count];
        struct error err = {0};
        json_t *fields = json_pack("{s:I, s:I, s:s, s:s}", "call", (json_int_t)ended.id, "token", (json_int_t)ended.token,
                                   "outcome", ended.delivered ? "delivered" : "failed", "detail", ended.detail);
        if (!fields) /* a text of the other side that is no UTF-8 */
            fields = json_pack("{s:I, s:I, s:s, s:s}", "call", (json_int_t)ended.id, "token", (json_int_t)ended.token,
                               "outcome", "failed", "detail", "it failed");
        if (ipc_call(program->core, MESSAGE_CALL_RESULT, fields, NULL, &err) != 0)
            log_warning("core did not take what became of a call: %s", err.detail);
    }
}

/* As many calls as there is room for. */
static void ask_due(struct program *program)
{
    while (clock_mono_ms() >= program->ask_ms && caller_has_room(program->caller)) {
        AUTO_JSON json_t *ok = NULL;
        struct error err = {0};
        program->ask_ms = clock_mono_ms() + ASK_MS;
        if (ipc_call(program->core, MESSAGE_CALL_LEASE, json_object(), &ok, &err) != 0)
            return; /* core is away: it comes back with a new channel */
        const json_t *call = json_object_get(ok, "call");
        if (!json_is_object(call))
            return;
        caller_begin(program->caller, call);
        program->ask_ms = 0; /* there may be more */
    }
}

int main(void)
{
    struct program program = {.child = child_begin()};
    struct caller_config config = {.ca_file = child_setting(program.child, "gates.external_ca_file")};
    struct error err = {0};

    int r = reach_parse(child_setting(program.child, "gates.external_networks"), &config.reach, &err);
    if (r == 0)
        r = caller_new(&config, on_done, &program, &program.caller, &err);
    if (r != 0)
        die(&err, "cannot start");
    outward_confine(program.child);
    program.core = ipc_client_new(on_push, serve, &program);
    child_set_hooks(program.child, &(struct child_hooks){.channel = on_channel, .stop = on_stop, .ctx = &program});
    child_control_readable(program.child); /* what came with the start message */
    child_ready(program.child);
    for (;;) {
        tell_ended(&program);
        ask_due(&program);
        serve(IDLE_MS, &program);
    }
}
