/* The engine: its queue, its threads, and what short, interrupted and refused operations mean. Runs in airlock-blob. Must
 * never end an operation twice, or touch it afterwards. */
#include "store/aio.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include "base/str.h"
#include "store/engine.h"

static const char *const NAMES[] = {[AIO_AUTO] = "auto", [AIO_URING] = "uring", [AIO_THREADS] = "threads"};

bool aio_kind_by_name(const char *name, enum aio_kind *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        if (strcmp(name, NAMES[i]) != 0)
            continue;
        *ret = (enum aio_kind)i;
        return true;
    }
    return false;
}

int aio_new(enum aio_kind kind, struct aio **ret, struct error *err)
{
    struct aio *aio = xcalloc(1, sizeof *aio);

    aio->wake_fd = -1;
    aio->kind = kind;
    if (kind == AIO_AUTO)
        aio->kind = aio_ring_open(aio) ? AIO_URING : AIO_THREADS;
    else if (kind == AIO_URING && !aio_ring_open(aio)) {
        free(aio);
        return error_set(err, E_CONFIG, "The kernel refuses io_uring; set storage.io = auto or threads");
    }
    pthread_mutex_init(&aio->lock, NULL);
    pthread_cond_init(&aio->work, NULL);
    TAILQ_INIT(&aio->queue);
    *ret = aio;
    return 0;
}

void aio_free(struct aio *aio)
{
    if (!aio)
        return;
    pthread_mutex_lock(&aio->lock);
    aio->ends = true;
    pthread_cond_broadcast(&aio->work);
    pthread_mutex_unlock(&aio->lock);
    if (aio->kind == AIO_URING && aio->thread_count > 0)
        aio_ring_wake(aio);
    for (unsigned i = 0; i < aio->thread_count; i++)
        pthread_join(aio->threads[i], NULL);
    if (aio->kind == AIO_URING)
        aio_ring_close(aio);
    pthread_cond_destroy(&aio->work);
    pthread_mutex_destroy(&aio->lock);
    free(aio);
}

const char *aio_name(const struct aio *aio)
{
    return NAMES[aio->kind];
}

/* Whether op may be tried without O_DIRECT: once. Others of the same descriptor were refused with it, perhaps, and the
 * first of them has cleared the flag. */
static bool op_undirect(struct aio_op *op)
{
    int flags = op->is_undirected ? -1 : fcntl(op->fd, F_GETFL);

    op->is_undirected = true;
    return flags >= 0 && fcntl(op->fd, F_SETFL, flags & ~O_DIRECT) == 0;
}

bool aio_advance(struct aio_op *op, int64_t moved, int64_t *ret_result)
{
    if (moved == -EINTR || moved == -EAGAIN || (moved == -EINVAL && op_undirect(op)))
        return false;
    if (moved == 0 && op->verb == AIO_WRITE)
        moved = -EIO; /* no disk does that, and it must not go on for ever */
    if (moved < 0) {
        *ret_result = moved;
        return true;
    }
    op->moved += (size_t)moved;
    /* The end of a file is where a read stops at an odd place; elsewhere it stops between pages. */
    bool is_end = op->verb == AIO_READ && (moved == 0 || (op->offset + op->moved) % AIO_ALIGN != 0);
    *ret_result = (int64_t)op->moved;
    return is_end || op->moved == op->len;
}

static void op_run(struct aio_op *op)
{
    int64_t result;
    ssize_t n;

    do {
        char *at = (char *)op->bytes + op->moved;
        size_t left = op->len - op->moved;
        off_t offset = (off_t)(op->offset + op->moved);
        n = op->verb == AIO_WRITE ? pwrite(op->fd, at, left, offset) : pread(op->fd, at, left, offset);
    } while (!aio_advance(op, n < 0 ? -errno : n, &result));
    op->done(op, result);
}

static void *thread_main(void *ctx)
{
    struct aio *aio = ctx;

    pthread_mutex_lock(&aio->lock);
    for (;;) {
        struct aio_op *op = TAILQ_FIRST(&aio->queue);
        if (op) {
            TAILQ_REMOVE(&aio->queue, op, link);
            pthread_mutex_unlock(&aio->lock);
            op_run(op);
            pthread_mutex_lock(&aio->lock);
        } else if (aio->ends) {
            break;
        } else {
            pthread_cond_wait(&aio->work, &aio->lock);
        }
    }
    pthread_mutex_unlock(&aio->lock);
    return NULL;
}

/* Lock held. The threads take no signals: those are the program's. */
static void start_locked(struct aio *aio)
{
    unsigned count = aio->kind == AIO_URING ? 1 : AIO_THREAD_COUNT;
    sigset_t all;
    sigset_t before;

    (void)sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (aio->thread_count < count &&
           pthread_create(&aio->threads[aio->thread_count], NULL, aio->kind == AIO_URING ? aio_ring_main : thread_main,
                          aio) == 0)
        aio->thread_count++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    aio->started = true;
}

void aio_submit(struct aio *aio, struct aio_op *op)
{
    op->moved = 0;
    op->is_undirected = false;
    pthread_mutex_lock(&aio->lock);
    if (!aio->started)
        start_locked(aio);
    bool is_served = aio->thread_count > 0;
    bool wake = aio->ring_sleeps;
    if (is_served) {
        TAILQ_INSERT_TAIL(&aio->queue, op, link);
        aio->ring_sleeps = false;
        pthread_cond_signal(&aio->work);
    }
    pthread_mutex_unlock(&aio->lock);
    if (!is_served)
        op_run(op);
    else if (wake)
        aio_ring_wake(aio);
}
