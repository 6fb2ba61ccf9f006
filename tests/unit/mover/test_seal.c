/* The job "seal" over real files: every way bytes can lie, every way they can be wrong, and every place where an
 * earlier try may have stopped. */
#include "unit/mover/jobs.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/crypto.h"
#include "base/uuid.h"

#define DRAFT "external/draft/imex/r.0"
#define SEALED "core/kept/imip/r.7"

static json_t *seal_job(const char *from, const char *to)
{
    return json_pack("{s:s, s:i, s:[s], s:s}", "id", "j", "token", 7, "from", from, "to", to);
}

/* Seals DRAFT to SEALED with these files (stolen). */
static int seal(struct store *store, json_t *rows, struct result *ret)
{
    AUTO_LEASE struct test_lease lease;
    test_lease_init(&lease, rows);
    return test_run(store, "seal", seal_job(DRAFT, SEALED), &lease, ret, NULL);
}

static const char *sealed_object(const struct result *result, size_t index, const char *blob, const void *bytes,
                                 size_t len)
{
    const json_t *file = json_array_get(result->files, index);
    char hex[SHA256_HEX_SIZE];

    sha256_hex(bytes, len, hex);
    assert_string_equal(json_text(file, "blob"), blob);
    assert_int_equal(json_int(file, "size"), len);
    assert_string_equal(json_text(file, "sha256"), hex);
    return json_text(file, "object");
}

static void test_linear(void **state)
{
    struct store *store = fixture_store(state);
    struct result result = {0};
    struct stat st;

    fixture_put(store, DRAFT, "o-1", "hello", 5);
    fixture_put(store, DRAFT, "o-2", "abcdefTAIL", 10);
    fixture_put(store, DRAFT, "o-3", "three", 5);
    json_t *rows = json_pack(
        "[o, o, o]", test_upload("a.csv", 5, json_pack("[o]", test_extent("o-1", 0, "hello", 5))),
        test_upload("dir/b", 6, json_pack("[o, o]", test_extent("o-2", 0, "abc", 3), test_extent("o-2", 3, "def", 3))),
        test_upload("c", 5, json_pack("[o]", test_extent("o-3", 0, "three", 5))));
    assert_int_equal(seal(store, rows, &result), 0);
    assert_string_equal(result.outcome, "sealed");
    assert_int_equal(json_array_size(result.files), 3);
    assert_string_equal(sealed_object(&result, 0, "a.csv", "hello", 5), "o-1");
    assert_string_equal(sealed_object(&result, 1, "dir/b", "abcdef", 6), "o-2");
    fixture_expect(store, SEALED, "o-2", "abcdef", 6);
    assert_int_equal(fstatat(store_root(store), SEALED "/o-1", &st, 0), 0);
    assert_int_equal(st.st_mode & 0777, 0444);
    assert_int_equal(store_dir_exists(store, DRAFT, NULL), 0);
    result_done(&result);
}

static void test_out_of_order(void **state)
{
    struct store *store = fixture_store(state);
    struct result result = {0};

    fixture_put(store, DRAFT, "o-1", "BBBAAAxx", 8);
    json_t *rows = json_pack(
        "[o]",
        test_upload("f", 6, json_pack("[o, o]", test_extent("o-1", 3, "AAA", 3), test_extent("o-1", 0, "BBB", 3))));
    assert_int_equal(seal(store, rows, &result), 0);
    assert_string_equal(result.outcome, "sealed");
    const char *object = sealed_object(&result, 0, "f", "AAABBB", 6);
    assert_true(uuid_is_v4(object));
    fixture_expect(store, SEALED, object, "AAABBB", 6);
    fixture_expect(store, SEALED, "o-1", "BBBAAAxx", 8); /* a later try needs it */
    result_done(&result);
}

