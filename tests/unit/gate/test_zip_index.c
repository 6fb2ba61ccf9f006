/* The zip reader: directories that do not agree with their members, and the odd ones that do. */
#include "../check.h"
#include "gate/zip_index.h"
#include "raw_zip.h"

struct told {
    int64_t counts[FINDING_COUNT];
    char name[64], detail[128]; /* of the last */
};

static void tell(void *ctx, enum finding finding, const char *name, const char *detail)
{
    struct told *told = ctx;

    told->counts[finding]++;
    (void)str_copy(told->name, sizeof told->name, name ? name : "");
    (void)str_copy(told->detail, sizeof told->detail, detail ? detail : "");
}

static enum zip_index check_zip(const struct str *zip, struct told *ret)
{
    AUTO_FD int fd = memory_fd(zip->p, zip->len);

    *ret = (struct told){0};
    return zip_index_check(fd, zip->len, 1000, tell, ret);
}

static void assert_good(const struct str *zip)
{
    struct told told;

    if (check_zip(zip, &told) != ZIP_INDEX_GOOD || told.detail[0])
        fail_msg("%s: %s", told.name, told.detail);
}

static void assert_told(const struct str *zip, enum zip_index wanted, enum finding finding, const char *detail)
{
    struct told told;
    enum zip_index is = check_zip(zip, &told);

    if (is != wanted || told.counts[finding] != 1 || !strstr(told.detail, detail))
        fail_msg("%d instead of %d, %d times: %s", is, wanted, (int)told.counts[finding], told.detail);
}

static void what_programs_write_is_good(void **state)
{
    static const char *const OPTIONS[] = {"zip:compression=deflate", "zip:compression=store", "zip:zip64",
                                          "zip:compression=store,zip:zip64"};
    AUTO_STR struct str empty = STR_INIT(65536), commented = STR_INIT(65536);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(OPTIONS); i++) {
        AUTO_STR struct str zip = STR_INIT(65536);
        struct packer packer = pack_begin(&zip, archive_write_set_format_zip, NULL, OPTIONS[i]);
        pack_entry(&packer, "dir/", AE_IFDIR, NULL, NULL, 0);
        pack_file(&packer, "dir/x.csv", "a,b\n1,2\n", 8);
        pack_file(&packer, "empty", "", 0);
        pack_end(&packer);
        assert_good(&zip);
    }
    raw_end(&empty, 0, 0);
    assert_good(&empty);
    struct raw_head head = raw_stored("x", "text\n");
    raw_zip(&commented, &head, "text\n", &head);
    commented.p[commented.len - 2] = 5;
    str_append(&commented, "words");
    assert_good(&commented);
}

/* The sizes are behind the data, as when a zip is written into a pipe. */
static void a_descriptor_may_take_the_place_of_sizes(void **state)
{
    AUTO_STR struct str zip = STR_INIT(65536);
    struct raw_head central = raw_stored("x", "text\n"), local = central;
    (void)state;
    central.flags = local.flags = 8;
    local.crc = local.packed = local.unpacked = 0;
    uint32_t offset = raw_local(&zip, &local);
    str_append(&zip, "text\n");
    str_append_len(&zip, "PK\7\x08", 4);
    raw_le32(&zip, central.crc);
    raw_le32(&zip, 5);
    raw_le32(&zip, 5);
    uint32_t directory = (uint32_t)zip.len;
    raw_central(&zip, &central, offset);
    raw_end(&zip, 1, directory);
    assert_good(&zip);
}

static void a_member_listed_otherwise_is_told(void **state)
{
    struct raw_head head = raw_stored("x.csv", "text\n");
    struct {
        struct raw_head local;
        const char *detail;
    } CASES[] = {
        {head, "name"}, {head, "packed otherwise"}, {head, "packed otherwise"}, {head, "size"}, {head, "checksum"}};
    (void)state;
    CASES[0].local.name = "x.exe";
    CASES[1].local.method = 8;
    CASES[2].local.flags = 1;
    CASES[3].local.unpacked = 7;
    CASES[4].local.crc = 7;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO_STR struct str zip = STR_INIT(65536);
        raw_zip(&zip, &CASES[i].local, "text\n", &head);
        assert_told(&zip, ZIP_INDEX_GOOD, FINDING_ARCHIVE_TWICE, CASES[i].detail);
    }
}

