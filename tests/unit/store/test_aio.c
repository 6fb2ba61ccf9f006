/* The engine in both of its kinds: what is written is there, what fails says why, and nothing ends twice. */
#include "store/aio.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/str.h"
#include "unit/store/fixture.h"

#define OPS 200

struct job {
    struct aio_op op; /* first */
    atomic_int *left;
    int64_t result;
    atomic_int ends;
};

static struct aio *engine(enum aio_kind kind)
{
    struct aio *aio = NULL;
    assert_int_equal(aio_new(kind, &aio, NULL), 0);
    return aio;
}

static void job_done(struct aio_op *op, int64_t result)
{
    struct job *job = (struct job *)op;
    job->result = result;
    atomic_fetch_add(&job->ends, 1);
    atomic_fetch_sub(job->left, 1);
}

static void wait_for_none(atomic_int *left)
{
    for (int i = 0; i < 10000 && atomic_load(left) > 0; i++)
        (void)usleep(1000);
    assert_int_equal(atomic_load(left), 0);
}

static int64_t run_one(struct aio *aio, enum aio_verb verb, int fd, void *bytes, size_t len, uint64_t offset)
{
    atomic_int left = 1;
    struct job job = {
        .op = {.verb = verb, .fd = fd, .bytes = bytes, .len = len, .offset = offset, .done = job_done}, .left = &left};
    aio_submit(aio, &job.op);
    wait_for_none(&left);
    (void)usleep(1000); /* time for a second end, which must not come */
    assert_int_equal(atomic_load(&job.ends), 1);
    return job.result;
}

static int make_file(void **state)
{
    int fd = file_open_beneath(store_root(fixture_store(state)), "f", O_RDWR | O_CREAT, 0600, NULL);
    assert_true(fd >= 0);
    return fd;
}

/* More operations than the ring has entries, all at once. */
static void many(void **state, enum aio_kind kind)
{
    struct aio *aio = engine(kind);
    AUTO_FREE unsigned char *bytes = xmalloc(OPS * AIO_ALIGN);
    AUTO_FREE unsigned char *back = xcalloc(OPS, AIO_ALIGN);
    AUTO_FREE struct job *jobs = xcalloc(OPS, sizeof *jobs);
    AUTO_FD int fd = make_file(state);

    random_fill(bytes, (size_t)OPS * AIO_ALIGN);
    for (enum aio_verb verb = AIO_WRITE;; verb = AIO_READ) {
        atomic_int left = OPS;
        memset(jobs, 0, OPS * sizeof *jobs);
        for (size_t i = 0; i < OPS; i++) {
            unsigned char *at = (verb == AIO_WRITE ? bytes : back) + i * AIO_ALIGN;
            jobs[i].op = (struct aio_op){
                .verb = verb, .fd = fd, .bytes = at, .len = AIO_ALIGN, .offset = i * AIO_ALIGN, .done = job_done};
            jobs[i].left = &left;
            aio_submit(aio, &jobs[i].op);
        }
        wait_for_none(&left);
        for (size_t i = 0; i < OPS; i++)
            assert_true(jobs[i].result == AIO_ALIGN && atomic_load(&jobs[i].ends) == 1);
        if (verb == AIO_READ)
            break;
    }
    assert_memory_equal(bytes, back, (size_t)OPS * AIO_ALIGN);
    aio_free(aio);
}

/* Reads stop where the file ends; an offset that O_DIRECT cannot have goes through the page cache. */
static void edges(void **state, enum aio_kind kind)
{
    struct aio *aio = engine(kind);
    AUTO_FREE unsigned char *bytes = aligned_alloc(AIO_ALIGN, 4 * AIO_ALIGN);
    AUTO_FREE unsigned char *back = aligned_alloc(AIO_ALIGN, 4 * AIO_ALIGN);
    AUTO_FD int fd = make_file(state);

    random_fill(bytes, 4 * AIO_ALIGN);
    assert_int_equal(run_one(aio, AIO_WRITE, fd, bytes, 5000, 0), 5000);
    (void)fcntl(fd, F_SETFL, O_DIRECT); /* where there is none, the rest holds all the same */
    assert_int_equal(run_one(aio, AIO_READ, fd, back, 4 * AIO_ALIGN, 0), 5000);
    assert_memory_equal(bytes, back, 5000);
    assert_int_equal(run_one(aio, AIO_READ, fd, back, AIO_ALIGN, 2 * AIO_ALIGN), 0);
    assert_int_equal(run_one(aio, AIO_WRITE, fd, bytes + 1, 777, 5001), 777);
    assert_int_equal(fcntl(fd, F_GETFL) & O_DIRECT, 0);
    assert_int_equal(run_one(aio, AIO_READ, fd, back, 777, 5001), 777);
    assert_memory_equal(bytes + 1, back, 777);
    aio_free(aio);
}

