/* The jobs after the seal: move, deliver, purge, remove, sweep, and the clearing away of forgotten directories. */
#include "unit/mover/jobs.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "mover/tidy.h"

#define SEALED "core/kept/imip/r.7"
#define APPROVED "workspace/kept/imapp/r.8"

static json_t *two_files(void)
{
    return json_pack("[o, o]", test_kept("o-1", "data/one.csv", "one", 3), test_kept("o-2", "two", "two!", 4));
}

static void put_two(struct store *store, const char *dir)
{
    fixture_put(store, dir, "o-1", "one", 3);
    fixture_put(store, dir, "o-2", "two!", 4);
    assert_int_equal(store_object_seal(store, dir, "o-1", 3, NULL), 0);
    assert_int_equal(store_object_seal(store, dir, "o-2", 4, NULL), 0);
}

static int move(struct store *store, json_t *rows, bool lost, struct result *ret)
{
    AUTO_LEASE struct test_lease lease;
    test_lease_init(&lease, rows);
    lease.lost = lost;
    return test_run(store, "move", json_pack("{s:[s], s:s}", "from", SEALED, "to", APPROVED), &lease, ret, NULL);
}

static void test_move(void **state)
{
    struct store *store = fixture_store(state);
    struct result result = {0};

    put_two(store, SEALED);
    for (int times = 0; times < 2; times++) { /* the second time it is there already, and verified there */
        assert_int_equal(move(store, two_files(), false, &result), 0);
        assert_string_equal(result.outcome, "moved");
        fixture_expect(store, APPROVED, "o-2", "two!", 4);
        assert_int_equal(store_dir_exists(store, SEALED, NULL), 0);
        result_done(&result);
    }
}

/* Changes sealed bytes as somebody with access to the disk could. */
static void tamper(struct store *store, const char *path, off_t at, const char *byte)
{
    assert_int_equal(fchmodat(store_root(store), path, 0644, 0), 0);
    AUTO_FD int fd = openat(store_root(store), path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, byte, 1, at), 1);
}

static void test_move_mismatch(void **state)
{
    struct store *store = fixture_store(state);
    struct result result = {0};

    put_two(store, SEALED);
    tamper(store, SEALED "/o-2", 1, "W");
    assert_int_equal(move(store, two_files(), false, &result), 0);
    assert_string_equal(result.outcome, "mismatch");
    assert_int_equal(store_dir_exists(store, SEALED, NULL), 1); /* nothing went on */
    assert_int_equal(store_dir_exists(store, APPROVED, NULL), 0);
    result_done(&result);

    tamper(store, SEALED "/o-2", 1, "w");
    tamper(store, SEALED "/o-1", 3, "+"); /* longer */
    assert_int_equal(move(store, two_files(), false, &result), 0);
    assert_string_equal(result.outcome, "mismatch");
    result_done(&result);

    assert_int_equal(store_object_remove(store, SEALED, "o-1", NULL), 0);
    assert_int_equal(move(store, two_files(), false, &result), 0);
    assert_string_equal(result.outcome, "mismatch");
    result_done(&result);

    assert_int_equal(move(store, json_array(), false, &result), 0); /* what is known to differ goes to its block */
    assert_string_equal(result.outcome, "moved");
    result_done(&result);
}

static void test_move_without_lease(void **state)
{
    struct store *store = fixture_store(state);
    struct result result = {0};

    put_two(store, SEALED);
    assert_int_equal(move(store, two_files(), true, &result), E_STALE);
    assert_int_equal(store_dir_exists(store, APPROVED, NULL), 0);
    assert_int_equal(store_dir_remove(store, SEALED, NULL), 0);
    assert_int_equal(move(store, two_files(), false, &result), E_NOT_FOUND);
    result_done(&result);
}

static int deliver(struct store *store, json_t *rows, bool lost, struct result *ret)
{
    AUTO_LEASE struct test_lease lease;
    test_lease_init(&lease, rows);
    lease.lost = lost;
    return test_run(store, "deliver",
                    json_pack("{s:i, s:s, s:s}", "token", 9, "dir", APPROVED, "delivery", "delivery/w/r"), &lease, ret,
                    NULL);
}

static void test_deliver(void **state)
{
    struct store *store = fixture_store(state);
    struct result result = {0};
    AUTO_FREE char *text = NULL;
    size_t len;

    put_two(store, APPROVED);
    AUTO_FD int left = file_make_dirs(store_root(store), "delivery/w/.r.9.new/left/by/a/crash", 0755, NULL);
    assert_int_equal(fchmod(left, 0555), 0);
    for (int times = 0; times < 2; times++) {
        assert_int_equal(deliver(store, two_files(), false, &result), 0);
        assert_string_equal(result.outcome, "delivered");
        result_done(&result);
    }
    assert_int_equal(file_read(store_root(store), "delivery/w/r/data/one.csv", 10, &text, &len, NULL), 0);
    assert_string_equal(text, "one");
    assert_int_equal(store_dir_exists(store, "delivery/w/r/left", NULL), 0);
    assert_int_equal(store_dir_exists(store, "delivery/w/.r.9.new", NULL), 0);
}

