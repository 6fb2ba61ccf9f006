/* The registry of transfers. Runs in airlock-blob. Must never say "drained" while a file of an older generation is
 * open, and never touches an exchange that is not registered any more. */
#include "blob/transfers.h"

#include <pthread.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/timerfd.h>

#include "base/clock.h"
#include "blob/location.h"

enum transfer_phase {
    PHASE_ASKING,   /* core has not answered yet: no file is open */
    PHASE_RUNNING,  /* bytes move */
    PHASE_COMPLETE, /* an upload whose bytes are all here */
};

struct transfer {
    LIST_ENTRY(transfer) link;
    struct transfers *owner;
    enum transfer_kind kind;
    enum transfer_phase phase;
    struct http_exchange *x;
    char account[ACCOUNT_NAME_MAX + 1];
    char container[CONTAINER_NAME_MAX + 1];
    int64_t generation; /* from PHASE_RUNNING on */
    int64_t oldest;     /* generations below this were drained while the transfer was here */
    int64_t cut_at_ms;  /* monotonic; 0: never */
    uint64_t announced; /* bytes that are not counted by core yet */
};

struct drain {
    LIST_ENTRY(drain) link;
    int64_t id;
    char account[ACCOUNT_NAME_MAX + 1];
    char container[CONTAINER_NAME_MAX + 1];
    int64_t generation;
};

LIST_HEAD(drain_list, drain);

struct transfers {
    pthread_mutex_t lock;
    LIST_HEAD(transfer_list, transfer) running;
    struct drain_list drains;
    int timer_fd;
    void (*drained)(int64_t drain, void *ctx);
    void *ctx;
};

int transfers_new(void (*drained)(int64_t drain, void *ctx), void *ctx, struct transfers **ret, struct error *err)
{
    AUTO_FD int timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (timer_fd < 0)
        return error_set_errno(err, E_IO, "Cannot make a timer");
    struct transfers *transfers = xcalloc(1, sizeof *transfers);
    pthread_mutex_init(&transfers->lock, NULL);
    LIST_INIT(&transfers->running);
    LIST_INIT(&transfers->drains);
    transfers->timer_fd = TAKE_FD(timer_fd);
    transfers->drained = drained;
    transfers->ctx = ctx;
    *ret = transfers;
    return 0;
}

void transfers_free(struct transfers *transfers)
{
    if (!transfers)
        return;
    transfers_forget_drains(transfers);
    (void)close(transfers->timer_fd);
    pthread_mutex_destroy(&transfers->lock);
    free(transfers);
}

struct transfer *transfer_begin(struct transfers *transfers, enum transfer_kind kind, struct http_exchange *x,
                                const char *account, const char *container)
{
    struct transfer *transfer = xcalloc(1, sizeof *transfer);

    transfer->owner = transfers;
    transfer->kind = kind;
    transfer->x = x;
    transfer->oldest = INT64_MIN;
    (void)str_copy(transfer->account, sizeof transfer->account, account); /* location_parse checked the lengths */
    (void)str_copy(transfer->container, sizeof transfer->container, container);
    pthread_mutex_lock(&transfers->lock);
    LIST_INSERT_HEAD(&transfers->running, transfer, link);
    pthread_mutex_unlock(&transfers->lock);
    return transfer;
}

static int refuse_revoked(struct error *err)
{
    return error_set(err, E_SAS, "The link is not valid any more: the request has moved on");
}

uint64_t transfer_announce(struct transfer *transfer, uint64_t bytes)
{
    struct transfer *other;
    uint64_t others = 0;

    pthread_mutex_lock(&transfer->owner->lock);
    transfer->announced = bytes;
    LIST_FOREACH(other, &transfer->owner->running, link)
        if (other != transfer && strcmp(other->container, transfer->container) == 0 &&
            strcmp(other->account, transfer->account) == 0)
            others += other->announced; /* each is bounded, and so are connections */
    pthread_mutex_unlock(&transfer->owner->lock);
    return others;
}

int transfer_admit(struct transfer *transfer, int64_t generation, struct error *err)
{
    pthread_mutex_lock(&transfer->owner->lock);
    bool is_current = generation >= transfer->oldest;
    if (is_current) {
        transfer->generation = generation;
        transfer->phase = PHASE_RUNNING;
    }
    pthread_mutex_unlock(&transfer->owner->lock);
    return is_current ? 0 : refuse_revoked(err);
}

int transfer_check(struct transfer *transfer, bool is_complete, struct error *err)
{
    pthread_mutex_lock(&transfer->owner->lock);
    bool is_current = transfer->generation >= transfer->oldest;
    transfer->cut_at_ms = 0; /* whoever asks is about to act on the answer */
    if (is_current && is_complete)
        transfer->phase = PHASE_COMPLETE;
    pthread_mutex_unlock(&transfer->owner->lock);
    return is_current ? 0 : refuse_revoked(err);
}

static bool in_container(const struct drain *drain, const struct transfer *transfer)
{
    return strcmp(drain->account, transfer->account) == 0 && strcmp(drain->container, transfer->container) == 0;
}