static void test_two_objects_and_none(void **state)
{
    struct store *store = fixture_store(state);
    const size_t big = 2 * STORE_CHUNK + 5;
    AUTO_FREE char *bytes = xcalloc(1, big + 3);
    struct result result = {0};

    random_fill(bytes, big + 3);
    fixture_put(store, DRAFT, "o-1", bytes, big);
    fixture_put(store, DRAFT, "o-2", bytes + big, 3);
    json_t *rows = json_pack(
        "[o, o]",
        test_upload("f", (int64_t)big + 3,
                    json_pack("[o, o]", test_extent("o-1", 0, bytes, big), test_extent("o-2", 0, bytes + big, 3))),
        test_upload("empty", 0, json_array()));
    assert_int_equal(seal(store, rows, &result), 0);
    assert_string_equal(result.outcome, "sealed");
    fixture_expect(store, SEALED, sealed_object(&result, 0, "f", bytes, big + 3), bytes, big + 3);
    fixture_expect(store, SEALED, sealed_object(&result, 1, "empty", "", 0), "", 0);
    result_done(&result);
}

static void expect_mismatch(struct store *store, json_t *extents, int64_t size)
{
    struct result result = {0};
    assert_int_equal(seal(store, json_pack("[o]", test_upload("secret-name", size, extents)), &result), 0);
    assert_string_equal(result.outcome, "mismatch");
    assert_true(result.detail[0] != '\0');
    assert_null(strstr(result.detail, "secret-name"));
    result_done(&result);
}

static void test_mismatches(void **state)
{
    struct store *store = fixture_store(state);

    fixture_put(store, DRAFT, "o-1", "hellO", 5);
    expect_mismatch(store, json_pack("[o]", test_extent("o-1", 0, "hello", 5)), 5);
    expect_mismatch(store, json_pack("[o]", test_extent("o-1", 0, "hellO!", 6)), 6); /* short */
    expect_mismatch(store, json_pack("[o, o]", test_extent("o-1", 0, "he", 2), test_extent("o-1", 2, "llo", 3)), 5);
    expect_mismatch(store, json_pack("[o, o]", test_extent("o-1", 2, "llo", 3), test_extent("o-1", 0, "he", 2)), 5);
    expect_mismatch(store, json_pack("[o, o]", test_extent("o-1", 4, "O1", 2), test_extent("o-1", 0, "he", 2)), 4);
    expect_mismatch(store, json_pack("[o]", test_extent("o-9", 0, "hello", 5)), 5); /* not there */
    assert_int_equal(fixture_count(store, SEALED), 1);                              /* nothing half-gathered stays */
}

static void test_malformed_jobs(void **state)
{
    struct store *store = fixture_store(state);
    struct result result = {0};
    AUTO_LEASE struct test_lease lease;

    fixture_put(store, DRAFT, "o-1", "hello", 5);
    assert_int_equal(seal(store,
                          json_pack("[o]", test_upload("f", 6, json_pack("[o]", test_extent("o-1", 0, "hello", 5)))),
                          &result),
                     E_PROTOCOL);
    result_done(&result);
    assert_int_equal(
        seal(store, json_pack("[{s:s, s:i, s:[[s, i, i, s]]}]", "blob", "f", "size", 5, "extents", "o-1", -1, 5, "00"),
             &result),
        E_PROTOCOL);
    result_done(&result);
    assert_int_equal(seal(store, json_array(), &result), E_PROTOCOL);
    result_done(&result);
    test_lease_init(&lease, json_array());
    assert_int_equal(test_run(store, "seal", seal_job("external", SEALED), &lease, &result, NULL), E_PROTOCOL);
    assert_int_equal(test_run(store, "seal", seal_job(DRAFT, "../../etc"), &lease, &result, NULL), E_INVALID);
    result_done(&result);
    assert_int_equal(test_run(store, "seal", seal_job("a/b/none", "a/b/to"), &lease, &result, NULL), E_NOT_FOUND);
    result_done(&result);
}

