/* What a reader ahead hands out is what the file has, at even and odd places, with both kinds of the engine; it ends
 * with an error where the file does not have enough, and gives its buffers back. */
#include "store/ahead.h"

#include <fcntl.h>
#include <string.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/str.h"
#include "store/aio.h"
#include "unit/store/fixture.h"

#define SIZE (7 * AIO_PIECE + 1234)
#define ROUNDS 60
#define READERS 40 /* more than there are buffers for */

struct list {
    struct {
        uint64_t offset, len;
    } stretches[5];
    size_t count, given;
};

static int next_stretch(void *ctx, uint64_t *ret_offset, uint64_t *ret_len)
{
    struct list *list = ctx;
    if (list->given == list->count)
        return 0;
    *ret_offset = list->stretches[list->given].offset;
    *ret_len = list->stretches[list->given++].len;
    return 1;
}

static char *make_object(struct store *store)
{
    char *bytes = xmalloc(SIZE);
    random_fill(bytes, SIZE);
    fixture_put(store, "d", "o", bytes, SIZE);
    return bytes;
}

static void random_list(struct list *list)
{
    *list = (struct list){.count = 1 + fixture_dice(ARRAY_LEN(list->stretches))};
    for (size_t i = 0; i < list->count; i++) {
        list->stretches[i].offset = fixture_dice(3) ? fixture_dice(SIZE) : fixture_dice(7) * AIO_PIECE;
        list->stretches[i].len = 1 + fixture_dice((unsigned)(SIZE - list->stretches[i].offset));
    }
}

static void expect_list(struct ahead *ahead, const struct list *list, const char *bytes)
{
    const void *got = NULL;
    size_t len = 0;

    for (size_t i = 0; i < list->count; i++)
        for (uint64_t at = 0; at < list->stretches[i].len; at += len) {
            assert_int_equal(ahead_read(ahead, &got, &len), 1);
            assert_true(len > 0 && len <= list->stretches[i].len - at); /* no piece is of two stretches */
            assert_memory_equal(got, bytes + list->stretches[i].offset + at, len);
        }
    assert_int_equal(ahead_read(ahead, &got, &len), 0);
    assert_int_equal(ahead_read(ahead, &got, &len), 0);
}

static void test_random_stretches(void **state)
{
    struct store *store = fixture_store(state);
    AUTO_FREE char *bytes = make_object(store);

    for (int round = 0; round < ROUNDS; round++) {
        struct list list;
        random_list(&list);
        AUTO_FD int fd = store_object_open_read(store, "d", "o", NULL);
        struct ahead *ahead = ahead_new(store, fd, &(struct ahead_source){next_stretch, &list});
        assert_non_null(ahead);
        expect_list(ahead, &list, bytes);
        ahead_free(ahead);
    }
}

static void test_short_file(void **state)
{
    struct store *store = fixture_store(state);
    AUTO_FREE char *bytes = make_object(store);
    struct list list = {.stretches = {{SIZE - 100, 101}}, .count = 1};
    const void *got;
    size_t len;

    AUTO_FD int fd = store_object_open_read(store, "d", "o", NULL);
    struct ahead *ahead = ahead_new(store, fd, &(struct ahead_source){next_stretch, &list});
    assert_int_equal(ahead_read(ahead, &got, &len), E_IO);
    ahead_free(ahead);
}

/* Left at any point, with reads under way; the pool's end is checked when the store is freed. */
static void test_abandoned(void **state)
{
    struct store *store = fixture_store(state);
    AUTO_FREE char *bytes = make_object(store);

    for (int round = 0; round < ROUNDS; round++) {
        struct list list;
        const void *got;
        size_t len;
        random_list(&list);
        AUTO_FD int fd = store_object_open_read(store, "d", "o", NULL);
        struct ahead *ahead = ahead_new(store, fd, &(struct ahead_source){next_stretch, &list});
        for (unsigned i = fixture_dice(6); i > 0; i--)
            if (ahead_read(ahead, &got, &len) != 1)
                break;
        ahead_free(ahead);
    }
}

/* Some get no buffer and are told so; those that have one come to their end, however few there are. */
static void test_short_pool(void **state)
{
    struct store *store = fixture_store(state);
    AUTO_FREE char *bytes = make_object(store);
    struct ahead *readers[READERS] = {0};
    struct list lists[READERS];
    int fds[READERS];
    size_t refused = 0;

    for (size_t i = 0; i < READERS; i++) {
        random_list(&lists[i]);
        fds[i] = store_object_open_read(store, "d", "o", NULL);
        readers[i] = ahead_new(store, fds[i], &(struct ahead_source){next_stretch, &lists[i]});
        refused += !readers[i];
    }
    assert_in_range(refused, 1, READERS - 1);
    for (size_t i = 0; i < READERS; i++) {
        if (readers[i])
            expect_list(readers[i], &lists[i], bytes);
        ahead_free(readers[i]);
        (void)close(fds[i]);
    }
}

static void test_worth(void **state)
{
    struct store *store = fixture_store(state);
    AUTO_FREE char *bytes = make_object(store);
    AUTO_FREE char *back = xmalloc(SIZE);

    AUTO_FD int fd = store_object_open_read(store, "d", "o", NULL);
    assert_false(ahead_is_worth(fd, 0, AHEAD_MIN_BYTES));
    assert_int_equal(pread(fd, back, SIZE, 0), SIZE);
    assert_false(ahead_is_worth(fd, 0, SIZE)); /* in the page cache */
    assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    assert_true(ahead_is_worth(fd, 0, SIZE));

    struct store *plain = store_twin(store);
    assert_null(ahead_new(plain, fd, &(struct ahead_source){next_stretch, NULL}));
    store_free(plain);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        FIXTURE_EACH_ENGINE(test_random_stretches),
        FIXTURE_EACH_ENGINE(test_short_file),
        FIXTURE_EACH_ENGINE(test_abandoned),
        FIXTURE_EACH_ENGINE(test_short_pool),
        FIXTURE_EACH_ENGINE(test_worth),
    };
    fixture_enter();
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
