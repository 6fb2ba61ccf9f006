/* The engine on io_uring: one ring, and one thread that alone submits to it and reaps from it, so that the kernel may
 * do completions when that thread asks (DEFER_TASKRUN) and never interrupts the threads that hash and receive. Runs in
 * airlock-blob and airlock-mover. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>

#include "store/engine.h"

/* From Linux 6.0 and 6.1; liburing 2.3 knows them, older headers of the kernel may not. */
#ifndef IORING_SETUP_SINGLE_ISSUER
#define IORING_SETUP_SINGLE_ISSUER (1U << 12)
#endif
#ifndef IORING_SETUP_DEFER_TASKRUN
#define IORING_SETUP_DEFER_TASKRUN (1U << 13)
#endif

#define RETRY_MS 1

/* A ring that its thread will enable: SINGLE_ISSUER binds it to whoever does. */
static const unsigned FLAGS[] = {IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
                                 IORING_SETUP_R_DISABLED};

static bool ring_init(struct io_uring *ring)
{
    for (size_t i = 0; i < ARRAY_LEN(FLAGS); i++)
        if (io_uring_queue_init(AIO_RING_ENTRIES, ring, FLAGS[i]) == 0)
            return true;
    return false;
}

/* liburing 2.3 declares a function for this and does not export it. */
static bool ring_enable(const struct io_uring *ring)
{
    return syscall(SYS_io_uring_register, ring->ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0) == 0;
}

/* Some sandboxes of containers allow making a ring and refuse its use: one that does nothing is tried. */
static bool ring_works(void)
{
    struct io_uring ring;
    struct io_uring_cqe *cqe = NULL;

    if (!ring_init(&ring))
        return false;
    bool works = ring_enable(&ring);
    if (works) {
        io_uring_prep_nop(io_uring_get_sqe(&ring));
        works = io_uring_submit_and_wait(&ring, 1) == 1 && io_uring_wait_cqe(&ring, &cqe) == 0 && cqe->res == 0;
    }
    io_uring_queue_exit(&ring);
    return works;
}

bool aio_ring_open(struct aio *aio)
{
    if (!ring_works())
        return false;
    aio->wake_fd = eventfd(0, EFD_CLOEXEC);
    if (aio->wake_fd >= 0 && ring_init(&aio->ring))
        return true;
    if (aio->wake_fd >= 0)
        (void)close(TAKE_FD(aio->wake_fd));
    return false;
}

void aio_ring_close(struct aio *aio)
{
    io_uring_queue_exit(&aio->ring);
    (void)close(aio->wake_fd);
}

void aio_ring_wake(struct aio *aio)
{
    (void)eventfd_write(aio->wake_fd, 1); /* cannot fail before 2^64 of them wait */
}

/* --- The thread --- */

struct ring_thread {
    struct aio *aio;
    unsigned under_way;
    bool wake_armed;
    uint64_t wakes;
};

static void ring_arm_wake(struct ring_thread *t)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&t->aio->ring);
    io_uring_prep_read(sqe, t->aio->wake_fd, &t->wakes, sizeof t->wakes, 0);
    io_uring_sqe_set_data(sqe, NULL);
    t->wake_armed = true;
}

static void ring_prepare(struct ring_thread *t, struct aio_op *op)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&t->aio->ring);
    char *at = (char *)op->bytes + op->moved;
    unsigned left = (unsigned)(op->len - op->moved);

    if (op->verb == AIO_WRITE)
        io_uring_prep_write(sqe, op->fd, at, left, op->offset + op->moved);
    else
        io_uring_prep_read(sqe, op->fd, at, left, op->offset + op->moved);
    io_uring_sqe_set_data(sqe, op);
    t->under_way++;
}

/* Prepares what waits, as far as the ring has room. false: there is nothing left to do, for ever. */
static bool ring_take(struct ring_thread *t)
{
    struct aio *aio = t->aio;
    struct aio_op *op;

    if (!t->wake_armed)
        ring_arm_wake(t);
    pthread_mutex_lock(&aio->lock);
    while (io_uring_sq_space_left(&aio->ring) > 1 && t->under_way + 1 < AIO_RING_ENTRIES &&
           (op = TAILQ_FIRST(&aio->queue))) {
        TAILQ_REMOVE(&aio->queue, op, link);
        ring_prepare(t, op);
    }
    bool goes_on = !aio->ends || t->under_way > 0 || !TAILQ_EMPTY(&aio->queue);
    aio->ring_sleeps = TAILQ_EMPTY(&aio->queue);
    pthread_mutex_unlock(&aio->lock);
    return goes_on;
}

/* An operation that is not over goes to the head of the queue. */
static void ring_complete(struct ring_thread *t, struct aio_op *op, int moved)
{
    int64_t result;

    t->under_way--;
    if (aio_advance(op, moved, &result)) {
        op->done(op, result);
        return;
    }
    pthread_mutex_lock(&t->aio->lock);
    TAILQ_INSERT_HEAD(&t->aio->queue, op, link);
    pthread_mutex_unlock(&t->aio->lock);
}

static void ring_reap(struct ring_thread *t)
{
    struct io_uring_cqe *cqe;

    while (io_uring_peek_cqe(&t->aio->ring, &cqe) == 0) {
        struct aio_op *op = io_uring_cqe_get_data(cqe);
        int moved = cqe->res;
        io_uring_cqe_seen(&t->aio->ring, cqe);
        if (op)
            ring_complete(t, op, moved);
        else
            t->wake_armed = false;
    }
}

void *aio_ring_main(void *ctx)
{
    struct ring_thread t = {.aio = ctx};

    if (!ring_enable(&t.aio->ring))
        abort(); /* the probe could: as out of memory, and the parent starts the process again */
    while (ring_take(&t)) {
        int r = io_uring_submit_and_wait(&t.aio->ring, 1);
        if (r == -EAGAIN || r == -EBUSY || r == -ENOMEM)
            (void)poll(NULL, 0, RETRY_MS); /* the kernel is short of memory: what was not taken stays in the ring */
        else if (r < 0 && r != -EINTR)
            abort();
        ring_reap(&t);
    }
    return NULL;
}
