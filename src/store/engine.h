/* The inside of the engine, for aio.c and aio_uring.c only. */
#ifndef AIRLOCK_STORE_ENGINE_H
#define AIRLOCK_STORE_ENGINE_H

#include <liburing.h>
#include <pthread.h>

#include "store/aio.h"

#define AIO_THREAD_COUNT 4
#define AIO_RING_ENTRIES 64u

TAILQ_HEAD(aio_list, aio_op);

struct aio {
    enum aio_kind kind; /* never AUTO */
    pthread_t threads[AIO_THREAD_COUNT];
    unsigned thread_count;

    pthread_mutex_t lock; /* the next five */
    pthread_cond_t work;  /* AIO_THREADS: the queue is not empty, or the end */
    struct aio_list queue;
    bool started, ends;
    bool ring_sleeps; /* AIO_URING: its thread waits in the kernel and is woken by wake_fd */

    struct io_uring ring;
    int wake_fd;
};

/* What a system call said about op: bytes, or a negative errno. true: op is over, *ret_result is for done. */
bool aio_advance(struct aio_op *op, int64_t moved, int64_t *ret_result);
/* Takes the ring into use; false: the kernel refuses it, or it does not work. */
bool aio_ring_open(struct aio *aio);
void aio_ring_close(struct aio *aio);
void *aio_ring_main(void *aio);
void aio_ring_wake(struct aio *aio);

#endif
