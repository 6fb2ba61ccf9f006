/* The one loop of airlockd: signals, control sockets, restarts, the end. Parses nothing that a user sends. */
#include "airlockd/supervise.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "airlockd/tree.h"
#include "base/clock.h"
#include "base/log.h"

struct supervisor {
    struct tree tree;
    int signals;
    int64_t started_ms;
    bool was_ready;
    int64_t stop_ms;      /* when the end began; 0 before */
    enum stop_stage told; /* meaningful once it began */
    bool killed;
};

/* The stages of the end, and when each begins at the latest. */
static const int64_t STAGE_BEGINS_MS[STOP_STAGES] = {
    [STOP_LISTENERS] = 0, [STOP_WORKERS] = STOP_WORKERS_MS, [STOP_CORE] = STOP_CORE_MS};

static sigset_t waited_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    return set;
}

void supervise_block_signals(void)
{
    sigset_t set = waited_signals();
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

static void begin_stop(struct supervisor *s)
{
    s->stop_ms = clock_mono_ms();
    s->tree.stopping = true;
    s->told = STOP_LISTENERS;
    tree_tell_stop(&s->tree, STOP_LISTENERS);
}

/* One stage after the other, each when those before it are gone or its time has come. */
static void continue_stop(struct supervisor *s, int64_t now_ms)
{
    int64_t since = now_ms - s->stop_ms;

    while (s->told + 1 < STOP_STAGES && (!tree_any_alive(&s->tree, s->told) || since >= STAGE_BEGINS_MS[s->told + 1])) {
        s->told++;
        tree_tell_stop(&s->tree, s->told);
    }
    if (since >= STOP_KILL_MS && !s->killed) {
        log_warning("not all children ended in time; they are killed");
        tree_kill_all(&s->tree);
        s->killed = true;
    }
}

/* SIGHUP: only the certificate is read anew; without TLS there is nothing to do. */
static void reload(struct supervisor *s)
{
    struct resources *resources = s->tree.resources;
    struct error err = {0};

    if (!resources->certificate.chain) {
        log_warning("signal %d: without tls.certificate_file there is nothing to read anew", SIGHUP);
        return;
    }
    if (resources_read_certificate(resources, &err) != 0) {
        log_error("the new certificate is not used, the one before stays: %s", err.detail);
        return;
    }
    log_info("signal %d: the certificate was read anew", SIGHUP);
    tree_tell_certificate(&s->tree);
}

static void take_signals(struct supervisor *s)
{
    struct signalfd_siginfo info;

    while (read(s->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD)
            continue; /* several ends may share one: tree_reap looks at everyone */
        if (info.ssi_signo == SIGHUP) {
            if (s->stop_ms == 0)
                reload(s);
        } else if (s->stop_ms == 0) {
            log_info("signal %u: stopping", info.ssi_signo);
            begin_stop(s);
        } else if (info.ssi_signo == SIGINT) {
            tree_kill_all(&s->tree); /* Ctrl-C a second time: at once */
        }
    }
}

static int wait_ms(const struct supervisor *s, int64_t now_ms)
{
    int64_t due = tree_next_due(&s->tree);
    int64_t wait = s->stop_ms ? 50 : 1000; /* the other deadlines are coarse */

    if (due >= 0 && due - now_ms < wait)
        wait = due - now_ms;
    return wait > 0 ? (int)wait : 0;
}

static void serve_once(struct supervisor *s)
{
    struct pollfd fds[PROCESS_COUNT + 1];

    for (size_t i = 0; i < PROCESS_COUNT; i++) {
        const struct channel *control = s->tree.members[i].control;
        fds[i] = (struct pollfd){.fd = control ? channel_fd(control) : -1, .events = POLLIN};
        if (control && channel_has_output(control))
            fds[i].events |= POLLOUT;
    }
    fds[PROCESS_COUNT] = (struct pollfd){.fd = s->signals, .events = POLLIN};
    if (poll(fds, PROCESS_COUNT + 1, wait_ms(s, clock_mono_ms())) < 0)
        return; /* interrupted: come again */
    for (size_t i = 0; i < PROCESS_COUNT; i++) {
        if (fds[i].revents & POLLOUT)
            tree_writable(&s->tree, i);
        if (fds[i].revents & (POLLIN | POLLHUP | POLLERR))
            tree_readable(&s->tree, i);
    }
    take_signals(s);
    tree_reap(&s->tree, clock_mono_ms());
}

static int check_start(struct supervisor *s, int64_t now_ms, struct error *err)
{
    if (s->tree.config_refused > 0)
        return error_set(err, E_CONFIG, "A process refused its configuration; the log says which and why");
    if (now_ms - s->started_ms <= START_READY_MS)
        return 0;
    AUTO_FREE char *names = tree_not_ready(&s->tree);
    return error_set(err, E_UNAVAILABLE, "Not ready %d seconds after the start: %s", START_READY_MS / 1000, names);
}

/* Until the end begins: everyone is kept alive. Returns an error when the first start fails. */
static int keep_alive(struct supervisor *s, void (*ready)(void *ctx), void *ctx, struct error *err)
{
    while (s->stop_ms == 0) {
        int64_t now_ms = clock_mono_ms();
        int r = s->was_ready ? 0 : check_start(s, now_ms, err);
        if (r != 0)
            return r;
        tree_kill_late(&s->tree, now_ms, RESTART_READY_MS);
        tree_start_due(&s->tree, now_ms);
        serve_once(s);
        if (!s->was_ready && s->stop_ms == 0 && tree_all_ready(&s->tree)) {
            s->was_ready = true;
            ready(ctx);
        }
    }
    return 0;
}

int supervise_run(struct resources *resources, const char *programs, void (*ready)(void *ctx), void *ctx,
                  struct error *err)
{
    struct supervisor s = {.tree = {.resources = resources, .programs = programs}, .started_ms = clock_mono_ms()};
    sigset_t set = waited_signals();

    s.signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (s.signals < 0)
        return error_set_errno(err, E_INTERNAL, "Cannot wait for signals");
    int r = keep_alive(&s, ready, ctx, err);
    if (s.stop_ms == 0)
        begin_stop(&s);
    while (tree_any_alive(&s.tree, STOP_CORE) && clock_mono_ms() - s.stop_ms < STOP_GIVE_UP_MS) {
        continue_stop(&s, clock_mono_ms());
        serve_once(&s);
    }
    (void)close(s.signals);
    return r;
}
