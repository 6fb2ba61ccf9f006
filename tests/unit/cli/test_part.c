/* Partial downloads on disk: what a later run trusts, and what it never touches. */
#include "cli_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"
#include "cli/part.h"

#define SIZE (2 * PART_PIECE_SIZE + 5)

static int directory;

static int make_directory(void **state)
{
    static char path[] = "/tmp/airlock-test-part-XXXXXX";
    *state = mkdtemp(path);
    directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return directory < 0;
}

static int remove_directory(void **state)
{
    const char *path = *state;
    AUTO_FD int parent = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)close(directory);
    return file_remove_tree(parent, path + strlen("/tmp/"), NULL);
}

static int open_part(struct part *part, const char *name, const char *etag, uint64_t size, struct error *err)
{
    *part = PART_INIT;
    return part_open(part, directory, name, etag, size, false, err);
}

static void reads_only_its_own_maps(void **state)
{
    AUTO_STR struct str map = STR_INIT(1024);
    char have[4];

    (void)state;
    part_map_append(&map, "\"e\"", 100, "101");
    assert_true(part_map_read(map.p, "\"e\"", 100, 3, have));
    assert_string_equal(have, "101");
    assert_false(part_map_read(map.p, "\"f\"", 100, 3, have));
    assert_false(part_map_read(map.p, "\"e\"", 101, 3, have));
    assert_false(part_map_read(map.p, "\"e\"", 100, 2, have));
    assert_false(part_map_read("", "\"e\"", 100, 3, have));
    map.p[map.len - 2] = '2';
    assert_false(part_map_read(map.p, "\"e\"", 100, 3, have));
}

static void continues_the_same_version(void **state)
{
    struct part part;

    (void)state;
    assert_int_equal(open_part(&part, "sub/a.bin", "\"1\"", SIZE, NULL), 0);
    assert_false(part.continued);
    assert_int_equal(part.piece_count, 3);
    part_mark(&part, 1);
    assert_int_equal(part_save(&part, NULL), 0);
    part_close(&part);

    assert_int_equal(open_part(&part, "sub/a.bin", "\"1\"", SIZE, NULL), 0);
    assert_true(part.continued);
    assert_false(part_has(&part, 0));
    assert_true(part_has(&part, 1));
    part_close(&part);

    assert_int_equal(open_part(&part, "sub/a.bin", "\"2\"", SIZE, NULL), 0);
    assert_false(part.continued);
    assert_false(part_has(&part, 1));
    part_discard(&part);
    part_close(&part);
}

static void finishes(void **state)
{
    struct part part;
    char digest[SHA256_HEX_SIZE];
    struct stat st;

    (void)state;
    assert_int_equal(open_part(&part, "b", "\"1\"", 3, NULL), 0);
    assert_int_equal(file_pwrite_all(part.fd, "abc", 3, 0, NULL), 0);
    assert_int_equal(part_hash(&part, digest, NULL), 0);
    assert_string_equal(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(part_finish(&part, NULL), 0);
    part_close(&part);
    assert_int_equal(fstatat(directory, "b", &st, 0), 0);
    assert_int_equal(st.st_size, 3);
    assert_int_not_equal(fstatat(directory, "b.part", &st, 0), 0);
    assert_int_not_equal(fstatat(directory, "b.part.map", &st, 0), 0);

    assert_int_equal(open_part(&part, "b", "\"1\"", 3, NULL), 0);
    assert_true(part.file_is_there);
    assert_int_equal(part_hash_file(&part, digest, NULL), 0);
    part_close(&part);
}

static void leaves_other_files_alone(void **state)
{
    struct part part;
    struct error err = {0};
    AUTO_FREE char *text = NULL;
    size_t len;

    (void)state;
    assert_int_equal(file_write(directory, "c.part", "mine", 4, 0600, NULL), 0);
    assert_int_equal(open_part(&part, "c", "\"1\"", 3, &err), E_CONFIG);
    part_close(&part);
    assert_int_equal(file_write(directory, "c.part.map", "mine too", 8, 0600, NULL), 0);
    assert_int_equal(open_part(&part, "c", "\"1\"", 3, &err), E_CONFIG);
    part_close(&part);
    assert_int_equal(file_read(directory, "c.part", 100, &text, &len, NULL), 0);
    assert_string_equal(text, "mine");
}

static void follows_no_symbolic_link(void **state)
{
    struct part part;

    (void)state;
    assert_int_equal(symlinkat("/tmp", directory, "out"), 0);
    assert_true(open_part(&part, "out/x", "\"1\"", 3, NULL) < 0);
    part_close(&part);
    assert_int_equal(symlinkat("/tmp/airlock-must-not-appear", directory, "d.part"), 0);
    assert_true(open_part(&part, "d", "\"1\"", 3, NULL) < 0);
    part_close(&part);
    assert_int_not_equal(access("/tmp/airlock-must-not-appear", F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_only_its_own_maps),
        cmocka_unit_test(continues_the_same_version),
        cmocka_unit_test(finishes),
        cmocka_unit_test(leaves_other_files_alone),
        cmocka_unit_test(follows_no_symbolic_link),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
