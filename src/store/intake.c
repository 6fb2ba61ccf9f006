/* Writing of what clients send. Runs in airlock-blob. Must never release a buffer that the disk or the caller still
 * reads, nor report bytes as durable that are not.
 *
 * Whole aligned buffers go through the engine with O_DIRECT; odd ones (the start or the end of a block, what a slow
 * client left half full) through the page cache, after the engine has finished. The descriptor's O_DIRECT is switched
 * only while nothing is under way. */
#include "store/intake.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "store/private.h"

/* So little goes through the page cache: making room and waking the engine would cost more than the copy. */
#define SMALL ((uint64_t)64 << 10)
/* The file is made longer in steps: ext4 writes past its end, or into holes, one at a time. */
#define AHEAD ((uint64_t)64 << 20)

struct piece {
    struct aio_op op;
    struct intake *in;
    struct intake_owner owner;
    unsigned holders; /* the disk and the caller; 0: free */
};

struct intake {
    struct store *store;
    struct store_writer writer; /* its size: where the next byte goes */
    uint64_t end;
    uint64_t allocated;  /* up to here the file was made longer */
    uint64_t zeros_from; /* [zeros_from, writer.size) came as zeros and was not written */
    bool is_fresh;
    bool is_direct;
    bool no_direct, no_allocate; /* the file system cannot; also: so little is not worth it */
    struct piece *held;          /* until intake_let_go */

    pthread_mutex_t lock; /* the rest */
    pthread_cond_t moved_on;
    struct piece pieces[INTAKE_DEPTH];
    unsigned busy;
    int64_t failure; /* the first negative errno */
};

struct intake *intake_new(struct store *store, const struct intake_place *place)
{
    struct intake *in = xcalloc(1, sizeof *in);

    in->store = store;
    in->writer = (struct store_writer){.fd = place->fd, .size = place->start, .started = place->start};
    in->writer.keep = place->end - place->start <= AIO_PIECE; /* little, and read again soon: by the seal */
    in->end = place->end;
    in->zeros_from = place->start;
    in->allocated = place->start;
    in->is_fresh = place->is_fresh;
    in->no_direct = !store->aio || place->end - place->start <= SMALL;
    pthread_mutex_init(&in->lock, NULL);
    pthread_cond_init(&in->moved_on, NULL);
    return in;
}

uint64_t intake_left(const struct intake *in)
{
    return in->end - in->writer.size;
}

/* --- Pieces under way --- */

static void piece_drop(struct piece *piece)
{
    struct intake *in = piece->in;

    pthread_mutex_lock(&in->lock);
    bool is_last = --piece->holders == 0;
    pthread_mutex_unlock(&in->lock);
    if (!is_last)
        return;
    piece->owner.release(piece->op.bytes, piece->owner.ctx);
    pthread_mutex_lock(&in->lock); /* only now may the intake, and with it the owner, go away */
    piece->in = NULL;
    in->busy--;
    pthread_cond_signal(&in->moved_on);
    pthread_mutex_unlock(&in->lock);
}

static void piece_written(struct aio_op *op, int64_t result)
{
    struct piece *piece = (struct piece *)op;
    struct intake *in = piece->in;

    if (result != (int64_t)op->len) {
        pthread_mutex_lock(&in->lock);
        if (in->failure == 0)
            in->failure = result < 0 ? result : -EIO;
        pthread_mutex_unlock(&in->lock);
    }
    piece_drop(piece);
}

static void wait_for_busy(struct intake *in, unsigned most)
{
    pthread_mutex_lock(&in->lock);
    while (in->busy > most)
        pthread_cond_wait(&in->moved_on, &in->lock);
    pthread_mutex_unlock(&in->lock);
}

static int check_failure(struct intake *in, struct error *err)
{
    pthread_mutex_lock(&in->lock);
    int64_t failure = in->failure;
    pthread_mutex_unlock(&in->lock);
    if (failure == 0)
        return 0;
    errno = (int)-failure;
    return error_set_errno(err, E_IO, "Writing failed");
}

/* One of the pieces is free. */
static void piece_begin(struct intake *in, void *bytes, size_t len, const struct intake_owner *owner)
{
    struct piece *piece = in->pieces;

    pthread_mutex_lock(&in->lock);
    while (piece->in)
        piece++;
    piece->in = in;
    piece->holders = 2;
    in->busy++;
    pthread_mutex_unlock(&in->lock);
    piece->owner = *owner;
    piece->op = (struct aio_op){.verb = AIO_WRITE,
                                .fd = in->writer.fd,
                                .bytes = bytes,
                                .len = len,
                                .offset = in->writer.size,
                                .done = piece_written};
    in->held = piece;
    aio_submit(in->store->aio, &piece->op);
}

void intake_let_go(struct intake *in)
{
    assert(in->held);
    piece_drop(TAKE_PTR(in->held));
}

void intake_free(struct intake *in)
{
    if (!in)
        return;
    if (in->held)
        intake_let_go(in);
    wait_for_busy(in, 0);
    pthread_cond_destroy(&in->moved_on);
    pthread_mutex_destroy(&in->lock);
    free(in);
}

/* --- The file's shape --- */

/* Nothing may be under way when direct is false. A file system without O_DIRECT says so here, or to the engine. */
static void set_direct(struct intake *in, bool direct)
{
    int flags = fcntl(in->writer.fd, F_GETFL);

    if (flags < 0 || fcntl(in->writer.fd, F_SETFL, direct ? flags | O_DIRECT : flags & ~O_DIRECT) != 0)
        in->no_direct = true; /* that clearing a flag fails is unheard of, and would only make writes fail */
    in->is_direct = direct && !in->no_direct;
}