static void test_writer_still_there(void **state)
{
    struct store *store = fixture_store(state);
    struct result result = {0};
    json_t *rows = json_pack("[o]", test_upload("f", 5, json_pack("[o]", test_extent("o-1", 0, "hello", 5))));

    int fd = fixture_put_open(store, DRAFT, "o-1", "hello", 5);
    assert_int_equal(seal(store, json_incref(rows), &result), E_CONFLICT);
    result_done(&result);
    assert_int_equal(pwrite(fd, "J", 1, 0), 1); /* it could still write, and did */
    (void)close(fd);
    assert_int_equal(seal(store, rows, &result), 0);
    assert_string_equal(result.outcome, "mismatch");
    result_done(&result);
}

static int run_token(struct store *store, json_t *job, struct result *ret)
{
    AUTO_LEASE struct test_lease lease;
    test_lease_init(&lease, json_pack("[o]", test_upload("f", 6,
                                                         json_pack("[o, o]", test_extent("o-1", 3, "AAA", 3),
                                                                   test_extent("o-1", 0, "BBB", 3)))));
    return test_run(store, "seal", job, &lease, ret, NULL);
}

/* The first worker is cut after its rename, after gathering, and after everything; each later one has its own target.
 */
static void test_later_tokens(void **state)
{
    struct store *store = fixture_store(state);
    struct result result = {0};

    fixture_put(store, DRAFT, "o-1", "BBBAAA", 6);
    assert_int_equal(store_dir_move(store, DRAFT, "core/kept/imip/r.7", NULL), 0);
    fixture_put(store, "core/kept/imip/r.7", "half-gathered", "AA", 2);
    for (int token = 8; token < 11; token++) {
        AUTO_FREE char *to = xasprintf("core/kept/imip/r.%d", token);
        AUTO_FREE char *before = xasprintf("core/kept/imip/r.%d", token - 1);
        for (int times = 0; times < 2; times++) { /* the second time it is there already */
            json_t *job = json_pack("{s:[s, s], s:s}", "from", before, DRAFT, "to", to);
            assert_int_equal(run_token(store, job, &result), 0);
            assert_string_equal(result.outcome, "sealed");
            fixture_expect(store, to, sealed_object(&result, 0, "f", "AAABBB", 6), "AAABBB", 6);
            result_done(&result);
        }
        assert_int_equal(store_dir_exists(store, before, NULL), 0);
    }
}

/* A worker that comes back from the dead finds nothing and changes nothing. */
static void test_late_worker(void **state)
{
    struct store *store = fixture_store(state);
    struct result result = {0};

    fixture_put(store, "core/kept/imip/r.9", "o-1", "BBBAAA", 6);
    json_t *job = json_pack("{s:[s, s], s:s}", "from", "core/kept/imip/r.7", DRAFT, "to", "core/kept/imip/r.8");
    assert_int_equal(run_token(store, job, &result), E_NOT_FOUND);
    result_done(&result);
    assert_int_equal(store_dir_exists(store, "core/kept/imip/r.9", NULL), 1);
    assert_int_equal(store_dir_exists(store, "core/kept/imip/r.8", NULL), 0);
}

/* An interrupted move across file systems leaves the source beside its complete copy. */
static void test_source_beside_copy(void **state)
{
    struct store *store = fixture_store(state);
    struct result result = {0};

    fixture_put(store, SEALED, "o-1", "hello", 5);
    fixture_put(store, DRAFT, "o-1", "hello", 5);
    json_t *rows = json_pack("[o]", test_upload("f", 5, json_pack("[o]", test_extent("o-1", 0, "hello", 5))));
    assert_int_equal(seal(store, rows, &result), 0);
    assert_string_equal(result.outcome, "sealed");
    assert_int_equal(store_dir_exists(store, DRAFT, NULL), 0);
    result_done(&result);
}

static void test_across_file_systems(void **state)
{
    struct store *store = fixture_store(state);
    struct result result = {0};
    AUTO_LEASE struct test_lease lease;

    if (!fixture_has_mount())
        skip();
    fixture_put(store, "mount/draft/imex/r.0", "o-1", "hello", 5);
    fixture_put(store, "core/kept/imip/.r.7.new", "half-copied", "he", 2);
    test_lease_init(&lease, json_pack("[o]", test_upload("f", 5, json_pack("[o]", test_extent("o-1", 0, "hello", 5)))));
    assert_int_equal(test_run(store, "seal", seal_job("mount/draft/imex/r.0", SEALED), &lease, &result, NULL), 0);
    assert_string_equal(result.outcome, "sealed");
    assert_int_equal(store_dir_exists(store, "mount/draft/imex/r.0", NULL), 0);
    assert_int_equal(fixture_count(store, SEALED), 1);
    result_done(&result);
}

