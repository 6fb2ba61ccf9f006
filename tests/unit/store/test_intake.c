/* What an intake was given is what the file has, however it came: whole buffers and odd pieces, zeros, at even and odd
 * places, with both kinds of the engine and without one. */
#include "store/intake.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/str.h"
#include "base/uuid.h"
#include "store/aio.h"
#include "unit/store/fixture.h"

#define POOL 6
#define ROUNDS 40
#define SIZE_MAX_TRIED (6 * AIO_PIECE)

/* A pool as src/http has one, whose buffers are made unreadable garbage when they come back. */
struct pool {
    pthread_mutex_t lock;
    char *buffers[POOL];
    bool is_out[POOL];
    atomic_int out;
};

static struct pool pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

static char *pool_take(void)
{
    for (;;) {
        pthread_mutex_lock(&pool.lock);
        for (int i = 0; i < POOL; i++) {
            if (pool.is_out[i])
                continue;
            pool.is_out[i] = true;
            if (!pool.buffers[i])
                pool.buffers[i] = aligned_alloc(AIO_ALIGN, AIO_PIECE);
            pthread_mutex_unlock(&pool.lock);
            atomic_fetch_add(&pool.out, 1);
            return pool.buffers[i];
        }
        pthread_mutex_unlock(&pool.lock);
        (void)usleep(100);
    }
}

static void pool_give(void *bytes, void *ctx)
{
    (void)ctx;
    memset(bytes, 0xAA, AIO_PIECE);
    pthread_mutex_lock(&pool.lock);
    for (int i = 0; i < POOL; i++)
        if (pool.buffers[i] == bytes) {
            assert_true(pool.is_out[i]);
            pool.is_out[i] = false;
        }
    pthread_mutex_unlock(&pool.lock);
    atomic_fetch_sub(&pool.out, 1);
}

static const struct intake_owner OWNER = {pool_give, NULL};

/* Bytes with stretches of zeros in them. */
static void fill(char *bytes, size_t size)
{
    random_fill(bytes, size);
    for (unsigned i = fixture_dice(4); i > 0; i--) {
        size_t from = fixture_dice((unsigned)size + 1);
        size_t len = fixture_dice(2 * AIO_PIECE);
        memset(bytes + from, 0, len < size - from ? len : size - from);
    }
}

/* One buffer of the pool with the next bytes. Mostly full; now and then what a slow client left. */
static size_t give_some(struct intake *in, const char *bytes, size_t left, bool odd)
{
    size_t len = odd && fixture_dice(4) == 0 ? 1 + fixture_dice(AIO_PIECE) : AIO_PIECE;
    if (len > left)
        len = left;
    char *buffer = pool_take();
    memcpy(buffer, bytes, len);
    int r = fixture_dice(8) == 0 ? intake_put(in, buffer, len, NULL) : intake_give(in, buffer, len, &OWNER, NULL);
    assert_true(r == 0 || r == 1);
    assert_memory_equal(buffer, bytes, len); /* it stays readable until it is let go */
    if (r == 1)
        intake_let_go(in);
    else
        pool_give(buffer, NULL);
    return len;
}

static void write_stretch(struct store *store, int fd, const char *bytes, uint64_t start, uint64_t end, bool fresh)
{
    struct intake *in = intake_new(store, &(struct intake_place){fd, start, end, fresh});
    bool odd = fixture_dice(2);

    for (uint64_t at = start; at < end;)
        at += give_some(in, bytes + (at - start), (size_t)(end - at), odd);
    assert_int_equal(intake_left(in), 0);
    assert_int_equal(intake_finish(in, NULL), 0);
    assert_int_equal(atomic_load(&pool.out), 0);
    intake_free(in);
}

static void test_whole_objects(void **state)
{
    struct store *store = fixture_store(state);
    AUTO_FREE char *bytes = xmalloc(SIZE_MAX_TRIED);

    for (int round = 0; round < ROUNDS; round++) {
        size_t size = fixture_dice(3) ? fixture_dice(SIZE_MAX_TRIED) : (1 + fixture_dice(6)) * AIO_PIECE;
        fill(bytes, size);
        AUTO_FD int fd = store_object_begin(store, "d", "o", NULL);
        assert_true(fd >= 0);
        write_stretch(store, fd, bytes, 0, size, true);
        assert_int_equal(store_object_settle(store, "d", NULL), 0);
        fixture_expect(store, "d", "o", bytes, size);
        assert_int_equal(store_object_remove(store, "d", "o", NULL), 0);
    }
}

