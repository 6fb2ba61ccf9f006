/* The store over a temporary directory, in the mover's own sandbox: what it makes, seals, moves, removes, and what an
 * interrupted operation leaves to the next one. */
#include "store/store.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/str.h"
#include "unit/store/fixture.h"

static void test_objects(void **state)
{
    struct store *store = fixture_store(state);
    struct stat st;

    AUTO_FD int fd = store_object_create(store, "z/draft/a/r.0", "o-1", NULL);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_int_equal(store_object_create(store, "z/draft/a/r.0", "o-1", NULL), E_EXISTS);
    AUTO_FD int again = store_object_open_write(store, "z/draft/a/r.0", "o-1", NULL);
    AUTO_FD int made = store_object_open_write(store, "z/draft/a/r.0", "o-2", NULL);
    assert_true(again >= 0 && made >= 0);
    assert_int_equal(store_object_open_read(store, "z/draft/a/r.0", "o-3", NULL), E_NOT_FOUND);
    assert_int_equal(store_object_remove(store, "z/draft/a/r.0", "o-1", NULL), 0);
    assert_int_equal(store_object_remove(store, "z/draft/a/r.0", "o-1", NULL), 0);
    assert_int_equal(store_object_remove(store, "z/draft/b/r.0", "o-1", NULL), 0);
    assert_int_equal(fstatat(store_root(store), "z/draft/a/r.0", &st, 0), 0);
    assert_int_equal(st.st_mode & 0777, 0750);
}

static void test_names_do_not_climb(void **state)
{
    static const char *const BAD_OBJECTS[] = {"", ".", "..", "../x", "a/b", ".hidden", "a.b"};
    static const char *const BAD_DIRS[] = {"", ".", "..", "/etc", "a//b", "a/../b", "a/./b", "a/"};
    struct store *store = fixture_store(state);

    for (size_t i = 0; i < ARRAY_LEN(BAD_OBJECTS); i++) {
        assert_int_equal(store_object_create(store, "d", BAD_OBJECTS[i], NULL), E_INVALID);
        assert_int_equal(store_object_open_read(store, "d", BAD_OBJECTS[i], NULL), E_INVALID);
        assert_int_equal(store_object_seal(store, "d", BAD_OBJECTS[i], 0, NULL), E_INVALID);
    }
    for (size_t i = 0; i < ARRAY_LEN(BAD_DIRS); i++) {
        assert_int_equal(store_object_create(store, BAD_DIRS[i], "o", NULL), E_INVALID);
        assert_int_equal(store_dir_exists(store, BAD_DIRS[i], NULL), E_INVALID);
        assert_int_equal(store_object_remove(store, "d", BAD_DIRS[i], NULL), E_INVALID);
        assert_int_equal(store_dir_remove(store, BAD_DIRS[i], NULL), E_INVALID);
        assert_int_equal(store_dir_move(store, BAD_DIRS[i], "to", NULL), E_INVALID);
        assert_int_equal(store_tree_add(store, "t", BAD_DIRS[i], "d", "o", NULL), E_INVALID);
    }
}

static void test_space(void **state)
{
    struct store *store = fixture_store(state);
    assert_int_equal(store_check_space(store, 1, NULL), 0);
    assert_int_equal(store_check_space(store, UINT64_MAX, NULL), E_NO_SPACE);

    struct store *tight = store_new(openat(store_root(store), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), UINT64_MAX / 2);
    assert_int_equal(store_check_space(tight, 0, NULL), E_NO_SPACE);
    store_free(tight);
}

static void test_move(void **state)
{
    struct store *store = fixture_store(state);

    fixture_put(store, "z/draft/a/r.0", "o", "hello", 5);
    assert_int_equal(store_dir_exists(store, "z/draft/a/r.0", NULL), 1);
    assert_int_equal(store_dir_move(store, "z/draft/a/r.0", "y/kept/b/r.1", NULL), 0);
    assert_int_equal(store_dir_exists(store, "z/draft/a/r.0", NULL), 0);
    assert_int_equal(store_dir_move(store, "z/draft/a/r.0", "y/kept/b/r.2", NULL), E_NOT_FOUND);
    assert_int_equal(store_dir_move(store, "z/draft/a/r.0", "y/kept/b/r.1", NULL), E_NOT_FOUND);
    fixture_put(store, "z/draft/a/r.0", "late", "x", 1);
    assert_int_equal(store_dir_move(store, "z/draft/a/r.0", "y/kept/b/r.1", NULL), E_EXISTS);
    fixture_expect(store, "y/kept/b/r.1", "o", "hello", 5);
}