/* As in production: airlock-blob, another user, made the directory and the object, and shares no group with us. */
static void test_other_owner(void **state)
{
    struct store *store = fixture_store(state);
    struct result result = {0};
    struct stat st;

    if (geteuid() != 0) {
        print_message("not run: giving files to another user needs root\n");
        skip();
    }
    fixture_put(store, DRAFT, "o-1", "hello+", 6);
    assert_int_equal(fchownat(store_root(store), DRAFT "/o-1", 65534, 65534, 0), 0);
    assert_int_equal(fchownat(store_root(store), DRAFT, 65534, 65534, 0), 0);
    json_t *rows = json_pack("[o]", test_upload("f", 5, json_pack("[o]", test_extent("o-1", 0, "hello", 5))));
    assert_int_equal(seal(store, rows, &result), 0);
    assert_string_equal(result.outcome, "sealed");
    assert_int_equal(fstatat(store_root(store), SEALED "/o-1", &st, 0), 0);
    assert_int_equal(st.st_uid, 0);
    assert_int_equal(fstatat(store_root(store), SEALED, &st, 0), 0);
    assert_true(st.st_uid == 0 && st.st_gid == getegid());
    result_done(&result);
}

#define BIG ((size_t)2 * STORE_CHUNK + 11)

/* One linear file, and one whose halves lie the wrong way round. */
static json_t *two_big_files(const char *bytes)
{
    return json_pack(
        "[o, o]", test_upload("a", (int64_t)BIG, json_pack("[o]", test_extent("o-1", 0, bytes, BIG))),
        test_upload("b", (int64_t)BIG,
                    json_pack("[o, o]", test_extent("o-2", 5, bytes + 5, BIG - 5), test_extent("o-2", 0, bytes, 5))));
}

static int seal_big(struct store *store, const char *bytes, const char *from, int token, struct result *ret)
{
    AUTO_LEASE struct test_lease lease;
    AUTO_FREE char *before = xasprintf("core/kept/imip/r.%d", token - 1);
    AUTO_FREE char *to = xasprintf("core/kept/imip/r.%d", token);

    test_lease_init(&lease, two_big_files(bytes));
    return test_run(store, "seal", json_pack("{s:[s, s], s:s}", "from", before, from, "to", to), &lease, ret, NULL);
}

static void kill_one(struct store *store, const char *bytes, const char *from, uint16_t pause_us)
{
    struct result result = {0};
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        (void)seal_big(store, bytes, from, 7, &result);
        _exit(0);
    }
    (void)usleep(pause_us % 12000U);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void killed_anywhere(struct store *store, const char *from, int rounds)
{
    AUTO_FREE char *bytes = xcalloc(1, BIG);
    AUTO_FREE char *swapped = xcalloc(1, BIG);
    struct result result = {0};

    random_fill(bytes, BIG);
    memcpy(swapped, bytes + 5, BIG - 5);
    memcpy(swapped + BIG - 5, bytes, 5);
    for (int i = 0; i < rounds; i++) {
        uint16_t pause_us;
        random_fill(&pause_us, sizeof pause_us);
        fixture_put(store, from, "o-1", bytes, BIG);
        fixture_put(store, from, "o-2", bytes, BIG);
        kill_one(store, bytes, from, pause_us);
        assert_int_equal(seal_big(store, bytes, from, 8, &result), 0);
        assert_string_equal(result.outcome, "sealed");
        fixture_expect(store, "core/kept/imip/r.8", sealed_object(&result, 0, "a", bytes, BIG), bytes, BIG);
        fixture_expect(store, "core/kept/imip/r.8", sealed_object(&result, 1, "b", swapped, BIG), swapped, BIG);
        result_done(&result);
        assert_int_equal(store_dir_exists(store, from, NULL), 0);
        assert_int_equal(store_dir_exists(store, "core/kept/imip/r.7", NULL), 0);
        assert_int_equal(store_dir_remove(store, "core/kept/imip/r.8", NULL), 0);
    }
}

