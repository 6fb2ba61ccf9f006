/* Control socket and channels. Runs in airlock-gate; reads no byte of anybody's file. */
#include "gate/supervisor.h"

#include <poll.h>
#include <signal.h>

#include "base/log.h"
#include "ipc/client.h"

#define FILES_MAX 4096 /* each child: its file, a pipe, a scanner's socket, and a scratch file a depth */
#define IDLE_MS 1000

struct supervisor {
    struct child *child;
    int scratch; /* directory of the scratch files, which have no name there */
    struct ipc_client *core;
    struct ipc_client *mover;
};

/* Work may be cut anywhere: the lease ends, and somebody does it again. */
static NORETURN void supervisor_stop(void *ctx)
{
    (void)ctx;
    log_info("stopped");
    _exit(0);
}

static void supervisor_channel(enum peer peer, int fd, void *ctx)
{
    struct supervisor *supervisor = ctx;

    if (peer == PEER_CORE)
        ipc_client_attach(supervisor->core, fd);
    else if (peer == PEER_MOVER)
        ipc_client_attach(supervisor->mover, fd);
    else
        (void)close(fd);
}

/* Waits for whatever comes first, and takes what came. Never asks anybody anything: it runs within questions, too. */
static void supervisor_serve(int timeout_ms, void *ctx)
{
    struct supervisor *supervisor = ctx;
    struct pollfd polls[] = {
        {.fd = child_control_fd(supervisor->child), .events = POLLIN},
        {.fd = ipc_client_fd(supervisor->core), .events = POLLIN}, /* -1 is passed over */
        {.fd = ipc_client_fd(supervisor->mover), .events = POLLIN},
    };

    if (poll(polls, ARRAY_LEN(polls), timeout_ms) <= 0)
        return;
    if (polls[0].revents)
        child_control_readable(supervisor->child);
    if (polls[1].revents)
        ipc_client_readable(supervisor->core);
    if (polls[2].revents)
        ipc_client_readable(supervisor->mover);
}

struct supervisor *supervisor_new(struct child *child)
{
    struct supervisor *supervisor = xcalloc(1, sizeof *supervisor);
    struct error err = {0};

    supervisor->child = child;
    supervisor->scratch = child_take_fd(child, "scratch");
    if (supervisor->scratch < 0) {
        (void)error_set(&err, E_CONFIG, "The scratch directory was not passed");
        die(&err, "cannot start");
    }
    supervisor->core = ipc_client_new(NULL, supervisor_serve, supervisor);
    supervisor->mover = ipc_client_new(NULL, supervisor_serve, supervisor);
    child_set_hooks(child, &(struct child_hooks){
                               .channel = supervisor_channel, .stop = supervisor_stop, .ctx = supervisor});
    return supervisor;
}

/* A scanner's socket needs no rule: Landlock (up to its version 8) leaves connecting to a socket with a path alone. */
void supervisor_confine(struct supervisor *supervisor)
{
    const struct sandbox_rule rules[] = {{.dirfd = supervisor->scratch, .access = SANDBOX_READ | SANDBOX_WRITE}};
    const struct sandbox spec = {.rules = rules, .rule_count = ARRAY_LEN(rules), .max_files = FILES_MAX};
    struct error err = {0};

    (void)signal(SIGPIPE, SIG_IGN);
    if (child_confine(supervisor->child, &spec, &err) != 0)
        die(&err, "cannot confine the process");
}

void supervisor_run(struct supervisor *supervisor)
{
    child_ready(supervisor->child);
    for (;;)
        supervisor_serve(IDLE_MS, supervisor);
}