/* Several operations that O_DIRECT cannot have, at a time: the first one that is refused must not fail the others. */
static void refused_together(void **state, enum aio_kind kind)
{
    struct aio *aio = engine(kind);
    AUTO_FREE unsigned char *bytes = aligned_alloc(AIO_ALIGN, AIO_ALIGN);
    AUTO_FREE struct job *jobs = xcalloc(OPS, sizeof *jobs);
    AUTO_FD int fd = make_file(state);
    atomic_int left = OPS;

    random_fill(bytes, AIO_ALIGN);
    (void)fcntl(fd, F_SETFL, O_DIRECT);
    for (size_t i = 0; i < OPS; i++) {
        jobs[i].op = (struct aio_op){
            .verb = AIO_WRITE, .fd = fd, .bytes = bytes + 1, .len = 777, .offset = i * 777, .done = job_done};
        jobs[i].left = &left;
        aio_submit(aio, &jobs[i].op);
    }
    wait_for_none(&left);
    for (size_t i = 0; i < OPS; i++)
        assert_int_equal(jobs[i].result, 777);
    aio_free(aio);
}

static void failures(void **state, enum aio_kind kind)
{
    struct aio *aio = engine(kind);
    AUTO_FREE unsigned char *bytes = xcalloc(3, AIO_ALIGN);
    AUTO_FD int fd = make_file(state);
    AUTO_FD int read_only = file_open_beneath(store_root(fixture_store(state)), "f", O_RDONLY, 0, NULL);
    struct rlimit before;

    assert_int_equal(run_one(aio, AIO_WRITE, read_only, bytes, 10, 0), -EBADF);
    assert_int_equal(run_one(aio, AIO_READ, -1, bytes, 10, 0), -EBADF);

    /* The limit cuts one write short; what comes behind it is refused. */
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit tight = {.rlim_cur = 2 * AIO_ALIGN, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    int64_t result = run_one(aio, AIO_WRITE, fd, bytes, 3 * AIO_ALIGN, 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(result, -EFBIG);
    aio_free(aio);
}

static void full_disk(void **state, enum aio_kind kind)
{
    size_t most = (size_t)80 << 20;

    if (!fixture_has_mount())
        skip();
    struct aio *aio = engine(kind);
    AUTO_FREE unsigned char *bytes = xcalloc(1, most);
    AUTO_FD int fd =
        file_open_beneath(store_root(fixture_store(state)), "mount/f", O_RDWR | O_CREAT | O_TRUNC, 0600, NULL);
    assert_true(fd >= 0);
    assert_int_equal(run_one(aio, AIO_WRITE, fd, bytes, most, 0), -ENOSPC);
    assert_int_equal(unlinkat(store_root(fixture_store(state)), "mount/f", 0), 0);
    aio_free(aio);
}

static void unused(void **state, enum aio_kind kind)
{
    (void)state;
    aio_free(engine(kind));
}

static void test_kinds(void **state)
{
    enum aio_kind kind;
    (void)state;
    assert_true(aio_kind_by_name("uring", &kind) && kind == AIO_URING);
    assert_true(aio_kind_by_name("auto", &kind) && kind == AIO_AUTO);
    assert_false(aio_kind_by_name("", &kind));
    struct aio *aio = engine(AIO_THREADS);
    assert_string_equal(aio_name(aio), "threads");
    aio_free(aio);
    aio_free(NULL);
}

/* AUTO stands for io_uring where the kernel has it. */
#define BOTH(fn)                                                                                                       \
    static void test_##fn##_auto(void **state)                                                                         \
    {                                                                                                                  \
        fn(state, AIO_AUTO);                                                                                           \
    }                                                                                                                  \
    static void test_##fn##_threads(void **state)                                                                      \
    {                                                                                                                  \
        fn(state, AIO_THREADS);                                                                                        \
    }
BOTH(many)
BOTH(edges)
BOTH(refused_together)
BOTH(failures)
BOTH(full_disk)
BOTH(unused)

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_begin, fixture_end)
#define TESTS_OF(fn) TEST(test_##fn##_auto), TEST(test_##fn##_threads)

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        TEST(test_kinds),     TESTS_OF(many),      TESTS_OF(edges),
        TESTS_OF(failures),   TESTS_OF(full_disk), TESTS_OF(unused),
        TESTS_OF(refused_together),
    };
    (void)signal(SIGXFSZ, SIG_IGN);
    fixture_enter();
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