static void test_killed_anywhere(void **state)
{
    killed_anywhere(fixture_store(state), DRAFT, 15);
}

static void test_killed_between_file_systems(void **state)
{
    if (!fixture_has_mount())
        skip();
    killed_anywhere(fixture_store(state), "mount/draft/imex/r.0", 15);
}

static int tick_lost(void *ctx, struct error *err)
{
    (void)ctx;
    return error_set(err, E_STALE, "The lease is gone");
}

static void test_lost_lease(void **state)
{
    struct store *store = fixture_store(state);
    struct result result = {0};

    fixture_put(store, DRAFT, "o-1", "hello", 5);
    store_set_tick(store, tick_lost, NULL);
    json_t *rows = json_pack("[o]", test_upload("f", 5, json_pack("[o]", test_extent("o-1", 0, "hello", 5))));
    assert_int_equal(seal(store, rows, &result), E_STALE);
    result_done(&result);
}

static void test_many_files(void **state)
{
    struct store *store = fixture_store(state);
    struct result result = {0};
    json_t *rows = json_array();

    for (int i = 0; i < 300; i++) {
        AUTO_FREE char *object = xasprintf("o-%d", i);
        fixture_put(store, DRAFT, object, object, strlen(object));
        json_array_append_new(rows, test_upload(object, (int64_t)strlen(object),
                                                json_pack("[o]", test_extent(object, 0, object, strlen(object)))));
    }
    assert_int_equal(seal(store, rows, &result), 0);
    assert_string_equal(result.outcome, "sealed");
    assert_int_equal(json_array_size(result.files), 300);
    assert_string_equal(sealed_object(&result, 299, "o-299", "o-299", 5), "o-299");
    result_done(&result);
}

#define PART ((size_t)STORE_CHUNK + 17)
#define PARTS 9

/* A file in many extents that is long enough to be read by a thread of its own. wrong: extents told with a false
 * digest. */
static json_t *parted_upload(const char *object, const char *bytes, unsigned wrong)
{
    json_t *extents = json_array();
    for (size_t i = 0; i < PARTS; i++)
        json_array_append_new(extents,
                              test_extent(object, (int64_t)(i * PART), bytes + i * PART + (wrong >> i & 1U), PART));
    return test_upload("parted", PARTS * PART, extents);
}

static void test_parts_of_a_long_file(void **state)
{
    struct store *store = fixture_store(state);
    AUTO_FREE char *bytes = xcalloc(1, PARTS * PART + 1);
    struct result result = {0};

    random_fill(bytes, PARTS * PART + 1);
    fixture_put(store, DRAFT, "o-1", bytes, PARTS * PART);
    assert_int_equal(seal(store, json_pack("[o]", parted_upload("o-1", bytes, 0)), &result), 0);
    assert_string_equal(result.outcome, "sealed");
    assert_string_equal(sealed_object(&result, 0, "parted", bytes, PARTS * PART), "o-1");
    result_done(&result);
    assert_int_equal(seal(store, json_pack("[o]", parted_upload("o-1", bytes, 1U << 7 | 1U << 5)), &result), 0);
    assert_string_equal(result.outcome, "mismatch");
    assert_string_equal(result.detail, "Extent 5 of the object o-1 differs from what was uploaded");
    result_done(&result);
}

