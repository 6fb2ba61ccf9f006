/* The pool of transfer threads. */
#include "cli/transfer.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/str.h"

#define TICK_MS 200

struct pool {
    const struct transfer *transfer;
    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t ended; /* a thread has ended */
    uint64_t next;
    unsigned running;
    int code; /* of the first failure */
    struct error err;
};

/* The next piece; false when there is none or a piece has failed. */
static bool pool_take(struct pool *pool, uint64_t *ret_index)
{
    pthread_mutex_lock(&pool->lock);
    bool more = !pool->code && pool->next < pool->transfer->count;
    if (more)
        *ret_index = pool->next++;
    pthread_mutex_unlock(&pool->lock);
    return more;
}

static void pool_fail(struct pool *pool, int code, const struct error *err)
{
    pthread_mutex_lock(&pool->lock);
    if (!pool->code) {
        pool->code = code;
        pool->err = *err;
    }
    pthread_mutex_unlock(&pool->lock);
}

static void *thread_main(void *context)
{
    struct pool *pool = context;
    AUTO_WEB struct web *web = web_new();
    uint64_t index;

    while (pool_take(pool, &index)) {
        struct error err = {0};
        int r = pool->transfer->work(web, index, pool->transfer->context, &err);
        if (r)
            pool_fail(pool, r, &err);
    }
    pthread_mutex_lock(&pool->lock);
    pool->running--;
    pthread_cond_signal(&pool->ended);
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static void tick(const struct transfer *transfer)
{
    if (transfer->tick)
        transfer->tick(transfer->context);
}

static void await_end(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    while (pool->running > 0) {
        struct timespec until;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += TICK_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        (void)pthread_cond_clockwait(&pool->ended, &pool->lock, CLOCK_MONOTONIC, &until);
        pthread_mutex_unlock(&pool->lock);
        tick(pool->transfer);
        pthread_mutex_lock(&pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
}

int transfer_run(const struct transfer *transfer, struct error *err)
{
    pthread_t threads[TRANSFER_CONNECTIONS_MAX + 1];
    unsigned started = 0;
    struct pool pool = {
        .transfer = transfer,
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .ended = PTHREAD_COND_INITIALIZER,
        .running = transfer->threads,
    };

    while (started < transfer->threads && started < ARRAY_LEN(threads) &&
           pthread_create(&threads[started], NULL, thread_main, &pool) == 0)
        started++;
    if (started == 0)
        return error_set(err, E_UNAVAILABLE, "No thread can be started for the transfer");
    pthread_mutex_lock(&pool.lock);
    pool.running -= transfer->threads - started; /* fewer will do */
    pthread_mutex_unlock(&pool.lock);
    await_end(&pool);
    for (unsigned i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL);
    if (pool.code && err)
        *err = pool.err;
    return pool.code;
}
