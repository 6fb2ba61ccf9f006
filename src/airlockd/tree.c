/* Members of the tree: how they start, are linked, are heard, and end. Runs in airlockd. */
#include "airlockd/tree.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/log.h"

static bool member_is_due(const struct tree *tree, size_t member)
{
    return process_is_due(&PROCESSES[member], tree->resources->settings);
}

static const char *member_name(size_t member)
{
    return peer_name(PROCESSES[member].peer);
}

static void member_kill(struct tree *tree, size_t member)
{
    if (tree->members[member].pid > 0)
        (void)kill(tree->members[member].pid, SIGKILL); /* not yet collected, so the id is still its own */
}

/* A member whose control socket fails is of no use: it is killed, and started again when its end is collected. */
static void member_tell(struct tree *tree, size_t member, json_t *message_stolen, const int *fds, size_t fd_count)
{
    AUTO_JSON json_t *message = message_stolen;
    struct member *m = &tree->members[member];
    struct error err = {0};

    if (!m->control || channel_send(m->control, message, fds, fd_count, &err) == 0)
        return;
    log_debug("%s does not listen: %s", member_name(member), err.detail);
    member_kill(tree, member);
}

/* A new pair of sockets between two living members; each gets one end. */
static void members_link(struct tree *tree, size_t a, size_t b)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        log_error("cannot make a channel between %s and %s: %s", member_name(a), member_name(b), strerror(errno));
        member_kill(tree, a); /* its next start tries again */
        return;
    }
    const char *op = message_op(MESSAGE_CHANNEL);
    member_tell(tree, a, json_pack("{s:s, s:s}", "op", op, "peer", member_name(b)), &ends[0], 1);
    member_tell(tree, b, json_pack("{s:s, s:s}", "op", op, "peer", member_name(a)), &ends[1], 1);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static int member_spawn(struct tree *tree, size_t member, struct error *err)
{
    struct member *m = &tree->members[member];
    AUTO_JSON json_t *message = NULL;
    int fds[PROCESS_GRANTS_MAX];
    size_t fd_count = 0;
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return error_set_errno(err, E_UNAVAILABLE, "Cannot make a control socket");
    AUTO_FD int theirs = ends[1];
    struct channel *control = channel_new(ends[0]);
    int r = resources_start_message(tree->resources, member, &message, fds, &fd_count, err);
    if (r == 0)
        r = channel_send(control, message, fds, fd_count, err); /* waits in the socket until the program reads */
    if (r == 0)
        r = process_spawn(&PROCESSES[member], tree->programs, theirs, &m->pid, err);
    while (fd_count > 0)
        (void)close(fds[--fd_count]);
    if (r != 0)
        channel_free(control);
    else
        m->control = control;
    return r;
}

static void member_start(struct tree *tree, size_t member, int64_t now_ms)
{
    struct member *m = &tree->members[member];
    struct error err = {0};

    m->started_ms = now_ms;
    if (member_spawn(tree, member, &err) != 0) {
        log_error("cannot start %s: %s", member_name(member), err.detail);
        m->restart_ms = now_ms + backoff_next(&m->backoff, 0);
        return;
    }
    m->state = MEMBER_STARTING;
    for (size_t i = 0; i < PROCESS_COUNT; i++)
        if ((PROCESSES[member].channels & PROCESSES[i].peer) && tree->members[i].pid > 0)
            members_link(tree, member, i);
}

void tree_start_due(struct tree *tree, int64_t now_ms)
{
    for (size_t i = 0; i < PROCESS_COUNT && !tree->stopping; i++)
        if (tree->members[i].state == MEMBER_DOWN && tree->members[i].restart_ms <= now_ms && member_is_due(tree, i))
            member_start(tree, i, now_ms);
}

int64_t tree_next_due(const struct tree *tree)
{
    int64_t next = -1;

    for (size_t i = 0; i < PROCESS_COUNT && !tree->stopping; i++) {
        const struct member *m = &tree->members[i];
        if (m->state == MEMBER_DOWN && member_is_due(tree, i) && (next < 0 || m->restart_ms < next))
            next = m->restart_ms;
    }
    return next;
}

static void tree_restart_named(struct tree *tree, const char *name)
{
    for (size_t i = 0; i < PROCESS_COUNT; i++)
        if (strcmp(member_name(i), name) == 0) {
            log_warning("%s did not answer core and is restarted", name);
            member_kill(tree, i);
        }
}

static void tree_take(struct tree *tree, size_t member, const json_t *message)
{
    enum message kind;

    if (!message_by_op(json_text(message, "op"), &kind) ||
        !message_allowed(kind, PROCESSES[member].peer, PEER_AIRLOCKD)) {
        log_warning("%s sent what it may not send", member_name(member));
        return;
    }
    if (kind == MESSAGE_RESTART)
        tree_restart_named(tree, json_text(message, "process"));
    if (kind == MESSAGE_READY && tree->members[member].state == MEMBER_STARTING) {
        tree->members[member].state = MEMBER_READY;
        log_info("%s is ready (process %d)", member_name(member), (int)tree->members[member].pid);
    }
}

