/* Core's channels. Part of airlock-core. */
#include "core/peers.h"

#include <sys/epoll.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/drain.h"
#include "core/relay.h"

#define PEER_LOST_MS 5000

struct peers {
    int epoll_fd;
    struct channel *channels[PEER_BITS];
    bool watched[PEER_BITS]; /* for output */
    int64_t lost_ms[PEER_BITS]; /* until when a lost channel may stay away; 0: it is there, or was asked for */
};

static unsigned peer_index(enum peer peer)
{
    return (unsigned)__builtin_ctz((unsigned)peer);
}

struct peers *peers_new(int epoll_fd)
{
    struct peers *peers = xcalloc(1, sizeof *peers);
    peers->epoll_fd = epoll_fd;
    return peers;
}

void peers_free(struct peers *peers)
{
    if (!peers)
        return;
    for (size_t i = 0; i < PEER_BITS; i++)
        channel_free(peers->channels[i]);
    free(peers);
}

static void peer_watch(struct peers *peers, unsigned i, int op, bool output)
{
    struct epoll_event event = {.events = EPOLLIN | (output ? (uint32_t)EPOLLOUT : 0), .data.u32 = 1U << i};
    if (epoll_ctl(peers->epoll_fd, op, channel_fd(peers->channels[i]), &event) != 0)
        log_error("a channel cannot be watched");
    peers->watched[i] = output;
}

void peers_drop(struct core *core, enum peer peer)
{
    unsigned i = peer_index(peer);
    if (!core->peers->channels[i])
        return;
    channel_free(TAKE_PTR(core->peers->channels[i])); /* closing takes it out of epoll */
    core->peers->lost_ms[i] = clock_mono_ms() + PEER_LOST_MS;
    relays_peer_lost(core, peer);
}

int peers_check(struct core *core, int64_t now_ms)
{
    int64_t next = -1;

    for (unsigned i = 0; i < PEER_BITS; i++) {
        int64_t *lost_ms = &core->peers->lost_ms[i];
        if (*lost_ms != 0 && *lost_ms <= now_ms) {
            *lost_ms = 0;
            log_warning("%s lives without its channel: restarting it", peer_name((enum peer)(1 << i)));
            child_ask_restart(core->child, (enum peer)(1 << i));
        }
        if (*lost_ms != 0 && (next < 0 || *lost_ms - now_ms < next))
            next = *lost_ms - now_ms;
    }
    return (int)next;
}

void peers_attach(struct core *core, enum peer peer, int fd)
{
    unsigned i = peer_index(peer);
    peers_drop(core, peer);
    core->peers->channels[i] = channel_new(fd);
    core->peers->lost_ms[i] = 0;
    peer_watch(core->peers, i, EPOLL_CTL_ADD, false);
    if (peer & PEER_BLOB)
        drains_resend(core, peer);
}

struct channel *peers_channel(struct core *core, enum peer peer)
{
    return core->peers->channels[peer_index(peer)];
}

bool peers_send(struct core *core, enum peer peer, const json_t *message)
{
    struct channel *channel = core->peers ? peers_channel(core, peer) : NULL; /* none before the loop runs */
    struct error err = {0};

    if (!channel)
        return false;
    int r = channel_send(channel, message, NULL, 0, &err);
    if (r == 0)
        return true;
    log_warning("%s: %s", peer_name(peer), err.detail);
    if (r == E_LIMIT && json_int(message, "id") > 0) { /* who asked must hear something, or asks again and again */
        AUTO_JSON json_t *refusal = message_refusal(json_int(message, "id"), &err);
        r = channel_send(channel, refusal, NULL, 0, &err);
    }
    if (r != 0 && r != E_LIMIT)
        peers_drop(core, peer);
    return false;
}

void peers_flush(struct core *core)
{
    for (unsigned i = 0; i < PEER_BITS; i++) {
        struct channel *channel = core->peers->channels[i];
        if (!channel)
            continue;
        if (channel_has_output(channel) && channel_flush(channel, NULL) != 0)
            peers_drop(core, (enum peer)(1 << i));
        else if (channel_has_output(channel) != core->peers->watched[i])
            peer_watch(core->peers, i, EPOLL_CTL_MOD, channel_has_output(channel));
    }
}