static void names_with_a_nul_are_told(void **state)
{
    AUTO_STR struct str zip = STR_INIT(65536);
    struct raw_head head = raw_stored("x.csv", "text\n");
    (void)state;
    head.name = "x.exe\0.csv";
    head.name_len = 10;
    raw_zip(&zip, &head, "text\n", &head);
    assert_told(&zip, ZIP_INDEX_GOOD, FINDING_ARCHIVE_ESCAPE, "NUL");
}

static void a_member_that_is_not_listed_is_told(void **state)
{
    AUTO_STR struct str before = STR_INIT(65536), between = STR_INIT(65536), last = STR_INIT(65536);
    struct raw_head hidden = raw_stored("hidden", "evil\n"), head = raw_stored("x.csv", "text\n");
    (void)state;
    (void)raw_local(&before, &hidden);
    str_append(&before, "evil\n");
    uint32_t offset = raw_local(&before, &head);
    str_append(&before, "text\n");
    uint32_t directory = (uint32_t)before.len;
    raw_central(&before, &head, offset);
    raw_end(&before, 1, directory);
    assert_told(&before, ZIP_INDEX_GOOD, FINDING_ARCHIVE_BROKEN, "does not list");

    (void)raw_local(&last, &head);
    str_append(&last, "text\n");
    (void)raw_local(&last, &hidden);
    str_append(&last, "evil\n");
    directory = (uint32_t)last.len;
    raw_central(&last, &head, 0);
    raw_end(&last, 1, directory);
    assert_told(&last, ZIP_INDEX_GOOD, FINDING_ARCHIVE_BROKEN, "bytes between");

    (void)raw_local(&between, &head);
    str_append(&between, "text\nevil\n");
    offset = raw_local(&between, &head);
    str_append(&between, "text\n");
    directory = (uint32_t)between.len;
    raw_central(&between, &head, 0);
    raw_central(&between, &head, offset);
    raw_end(&between, 2, directory);
    assert_told(&between, ZIP_INDEX_GOOD, FINDING_ARCHIVE_BROKEN, "bytes between");
}

/* Padding, a program before it, and the signatures of Android packages. */
static void what_may_stand_between_members_is_good(void **state)
{
    AUTO_STR struct str padded = STR_INIT(65536), program = STR_INIT(65536), apk = STR_INIT(65536);
    struct raw_head head = raw_stored("x.csv", "text\n");
    char block[32] = "";
    (void)state;
    (void)raw_local(&padded, &head);
    str_append(&padded, "text\n");
    str_append_len(&padded, block, sizeof block);
    uint32_t directory = (uint32_t)padded.len;
    raw_central(&padded, &head, 0);
    raw_end(&padded, 1, directory);
    assert_good(&padded);

    str_append(&program, "MZ and then a program");
    uint32_t start = (uint32_t)program.len;
    (void)raw_local(&program, &head);
    str_append(&program, "text\n");
    directory = (uint32_t)program.len;
    raw_central(&program, &head, 0); /* offsets count from the zip's start */
    raw_end(&program, 1, directory - start);
    program.p[program.len - 6] = (char)(directory - start);
    program.p[program.len - 10] = (char)(program.len - 22 - directory);
    assert_good(&program);

    (void)raw_local(&apk, &head);
    str_append(&apk, "text\n");
    memset(block, 'x', 16);
    memcpy(block + 16, "APK Sig Block 42", 16);
    str_append_len(&apk, block, sizeof block);
    directory = (uint32_t)apk.len;
    raw_central(&apk, &head, 0);
    raw_end(&apk, 1, directory);
    assert_good(&apk);
}