static void test_deliver_refuses(void **state)
{
    struct store *store = fixture_store(state);
    struct result result = {0};

    put_two(store, APPROVED);
    assert_int_equal(deliver(store, two_files(), true, &result), E_STALE);
    assert_int_equal(deliver(store, json_pack("[o]", test_kept("o-1", "../../evil", "one", 3)), false, &result),
                     E_INVALID);
    assert_int_equal(deliver(store, json_pack("[o]", test_kept("o-1", "/evil", "one", 3)), false, &result), E_INVALID);
    tamper(store, APPROVED "/o-1", 0, "O");
    assert_int_equal(deliver(store, two_files(), false, &result), E_STALE);
    assert_int_equal(store_dir_exists(store, "delivery/w/r", NULL), 0);
    assert_int_equal(store_dir_exists(store, "delivery/w/.r.9.new", NULL), 0);
    result_done(&result);
}

static void test_purge_and_remove(void **state)
{
    struct store *store = fixture_store(state);
    struct result result = {0};
    AUTO_LEASE struct test_lease lease;

    test_lease_init(&lease, json_array());
    put_two(store, APPROVED);
    assert_int_equal(deliver(store, two_files(), false, &result), 0);
    for (int times = 0; times < 2; times++) {
        assert_int_equal(
            test_run(store, "remove", json_pack("{s:[s, s]}", "dirs", APPROVED, "delivery/w/r"), &lease, &result, NULL),
            0);
        assert_string_equal(result.outcome, "removed");
    }
    assert_int_equal(store_dir_exists(store, APPROVED, NULL), 0);
    assert_int_equal(store_dir_exists(store, "delivery/w/r", NULL), 0);
    assert_int_equal(
        test_run(store, "purge", json_pack("{s:[s]}", "dirs", "external/draft/a/r.0"), &lease, &result, NULL), 0);
    assert_string_equal(result.outcome, "purged");
    assert_int_equal(test_run(store, "purge", json_pack("{s:[s]}", "dirs", "external/draft"), &lease, &result, NULL),
                     E_PROTOCOL);
    assert_int_equal(test_run(store, "purge", json_pack("{s:[s]}", "dirs", "a/b/.."), &lease, &result, NULL),
                     E_INVALID);
    assert_int_equal(test_run(store, "purge", json_pack("{s:[]}", "dirs"), &lease, &result, NULL), E_PROTOCOL);
}

static void test_sweep(void **state)
{
    struct store *store = fixture_store(state);
    struct result result = {0};
    AUTO_LEASE struct test_lease lease;

    put_two(store, SEALED);
    fixture_put(store, SEALED, "left-over", "x", 1);
    test_lease_init(&lease, two_files());
    assert_int_equal(test_run(store, "sweep", json_pack("{s:s}", "dir", SEALED), &lease, &result, NULL), 0);
    assert_string_equal(result.outcome, "swept");
    assert_int_equal(fixture_count(store, SEALED), 2);
    assert_int_equal(test_run(store, "sweep", json_pack("{s:s}", "dir", "core/kept/imip/gone"), &lease, &result, NULL),
                     0);

    AUTO_LEASE struct test_lease nothing;
    test_lease_init(&nothing, json_array());
    assert_int_equal(test_run(store, "sweep", json_pack("{s:s}", "dir", SEALED), &nothing, &result, NULL), E_PROTOCOL);
    assert_int_equal(fixture_count(store, SEALED), 2);
}

/* Core knows whatever has "known" in its path. It also answers with a directory that nobody asked about. */
static int answer_unknown(void *ctx, json_t *dirs, json_t **ret_unknown, struct error *err)
{
    json_t *unknown = json_pack("[s]", "core/kept/imip/known.2");
    const json_t *dir;
    size_t i;

    (void)err;
    json_array_foreach(dirs, i, dir)
    {
        ++*(int *)ctx;
        if (!strstr(json_string_value(dir), "known"))
            json_array_append_new(unknown, json_string(json_string_value(dir)));
    }
    json_decref(dirs);
    *ret_unknown = unknown;
    return 0;
}

struct sorted {
    int asked; /* first: answer_unknown counts here */
    int removed, aside;
    char last[200];
};

static void count_lost(void *ctx, const char *dir, const char *aside)
{
    struct sorted *sorted = ctx;
    assert_null(strstr(dir, "known"));
    sorted->removed += !aside;
    sorted->aside += aside != NULL;
    (void)str_copy(sorted->last, sizeof sorted->last, aside ? aside : dir);
}

