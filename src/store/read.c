/* Reading long files: a thread reads a few pieces ahead, past the page cache, while one or more sinks take what came.
 * Runs in airlock-blob and airlock-mover. The threads live as long as one call; nothing of it outlives the call. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "store/private.h"

#define RING_SLOTS 4
#define DIRECT_ALIGN ((uint64_t)4096)         /* no disk wants more */
#define AHEAD_MIN ((uint64_t)4 * STORE_CHUNK) /* shorter stretches are read by who wants them */

/* Where the next piece comes from. */
struct source {
    int fd;
    uint64_t at, end;
    bool direct;
};

struct piece {
    char *buffer;
    const char *bytes; /* in buffer */
    size_t len;
};

/* The pieces between the reader and the sinks. A slot is filled anew when every sink is done with it. */
struct ring {
    pthread_mutex_t lock;
    pthread_cond_t turned;
    struct piece slots[RING_SLOTS];
    uint64_t filled;                 /* pieces so far */
    uint64_t taken[STORE_SINKS_MAX]; /* of these each sink is done with */
    size_t sink_count;
    bool ended; /* no more will be filled */
    bool stop;  /* somebody has failed */
    struct source *source;
};

/* What one thread of a stream does and how it ended. */
struct hand {
    struct ring *ring;
    struct store *store; /* whose tick to call; NULL on threads of the stream */
    const struct store_sink *sink;
    size_t index;
    int r;
    struct error err;
    pthread_t thread;
};

/* Asks for reads past the page cache, or for none such. false: this file system has none. */
static bool source_set_direct(int fd, bool on)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, on ? flags | O_DIRECT : flags & ~O_DIRECT) == 0;
}

/* Direct reads begin and end at whole blocks of the disk: what lies before and behind the stretch is passed over. */
static ssize_t source_pread(struct source *source, char *buffer, size_t *ret_skip)
{
    uint64_t skip = source->direct ? source->at % DIRECT_ALIGN : 0;
    uint64_t want = source->end - source->at + skip;

    if (source->direct)
        want = (want + DIRECT_ALIGN - 1) / DIRECT_ALIGN * DIRECT_ALIGN;
    *ret_skip = (size_t)skip;
    return pread(source->fd, buffer, want < STORE_CHUNK ? (size_t)want : STORE_CHUNK, (off_t)(source->at - skip));
}

/* 1: a piece; 0: that was all, or the file ended. */
static int source_next(struct source *source, struct piece *piece, struct error *err)
{
    size_t skip;
    ssize_t got;

    if (source->at == source->end)
        return 0;
    while ((got = source_pread(source, piece->buffer, &skip)) < 0) {
        if (errno == EINVAL && source->direct)
            source->direct = !source_set_direct(source->fd, false);
        else if (errno != EINTR)
            return error_set_errno(err, E_IO, "Reading failed");
    }
    if ((size_t)got <= skip)
        return 0;
    uint64_t len = (uint64_t)got - skip, left = source->end - source->at;
    piece->bytes = piece->buffer + skip;
    piece->len = (size_t)(len < left ? len : left);
    if (!source->direct)
        (void)posix_fadvise(source->fd, (off_t)source->at, (off_t)piece->len, POSIX_FADV_DONTNEED);
    source->at += piece->len;
    return 1;
}

static bool ring_is_full(const struct ring *ring)
{
    for (size_t i = 0; i < ring->sink_count; i++)
        if (ring->filled - ring->taken[i] == RING_SLOTS)
            return true;
    return false;
}

/* The slot to fill next, once it is free; NULL: stop. */
static struct piece *ring_free_slot(struct ring *ring)
{
    struct piece *slot = NULL;

    pthread_mutex_lock(&ring->lock);
    while (!ring->stop && ring_is_full(ring))
        pthread_cond_wait(&ring->turned, &ring->lock);
    if (!ring->stop)
        slot = &ring->slots[ring->filled % RING_SLOTS];
    pthread_mutex_unlock(&ring->lock);
    return slot;
}

static void *reader_main(void *arg)
{
    struct hand *hand = arg;
    struct ring *ring = hand->ring;
    int more = 1;

    while (more > 0) {
        struct piece *slot = ring_free_slot(ring);
        more = slot ? source_next(ring->source, slot, &hand->err) : 0;
        pthread_mutex_lock(&ring->lock);
        ring->filled += more > 0;
        ring->ended = more <= 0;
        pthread_cond_broadcast(&ring->turned);
        pthread_mutex_unlock(&ring->lock);
    }
    hand->r = more; /* what was read before a failure still is judged */
    return NULL;
}

/* The next piece for this sink, the one before given back; NULL: no more. */
static const struct piece *ring_next(struct ring *ring, size_t index, bool first)
{
    const struct piece *slot = NULL;

    pthread_mutex_lock(&ring->lock);
    ring->taken[index] += !first;
    pthread_cond_broadcast(&ring->turned);
    while (!ring->stop && !ring->ended && ring->taken[index] == ring->filled)
        pthread_cond_wait(&ring->turned, &ring->lock);
    if (!ring->stop && ring->taken[index] < ring->filled)
        slot = &ring->slots[ring->taken[index] % RING_SLOTS];
    pthread_mutex_unlock(&ring->lock);
    return slot;
}

