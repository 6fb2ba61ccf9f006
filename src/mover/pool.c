/* Threads, and the window of files that are under way. Runs in airlock-mover. A thread never talks to core, never
 * touches JSON, and never decides what a difference means. */
#include "mover/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/log.h"

#define WINDOW 64 /* files that are described and not yet judged */
#define TICK_EVERY_MS 20

/* One file under way. The job's thread owns it, but for the time from its queueing until done. */
struct slot {
    int (*run)(struct store *store, void *item, struct error *err);
    void *item;
    bool done;
    int r;
    struct error err;
};

struct pool {
    struct store *store; /* of the threads; its tick looks at stop */
    atomic_bool stop;    /* what runs is not wanted any more */
    pthread_mutex_t lock;
    pthread_cond_t queued, finished;
    struct slot slots[WINDOW];
    uint64_t oldest, next, end; /* first not judged, first not begun, behind the last; they only grow */
    bool ending;
    unsigned count;
    pthread_t threads[POOL_THREADS_MAX];
};

static int pool_tick(void *ctx, struct error *err)
{
    struct pool *pool = ctx;
    return atomic_load(&pool->stop) ? error_set(err, E_STALE, "The work is not wanted any more") : 0;
}

static struct slot *pool_slot(struct pool *pool, uint64_t index)
{
    return &pool->slots[index % WINDOW];
}

static void *pool_main(void *arg)
{
    struct pool *pool = arg;

    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (pool->next == pool->end && !pool->ending)
            pthread_cond_wait(&pool->queued, &pool->lock);
        if (pool->next == pool->end)
            break;
        struct slot *slot = pool_slot(pool, pool->next++);
        pthread_mutex_unlock(&pool->lock);
        slot->r = slot->run(pool->store, slot->item, &slot->err);
        pthread_mutex_lock(&pool->lock);
        slot->done = true;
        if (slot == pool_slot(pool, pool->oldest))
            pthread_cond_signal(&pool->finished);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static unsigned pool_cores(void)
{
    cpu_set_t set;
    int cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return cores < POOL_THREADS_AUTO ? (unsigned)cores : POOL_THREADS_AUTO;
}

struct pool *pool_new(const struct store *store, unsigned threads)
{
    struct pool *pool = xcalloc(1, sizeof *pool);
    unsigned wanted = threads ? threads : pool_cores();
    pthread_condattr_t monotonic;

    pool->store = store_twin(store);
    store_set_tick(pool->store, pool_tick, pool);
    atomic_init(&pool->stop, false);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->queued, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->finished, &monotonic);
    pthread_condattr_destroy(&monotonic);
    while (pool->count < wanted && pool->count < POOL_THREADS_MAX &&
           pthread_create(&pool->threads[pool->count], NULL, pool_main, pool) == 0)
        pool->count++;
    if (pool->count == 0) {
        struct error err;
        (void)error_set(&err, E_UNAVAILABLE, "No thread can be started");
        die(&err, "cannot start");
    }
    return pool;
}

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->ending = true;
    pthread_cond_broadcast(&pool->queued);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->count; i++)
        (void)pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->finished);
    pthread_cond_destroy(&pool->queued);
    pthread_mutex_destroy(&pool->lock);
    store_free(pool->store);
    free(pool);
}

static void pool_queue(struct pool *pool, int (*run)(struct store *store, void *item, struct error *err), void *item)
{
    pthread_mutex_lock(&pool->lock);
    *pool_slot(pool, pool->end++) = (struct slot){.run = run, .item = item};
    pthread_cond_signal(&pool->queued);
    pthread_mutex_unlock(&pool->lock);
}

/* Gives the threads a moment to end the oldest file. Is it done? */
static bool pool_wait(struct pool *pool)
{
    const struct slot *slot = pool_slot(pool, pool->oldest);
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += TICK_EVERY_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&pool->lock);
    int r = 0;
    while (!slot->done && r == 0)
        r = pthread_cond_timedwait(&pool->finished, &pool->lock, &until);
    bool done = slot->done;
    pthread_mutex_unlock(&pool->lock);
    return done;
}

/* The oldest file, done; it stays the oldest. */
static int pool_oldest(struct pool *pool, struct store *store, struct slot **ret_slot, struct error *err)
{
    bool done;

    do {
        done = pool_wait(pool);
        int r = store_tick(store, err);
        if (r != 0)
            return r;
    } while (!done);
    *ret_slot = pool_slot(pool, pool->oldest);
    return 0;
}

static void pool_forget(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->oldest++;
    pthread_mutex_unlock(&pool->lock);
}

/* Whatever is under way ends; whatever is not begun never is. */
static void pool_stop(struct pool *pool, void (*free_item)(void *item))
{
    atomic_store(&pool->stop, true);
    pthread_mutex_lock(&pool->lock);
    for (; pool->next != pool->end; pool->next++)
        pool_slot(pool, pool->next)->done = true;
    for (; pool->oldest != pool->end; pool->oldest++) {
        struct slot *slot = pool_slot(pool, pool->oldest);
        while (!slot->done)
            pthread_cond_wait(&pool->finished, &pool->lock);
        if (free_item)
            free_item(slot->item);
    }
    pthread_mutex_unlock(&pool->lock);
    atomic_store(&pool->stop, false);
}

/* 1: the file is queued; 0: there are no more. */
static int files_feed(struct pool *pool, struct files *files, const struct pool_work *work, struct error *err)
{
    const json_t *file;
    void *item;
    int r = files_next(files, &file, err);

    if (r > 0) {
        r = work->begin(work->ctx, file, &item, err);
        if (r != 0)
            return r;
        pool_queue(pool, work->run, item);
        return 1;
    }
    return r;
}

/* Judges the oldest file. 1: enough. */
static int files_judge(struct pool *pool, struct store *store, const struct pool_work *work, struct error *err)
{
    struct slot *slot;
    int r = pool_oldest(pool, store, &slot, err);

    if (r != 0)
        return r;
    r = slot->r;
    if (r != 0 && err)
        *err = slot->err;
    if (r == 0)
        r = work->end(work->ctx, slot->item, err);
    work->free(slot->item);
    pool_forget(pool);
    return r;
}

int pool_files(struct pool *pool, struct store *store, const struct lease *lease, const struct pool_work *work,
               struct error *err)
{
    AUTO_FILES struct files files = FILES_INIT(lease);
    struct error fed_err = {0};
    int r = 0, fed = 1; /* what the list itself has to say comes after the files before it */

    while (r == 0 && (fed > 0 || pool->oldest != pool->end)) {
        if (fed > 0 && pool->end - pool->oldest < WINDOW)
            fed = files_feed(pool, &files, work, &fed_err);
        else
            r = files_judge(pool, store, work, err);
    }
    pool_stop(pool, work->free);
    if (r == 0 && fed < 0 && err)
        *err = fed_err;
    return r < 0 ? r : r == 0 && fed < 0 ? fed : 0;
}

int pool_do(struct pool *pool, struct store *store, int (*run)(struct store *store, void *item, struct error *err),
            void *item, struct error *err)
{
    struct slot *slot;

    pool_queue(pool, run, item);
    int r = pool_oldest(pool, store, &slot, err);
    if (r == 0 && slot->r != 0) {
        r = slot->r;
        if (err)
            *err = slot->err;
    }
    pool_stop(pool, NULL);
    return r;
}
