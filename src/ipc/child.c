/* A child's side of the control socket. Runs in every process but airlockd. */
#include "ipc/child.h"

#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

struct child {
    struct channel *control;
    enum peer self;
    json_t *settings;
    json_t *fd_names;
    size_t fd_count;
    int fds[FRAME_FDS_MAX];
    struct child_hooks hooks;
};

static NORETURN void child_refuse(const char *why)
{
    struct error err;
    (void)error_set(&err, E_USAGE, "%s. This program is started by airlockd, not by hand", why);
    die(&err, "cannot start");
}

static void child_wait_start(struct child *child, struct frame *ret_frame)
{
    int64_t deadline = clock_mono_ms() + CHILD_START_MS;
    struct error err = {0};

    for (;;) {
        int r = channel_receive(child->control, ret_frame, &err);
        if (r == 1)
            return;
        struct pollfd p = {.fd = channel_fd(child->control), .events = POLLIN};
        if (r < 0 || clock_mono_ms() > deadline || poll(&p, 1, 1000) < 0)
            child_refuse("No start message came on descriptor 3");
    }
}

struct child *child_begin(void)
{
    struct child *child = xcalloc(1, sizeof *child);
    struct frame frame = {0};

    log_init("child", LOG_INFO);
    child->control = channel_new(CHILD_CONTROL_FD);
    child_wait_start(child, &frame);
    if (strcmp(json_text(frame.message, "op"), message_op(MESSAGE_START)) != 0 ||
        !peer_by_name(json_text(frame.message, "process"), &child->self))
        child_refuse("The first message on descriptor 3 was not a start message");
    child->settings = json_incref(json_object_get(frame.message, "settings"));
    child->fd_names = json_incref(json_object_get(frame.message, "fds"));
    child->fd_count = frame.fd_count;
    for (size_t i = 0; i < frame.fd_count; i++)
        child->fds[i] = TAKE_FD(frame.fds[i]);
    frame_done(&frame);
    enum log_level level = LOG_INFO;
    (void)log_level_by_name(json_text(child->settings, "log.level"), &level);
    log_init(peer_name(child->self), level);
    return child;
}

void child_free(struct child *child)
{
    if (!child)
        return;
    for (size_t i = 0; i < child->fd_count; i++)
        if (child->fds[i] >= 0)
            (void)close(child->fds[i]);
    channel_free(child->control);
    json_decref(child->settings);
    json_decref(child->fd_names);
    free(child);
}

enum peer child_self(const struct child *child)
{
    return child->self;
}

static const json_t *child_find_setting(const struct child *child, const char *name)
{
    const json_t *value = json_object_get(child->settings, name);
    if (!value) {
        struct error err;
        (void)error_set(&err, E_INTERNAL, "the setting %s is not given to this process", name);
        die(&err, "settings");
    }
    return value;
}

const char *child_setting(const struct child *child, const char *name)
{
    const char *text = json_string_value(child_find_setting(child, name));
    return text ? text : "";
}

int64_t child_setting_int(const struct child *child, const char *name)
{
    return json_integer_value(child_find_setting(child, name));
}

bool child_setting_bool(const struct child *child, const char *name)
{
    return json_is_true(child_find_setting(child, name));
}

int child_take_fd(struct child *child, const char *name)
{
    for (size_t i = 0; i < child->fd_count; i++) {
        const char *given = json_string_value(json_array_get(child->fd_names, i));
        if (given && strcmp(given, name) == 0)
            return TAKE_FD(child->fds[i]);
    }
    return -1;
}

int child_confine(const struct child *child, const struct sandbox *spec, struct error *err)
{
    struct sandbox sandbox = *spec;
    bool reduced = false;

    sandbox.reduced_ok = child_setting_bool(child, "sandbox.reduced");
    int r = sandbox_enter(&sandbox, &reduced, err);
    if (reduced)
        log_warning("this kernel has no Landlock: the sandbox is reduced");
    return r;
}

void child_set_hooks(struct child *child, const struct child_hooks *hooks)
{
    child->hooks = *hooks;
}

/* Nothing can be done without airlockd, and a line of this size never fills the socket: a failure means it is gone. */
static void child_tell(struct child *child, json_t *message_stolen)
{
    AUTO_JSON json_t *message = message_stolen;
    struct error err = {0};
    if (channel_send(child->control, message, NULL, 0, &err) != 0 ||
        channel_flush_wait(child->control, 1000, &err) != 0)
        die(&err, "airlockd is gone");
}

void child_ready(struct child *child)
{
    child_tell(child, json_pack("{s:s}", "op", message_op(MESSAGE_READY)));
}

void child_ask_restart(struct child *child, enum peer peer)
{
    child_tell(child, json_pack("{s:s, s:s}", "op", message_op(MESSAGE_RESTART), "process", peer_name(peer)));
}

int child_control_fd(const struct child *child)
{
    return channel_fd(child->control);
}

static void child_handle(struct child *child, struct frame *frame)
{
    enum message message;
    enum peer peer;

    if (!message_by_op(json_text(frame->message, "op"), &message))
        return;
    if (message == MESSAGE_STOP && child->hooks.stop)
        child->hooks.stop(child->hooks.ctx);
    if (message == MESSAGE_TLS && child->hooks.tls && frame->fd_count == 2)
        child->hooks.tls(frame->fds[0], frame->fds[1], child->hooks.ctx);
    if (message == MESSAGE_CHANNEL && child->hooks.channel && frame->fd_count == 1 &&
        peer_by_name(json_text(frame->message, "peer"), &peer))
        child->hooks.channel(peer, TAKE_FD(frame->fds[0]), child->hooks.ctx);
}

void child_control_readable(struct child *child)
{
    struct error err = {0};

    for (;;) {
        struct frame frame = {0};
        int r = channel_receive(child->control, &frame, &err);
        if (r == 0)
            return;
        if (r < 0)
            _exit(0); /* airlockd is gone: so are we */
        child_handle(child, &frame);
        frame_done(&frame);
    }
}
