/* Stands in for every program of the tree in test_tree: becomes ready, talks over its channels, stops when told.
 * Files in the draft account of its zone make it behave badly, as the test wants it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/file.h"
#include "base/log.h"
#include "ipc/child.h"

#define PEERS_MAX 8

static struct child *child;
static struct channel *channels[PEERS_MAX];
static enum peer peers[PEERS_MAX];
static size_t channel_count;
static bool stopping, pleading;

static void say(struct channel *channel, const char *what)
{
    AUTO_JSON json_t *message = json_pack("{s:s, s:s}", "say", what, "from", peer_name(child_self(child)));
    struct error err;
    if (channel_send(channel, message, NULL, 0, &err) != 0)
        log_warning("cannot say %s: %s", what, err.detail);
}

static void take_channel(enum peer peer, int fd, void *ctx)
{
    (void)ctx;
    size_t slot = 0;
    while (slot < channel_count && peers[slot] != peer)
        slot++;
    if (slot == channel_count)
        channel_count++;
    else
        channel_free(channels[slot]);
    channels[slot] = channel_new(fd);
    peers[slot] = peer;
    if (child_self(child) != PEER_CORE)
        say(channels[slot], pleading ? "plead" : "hello");
}

static void take_stop(void *ctx)
{
    (void)ctx;
    stopping = true;
}

static void read_channel(size_t slot)
{
    struct frame frame = {0};
    struct error err;
    int r = channel_receive(channels[slot], &frame, &err);

    if (r < 0)
        channel_free(TAKE_PTR(channels[slot]));
    if (r != 1)
        return;
    const char *what = json_text(frame.message, "say");
    log_info("heard %s from %s", what, json_text(frame.message, "from"));
    if (strcmp(what, "hello") == 0)
        say(channels[slot], "welcome");
    if (strcmp(what, "plead") == 0)
        child_ask_restart(child, PEER_MOVER);
    frame_done(&frame);
}

/* What came through exec: what came with the start message is close-on-exec, and so is descriptor 3 by now. */
static void tell_inheritance(void)
{
    unsigned inherited = 0;
    for (int fd = 0; fd < 1024; fd++)
        inherited += fcntl(fd, F_GETFD) == 0;
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct caps[2] = {0};
    (void)syscall(SYS_capget, &header, caps);
    log_info("capabilities %s", caps[0].permitted | caps[1].permitted ? "some" : "none");
    log_info("inherited %u, group %s, environment %s", inherited, getpgrp() == getpid() ? "own" : "shared",
             getenv("HOME") || getenv("PATH") ? "inherited" : "clean");
}

/* The test puts a file of this name into the zone's draft account. */
static bool wants(int root, const char *name)
{
    AUTO_FREE char *path = xasprintf("draft/%s", name);
    return root >= 0 && faccessat(root, path, F_OK, 0) == 0;
}

static void use_grants(void)
{
    AUTO_FD int root = child_take_fd(child, "root");
    AUTO_FD int seed = child_take_fd(child, "seed");
    AUTO_FD int listener = child_take_fd(child, "listen");
    char text[32768];
    ssize_t len = seed >= 0 ? read(seed, text, sizeof text - 1) : 0;

    text[len > 0 ? len : 0] = '\0';
    log_info("grants: root %s, listen %s, seed %s, secrets %s", root >= 0 ? "yes" : "no", listener >= 0 ? "yes" : "no",
             strstr(text, "{\"") ? "yes" : "no", strstr(text, "password") ? "yes" : "no");
    if (wants(root, "refuse"))
        _exit(error_exit_code(E_CONFIG));
    if (wants(root, "hang"))
        (void)sleep(60); /* never ready */
    if (wants(root, "deaf"))
        child_set_hooks(child, &(struct child_hooks){.channel = take_channel}); /* does not stop when told */
    pleading = wants(root, "plead");
}

int main(void)
{
    const struct child_hooks hooks = {.channel = take_channel, .stop = take_stop};

    child = child_begin();
    tell_inheritance();
    child_set_hooks(child, &hooks);
    use_grants();
    child_ready(child);
    while (!stopping) {
        struct pollfd fds[PEERS_MAX + 1] = {{.fd = child_control_fd(child), .events = POLLIN}};
        for (size_t i = 0; i < channel_count; i++)
            fds[i + 1] = (struct pollfd){.fd = channels[i] ? channel_fd(channels[i]) : -1, .events = POLLIN};
        if (poll(fds, channel_count + 1, -1) < 0)
            continue;
        for (size_t i = 0; i < channel_count; i++)
            if (fds[i + 1].revents)
                read_channel(i);
        if (fds[0].revents)
            child_control_readable(child);
    }
    log_info("told to stop");
    for (size_t i = 0; i < channel_count; i++)
        channel_free(channels[i]);
    child_free(child);
    return 0;
}