static struct tidy tidy_all(struct sorted *sorted)
{
    int64_t now = (int64_t)time(NULL);
    return (struct tidy){answer_unknown, count_lost, sorted, now + 10, true, now - 10, now};
}

static int exists(struct store *store, const char *fmt, int64_t now)
{
    AUTO_FREE char *dir = xasprintf("%s+%lld", fmt, (long long)now);
    return store_dir_exists(store, dir, NULL);
}

static void put_forgotten(struct store *store)
{
    fixture_put(store, "core/kept/imip/lost.1", "o", "x", 1);
    fixture_put(store, "core/kept/imip/known.1", "o", "x", 1);
    fixture_put(store, "core/kept/imip/.lost.2.new", "o", "x", 1);
    fixture_put(store, "external/draft/imex/lost.0", "o", "x", 1);
    fixture_put(store, "external/other/imex/lost.0", "o", "x", 1);
    fixture_put(store, "delivery/w/lost/dir", "o", "x", 1);
    fixture_put(store, "delivery/w/known", "o", "x", 1);
    fixture_put(store, "delivery/w/.lost.3.new", "o", "x", 1);
    fixture_put(store, "external/draft/imex/empty.0", "o", "x", 1);
    assert_int_equal(store_object_remove(store, "external/draft/imex/empty.0", "o", NULL), 0);
}

static void test_tidy(void **state)
{
    struct store *store = fixture_store(state);
    struct sorted sorted = {0};
    struct tidy tidy = tidy_all(&sorted);

    put_forgotten(store);
    tidy.before_s = 1000;
    assert_int_equal(tidy_run(store, &tidy, NULL), 0);
    assert_true(sorted.removed == 0 && sorted.aside == 0 && sorted.asked == 0); /* all of it is young */
    tidy.before_s = tidy.now_s + 10;
    tidy.keep_lost = false;
    assert_int_equal(tidy_run(store, &tidy, NULL), 0);
    assert_int_equal(sorted.removed, 6);
    assert_int_equal(sorted.asked, 6);
    assert_int_equal(store_dir_exists(store, "core/kept/imip/known.1", NULL), 1);
    assert_int_equal(store_dir_exists(store, "core/kept/imip/lost.1", NULL), 0);
    assert_int_equal(store_dir_exists(store, "external/draft/imex/lost.0", NULL), 0);
    assert_int_equal(store_dir_exists(store, "external/other/imex/lost.0", NULL), 1);
    assert_int_equal(store_dir_exists(store, "delivery/w/known", NULL), 1);
    assert_int_equal(store_dir_exists(store, "delivery/w/lost", NULL), 0);
}

/* A core with an old database knows nothing of newer requests: their bytes must survive that. */
static void t74_what_core_does_not_know_is_kept(void **state)
{
    struct store *store = fixture_store(state);
    struct sorted sorted = {0};
    struct tidy tidy = tidy_all(&sorted);

    put_forgotten(store);
    for (int times = 0; times < 3; times++) /* what lies aside stays there, and is not asked about again */
        assert_int_equal(tidy_run(store, &tidy, NULL), 0);
    assert_int_equal(sorted.aside, 3);
    assert_int_equal(sorted.removed, 3); /* two private names, one without anything in it */
    assert_int_equal(store_dir_exists(store, "core/kept/imip/lost.1", NULL), 0);
    assert_int_equal(store_dir_exists(store, "core/kept/imip/known.1", NULL), 1);
    assert_int_equal(exists(store, "core/lost/kept+imip+lost.1", tidy.now_s), 1);
    assert_int_equal(exists(store, "external/lost/draft+imex+lost.0", tidy.now_s), 1);
    assert_int_equal(exists(store, "delivery/lost/w+lost", tidy.now_s), 1);
    assert_int_equal(store_dir_move(store, sorted.last, "delivery/w/known-again", NULL), 0); /* the way back */

    tidy.lost_before_s = tidy.now_s + 10;
    assert_int_equal(tidy_run(store, &tidy, NULL), 0);
    assert_int_equal(sorted.removed, 5);
    assert_int_equal(exists(store, "core/lost/kept+imip+lost.1", tidy.now_s), 0);
    assert_int_equal(store_dir_exists(store, "delivery/w/known-again/dir", NULL), 1);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_begin, fixture_end)

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        TEST(test_move),
        TEST(test_move_mismatch),
        TEST(test_move_without_lease),
        TEST(test_deliver),
        TEST(test_deliver_refuses),
        TEST(test_purge_and_remove),
        TEST(test_sweep),
        TEST(test_tidy),
        TEST(t74_what_core_does_not_know_is_kept),
    };
    fixture_enter();
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