static void *sink_main(void *arg)
{
    struct hand *hand = arg;
    const struct piece *piece = hand->r ? NULL : ring_next(hand->ring, hand->index, true);

    for (; piece && hand->r == 0; piece = hand->r ? NULL : ring_next(hand->ring, hand->index, false)) {
        hand->r = hand->sink->put(piece->bytes, piece->len, hand->sink->ctx, &hand->err);
        if (hand->r == 0 && hand->store)
            hand->r = store_tick(hand->store, &hand->err);
    }
    if (hand->r != 0) {
        pthread_mutex_lock(&hand->ring->lock);
        hand->ring->stop = true;
        pthread_cond_broadcast(&hand->ring->turned);
        pthread_mutex_unlock(&hand->ring->lock);
    }
    return NULL;
}

static int hands_result(const struct hand *hands, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++)
        if (hands[i].r != 0) {
            if (err && hands[i].r < 0)
                *err = hands[i].err;
            return hands[i].r;
        }
    return 0;
}

/* hands: the sinks, the first of them this thread's, and the reader behind them. */
static int ring_run(struct ring *ring, struct hand *hands, struct error *err)
{
    size_t last = ring->sink_count, started = 1;
    int failed = 0;

    for (; started <= last && failed == 0; started += failed == 0)
        failed =
            pthread_create(&hands[started].thread, NULL, started == last ? reader_main : sink_main, &hands[started]);
    if (failed)
        hands[0].r = error_set(&hands[0].err, E_UNAVAILABLE, "Cannot start a thread: %s", strerror(failed));
    (void)sink_main(&hands[0]);
    for (size_t i = 1; i < started; i++)
        (void)pthread_join(hands[i].thread, NULL);
    return hands_result(hands, last + 1, err);
}

static int stream_ahead(struct store *store, struct source *source, const struct store_sink *sinks, size_t count,
                        struct error *err)
{
    AUTO_FREE char *buffers = aligned_alloc(DIRECT_ALIGN, (size_t)RING_SLOTS * STORE_CHUNK);
    struct ring ring = {.sink_count = count, .source = source};
    struct hand hands[STORE_SINKS_MAX + 1] = {0};

    if (!buffers)
        return error_set(err, E_UNAVAILABLE, "No memory is left to read with");
    source->direct = source_set_direct(source->fd, true);
    for (size_t i = 0; i < RING_SLOTS; i++)
        ring.slots[i].buffer = buffers + i * STORE_CHUNK;
    for (size_t i = 0; i <= count; i++)
        hands[i] = (struct hand){.ring = &ring, .store = i == 0 ? store : NULL, .sink = &sinks[i % count], .index = i};
    pthread_mutex_init(&ring.lock, NULL);
    pthread_cond_init(&ring.turned, NULL);
    int r = ring_run(&ring, hands, err);
    pthread_cond_destroy(&ring.turned);
    pthread_mutex_destroy(&ring.lock);
    if (source->direct)
        (void)source_set_direct(source->fd, false); /* the descriptor is the caller's, as it was */
    return r;
}

static int stream_here(struct store *store, struct source *source, const struct store_sink *sinks, size_t count,
                       struct error *err)
{
    uint64_t length = source->end - source->at;
    AUTO_FREE char *buffer = xmalloc(length < STORE_CHUNK ? (size_t)length + 1 : STORE_CHUNK);
    struct piece piece = {.buffer = buffer};
    int more = 0;
    int r = store_tick(store, err);

    while (r == 0 && (more = source_next(source, &piece, err)) > 0) {
        for (size_t i = 0; r == 0 && i < count; i++)
            r = sinks[i].put(piece.bytes, piece.len, sinks[i].ctx, err);
        if (r == 0)
            r = store_tick(store, err);
    }
    return r ? r : more;
}

int store_stream_to(struct store *store, int fd, uint64_t offset, uint64_t length, const struct store_sink *sinks,
                    size_t count, uint64_t *ret_got, struct error *err)
{
    struct source source = {.fd = fd, .at = offset};
    struct stat st;

    if (count == 0 || count > STORE_SINKS_MAX)
        return error_set(err, E_INTERNAL, "A stream has no such number of sinks");
    if (fstat(fd, &st) != 0)
        return error_set_errno(err, E_IO, "Cannot look at a file");
    uint64_t there = (uint64_t)st.st_size > offset ? (uint64_t)st.st_size - offset : 0;
    source.end = offset + (length < there ? length : there);
    int r = source.end - source.at < AHEAD_MIN ? stream_here(store, &source, sinks, count, err)
                                               : stream_ahead(store, &source, sinks, count, err);
    if (r == 0)
        *ret_got = source.at - offset;
    return r;
}

int store_stream(struct store *store, int fd, uint64_t offset, uint64_t length,
                 int (*sink)(const void *bytes, size_t len, void *ctx, struct error *err), void *ctx, uint64_t *ret_got,
                 struct error *err)
{
    const struct store_sink only = {sink, ctx};
    return store_stream_to(store, fd, offset, length, &only, 1, ret_got, err);
}