/* Blocks of one object, each by a descriptor of its own, over what an earlier try has left. */
static void test_blocks(void **state)
{
    struct store *store = fixture_store(state);
    AUTO_FREE char *bytes = xmalloc(SIZE_MAX_TRIED);

    for (int round = 0; round < ROUNDS; round++) {
        size_t at = 0;
        fill(bytes, SIZE_MAX_TRIED);
        if (fixture_dice(2)) {
            AUTO_FREE char *old = xmalloc(SIZE_MAX_TRIED);
            random_fill(old, SIZE_MAX_TRIED);
            fixture_put(store, "d", "o", old, SIZE_MAX_TRIED);
        }
        while (at < SIZE_MAX_TRIED) {
            size_t len = 1 + fixture_dice(3 * AIO_PIECE);
            if (len > SIZE_MAX_TRIED - at)
                len = SIZE_MAX_TRIED - at;
            AUTO_FD int fd = store_object_open_write(store, "d", "o", NULL);
            assert_true(fd >= 0);
            write_stretch(store, fd, bytes + at, at, at + len, false);
            at += len;
        }
        fixture_expect(store, "d", "o", bytes, SIZE_MAX_TRIED);
        assert_int_equal(store_object_remove(store, "d", "o", NULL), 0);
    }
}

/* A gigabyte of nothing takes no room. */
static void test_zeros_are_holes(void **state)
{
    struct store *store = fixture_store(state);
    AUTO_FREE char *zeros = aligned_alloc(AIO_ALIGN, AIO_PIECE);
    const uint64_t size = (uint64_t)1 << 30;
    struct stat st;

    memset(zeros, 0, AIO_PIECE);
    for (int fresh = 0; fresh < 2; fresh++) {
        AUTO_FD int fd = store_object_begin(store, "d", fresh ? "blob" : "block", NULL);
        struct intake *in = intake_new(store, &(struct intake_place){fd, 0, size, fresh});
        while (intake_left(in) > 0)
            assert_int_equal(intake_give(in, zeros, AIO_PIECE, &OWNER, NULL), 0);
        assert_int_equal(intake_finish(in, NULL), 0);
        intake_free(in);
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(st.st_size, size);
        assert_true(st.st_blocks * 512 <= 64 * 1024);
    }
}

/* Data, much nothing, data: the room that was made ahead is given back. */
static void test_holes_in_between(void **state)
{
    struct store *store = fixture_store(state);
    const uint64_t pieces = 64;
    struct stat st;

    AUTO_FD int fd = store_object_begin(store, "d", "o", NULL);
    struct intake *in = intake_new(store, &(struct intake_place){fd, 0, pieces * AIO_PIECE, true});
    for (uint64_t i = 0; i < pieces; i++) {
        char *buffer = pool_take();
        memset(buffer, i == 0 || i == pieces - 1 ? 'x' : 0, AIO_PIECE);
        int r = intake_give(in, buffer, AIO_PIECE, &OWNER, NULL);
        if (r == 1)
            intake_let_go(in);
        else
            pool_give(buffer, NULL);
        assert_true(r >= 0);
    }
    assert_int_equal(intake_finish(in, NULL), 0);
    intake_free(in);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, pieces * AIO_PIECE);
    assert_true(st.st_blocks * 512 <= 4 * AIO_PIECE);
}

/* Given up half way: every buffer is back when intake_free returns, and none was touched after. */
static void test_abandoned(void **state)
{
    struct store *store = fixture_store(state);

    for (int round = 0; round < ROUNDS; round++) {
        AUTO_FD int fd = store_object_begin(store, "d", "o", NULL);
        struct intake *in = intake_new(store, &(struct intake_place){fd, 0, 8 * AIO_PIECE, true});
        for (unsigned i = 0; i <= fixture_dice(4); i++) {
            char *buffer = pool_take();
            random_fill(buffer, AIO_PIECE);
            if (intake_give(in, buffer, AIO_PIECE, &OWNER, NULL) != 1)
                pool_give(buffer, NULL);
            else if (i < 3)
                intake_let_go(in);
            else
                break; /* still held: intake_free lets it go */
        }
        intake_free(in);
        assert_int_equal(atomic_load(&pool.out), 0);
        assert_int_equal(store_object_remove(store, "d", "o", NULL), 0);
    }
}

