/* What the mover lends to the gate, and all that it does not. */
#include "unit/mover/jobs.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "mover/lend.h"

#define REQUEST "0b0c7f6e-5a3f-4c69-9d31-6a2b8f1f6a11"
#define ONE "1b0c7f6e-5a3f-4c69-9d31-6a2b8f1f6a11"
#define TWO "2b0c7f6e-5a3f-4c69-9d31-6a2b8f1f6a11"
#define IN_REVIEW "core/kept/stalimiptre/" REQUEST ".7"
#define EXPORT_IN_REVIEW "workspace/kept/stalexip0123abcd/" REQUEST ".7"
#define DRAFT "external/draft/stalimextre/" REQUEST ".0"
#define REJECTED "core/kept/stalimrejtre/" REQUEST ".7"

static int lend(struct store *store, json_t *question_stolen)
{
    AUTO_JSON json_t *question = question_stolen;
    struct error err = {0};

    assert_non_null(question);
    int fd = lend_open(store, question, &err);
    assert_true(fd >= 0 || err.detail[0] != '\0');
    return fd;
}

static int lend_sealed(struct store *store, const char *dir, const char *object, int size)
{
    return lend(store, json_pack("{s:s, s:s, s:i}", "dir", dir, "object", object, "size", size));
}

static int lend_draft(struct store *store, const char *dir, int size, json_t *extents)
{
    return lend(store, json_pack("{s:s, s:i, s:o}", "dir", dir, "size", size, "extents", extents));
}

static json_t *piece(const char *object, int start, int length)
{
    return json_pack("[s, i, i, s]", object, start, length, "digest");
}

/* It has these bytes and nothing else, stands at its start, and cannot be written to by any means. */
static void expect(int fd, const char *text)
{
    char bytes[64] = "";
    AUTO_FREE char *self = xasprintf("/proc/self/fd/%d", fd);

    assert_true(fd >= 0);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);
    assert_int_equal(read(fd, bytes, sizeof bytes), (ssize_t)strlen(text));
    assert_memory_equal(bytes, text, strlen(text));
    assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
    assert_int_equal(write(fd, "x", 1), -1);
    assert_int_equal(ftruncate(fd, 0), -1);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(close(fd), 0);
}

static void a_sealed_file_is_lent(void **state)
{
    struct store *store = fixture_store(state);

    fixture_put(store, IN_REVIEW, ONE, "hello", 5);
    fixture_put(store, EXPORT_IN_REVIEW, ONE, "hello!", 6);
    assert_int_equal(store_object_seal(store, IN_REVIEW, ONE, 5, NULL), 0);
    expect(lend_sealed(store, IN_REVIEW, ONE, 5), "hello");
    expect(lend_sealed(store, EXPORT_IN_REVIEW, ONE, 6), "hello!");
}

static void other_accounts_are_not_lent_from(void **state)
{
    struct store *store = fixture_store(state);
    static const char *const DIRS[] = {
        REJECTED,
        "core/kept/stalimblockedtre/" REQUEST ".7",
        "workspace/kept/stalimapp0123abcd/" REQUEST ".7",
        "external/kept/stalexapptre/" REQUEST ".7",
        "workspace/kept/stalimiptre/" REQUEST ".7", /* no account of that zone */
        "core/draft/stalimiptre/" REQUEST ".7",
        DRAFT, /* of a draft pieces are asked for */
    };

    for (size_t i = 0; i < ARRAY_LEN(DIRS); i++) {
        fixture_put(store, DIRS[i], ONE, "hello", 5);
        assert_int_equal(lend_sealed(store, DIRS[i], ONE, 5), E_INVALID);
    }
    fixture_put(store, IN_REVIEW, ONE, "hello", 5);
    assert_int_equal(lend_draft(store, IN_REVIEW, 5, json_pack("[o]", piece(ONE, 0, 5))), E_INVALID);
}

