/* Reading ahead for downloads. Runs in airlock-blob. Must never hand out a byte that the disk has not delivered.
 *
 * A reader begins with two pieces and gets more only when its client was faster than the disk: a slow client holds no
 * more than that, and the depth goes where it helps. */
#include "store/ahead.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "base/crypto.h"
#include "store/private.h"

#define DEPTH_FIRST 4
#define DEPTH_MAX 8
#define POOL_MAX 24 /* buffers of AIO_PIECE: 12 MiB */
#define SAMPLES 3

/* --- The pool --- */

struct ahead_pool {
    pthread_mutex_t lock;
    unsigned made, free_count;
    void *free_buffers[POOL_MAX];
};

struct ahead_pool *ahead_pool_new(void)
{
    struct ahead_pool *pool = xcalloc(1, sizeof *pool);
    pthread_mutex_init(&pool->lock, NULL);
    return pool;
}

void ahead_pool_free(struct ahead_pool *pool)
{
    assert(pool->free_count == pool->made);
    for (unsigned i = 0; i < pool->free_count; i++)
        (void)munmap(pool->free_buffers[i], AIO_PIECE); /* a mapping of ours */
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

static void *pool_take(struct ahead_pool *pool)
{
    void *buffer = NULL;

    pthread_mutex_lock(&pool->lock);
    if (pool->free_count > 0) {
        buffer = pool->free_buffers[--pool->free_count];
    } else if (pool->made < POOL_MAX) {
        buffer = mmap(NULL, AIO_PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        buffer = buffer == MAP_FAILED ? NULL : buffer;
        pool->made += buffer != NULL;
    }
    pthread_mutex_unlock(&pool->lock);
    return buffer;
}

static void pool_give(struct ahead_pool *pool, void *buffer)
{
    pthread_mutex_lock(&pool->lock);
    pool->free_buffers[pool->free_count++] = buffer;
    pthread_mutex_unlock(&pool->lock);
}

/* --- A reader --- */

struct slot {
    struct aio_op op;
    struct ahead *ahead;
    void *buffer;
    size_t skip;  /* bytes before the wanted ones: direct reads begin at whole blocks */
    size_t len;   /* wanted */
    bool is_done;
    int64_t result;
};

struct ahead {
    struct store *store;
    int fd;
    struct ahead_source source;
    uint64_t offset, left; /* of the present stretch */
    bool at_end;           /* no stretch is left */
    unsigned depth;
    uint64_t begun, taken; /* reads so far; the slots between them are under way or waiting to be taken */

    pthread_mutex_t lock; /* is_done and result of the slots */
    pthread_cond_t done;
    struct slot slots[DEPTH_MAX];
};

/* Bytes here and there, so that one that was read lately does not stand for all. */
bool ahead_is_worth(int fd, uint64_t offset, uint64_t length)
{
    uint64_t spots[SAMPLES];
    char byte;

    if (length <= AHEAD_MIN_BYTES)
        return false;
    random_fill(spots, sizeof spots);
    for (size_t i = 0; i < SAMPLES; i++) {
        struct iovec iov = {&byte, 1};
        if (preadv2(fd, &iov, 1, (off_t)(offset + spots[i] % length), RWF_NOWAIT) != 1)
            return true;
    }
    return false;
}

static void slot_done(struct aio_op *op, int64_t result)
{
    struct slot *slot = (struct slot *)op;
    struct ahead *ahead = slot->ahead;

    pthread_mutex_lock(&ahead->lock);
    slot->result = result;
    slot->is_done = true;
    pthread_cond_signal(&ahead->done);
    pthread_mutex_unlock(&ahead->lock);
}

struct ahead *ahead_new(struct store *store, int fd, const struct ahead_source *source)
{
    void *buffer = store->aio ? pool_take(store->pool) : NULL;
    if (!buffer)
        return NULL;
    struct ahead *ahead = xcalloc(1, sizeof *ahead);
    ahead->store = store;
    ahead->fd = fd;
    ahead->source = *source;
    ahead->depth = DEPTH_FIRST;
    ahead->slots[0].buffer = buffer;
    pthread_mutex_init(&ahead->lock, NULL);
    pthread_cond_init(&ahead->done, NULL);
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0)
        (void)fcntl(fd, F_SETFL, flags | O_DIRECT); /* a file system without it is read through the page cache */
    return ahead;
}

/* false: nothing is left to read. */
static bool next_stretch(struct ahead *ahead)
{
    if (ahead->left == 0 && !ahead->at_end)
        ahead->at_end = ahead->source.next(ahead->source.ctx, &ahead->offset, &ahead->left) != 1;
    return !ahead->at_end;
}

static void slot_begin(struct ahead *ahead, struct slot *slot)
{
    uint64_t skip = ahead->offset % AIO_ALIGN;
    uint64_t len = AIO_PIECE - skip < ahead->left ? AIO_PIECE - skip : ahead->left;
    uint64_t hull = (skip + len + AIO_ALIGN - 1) / AIO_ALIGN * AIO_ALIGN;

    slot->ahead = ahead;
    slot->skip = (size_t)skip;
    slot->len = (size_t)len;
    slot->is_done = false;
    slot->op = (struct aio_op){.verb = AIO_READ,
                               .fd = ahead->fd,
                               .bytes = slot->buffer,
                               .len = (size_t)hull,
                               .offset = ahead->offset - skip,
                               .done = slot_done};
    ahead->offset += len;
    ahead->left -= len;
    ahead->begun++;
    aio_submit(ahead->store->aio, &slot->op);
}

/* A buffer of this reader's own that is not under way. There is one whenever nothing is. */
static void *spare_buffer(struct ahead *ahead)
{
    uint64_t idle = DEPTH_MAX - (ahead->begun - ahead->taken);

    for (uint64_t i = 0; i < idle; i++) {
        struct slot *slot = &ahead->slots[(ahead->begun + i) % DEPTH_MAX];
        if (slot->buffer)
            return TAKE_PTR(slot->buffer);
    }
    return NULL;
}

/* As far ahead as the depth goes and there are buffers. */
static void read_on(struct ahead *ahead)
{
    while (ahead->begun - ahead->taken < ahead->depth && next_stretch(ahead)) {
        void *buffer = spare_buffer(ahead);
        if (!buffer)
            buffer = pool_take(ahead->store->pool);
        if (!buffer)
            return;
        struct slot *slot = &ahead->slots[ahead->begun % DEPTH_MAX];
        slot->buffer = buffer;
        slot_begin(ahead, slot);
    }
}

/* Whether it had to wait. */
static bool slot_wait(struct ahead *ahead, struct slot *slot)
{
    pthread_mutex_lock(&ahead->lock);
    bool waits = !slot->is_done;
    while (!slot->is_done)
        pthread_cond_wait(&ahead->done, &ahead->lock);
    pthread_mutex_unlock(&ahead->lock);
    return waits;
}

int ahead_read(struct ahead *ahead, const void **ret_bytes, size_t *ret_len)
{
    read_on(ahead);
    if (ahead->begun == ahead->taken)
        return 0;
    struct slot *slot = &ahead->slots[ahead->taken % DEPTH_MAX];
    if (slot_wait(ahead, slot) && ahead->taken > 0 && ahead->depth < DEPTH_MAX)
        ahead->depth++;
    ahead->taken++;
    if (slot->result < (int64_t)(slot->skip + slot->len))
        return E_IO;
    *ret_bytes = (const char *)slot->buffer + slot->skip;
    *ret_len = slot->len;
    return 1;
}

void ahead_free(struct ahead *ahead)
{
    if (!ahead)
        return;
    for (; ahead->taken < ahead->begun; ahead->taken++)
        (void)slot_wait(ahead, &ahead->slots[ahead->taken % DEPTH_MAX]);
    for (size_t i = 0; i < DEPTH_MAX; i++)
        if (ahead->slots[i].buffer)
            pool_give(ahead->store->pool, ahead->slots[i].buffer);
    pthread_cond_destroy(&ahead->done);
    pthread_mutex_destroy(&ahead->lock);
    free(ahead);
}
