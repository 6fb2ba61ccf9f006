/* Group commit. Part of airlock-core, single-threaded: no answer, effect or read of a batch leaves before the batch's
 * commit is durable. */
#include "core/loop.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/audit.h"
#include "core/blobs.h"
#include "core/dispatch.h"
#include "core/drain.h"
#include "core/events.h"
#include "core/external.h"
#include "core/jobs.h"
#include "core/keys.h"
#include "core/link.h"
#include "core/peers.h"
#include "core/provider_keys.h"
#include "core/relay.h"
#include "core/time.h"
#include "core/workspace.h"

#define BATCH_MAX 256
#define EVENTS_MAX 16
#define HOUSEKEEPING_MS 10000
#define HOUSEKEEPING_MORE_MS 100 /* while some is left */

struct item {
    enum peer from;
    json_t *message;
    json_t *answer;
};

struct batch {
    size_t count;
    bool was_full; /* frames may be left that were read already: no event tells of them */
    struct item items[BATCH_MAX];
};

void effect_add(struct core *core, const struct effect *effect)
{
    struct effects *e = &core->effects;
    if (e->count == e->cap) {
        e->cap = e->cap ? 2 * e->cap : 64;
        e->items = xrealloc(e->items, e->cap * sizeof *e->items);
    }
    e->items[e->count++] = *effect;
}

static void batch_clear(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        json_decref(batch->items[i].message);
        json_decref(batch->items[i].answer);
    }
    batch->count = 0;
}

/* Takes frames of one peer, as far as the batch has room; the rest waits for the next one. */
static void batch_take(struct core *core, struct batch *batch, enum peer from)
{
    while (batch->count < BATCH_MAX) {
        struct frame frame = {0};
        struct channel *channel = peers_channel(core, from);
        int r = channel ? channel_receive(channel, &frame, NULL) : 0;
        if (r < 0)
            peers_drop(core, from);
        if (r <= 0)
            return;
        json_t *message = TAKE_PTR(frame.message);
        batch->items[batch->count++] = (struct item){.from = from, .message = message};
        frame_done(&frame);
    }
}

/* After a failed write or sync the engine's view of its file is not to be trusted: only a new start reads it afresh. */
static bool database_is_lost(int code)
{
    return code == E_IO || code == E_UNKNOWN;
}

/* The transaction is gone, whatever each handler thought: everybody hears the same. */
static void batch_refuse(struct core *core, struct batch *batch, const struct error *why)
{
    struct error told = *why;
    struct error err = {0};

    log_error("a batch of %zu was undone: %s", batch->count, why->detail);
    db_rollback(core->db);
    core->effects.count = 0;
    if (told.code != E_NO_SPACE && told.code != E_UNKNOWN)
        told.code = E_UNAVAILABLE;
    for (size_t i = 0; i < batch->count; i++) {
        int64_t id = json_int(batch->items[i].message, "id");
        json_decref(batch->items[i].answer);
        batch->items[i].answer = id > 0 ? message_refusal(id, &told) : NULL;
    }
    if (drains_recover(core, &err) != 0) /* an answer that was taken in this batch is asked for again */
        log_error("%s", err.detail);
}

static int batch_write(struct core *core, struct batch *batch, struct error *err)
{
    int r = db_begin(core->db, err);
    for (size_t i = 0; i < batch->count && r == 0; i++)
        r = dispatch(core, batch->items[i].from, batch->items[i].message, &batch->items[i].answer, err);
    return r ? r : db_commit(core->db, err);
}

static void effects_run(struct core *core)
{
    bool wake = false, wake_notify = false, news = false;
    for (size_t i = 0; i < core->effects.count; i++) {
        const struct effect *effect = &core->effects.items[i];
        if (effect->kind == EFFECT_DRAIN)
            drain_begin(core, effect);
        else if (effect->kind == EFFECT_RELAY)
            relay_send(core, effect->generation);
        else if (effect->kind == EFFECT_RELAY_DONE)
            relay_finish(core, effect->generation);
        else if (effect->kind == EFFECT_WAKE_NOTIFY)
            wake_notify = true;
        else if (effect->kind == EFFECT_NEWS)
            news = true;
        else
            wake = true;
    }
    core->effects.count = 0;
    relays_sweep(core);
    if (news)
        event_feed_tell(core);
    if (wake_notify) {
        AUTO_JSON json_t *message = json_pack("{s:s}", "op", message_op(MESSAGE_CALL_WAKE));
        (void)peers_send(core, PEER_NOTIFY, message); /* who has no channel asks by itself when it has one */
    }
    if (wake) {
        AUTO_JSON json_t *message = json_pack("{s:s}", "op", message_op(MESSAGE_JOB_WAKE));
        (void)peers_send(core, PEER_MOVER, message); /* who has no channel asks by itself when it has one */
        (void)peers_send(core, PEER_GATE, message);
    }
}

