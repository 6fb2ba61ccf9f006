/* Files beneath a directory: nothing climbs out, small files are whole or not there, trees go away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"

static char directory[] = "/tmp/airlock-file-XXXXXX";
static int root = -1;

static int make_directory(void **state)
{
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    root = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return root < 0;
}

static int drop_directory(void **state)
{
    (void)state;
    AUTO_FD int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)close(root);
    return file_remove_tree(tmp, directory + sizeof "/tmp/" - 1, NULL);
}

static int make_dir(const char *path)
{
    int fd = file_make_dirs(root, path, 0700, NULL);
    if (fd >= 0)
        (void)close(fd);
    return fd >= 0 ? 0 : fd;
}

static void nothing_climbs_out(void **state)
{
    (void)state;
    assert_int_equal(make_dir("in/side"), 0);
    assert_int_equal(file_write(root, "in/f", "x", 1, 0600, NULL), 0);
    assert_int_equal(symlinkat("/etc", root, "in/absolute"), 0);
    assert_int_equal(symlinkat("..", root, "in/up"), 0);
    assert_int_equal(symlinkat("side", root, "in/beside"), 0);
    assert_int_equal(symlinkat("f", root, "in/to-f"), 0);
    static const char *const BAD[] = {
        "/etc/passwd", "../etc",    "..",      "in/../..", "in/../../etc", "in/absolute/passwd", "in/absolute",
        "in/up",       "in/beside", "in/to-f", "",         "in/f/x",
    };
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        int fd = file_open_beneath(root, BAD[i], O_RDONLY, 0, NULL);
        if (fd >= 0)
            fail_msg("%s", BAD[i]);
    }
    AUTO_FD int fd = file_open_beneath(root, "in/f", O_RDONLY, 0, NULL);
    assert_true(fd >= 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    char *text = NULL;
    size_t len;
    assert_true(file_read(root, "in/to-f", 10, &text, &len, NULL) < 0);
    assert_true(file_write(root, "in/up/x", "x", 1, 0600, NULL) < 0);
    assert_true(file_sync_dir(root, "in/up", NULL) < 0);
    assert_null(text);
}

static void open_errors_have_codes(void **state)
{
    (void)state;
    assert_int_equal(file_open_beneath(root, "missing", O_RDONLY, 0, NULL), E_NOT_FOUND);
    assert_int_equal(file_open_beneath(root, "missing/x", O_WRONLY | O_CREAT, 0600, NULL), E_NOT_FOUND);
    assert_int_equal(file_write(root, "there", "x", 1, 0600, NULL), 0);
    assert_int_equal(file_open_beneath(root, "there", O_WRONLY | O_CREAT | O_EXCL, 0600, NULL), E_EXISTS);
}

static void directories_are_made_once(void **state)
{
    (void)state;
    assert_int_equal(make_dir("a/b/c"), 0);
    assert_int_equal(make_dir("a/b/c"), 0);
    struct stat st;
    assert_int_equal(fstatat(root, "a/b/c", &st, 0), 0);
    assert_true(S_ISDIR(st.st_mode) && (st.st_mode & 0777) == 0700);
    static const char *const BAD[] = {"..", "a/../../x", "/abs", "a//b", "a/", ""};
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        if (make_dir(BAD[i]) == 0)
            fail_msg("%s", BAD[i]);
    assert_int_equal(symlinkat("/tmp", root, "a/out"), 0);
    assert_true(make_dir("a/out/airlock-must-not-be") < 0);
    assert_true(access("/tmp/airlock-must-not-be", F_OK) < 0);
    assert_int_equal(file_sync_dir(root, "a/b", NULL), 0);
    assert_int_equal(file_sync_dir(root, "", NULL), 0);
}

static void small_files_come_back_whole(void **state)
{
    (void)state;
    AUTO_FREE char *big = xcalloc(1, 100000), *back = NULL, *empty = NULL, *refused = NULL;
    size_t len;
    for (size_t i = 0; i < 100000; i++)
        big[i] = (char)(i * 7);
    assert_int_equal(file_write(root, "big", big, 100000, 0640, NULL), 0);
    assert_int_equal(file_read(root, "big", 100000, &back, &len, NULL), 0);
    assert_int_equal(len, 100000);
    assert_memory_equal(big, back, len);
    assert_int_equal(back[len], 0);
    assert_int_equal(file_read(root, "big", 99999, &refused, &len, NULL), E_LIMIT);
    assert_null(refused);
    assert_int_equal(file_write(root, "big", "", 0, 0600, NULL), 0); /* over the old one */
    assert_int_equal(file_read(root, "big", 10, &empty, &len, NULL), 0);
    assert_int_equal(len, 0);
    assert_string_equal(empty, "");
}