/* The next len bytes have room on the disk. */
static int allocate(struct intake *in, size_t len, struct error *err)
{
    uint64_t from = in->writer.size;
    uint64_t ahead = in->end - from < AHEAD ? in->end - from : AHEAD;
    int r;

    if (in->no_allocate || from + len <= in->allocated)
        return 0;
    do
        r = fallocate(in->writer.fd, 0, (off_t)from, (off_t)ahead);
    while (r != 0 && errno == EINTR);
    if (r != 0 && errno != EOPNOTSUPP)
        return error_set_errno(err, E_IO, "Cannot get room for a file");
    in->no_allocate = r != 0;
    in->allocated = from + ahead;
    return 0;
}

/* Only where an earlier try may have left bytes, and the file system cannot make holes. */
static int write_zeros(int fd, uint64_t from, uint64_t to, struct error *err)
{
    static const char ZEROS[64 * 1024];
    int r = 0;

    while (r == 0 && from < to) {
        size_t len = to - from < sizeof ZEROS ? (size_t)(to - from) : sizeof ZEROS;
        r = file_pwrite_all(fd, ZEROS, len, from, err);
        from += len;
    }
    return r;
}

/* What came as zeros reads as zeros. A new file has a hole there already, unless room was made ahead. */
static int settle_zeros(struct intake *in, struct error *err)
{
    uint64_t from = in->zeros_from, to = in->writer.size;
    int r;

    in->zeros_from = to;
    if (from == to || (in->is_fresh && from >= in->allocated))
        return 0;
    do
        r = fallocate(in->writer.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)from, (off_t)(to - from));
    while (r != 0 && errno == EINTR);
    if (r != 0 && errno != EOPNOTSUPP)
        return error_set_errno(err, E_IO, "Cannot make a hole in a file");
    if (r == 0 || in->is_fresh)
        return 0;
    wait_for_busy(in, 0);
    set_direct(in, false);
    return write_zeros(in->writer.fd, from, to, err);
}

/* The file reaches end, though its last bytes came as zeros. Blocks share a file, which must never become shorter. */
static int settle_size(struct intake *in, struct error *err)
{
    struct stat st;

    if (fstat(in->writer.fd, &st) != 0)
        return error_set_errno(err, E_IO, "Cannot look at a file");
    if ((uint64_t)st.st_size >= in->end)
        return 0;
    if (!in->is_fresh)
        return file_pwrite_all(in->writer.fd, "", 1, in->end - 1, err);
    if (ftruncate(in->writer.fd, (off_t)in->end) != 0)
        return error_set_errno(err, E_IO, "Cannot set the length of a file");
    return 0;
}

/* --- Bytes --- */

static bool is_aligned(const struct intake *in, const void *bytes, size_t len)
{
    return (uintptr_t)bytes % AIO_ALIGN == 0 && in->writer.size % AIO_ALIGN == 0 && len % AIO_ALIGN == 0;
}

static bool is_zeros(const char *bytes, size_t len)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0;
}

int intake_put(struct intake *in, const void *bytes, size_t len, struct error *err)
{
    assert(len <= intake_left(in) && !in->held);
    if (in->is_direct) {
        wait_for_busy(in, 0);
        set_direct(in, false);
        in->writer.started = in->writer.size;
        in->writer.before = 0;
    }
    int r = check_failure(in, err);
    if (r == 0)
        r = settle_zeros(in, err);
    if (r == 0)
        r = store_writer_put(&in->writer, bytes, len, err);
    in->zeros_from = in->writer.size;
    return r;
}

/* A buffer that goes to the engine. */
static int give_direct(struct intake *in, void *bytes, size_t len, const struct intake_owner *owner, struct error *err)
{
    int r = settle_zeros(in, err);
    if (r == 0)
        r = allocate(in, len, err);
    if (r != 0)
        return r;
    wait_for_busy(in, INTAKE_DEPTH - 1);
    piece_begin(in, bytes, len, owner);
    in->writer.size += len;
    in->zeros_from = in->writer.size;
    return 1;
}

int intake_give(struct intake *in, void *bytes, size_t len, const struct intake_owner *owner, struct error *err)
{
    assert(len <= intake_left(in) && !in->held);
    int r = check_failure(in, err);
    if (r != 0)
        return r;
    if (in->no_direct || !is_aligned(in, bytes, len))
        return intake_put(in, bytes, len, err);
    if (is_zeros(bytes, len)) {
        in->writer.size += len;
        return 0;
    }
    if (!in->is_direct)
        set_direct(in, true);
    return in->is_direct ? give_direct(in, bytes, len, owner, err) : intake_put(in, bytes, len, err);
}

int intake_end_here(struct intake *in, struct error *err)
{
    assert(in->is_fresh && !in->held);
    wait_for_busy(in, 0);
    in->end = in->writer.size;
    /* room was made ahead */
    if (ftruncate(in->writer.fd, (off_t)in->end) != 0)
        return error_set_errno(err, E_IO, "Cannot set the length of a file");
    return 0;
}

int intake_finish(struct intake *in, struct error *err)
{
    assert(intake_left(in) == 0 && !in->held);
    wait_for_busy(in, 0);
    int r = check_failure(in, err);
    bool ends_in_zeros = in->zeros_from < in->writer.size;
    if (r == 0)
        r = settle_zeros(in, err);
    if (r == 0 && ends_in_zeros && in->is_direct)
        set_direct(in, false);
    if (r == 0 && ends_in_zeros)
        r = settle_size(in, err);
    if (r == 0 && fdatasync(in->writer.fd) != 0) /* the length is data, too */
        r = error_set_errno(err, E_IO, "Cannot sync a file");
    if (r == 0 && !in->writer.keep && in->no_direct)
        (void)posix_fadvise(in->writer.fd, 0, 0, POSIX_FADV_DONTNEED); /* a hint only */
    return r;
}