/* With the lock held. */
static bool drain_waits(const struct transfers *transfers, const struct drain *drain)
{
    const struct transfer *transfer;

    LIST_FOREACH(transfer, &transfers->running, link)
        if (in_container(drain, transfer) && transfer->phase != PHASE_ASKING &&
            transfer->generation < drain->generation)
            return true;
    return false;
}

static void drains_free(struct drain_list *list)
{
    struct drain *drain;

    while ((drain = LIST_FIRST(list))) {
        LIST_REMOVE(drain, link);
        free(drain);
    }
}

/* With the lock held: moves the drains that wait for nothing any more to a list of their own. */
static void collect_drained(struct transfers *transfers, struct drain_list *ret_done)
{
    struct drain *drain = LIST_FIRST(&transfers->drains);

    LIST_INIT(ret_done);
    while (drain) {
        struct drain *next = LIST_NEXT(drain, link);
        if (!drain_waits(transfers, drain)) {
            LIST_REMOVE(drain, link);
            LIST_INSERT_HEAD(ret_done, drain, link);
        }
        drain = next;
    }
}

static void tell_drained(const struct transfers *transfers, struct drain_list *done)
{
    const struct drain *drain;

    LIST_FOREACH(drain, done, link)
        transfers->drained(drain->id, transfers->ctx);
    drains_free(done);
}

void transfer_end(struct transfer *transfer)
{
    struct drain_list done;

    if (!transfer)
        return;
    struct transfers *transfers = transfer->owner;
    pthread_mutex_lock(&transfers->lock);
    LIST_REMOVE(transfer, link);
    collect_drained(transfers, &done);
    pthread_mutex_unlock(&transfers->lock);
    free(transfer);
    tell_drained(transfers, &done);
}

/* With the lock held: wakes the loop when the first upload is to be cut. */
static void arm_timer(const struct transfers *transfers)
{
    int64_t first = INT64_MAX;
    const struct transfer *transfer;

    LIST_FOREACH(transfer, &transfers->running, link)
        if (transfer->cut_at_ms > 0 && transfer->cut_at_ms < first)
            first = transfer->cut_at_ms;
    if (first == INT64_MAX)
        return;
    struct itimerspec at = {.it_value = {.tv_sec = first / 1000, .tv_nsec = first % 1000 * 1000000}};
    (void)timerfd_settime(transfers->timer_fd, TFD_TIMER_ABSTIME, &at, NULL); /* fails on bad arguments only */
}

void transfer_limit(struct transfer *transfer, int64_t left_ms)
{
    pthread_mutex_lock(&transfer->owner->lock);
    transfer->cut_at_ms = clock_mono_ms() + left_ms;
    arm_timer(transfer->owner);
    pthread_mutex_unlock(&transfer->owner->lock);
}

/* With the lock held. */
static void transfer_revoke(struct transfer *transfer, int64_t generation)
{
    if (transfer->oldest < generation)
        transfer->oldest = generation;
    if (transfer->phase != PHASE_RUNNING || transfer->generation >= generation)
        return;
    if (transfer->kind == TRANSFER_DOWNLOAD)
        http_exchange_abort(transfer->x);
    else
        transfer->cut_at_ms = clock_mono_ms() + TRANSFERS_GRACE_MS;
}

void transfers_drain(struct transfers *transfers, int64_t id, const char *account, const char *container,
                     int64_t generation)
{
    struct drain *drain = xcalloc(1, sizeof *drain);
    struct drain_list done;
    struct transfer *transfer;

    drain->id = id;
    drain->generation = generation;
    (void)str_copy(drain->account, sizeof drain->account, account); /* too long: no transfer has such a name */
    (void)str_copy(drain->container, sizeof drain->container, container);
    pthread_mutex_lock(&transfers->lock);
    LIST_FOREACH(transfer, &transfers->running, link)
        if (in_container(drain, transfer))
            transfer_revoke(transfer, generation);
    LIST_INSERT_HEAD(&transfers->drains, drain, link);
    arm_timer(transfers);
    collect_drained(transfers, &done);
    pthread_mutex_unlock(&transfers->lock);
    tell_drained(transfers, &done);
}

int transfers_timer_fd(const struct transfers *transfers)
{
    return transfers->timer_fd;
}

void transfers_tick(struct transfers *transfers)
{
    uint64_t ticks;
    struct transfer *transfer;

    if (read(transfers->timer_fd, &ticks, sizeof ticks) < 0)
        return; /* not due after all */
    pthread_mutex_lock(&transfers->lock);
    int64_t now = clock_mono_ms();
    LIST_FOREACH(transfer, &transfers->running, link)
        if (transfer->cut_at_ms > 0 && transfer->cut_at_ms <= now) {
            transfer->cut_at_ms = 0;
            http_exchange_abort(transfer->x);
        }
    arm_timer(transfers);
    pthread_mutex_unlock(&transfers->lock);
}

void transfers_forget_drains(struct transfers *transfers)
{
    pthread_mutex_lock(&transfers->lock);
    drains_free(&transfers->drains);
    pthread_mutex_unlock(&transfers->lock);
}