static void paths_that_lead_elsewhere_are_refused(void **state)
{
    struct store *store = fixture_store(state);
    static const char *const DIRS[] = {
        "",
        ".",
        "/etc",
        "..",
        "core/kept/stalimiptre",
        "core/kept/stalimiptre/..",
        "core/kept/stalimiptre/" REQUEST,
        "core/kept/stalimiptre/" REQUEST ".",
        "core/kept/stalimiptre/" REQUEST ".x",
        "core/kept/stalimiptre/" REQUEST ".7/",
        "core/kept/stalimiptre/" REQUEST ".7/..",
        "core/kept/../kept/" REQUEST ".7",
        "core/kept/stalimiptre/../" REQUEST ".7",
        "core//stalimiptre/" REQUEST ".7",
        "core/kept/stalimip../" REQUEST ".7",
        "delivery/0123abcd/" REQUEST,
    };
    static const char *const OBJECTS[] = {
        "", ".", "..", "../" ONE, "o-1", "../../../../etc/passwd", "1B0C7F6E-5A3F-4C69-9D31-6A2B8F1F6A11"};

    fixture_put(store, IN_REVIEW, ONE, "hello", 5);
    for (size_t i = 0; i < ARRAY_LEN(DIRS); i++)
        assert_int_equal(lend_sealed(store, DIRS[i], ONE, 5), E_INVALID);
    for (size_t i = 0; i < ARRAY_LEN(OBJECTS); i++)
        assert_int_equal(lend_sealed(store, IN_REVIEW, OBJECTS[i], 5), E_INVALID);
    assert_int_equal(lend(store, json_object()), E_INVALID);
    assert_int_equal(lend(store, json_pack("{s:s, s:s}", "dir", IN_REVIEW, "object", ONE)), E_INVALID);
    assert_int_equal(lend_sealed(store, IN_REVIEW, ONE, -1), E_INVALID);
}

static void what_is_no_file_of_that_size_is_refused(void **state)
{
    struct store *store = fixture_store(state);

    fixture_put(store, IN_REVIEW, ONE, "hello", 5);
    assert_int_equal(lend_sealed(store, IN_REVIEW, ONE, 4), E_STALE);
    assert_int_equal(lend_sealed(store, IN_REVIEW, ONE, 6), E_STALE);
    assert_int_equal(lend_sealed(store, IN_REVIEW, TWO, 5), E_NOT_FOUND);
    assert_int_equal(mkdirat(store_root(store), IN_REVIEW "/" TWO, 0700), 0);
    assert_int_equal(lend_sealed(store, IN_REVIEW, TWO, 4096), E_INVALID);
}

/* Runs before the process is confined, since airlock-mover itself could make neither a link nor a pipe. */
static void links_and_pipes_are_not_lent(void **state UNUSED)
{
    char path[] = "/tmp/airlock-lend-XXXXXX";

    assert_non_null(mkdtemp(path));
    struct store *store = store_new(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0);
    fixture_put(store, IN_REVIEW, ONE, "hello", 5);
    assert_int_equal(symlinkat(ONE, store_root(store), IN_REVIEW "/" TWO), 0);
    assert_int_equal(lend_sealed(store, IN_REVIEW, TWO, 5), E_IO);
    assert_int_equal(symlinkat(REQUEST ".7", store_root(store), "core/kept/stalimiptre/" REQUEST ".8"), 0);
    assert_int_equal(lend_sealed(store, "core/kept/stalimiptre/" REQUEST ".8", ONE, 5), E_IO);
    assert_int_equal(mkfifoat(store_root(store), IN_REVIEW "/" REQUEST, 0700), 0);
    assert_int_equal(lend_sealed(store, IN_REVIEW, REQUEST, 0), E_INVALID); /* and nobody waited for a writer */
    assert_int_equal(file_remove_tree(store_root(store), "core", NULL), 0);
    store_free(store);
    assert_int_equal(rmdir(path), 0);
}