static void members_that_share_bytes_are_a_bomb(void **state)
{
    AUTO_STR struct str zip = STR_INIT(65536);
    struct raw_head outer = raw_stored("outer", "text\n"), inner = raw_stored("inner", "text\n");
    (void)state;
    outer.packed = outer.unpacked = 30 + 5 + 5; /* its bytes are the other member, head and all */
    (void)raw_local(&zip, &outer);
    uint32_t offset = raw_local(&zip, &inner);
    str_append(&zip, "text\n");
    uint32_t directory = (uint32_t)zip.len;
    raw_central(&zip, &outer, 0);
    raw_central(&zip, &inner, offset);
    raw_end(&zip, 2, directory);
    assert_told(&zip, ZIP_INDEX_BOMB, FINDING_ARCHIVE_TWICE, "share");
}

static void too_many_entries_are_not_read(void **state)
{
    AUTO_STR struct str zip = STR_INIT(PACKED_MAX);
    struct raw_head head = raw_stored("x", "");
    (void)state;
    for (int i = 0; i < 1001; i++)
        raw_central(&zip, &head, 0);
    raw_end(&zip, 1001, 0);
    assert_told(&zip, ZIP_INDEX_BOMB, FINDING_ARCHIVE_MEMBERS, "");
}

static void a_directory_that_does_not_fit_is_told(void **state)
{
    AUTO_STR struct str good = STR_INIT(65536), cut = STR_INIT(65536), wrong = STR_INIT(65536), more = STR_INIT(65536);
    struct raw_head head = raw_stored("x.csv", "text\n");
    (void)state;
    raw_zip(&good, &head, "text\n", &head);
    for (size_t len = 1; len < good.len; len++) { /* cut anywhere, it is never good */
        struct told told;
        cut.len = 0;
        str_append_len(&cut, good.p, len);
        assert_int_equal(check_zip(&cut, &told), ZIP_INDEX_NONE);
        assert_int_equal(told.counts[FINDING_ARCHIVE_BROKEN], 1);
    }
    (void)raw_local(&wrong, &head);
    str_append(&wrong, "text\n");
    uint32_t directory = (uint32_t)wrong.len;
    raw_central(&wrong, &head, 1); /* no member begins there */
    raw_end(&wrong, 1, directory);
    assert_told(&wrong, ZIP_INDEX_NONE, FINDING_ARCHIVE_BROKEN, "does not fit its members");
    (void)raw_local(&more, &head);
    str_append(&more, "text\n");
    directory = (uint32_t)more.len;
    raw_central(&more, &head, 0);
    raw_central(&more, &head, 0);
    raw_end(&more, 1, directory); /* one more than it counts */
    assert_told(&more, ZIP_INDEX_NONE, FINDING_ARCHIVE_BROKEN, "does not fit its members");
}

/* One in the comment of the other: programs take the first or the last. */
static void two_directories_are_told(void **state)
{
    AUTO_STR struct str zip = STR_INIT(65536);
    struct raw_head head = raw_stored("x.csv", "text\n"), evil = raw_stored("x.csv", "evil\n");
    (void)state;
    raw_zip(&zip, &head, "text\n", &head);
    size_t end = zip.len;
    uint32_t offset = raw_local(&zip, &evil);
    str_append(&zip, "evil\n");
    uint32_t directory = (uint32_t)zip.len;
    raw_central(&zip, &evil, offset);
    raw_end(&zip, 1, directory);
    zip.p[end - 2] = (char)(zip.len - end);
    struct told told;
    (void)check_zip(&zip, &told);
    assert_true(told.counts[FINDING_ARCHIVE_BROKEN] > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_programs_write_is_good),
        cmocka_unit_test(a_descriptor_may_take_the_place_of_sizes),
        cmocka_unit_test(a_member_listed_otherwise_is_told),
        cmocka_unit_test(names_with_a_nul_are_told),
        cmocka_unit_test(a_member_that_is_not_listed_is_told),
        cmocka_unit_test(what_may_stand_between_members_is_good),
        cmocka_unit_test(members_that_share_bytes_are_a_bomb),
        cmocka_unit_test(too_many_entries_are_not_read),
        cmocka_unit_test(a_directory_that_does_not_fit_is_told),
        cmocka_unit_test(two_directories_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