static void test_remove(void **state)
{
    struct store *store = fixture_store(state);

    assert_int_equal(store_dir_remove(store, "z/kept/a/r.1", NULL), 0);
    fixture_put(store, "z/kept/a/r.1", "o", "x", 1);
    assert_int_equal(store_dir_remove(store, "z/kept/a/r.1", NULL), 0);
    assert_int_equal(store_dir_remove(store, "z/kept/a/r.1", NULL), 0);
    assert_int_equal(store_dir_exists(store, "z/kept/a/r.1", NULL), 0);
}

/* Killed after the directory was hidden, before all of it was gone. */
static void test_remove_was_interrupted(void **state)
{
    struct store *store = fixture_store(state);

    fixture_put(store, "z/kept/a/.r.1.new", "o", "x", 1);
    assert_int_equal(store_dir_remove(store, "z/kept/a/r.1", NULL), 0);
    assert_int_equal(store_dir_exists(store, "z/kept/a/.r.1.new", NULL), 0);
    fixture_put(store, "z/kept/a/.r.1.new", "o", "x", 1);
    fixture_put(store, "z/kept/a/r.1", "o", "x", 1);
    assert_int_equal(store_dir_remove(store, "z/kept/a/r.1", NULL), 0);
    assert_int_equal(fixture_count(store, "z/kept/a"), 0);
}

static void test_move_across_file_systems(void **state)
{
    struct store *store = fixture_store(state);

    if (!fixture_has_mount())
        skip();
    AUTO_FREE char *big = xcalloc(1, 3 * STORE_CHUNK + 7);
    memset(big, 'b', 3 * STORE_CHUNK + 7);
    fixture_put(store, "z/draft/a/r.0", "o", big, 3 * STORE_CHUNK + 7);
    fixture_put(store, "z/draft/a/r.0", "empty", "", 0);
    assert_int_equal(store_object_seal(store, "z/draft/a/r.0", "o", 3 * STORE_CHUNK + 7, NULL), 0);
    fixture_put(store, "mount/kept/b/.r.1.new", "left-by-a-crash", "x", 1);
    assert_int_equal(store_dir_move(store, "z/draft/a/r.0", "mount/kept/b/r.1", NULL), 0);
    fixture_expect(store, "mount/kept/b/r.1", "o", big, 3 * STORE_CHUNK + 7);
    fixture_expect(store, "mount/kept/b/r.1", "empty", "", 0);
    assert_int_equal(store_object_open_read(store, "mount/kept/b/r.1", "left-by-a-crash", NULL), E_NOT_FOUND);
    assert_int_equal(store_dir_exists(store, "z/draft/a/r.0", NULL), 0);
    struct stat st;
    assert_int_equal(fstatat(store_root(store), "mount/kept/b/r.1/o", &st, 0), 0);
    assert_int_equal(st.st_mode & 0777, 0444);
    assert_int_equal(store_dir_remove(store, "mount/kept/b/r.1", NULL), 0);
}

static void test_seal(void **state)
{
    struct store *store = fixture_store(state);
    struct stat st;

    fixture_put(store, "d", "o", "0123456789", 10);
    assert_int_equal(store_object_seal(store, "d", "o", 8, NULL), 0);
    fixture_expect(store, "d", "o", "01234567", 8);
    assert_int_equal(fstatat(store_root(store), "d/o", &st, 0), 0);
    assert_int_equal(st.st_mode & 0777, 0444);
    assert_int_equal(store_object_open_write(store, "d", "o", NULL), E_IO); /* nobody opens it anew */
    assert_int_equal(store_object_seal(store, "d", "o", 8, NULL), 0);       /* again: nothing changes */
    assert_int_equal(store_object_seal(store, "d", "o", 5, NULL), 0);
    fixture_expect(store, "d", "o", "01234", 5);
    assert_int_equal(store_object_seal(store, "d", "o", 50, NULL), 0); /* shorter stays shorter */
    fixture_expect(store, "d", "o", "01234", 5);
    assert_int_equal(store_object_seal(store, "d", "none", 5, NULL), E_NOT_FOUND);
}

static void test_seal_sees_writers(void **state)
{
    struct store *store = fixture_store(state);

    int fd = fixture_put_open(store, "d", "o", "12345", 5);
    assert_int_equal(store_object_seal(store, "d", "o", 5, NULL), E_CONFLICT);
    (void)close(fd);
    assert_int_equal(store_object_seal(store, "d", "o", 5, NULL), 0);
}