/* Negative when core must not go on; everybody has heard all the same. */
static int batch_run(struct core *core, struct batch *batch, struct error *err)
{
    if (batch->count == 0)
        return 0;
    int r = batch_write(core, batch, err);
    int lost = database_is_lost(r) ? r : 0;
    if (r != 0)
        batch_refuse(core, batch, err);
    if (r != 0 && !lost) /* a change of keys may have been undone, too */
        lost = link_keys_load(core, err);
    if (r != 0 && !lost)
        lost = provider_keys_reload(core, err);
    for (size_t i = 0; i < batch->count; i++)
        if (batch->items[i].answer)
            (void)peers_send(core, batch->items[i].from, batch->items[i].answer); /* gone with its channel otherwise */
    effects_run(core);
    batch->was_full = batch->count == BATCH_MAX;
    batch_clear(batch);
    return lost;
}

/* A short transaction of core's own. false: what it leaves undone is done by the next one. */
static bool own_transaction(struct core *core, int (*fn)(struct core *core, struct error *err))
{
    struct error err = {0};
    int r = db_begin(core->db, &err);
    if (r == 0)
        r = fn(core, &err);
    if (r == 0)
        r = db_commit(core->db, &err);
    if (r != 0) {
        db_rollback(core->db);
        core->effects.count = 0; /* between two batches there are no others */
        log_error("%s", err.detail);
        return false;
    }
    effects_run(core);
    return true;
}

static int housekeeping_run(struct core *core, struct error *err)
{
    int64_t now = core_now(core);
    int r = audit_flush_refusals(core, now, err);
    if (r == 0)
        r = downloads_tell_ended(core, now, err);
    if (r == 0)
        r = link_keys_expire(core, now, err);
    if (r == 0)
        r = links_prune(core, now, err);
    if (r == 0)
        r = blobs_forget(core, now, err);
    if (r == 0)
        r = members_prune(core, now, err);
    if (r == 0)
        r = events_keep(core, now, err);
    return r ? r : core_time_store(core, err);
}

static int release_mover(struct core *core, struct error *err)
{
    return jobs_release_all(core, WORKER_MOVER, err);
}

static int release_gate(struct core *core, struct error *err)
{
    return jobs_release_all(core, WORKER_GATE, err);
}

static int release_notify(struct core *core, struct error *err)
{
    int r = external_release_all(core, err);
    return r ? r : events_release_all(core, err);
}

static int expire_calls(struct core *core, struct error *err)
{
    return external_expire(core, core_now(core), err);
}

static void on_channel(enum peer peer, int fd, void *ctx)
{
    struct core *core = ctx;
    if (peer == PEER_MOVER)
        own_transaction(core, release_mover);
    if (peer == PEER_GATE)
        own_transaction(core, release_gate);
    if (peer == PEER_NOTIFY)
        own_transaction(core, release_notify);
    peers_attach(core, peer, fd);
}

static void on_stop(void *ctx)
{
    ((struct core *)ctx)->stopping = true;
}

/* Ready means that the next person who asks is answered: not before the built-in provider has published its keys. */
static void loop_maybe_ready(struct core *core)
{
    if (core->ready_sent || (core->config.idp_enabled && !core->keys.set))
        return;
    child_ready(core->child);
    core->ready_sent = true;
}

/* All readable peers of one epoll round, and all others too when the last batch had no room for what was there. */
static int loop_round(struct core *core, struct batch *batch, const struct epoll_event *events, int count,
                      struct error *err)
{
    unsigned ready = batch->was_full ? PEER_ANY_CHILD : 0;

    batch->was_full = false;
    for (int i = 0; i < count; i++)
        if (events[i].data.u32 == PEER_AIRLOCKD)
            child_control_readable(core->child);
        else
            ready |= events[i].data.u32;
    for (; ready; ready &= ready - 1)
        batch_take(core, batch, (enum peer)(ready & -ready));
    int r = batch_run(core, batch, err);
    peers_flush(core);
    return r;
}

/* Of two waits, -1 for ever. */
static int sooner(int a, int b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

int loop_run(struct core *core, struct error *err)
{
    AUTO_FD int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event control = {.events = EPOLLIN, .data.u32 = PEER_AIRLOCKD};
    struct batch *batch = xcalloc(1, sizeof *batch);
    int64_t housekeeping = 0;
    int r = 0;

    if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, child_control_fd(core->child), &control) != 0) {
        free(batch);
        return error_set_errno(err, E_IO, "Cannot watch the channels");
    }
    core->peers = peers_new(epoll_fd);
    child_set_hooks(core->child, &(struct child_hooks){.channel = on_channel, .stop = on_stop, .ctx = core});
    while (!core->stopping && r == 0) {
        loop_maybe_ready(core);
        struct epoll_event events[EVENTS_MAX];
        int64_t now = clock_mono_ms();
        int wait = sooner(sooner(drains_check(core, now), peers_check(core, now)), relays_check(core, now));
        wait = sooner(wait, housekeeping > now ? (int)(housekeeping - now) : 0);
        int count = epoll_wait(epoll_fd, events, EVENTS_MAX, batch->was_full ? 0 : wait);
        if (count < 0 && errno != EINTR)
            break;
        r = loop_round(core, batch, events, count, err);
        if (clock_mono_ms() >= housekeeping) {
            bool more = own_transaction(core, housekeeping_run) && core->events_keep_more;
            own_transaction(core, expire_calls);
            housekeeping = clock_mono_ms() + (more ? HOUSEKEEPING_MORE_MS : HOUSEKEEPING_MS);
        }
    }
    free(batch);
    return r;
}