void tree_readable(struct tree *tree, size_t member)
{
    struct member *m = &tree->members[member];

    while (m->control) {
        struct frame frame = {0};
        struct error err = {0};
        int r = channel_receive(m->control, &frame, &err);
        if (r == 0)
            return;
        if (r < 0) { /* it ends, or it is out of its mind */
            channel_free(TAKE_PTR(m->control));
            if (!tree->stopping)
                member_kill(tree, member);
            return;
        }
        tree_take(tree, member, frame.message);
        frame_done(&frame);
    }
}

void tree_writable(struct tree *tree, size_t member)
{
    struct channel *control = tree->members[member].control;
    if (control && channel_flush(control, NULL) != 0)
        member_kill(tree, member);
}

static void member_ended(struct tree *tree, size_t member, int status, int64_t now_ms)
{
    struct member *m = &tree->members[member];
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;

    channel_free(TAKE_PTR(m->control));
    m->pid = 0;
    m->state = MEMBER_DOWN;
    m->restart_ms = now_ms + backoff_next(&m->backoff, now_ms - m->started_ms);
    if (code == error_exit_code(E_CONFIG))
        tree->config_refused++;
    if (tree->stopping)
        return;
    if (WIFSIGNALED(status))
        log_warning("%s was killed by signal %d; it is started again in %d ms", member_name(member), WTERMSIG(status),
                    (int)(m->restart_ms - now_ms));
    else
        log_warning("%s ended with status %d; it is started again in %d ms", member_name(member), code,
                    (int)(m->restart_ms - now_ms));
}

void tree_reap(struct tree *tree, int64_t now_ms)
{
    for (size_t i = 0; i < PROCESS_COUNT; i++) {
        int status;
        if (tree->members[i].pid > 0 && waitpid(tree->members[i].pid, &status, WNOHANG) == tree->members[i].pid)
            member_ended(tree, i, status, now_ms);
    }
}

void tree_kill_late(struct tree *tree, int64_t now_ms, int64_t limit_ms)
{
    for (size_t i = 0; i < PROCESS_COUNT; i++)
        if (tree->members[i].state == MEMBER_STARTING && now_ms - tree->members[i].started_ms > limit_ms) {
            log_warning("%s did not become ready and is restarted", member_name(i));
            member_kill(tree, i);
        }
}

bool tree_all_ready(const struct tree *tree)
{
    for (size_t i = 0; i < PROCESS_COUNT; i++)
        if (tree->members[i].state != MEMBER_READY && member_is_due(tree, i))
            return false;
    return true;
}

bool tree_any_alive(const struct tree *tree, enum stop_stage last_stage)
{
    for (size_t i = 0; i < PROCESS_COUNT; i++)
        if (PROCESSES[i].stop_stage <= last_stage && tree->members[i].pid > 0)
            return true;
    return false;
}

void tree_tell_certificate(struct tree *tree)
{
    for (size_t i = 0; i < PROCESS_COUNT; i++) {
        struct error err = {0};
        int fds[2];
        if (tree->resources->listeners[i] < 0 || tree->members[i].pid <= 0)
            continue;
        if (resources_open_certificate(tree->resources, fds, &err) != 0) {
            log_error("cannot tell %s of the new certificate: %s", member_name(i), err.detail);
            continue;
        }
        member_tell(tree, i, json_pack("{s:s}", "op", message_op(MESSAGE_TLS)), fds, ARRAY_LEN(fds));
        (void)close(fds[0]);
        (void)close(fds[1]);
    }
}

void tree_tell_stop(struct tree *tree, enum stop_stage stage)
{
    for (size_t i = 0; i < PROCESS_COUNT; i++)
        if (PROCESSES[i].stop_stage == stage && tree->members[i].pid > 0)
            member_tell(tree, i, json_pack("{s:s}", "op", message_op(MESSAGE_STOP)), NULL, 0);
}

void tree_kill_all(struct tree *tree)
{
    for (size_t i = 0; i < PROCESS_COUNT; i++)
        member_kill(tree, i);
}

char *tree_not_ready(const struct tree *tree)
{
    AUTO_STR struct str names = STR_INIT(1024);

    for (size_t i = 0; i < PROCESS_COUNT; i++)
        if (tree->members[i].state != MEMBER_READY && member_is_due(tree, i))
            str_printf(&names, "%s%s", names.len > 0 ? ", " : "", member_name(i));
    return xstrdup(str_text(&names));
}