static void test_seal_sees_writable_mappings(void **state)
{
    struct store *store = fixture_store(state);

    fixture_put(store, "d", "o", "12345", 5);
    int fd = openat(store_root(store), "d/o", O_RDWR | O_CLOEXEC);
    void *map = mmap(NULL, 5, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(map, MAP_FAILED);
    (void)close(fd);
    assert_int_equal(store_object_seal(store, "d", "o", 5, NULL), E_CONFLICT);
    (void)munmap(map, 5);
    assert_int_equal(store_object_seal(store, "d", "o", 5, NULL), 0);
}

static int tick_ends(void *ctx, struct error *err)
{
    return --*(int *)ctx < 0 ? error_set(err, E_STALE, "enough") : 0;
}

static int count_bytes(const void *bytes, size_t len, void *ctx, struct error *err)
{
    (void)bytes, (void)err;
    *(size_t *)ctx += len;
    return 0;
}

static void test_stream(void **state)
{
    struct store *store = fixture_store(state);
    AUTO_FREE char *big = xcalloc(1, 3 * STORE_CHUNK);
    size_t sunk = 0;
    uint64_t got = 99;
    int ticks = 2;

    fixture_put(store, "d", "o", big, 3 * STORE_CHUNK);
    AUTO_FD int fd = store_object_open_read(store, "d", "o", NULL);
    assert_int_equal(store_stream(store, fd, 5, 10, count_bytes, &sunk, &got, NULL), 0);
    assert_true(got == 10 && sunk == 10);
    assert_int_equal(store_stream(store, fd, 3 * STORE_CHUNK - 4, 10, count_bytes, &sunk, &got, NULL), 0);
    assert_true(got == 4 && sunk == 14);
    assert_int_equal(store_stream(store, fd, 0, 0, count_bytes, &sunk, &got, NULL), 0);
    assert_true(got == 0 && sunk == 14);
    store_set_tick(store, tick_ends, &ticks);
    assert_int_equal(store_stream(store, fd, 0, 3 * STORE_CHUNK, count_bytes, &sunk, &got, NULL), E_STALE);
    assert_int_equal(sunk, 14 + 2 * STORE_CHUNK);
    store_set_tick(store, NULL, NULL);
}

#define LONG ((size_t)9 * STORE_CHUNK + 123)

/* A sink that wants exactly these bytes, and may end the stream behind some of them. */
struct reader {
    const char *bytes;
    size_t seen;
    size_t ends_behind;
    int answer;
};

static int reader_put(const void *bytes, size_t len, void *ctx, struct error *err)
{
    struct reader *reader = ctx;
    if (memcmp(reader->bytes + reader->seen, bytes, len) != 0)
        return error_set(err, E_INTERNAL, "Other bytes came");
    reader->seen += len;
    return reader->ends_behind > 0 && reader->seen > reader->ends_behind ? reader->answer : 0;
}

static int stream_three(struct store *store, int fd, uint64_t offset, uint64_t length, struct reader readers[3],
                        uint64_t *ret_got)
{
    const struct store_sink sinks[] = {{reader_put, &readers[0]}, {reader_put, &readers[1]}, {reader_put, &readers[2]}};
    return store_stream_to(store, fd, offset, length, sinks, ARRAY_LEN(sinks), ret_got, NULL);
}

/* Long stretches, at offsets that no disk likes, to several sinks at once. */
static void test_stream_ahead(void **state)
{
    static const uint64_t OFFSETS[] = {0, 1, 4095, 4096, STORE_CHUNK + 77};
    struct store *store = fixture_store(state);
    AUTO_FREE char *big = xcalloc(1, LONG);
    uint64_t got = 0;

    random_fill(big, LONG);
    fixture_put(store, "d", "o", big, LONG);
    AUTO_FD int fd = store_object_open_read(store, "d", "o", NULL);
    for (size_t i = 0; i < ARRAY_LEN(OFFSETS); i++) {
        const char *at = big + OFFSETS[i];
        const size_t lengths[] = {7 * STORE_CHUNK, LONG - OFFSETS[i], LONG};
        for (size_t j = 0; j < ARRAY_LEN(lengths); j++) {
            struct reader readers[3] = {{.bytes = at}, {.bytes = at}, {.bytes = at}};
            size_t wanted = lengths[j] < LONG - OFFSETS[i] ? lengths[j] : LONG - OFFSETS[i];
            assert_int_equal(stream_three(store, fd, OFFSETS[i], lengths[j], readers, &got), 0);
            assert_true(got == wanted && readers[0].seen == wanted && readers[1].seen == wanted &&
                        readers[2].seen == wanted);
        }
    }
}

static void test_stream_ahead_ends(void **state)
{
    struct store *store = fixture_store(state);
    AUTO_FREE char *big = xcalloc(1, LONG);
    uint64_t got = 0;
    int ticks = 3;

    fixture_put(store, "d", "o", big, LONG);
    AUTO_FD int fd = store_object_open_read(store, "d", "o", NULL);
    for (size_t i = 0; i < 3; i++) {
        struct reader readers[3] = {{.bytes = big}, {.bytes = big}, {.bytes = big}};
        readers[i].ends_behind = 3 * STORE_CHUNK;
        readers[i].answer = 1;
        assert_int_equal(stream_three(store, fd, 0, LONG, readers, &got), 1);
        assert_true(readers[0].seen <= LONG);
    }
    struct reader both[3] = {{.bytes = big, .ends_behind = 1, .answer = E_STALE},
                             {.bytes = big, .ends_behind = 1, .answer = 1},
                             {.bytes = big}};
    int first = stream_three(store, fd, 0, LONG, both, &got);
    assert_true(first == E_STALE || first == 1); /* one may stop the other before it comes to its end */
    struct reader readers[3] = {{.bytes = big}, {.bytes = big}, {.bytes = big}};
    store_set_tick(store, tick_ends, &ticks);
    assert_int_equal(stream_three(store, fd, 0, LONG, readers, &got), E_STALE);
    assert_int_equal(readers[0].seen, 4 * STORE_CHUNK);
    store_set_tick(store, NULL, NULL);
    assert_int_equal(fcntl(fd, F_GETFL) & O_DIRECT, 0);
}

/* Pages of the object that the page cache holds. */
static size_t pages_cached(int fd)
{
    unsigned char cached[LONG / 4096 + 1] = {0};
    void *map = mmap(NULL, LONG, PROT_READ, MAP_SHARED, fd, 0);
    size_t count = 0;

    assert_ptr_not_equal(map, MAP_FAILED);
    assert_int_equal(mincore(map, LONG, cached), 0);
    for (size_t i = 0; i < sizeof cached; i++)
        count += cached[i] & 1U;
    (void)munmap(map, LONG);
    return count;
}

static void test_stream_leaves_no_cache(void **state)
{
    struct store *store = fixture_store(state);
    AUTO_FREE char *big = xcalloc(1, LONG);
    struct reader readers[3] = {{.bytes = big}, {.bytes = big}, {.bytes = big}};
    uint64_t got = 0;

    fixture_put(store, "d", "o", big, LONG);
    AUTO_FD int fd = store_object_open_read(store, "d", "o", NULL);
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    size_t before = pages_cached(fd); /* 0 but on a file system that is memory itself */
    assert_int_equal(stream_three(store, fd, 0, LONG, readers, &got), 0);
    assert_true(got == LONG && pages_cached(fd) <= before);
}

static void test_writer(void **state)
{
    struct store *store = fixture_store(state);
    const size_t size = 20 * STORE_CHUNK + 3;
    AUTO_FREE char *big = xcalloc(1, size);

    random_fill(big, size);
    AUTO_FD int fd = store_object_create(store, "d", "o", NULL);
    struct store_writer writer = {.fd = fd};
    for (size_t at = 0; at < size; at += STORE_CHUNK)
        assert_int_equal(store_writer_put(&writer, big + at, size - at < STORE_CHUNK ? size - at : STORE_CHUNK, NULL),
                         0);
    assert_int_equal(store_writer_finish(&writer, NULL), 0);
    fixture_expect(store, "d", "o", big, size);
}

static void test_tree(void **state)
{
    struct store *store = fixture_store(state);
    struct stat st;

    fixture_put(store, "z/kept/a/r.1", "o-1", "one", 3);
    fixture_put(store, "z/kept/a/r.1", "o-2", "two", 3);
    assert_int_equal(store_object_seal(store, "z/kept/a/r.1", "o-1", 3, NULL), 0);
    assert_int_equal(store_object_seal(store, "z/kept/a/r.1", "o-2", 3, NULL), 0);
    assert_int_equal(store_tree_add(store, "delivery/w/.t.new", "a/b/one.csv", "z/kept/a/r.1", "o-1", NULL), 0);
    assert_int_equal(store_tree_add(store, "delivery/w/.t.new", "a/b/one.csv", "z/kept/a/r.1", "o-1", NULL), E_EXISTS);
    assert_int_equal(store_tree_add(store, "delivery/w/.t.new", "two", "z/kept/a/r.1", "o-2", NULL), 0);
    assert_int_equal(store_tree_add(store, "delivery/w/.t.new", "two/three", "z/kept/a/r.1", "o-2", NULL), E_IO);
    assert_int_equal(store_tree_finish(store, "delivery/w/.t.new", NULL), 0);
    assert_int_equal(store_dir_move(store, "delivery/w/.t.new", "delivery/w/t", NULL), 0);
    assert_int_equal(fstatat(store_root(store), "delivery/w/t/a/b", &st, 0), 0);
    assert_int_equal(st.st_mode & 0777, 0555);
    assert_int_equal(fstatat(store_root(store), "delivery/w/t/a/b/one.csv", &st, 0), 0);
    assert_int_equal(st.st_mode & 0777, 0444);
    assert_int_equal(st.st_nlink, 2);
    assert_int_equal(store_dir_remove(store, "delivery/w/t", NULL), 0);
    assert_int_equal(store_dir_exists(store, "delivery/w/t", NULL), 0);
    fixture_expect(store, "z/kept/a/r.1", "o-1", "one", 3);
}

static void test_tree_across_file_systems(void **state)
{
    struct store *store = fixture_store(state);
    AUTO_FREE char *text = NULL;
    size_t len;

    if (!fixture_has_mount())
        skip();
    fixture_put(store, "z/kept/a/r.1", "o-1", "one", 3);
    assert_int_equal(store_tree_add(store, "mount/.t.new", "a/one.csv", "z/kept/a/r.1", "o-1", NULL), 0);
    assert_int_equal(store_tree_finish(store, "mount/.t.new", NULL), 0);
    assert_int_equal(file_read(store_root(store), "mount/.t.new/a/one.csv", 10, &text, &len, NULL), 0);
    assert_string_equal(text, "one");
    assert_int_equal(store_dir_remove(store, "mount/.t.new", NULL), 0);
}

static int see_child(const char *name, int64_t changed_s, void *ctx)
{
    assert_true(changed_s > 1700000000);
    *(size_t *)ctx += strlen(name);
    return 0;
}

static int stop_at_first(const char *name, void *ctx)
{
    (void)name;
    ++*(int *)ctx;
    return E_LIMIT;
}

static void test_lists(void **state)
{
    struct store *store = fixture_store(state);
    size_t letters = 0;
    int calls = 0;

    fixture_put(store, "z/aa", "o", "", 0);
    fixture_put(store, "z/bbb", "o", "", 0);
    fixture_put(store, "z", "o", "", 0);
    fixture_put(store, "z", "p", "", 0);
    assert_int_equal(store_dir_children(store, "z", see_child, &letters, NULL), 0);
    assert_int_equal(letters, 5);
    assert_int_equal(store_dir_children(store, "none", see_child, &letters, NULL), 0);
    assert_int_equal(store_dir_children(store, ".", see_child, &letters, NULL), 0);
    assert_int_equal(fixture_count(store, "z"), 2);
    assert_int_equal(store_dir_list(store, "z", stop_at_first, &calls, NULL), E_LIMIT);
    assert_int_equal(calls, 1);
    assert_int_equal(store_dir_list(store, "none", stop_at_first, &calls, NULL), E_NOT_FOUND);
}

static void test_private_names(void **state)
{
    (void)state;
    AUTO_FREE char *deep = store_private_name("a/b/r.1");
    AUTO_FREE char *flat = store_private_name("r.1");
    assert_string_equal(deep, "a/b/.r.1.new");
    assert_string_equal(flat, ".r.1.new");
    assert_true(store_is_private_name(flat));
    assert_false(store_is_private_name("r.1"));
    assert_false(store_is_private_name(".new"));
    assert_false(store_is_private_name("r.new"));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_begin, fixture_end)

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        TEST(test_objects),
        TEST(test_names_do_not_climb),
        TEST(test_space),
        TEST(test_move),
        TEST(test_remove),
        TEST(test_remove_was_interrupted),
        TEST(test_move_across_file_systems),
        TEST(test_seal),
        TEST(test_seal_sees_writers),
        TEST(test_seal_sees_writable_mappings),
        TEST(test_stream),
        TEST(test_stream_ahead),
        TEST(test_stream_ahead_ends),
        TEST(test_stream_leaves_no_cache),
        TEST(test_writer),
        TEST(test_tree),
        TEST(test_tree_across_file_systems),
        TEST(test_lists),
        TEST(test_private_names),
    };
    fixture_enter();
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