static void test_parts_of_a_short_file(void **state)
{
    struct store *store = fixture_store(state);
    AUTO_FREE char *bytes = xcalloc(1, PARTS * PART + 1);
    struct result result = {0};

    random_fill(bytes, PARTS * PART + 1);
    fixture_put(store, DRAFT, "o-1", bytes, 6 * PART + 10); /* extents 6, 7 and 8 are not all there */
    assert_int_equal(seal(store, json_pack("[o]", parted_upload("o-1", bytes, 1U << 7)), &result), 0);
    assert_string_equal(result.outcome, "mismatch");
    AUTO_FREE char *said = xasprintf("The object o-1 is %zu bytes short of extent 6", PART - 10);
    assert_string_equal(result.detail, said);
    result_done(&result);
}

/* Which of many files are wrong is told by their order, not by which was read first. */
static void test_first_in_order(void **state)
{
    struct store *store = fixture_store(state);
    AUTO_FREE char *bytes = xcalloc(1, PARTS * PART + 1);
    struct result result = {0};
    json_t *rows = json_array();

    random_fill(bytes, PARTS * PART + 1);
    for (int i = 0; i < 100; i++) {
        AUTO_FREE char *object = xasprintf("o-%d", i);
        fixture_put(store, DRAFT, object, i == 70 ? bytes : object, i == 70 ? PARTS * PART : strlen(object));
        json_array_append_new(
            rows,
            i == 70 ? parted_upload(object, bytes, 1U << 8)
                    : test_upload(object, (int64_t)strlen(object),
                                  json_pack("[o]", test_extent(object, 0, i < 70 ? object : "?!?!", strlen(object)))));
    }
    json_array_append_new(rows, json_object()); /* malformed, behind what differs */
    for (int times = 0; times < 3; times++) {
        assert_int_equal(seal(store, json_incref(rows), &result), 0);
        assert_string_equal(result.outcome, "mismatch");
        assert_string_equal(result.detail, "Extent 8 of the object o-70 differs from what was uploaded");
        assert_null(result.files);
        result_done(&result);
    }
    json_array_remove(rows, 70);
    json_array_insert_new(rows, 3, json_object()); /* and before it */
    assert_int_equal(seal(store, rows, &result), E_INVALID);
    result_done(&result);
}

static int tick_lost_soon(void *ctx, struct error *err)
{
    return --*(int *)ctx < 0 ? tick_lost(NULL, err) : 0;
}

/* The lease is lost while files are read on all threads, some of them being gathered: all of it stops. */
static void test_lost_lease_under_way(void **state)
{
    struct store *store = fixture_store(state);
    AUTO_FREE char *bytes = xcalloc(1, PARTS * PART + 1);
    struct result result = {0};
    json_t *rows = json_array();
    int ticks = 1;

    for (int i = 0; i < 8; i++) {
        AUTO_FREE char *object = xasprintf("o-%d", i);
        fixture_put(store, DRAFT, object, bytes, PARTS * PART);
        json_t *upload = parted_upload(object, bytes, 0);
        json_array_insert(json_object_get(upload, "extents"), 0, json_array_get(json_object_get(upload, "extents"), 8));
        json_array_remove(json_object_get(upload, "extents"), 9); /* the last extent first: to be gathered */
        json_array_append_new(rows, upload);
    }
    store_set_tick(store, tick_lost_soon, &ticks);
    assert_int_equal(seal(store, rows, &result), E_STALE);
    store_set_tick(store, NULL, NULL);
    assert_true(fixture_count(store, SEALED) < 16); /* what was being gathered went again */
    result_done(&result);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_begin, fixture_end)

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        TEST(test_linear),
        TEST(test_out_of_order),
        TEST(test_two_objects_and_none),
        TEST(test_mismatches),
        TEST(test_malformed_jobs),
        TEST(test_writer_still_there),
        TEST(test_later_tokens),
        TEST(test_late_worker),
        TEST(test_source_beside_copy),
        TEST(test_across_file_systems),
        TEST(test_other_owner),
        TEST(test_killed_anywhere),
        TEST(test_killed_between_file_systems),
        TEST(test_lost_lease),
        TEST(test_many_files),
        TEST(test_parts_of_a_long_file),
        TEST(test_parts_of_a_short_file),
        TEST(test_first_in_order),
        TEST(test_lost_lease_under_way),
    };
    fixture_enter();
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