static void a_draft_in_order_is_lent_as_it_lies(void **state)
{
    struct store *store = fixture_store(state);
    struct stat object, lent;

    fixture_put(store, DRAFT, ONE, "hello world", 11);
    int fd = lend_draft(store, DRAFT, 11, json_pack("[o, o]", piece(ONE, 0, 5), piece(ONE, 5, 6)));
    assert_int_equal(fstatat(store_root(store), DRAFT "/" ONE, &object, 0), 0);
    assert_int_equal(fstat(fd, &lent), 0);
    assert_true(lent.st_ino == object.st_ino);
    expect(fd, "hello world");
}

static void a_draft_in_pieces_is_put_together(void **state)
{
    struct store *store = fixture_store(state);

    fixture_put(store, DRAFT, ONE, "worldhello", 10);
    fixture_put(store, DRAFT, TWO, "-, -", 4);
    expect(lend_draft(store, DRAFT, 12, json_pack("[o, o, o]", piece(ONE, 5, 5), piece(TWO, 1, 2), piece(ONE, 0, 5))),
           "hello, world");
    expect(lend_draft(store, DRAFT, 5, json_pack("[o]", piece(ONE, 0, 5))), "world"); /* without what lies behind it */
    expect(lend_draft(store, DRAFT, 0, json_array()), "");
    assert_int_equal(fixture_count(store, DRAFT), 2); /* the copies have no name */
}

static void pieces_that_do_not_fit_are_refused(void **state)
{
    struct store *store = fixture_store(state);

    fixture_put(store, DRAFT, ONE, "hello", 5);
    fixture_put(store, DRAFT, TWO, "hello", 5);
    assert_int_equal(lend_draft(store, DRAFT, 6, json_pack("[o]", piece(ONE, 0, 5))), E_INVALID);
    assert_int_equal(lend_draft(store, DRAFT, 4, json_pack("[o]", piece(ONE, 0, 5))), E_INVALID);
    assert_int_equal(lend_draft(store, DRAFT, 7, json_pack("[o]", piece(ONE, 0, 7))), E_STALE); /* it is shorter */
    assert_int_equal(lend_draft(store, DRAFT, 2, json_pack("[o]", piece(ONE, 4, 2))), E_STALE);
    assert_int_equal(lend_draft(store, DRAFT, 1, json_pack("[o]", piece(ONE, -1, 1))), E_INVALID);
    assert_int_equal(lend_draft(store, DRAFT, 5, json_pack("[o]", piece("..", 0, 5))), E_INVALID);
    assert_int_equal(lend_draft(store, DRAFT, 5, json_pack("[s]", ONE)), E_INVALID);
    assert_int_equal(lend_draft(store, DRAFT, 5, json_pack("{s:s}", "a", ONE)), E_INVALID);
    assert_int_equal(lend_draft(store, DRAFT, 10, json_pack("[o, o]", piece(ONE, 0, 5), piece(REQUEST, 0, 5))),
                     E_NOT_FOUND);
}

static void a_copy_respects_the_reserve(void **state)
{
    struct store *store = fixture_store(state);
    struct store *full = store_new(fcntl(store_root(store), F_DUPFD_CLOEXEC, 0), UINT64_MAX);

    fixture_put(store, DRAFT, ONE, "worldhello", 10);
    assert_int_equal(lend_draft(full, DRAFT, 10, json_pack("[o, o]", piece(ONE, 5, 5), piece(ONE, 0, 5))), E_NO_SPACE);
    expect(lend_draft(full, DRAFT, 10, json_pack("[o]", piece(ONE, 0, 10))), "worldhello"); /* which takes no space */
    store_free(full);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_begin, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_sealed_file_is_lent),
        TEST(other_accounts_are_not_lent_from),
        TEST(paths_that_lead_elsewhere_are_refused),
        TEST(what_is_no_file_of_that_size_is_refused),
        TEST(a_draft_in_order_is_lent_as_it_lies),
        TEST(a_draft_in_pieces_is_put_together),
        TEST(pieces_that_do_not_fit_are_refused),
        TEST(a_copy_respects_the_reserve),
    };
    const struct CMUnitTest unconfined[] = {cmocka_unit_test(links_and_pipes_are_not_lent)};
    if (cmocka_run_group_tests_name("unconfined", unconfined, NULL, NULL) != 0)
        return 1;
    fixture_enter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