static void writing_leaves_nothing_behind(void **state)
{
    (void)state;
    assert_int_equal(make_dir("w/taken"), 0);
    assert_int_equal(file_write(root, "w/taken/x", "x", 1, 0600, NULL), 0);
    assert_true(file_write(root, "w/taken", "x", 1, 0600, NULL) < 0); /* a directory stands there */
    assert_int_equal(file_write(root, "w/fine", "x", 1, 0600, NULL), 0);
    assert_int_equal(unlinkat(root, "w/fine", 0), 0);
    assert_int_equal(unlinkat(root, "w/taken/x", 0), 0);
    assert_int_equal(unlinkat(root, "w/taken", AT_REMOVEDIR), 0);
    assert_int_equal(unlinkat(root, "w", AT_REMOVEDIR), 0); /* so no private name stayed in it */
}

static void secrets_must_be_private(void **state)
{
    (void)state;
    AUTO_FREE char *path = xasprintf("%s/secret", directory), *link = xasprintf("%s/link", directory);
    char *text = NULL;
    size_t len;
    static const mode_t OPEN_MODES[] = {0640, 0604, 0660, 0622, 0601};
    assert_int_equal(file_write(root, "secret", "s3cret", 6, 0600, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(OPEN_MODES); i++) {
        assert_int_equal(chmod(path, OPEN_MODES[i]), 0);
        assert_int_equal(file_read_secret(path, 100, &text, &len, NULL), E_CONFIG);
    }
    assert_int_equal(chmod(path, 0400), 0);
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(file_read_secret(link, 100, &text, &len, NULL), E_IO);
    assert_int_equal(file_read_secret(directory, 100, &text, &len, NULL), E_CONFIG);
    assert_int_equal(file_read_secret("/nonexistent/secret", 100, &text, &len, NULL), E_NOT_FOUND);
    assert_null(text);
    assert_int_equal(file_read_secret(path, 100, &text, &len, NULL), 0);
    assert_string_equal(text, "s3cret");
    free(text);
}

static void positions_are_kept(void **state)
{
    (void)state;
    AUTO_FD int fd = file_open_beneath(root, "parts", O_RDWR | O_CREAT, 0600, NULL);
    AUTO_FREE char *text = NULL;
    size_t len;
    assert_int_equal(file_pwrite_all(fd, "world", 5, 6, NULL), 0);
    assert_int_equal(file_pwrite_all(fd, "hello ", 6, 0, NULL), 0);
    assert_int_equal(file_read(root, "parts", 100, &text, &len, NULL), 0);
    assert_string_equal(text, "hello world");
    AUTO_FD int read_only = file_open_beneath(root, "parts", O_RDONLY, 0, NULL);
    assert_int_equal(file_write_all(read_only, "x", 1, NULL), E_IO);
    assert_int_equal(file_pwrite_all(read_only, "x", 1, 0, NULL), E_IO);
}

static void trees_are_removed_and_links_not_followed(void **state)
{
    (void)state;
    assert_int_equal(make_dir("keep"), 0);
    assert_int_equal(file_write(root, "keep/me", "x", 1, 0600, NULL), 0);
    assert_int_equal(make_dir("gone/a/b/c"), 0);
    assert_int_equal(file_write(root, "gone/a/b/f", "x", 1, 0400, NULL), 0);
    assert_int_equal(symlinkat("../keep", root, "gone/link"), 0);
    assert_int_equal(symlinkat("../../keep/me", root, "gone/a/link"), 0);
    assert_int_equal(file_remove_tree(root, "gone", NULL), 0);
    struct stat st;
    assert_int_equal(fstatat(root, "gone", &st, 0), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(fstatat(root, "keep/me", &st, 0), 0);
    assert_int_equal(file_remove_tree(root, "gone", NULL), 0); /* twice is success */
    assert_int_equal(file_remove_tree(root, "keep/me", NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_climbs_out),
        cmocka_unit_test(open_errors_have_codes),
        cmocka_unit_test(directories_are_made_once),
        cmocka_unit_test(small_files_come_back_whole),
        cmocka_unit_test(writing_leaves_nothing_behind),
        cmocka_unit_test(secrets_must_be_private),
        cmocka_unit_test(positions_are_kept),
        cmocka_unit_test(trees_are_removed_and_links_not_followed),
    };
    return cmocka_run_group_tests(tests, make_directory, drop_directory);
}