/* Little goes through the page cache, however well it is aligned: no buffer is kept, no descriptor changes. */
static void test_little_is_written_at_once(void **state)
{
    struct store *store = fixture_store(state);
    AUTO_FD int fd = store_object_begin(store, "d", "o", NULL);
    struct intake *in = intake_new(store, &(struct intake_place){fd, 0, AIO_ALIGN, true});
    char *buffer = pool_take();

    random_fill(buffer, AIO_ALIGN);
    assert_int_equal(intake_give(in, buffer, AIO_ALIGN, &OWNER, NULL), 0);
    assert_false(fcntl(fd, F_GETFL) & O_DIRECT);
    assert_int_equal(intake_finish(in, NULL), 0);
    intake_free(in);
    fixture_expect(store, "d", "o", buffer, AIO_ALIGN);
    pool_give(buffer, NULL);
    assert_int_equal(store_object_remove(store, "d", "o", NULL), 0);
}

/* Gives random buffers until it is refused. */
static int give_until_refused(struct intake *in, struct error *err)
{
    int r = 0;

    while (r == 0 && intake_left(in) > 0) {
        char *buffer = pool_take();
        random_fill(buffer, AIO_PIECE);
        r = intake_give(in, buffer, AIO_PIECE, &OWNER, err);
        if (r == 1)
            intake_let_go(in);
        else
            pool_give(buffer, NULL);
        r = r == 1 ? 0 : r;
    }
    return r == 0 ? intake_finish(in, err) : r;
}

/* A write that fails is told, at the latest when all has come; never is the whole called durable. */
static void test_failures_are_told(void **state)
{
    struct store *store = fixture_store(state);
    struct rlimit before;
    struct error err = {0};

    AUTO_FD int fd = store_object_begin(store, "d", "o", NULL);
    struct intake *in = intake_new(store, &(struct intake_place){fd, 0, 16 * AIO_PIECE, true});
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit tight = {.rlim_cur = 4 * AIO_PIECE + 5, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    int r = give_until_refused(in, &err);
    intake_free(in);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(r, E_IO);
    assert_int_equal(atomic_load(&pool.out), 0);
}

/* The same when writes fail on the engine's threads, after intake_give has returned. */
static void test_late_failures_are_told(void **state)
{
    struct store *store = fixture_store(state);
    struct error err = {0};

    AUTO_FD int made = store_object_begin(store, "d", "o", NULL);
    AUTO_FD int fd = store_object_open_read(store, "d", "o", NULL);
    struct intake *in = intake_new(store, &(struct intake_place){fd, 0, 2 * AIO_PIECE, true});
    assert_true(made >= 0 && give_until_refused(in, &err) < 0);
    intake_free(in);
    assert_int_equal(atomic_load(&pool.out), 0);
}

static void test_full_disk(void **state)
{
    struct store *store = fixture_store(state);
    struct error err = {0};

    if (!fixture_has_mount())
        skip();
    AUTO_FD int fd = store_object_begin(store, "mount/d", "o", NULL);
    assert_true(fd >= 0);
    struct intake *in = intake_new(store, &(struct intake_place){fd, 0, (uint64_t)160 * AIO_PIECE, true});
    assert_int_equal(give_until_refused(in, &err), E_NO_SPACE);
    intake_free(in);
    assert_int_equal(atomic_load(&pool.out), 0);
    assert_int_equal(store_object_remove(store, "mount/d", "o", NULL), 0);
}

/* Many threads make objects in one directory and in others; each is told only after a sync that covers it. */
static void *make_objects(void *ctx)
{
    struct store *store = ctx;
    char name[UUID_TEXT_SIZE];

    for (int i = 0; i < 20; i++) {
        uuid_new(name);
        const char *dir = i % 5 ? "d/same" : "d/other";
        AUTO_FD int made = store_object_create(store, dir, name, NULL);
        AUTO_FD int again = store_object_open_write(store, dir, name, NULL);
        if (made < 0 || again < 0 || store_object_settle(store, dir, NULL) != 0)
            return store;
    }
    return NULL;
}

static void test_settling_together(void **state)
{
    struct store *store = fixture_store(state);
    pthread_t threads[8];

    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_objects, store), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        void *failed = store;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(fixture_count(store, "d/same"), 8 * 16);
    assert_int_equal(fixture_count(store, "d/other"), 8 * 4);
}

#define EACH(fn) {#fn " without", fn, fixture_begin, fixture_end, NULL}, FIXTURE_EACH_ENGINE(fn)

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        EACH(test_whole_objects),
        EACH(test_blocks),
        FIXTURE_EACH_ENGINE(test_zeros_are_holes),
        FIXTURE_EACH_ENGINE(test_holes_in_between),
        EACH(test_abandoned),
        EACH(test_little_is_written_at_once),
        EACH(test_failures_are_told),
        EACH(test_late_failures_are_told),
        EACH(test_full_disk),
        FIXTURE_EACH_ENGINE(test_settling_together),
    };
    (void)signal(SIGXFSZ, SIG_IGN);
    fixture_enter();
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
