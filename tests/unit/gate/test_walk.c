/* The walk over archives: what it shows, what it finds, and where it ends. */
#include "../check.h"
#include "gate/walk.h"
#include "packer.h"

#include <inttypes.h>
#include <sys/resource.h>

#include "base/clock.h"

#define SEEN_MAX ((size_t)1024 * 1024)

struct seen {
    struct str lines;
    int trailing;
};

static int see(void *ctx, const struct member *member, struct error *err)
{
    struct seen *seen = ctx;
    (void)err;
    assert_int_equal(lseek(member->fd, 0, SEEK_END), (off_t)member->size);
    str_printf(&seen->lines, "%d %s %" PRIu64 "%s\n", member->depth, member->path ? member->path : member->name,
               member->size, member->whole ? "" : " damaged");
    return 0;
}

static void see_trailing(void *ctx, const struct member *archive)
{
    (void)archive;
    ((struct seen *)ctx)->trailing++;
}

static void cleanup_seen(struct seen *seen)
{
    str_done(&seen->lines);
}
#define AUTO_SEEN CLEANUP(cleanup_seen)

/* Walks and reports. */
static int bench_walk(struct bench *bench, struct seen *seen)
{
    struct walk walk = {.visit = see, .trailing = see_trailing, .ctx = seen, .report = bench->report};
    struct error err = {0};
    int r;

    seen->lines = STR_INIT(SEEN_MAX);
    r = walk_members(&bench->check, &walk, &err);
    if (r < 0)
        fail_msg("%s", err.detail);
    return r;
}

static int walk_bytes(const char *name, const struct str *bytes, struct bench *bench, struct seen *seen)
{
    bench_init(bench, name, bytes->p, bytes->len);
    return bench_walk(bench, seen);
}

static void members_are_shown_in_depth_first_order(void **state)
{
    AUTO_STR struct str inner = STR_INIT(PACKED_MAX), outer = STR_INIT(PACKED_MAX);
    AUTO_BENCH struct bench bench;
    AUTO_SEEN struct seen seen = {0};
    (void)state;
    pack_one(&inner, archive_write_set_format_zip, NULL, "data/x.csv", "a,b\n", 4);
    struct packer packer = pack_begin(&outer, archive_write_set_format_pax, archive_write_add_filter_gzip, "");
    pack_file(&packer, "inner.zip", inner.p, inner.len);
    pack_entry(&packer, "sub", AE_IFDIR, NULL, NULL, 0);
    pack_file(&packer, "sub/last", "", 0);
    pack_end(&packer);
    assert_int_equal(walk_bytes("outer.tar.gz", &outer, &bench, &seen), 0);
    AUTO_FREE char *wanted = xasprintf("0 outer.tar.gz %zu\n1 inner.zip %zu\n2 inner.zip!/data/x.csv 4\n1 sub/last 0\n",
                                       outer.len, inner.len);
    assert_string_equal(str_text(&seen.lines), wanted);
    assert_int_equal(report_verdict(bench.report, GATE_ARCHIVE), VERDICT_PASS);
}

/* Every form that libarchive can write. */
static void every_form_is_unpacked(void **state)
{
    static const struct {
        pack_format *format, *filter;
        const char *shown;
    } FORMS[] = {
        {archive_write_set_format_zip, NULL, "x.csv"},
        {archive_write_set_format_7zip, NULL, "x.csv"},
        {archive_write_set_format_ustar, NULL, "x.csv"},
        {archive_write_set_format_gnutar, NULL, "x.csv"},
        {archive_write_set_format_v7tar, NULL, "x.csv"},
        {archive_write_set_format_pax, NULL, "x.csv"},
        {archive_write_set_format_cpio_odc, NULL, "x.csv"},
        {archive_write_set_format_cpio_newc, NULL, "x.csv"},
        {archive_write_set_format_cpio_bin, NULL, "x.csv"},
        {archive_write_set_format_iso9660, NULL, "x.csv"},
        {archive_write_set_format_ar_svr4, NULL, "x.csv"},
        {archive_write_set_format_raw, archive_write_add_filter_gzip, "file"},
        {archive_write_set_format_raw, archive_write_add_filter_bzip2, "file"},
        {archive_write_set_format_raw, archive_write_add_filter_xz, "file"},
        {archive_write_set_format_raw, archive_write_add_filter_lzma, "file"},
        {archive_write_set_format_raw, archive_write_add_filter_lzip, "file"},
        {archive_write_set_format_raw, archive_write_add_filter_lz4, "file"},
        {archive_write_set_format_raw, archive_write_add_filter_zstd, "file"},
        {archive_write_set_format_raw, archive_write_add_filter_compress, "file"},
        {archive_write_set_format_pax, archive_write_add_filter_xz, "x.csv"},
        {archive_write_set_format_pax, archive_write_add_filter_zstd, "x.csv"},
        {archive_write_set_format_pax, archive_write_add_filter_compress, "x.csv"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(FORMS); i++) {
        AUTO_STR struct str bytes = STR_INIT(PACKED_MAX);
        AUTO_BENCH struct bench bench;
        AUTO_SEEN struct seen seen = {0};
        pack_one(&bytes, FORMS[i].format, FORMS[i].filter, "x.csv", "a,b\n1,2\n", 8);
        int missed = walk_bytes("file.gz", &bytes, &bench, &seen);
        AUTO_FREE char *wanted = xasprintf("0 file.gz %zu\n1 %s 8\n", bytes.len, FORMS[i].shown);
        if (missed || strcmp(str_text(&seen.lines), wanted) != 0)
            fail_msg("form %zu: missed %d, seen %s", i, missed, str_text(&seen.lines));
        assert_int_equal(seen.trailing, 0);
        assert_int_equal(report_verdict(bench.report, GATE_ARCHIVE), VERDICT_PASS);
    }
}

static void assert_found(const struct str *bytes, enum finding finding, int64_t count)
{
    AUTO_BENCH struct bench bench;
    AUTO_SEEN struct seen seen = {0};

    (void)walk_bytes("a.archive", bytes, &bench, &seen);
    AUTO_JSON json_t *shown = report_render(bench.report);
    AUTO_FREE char *text = json_dumps(shown, JSON_COMPACT);
    if (report_count(bench.report, finding) != count ||
        (count == 0 && report_verdict(bench.report, GATE_ARCHIVE) != VERDICT_PASS))
        fail_msg("not %d times %s: %s", (int)count, finding_facts(finding)->name, text);
}

static void names_that_lead_out_are_told(void **state)
{
    static const struct {
        const char *name;
        int escapes;
    } NAMES[] = {{"../x", 1},  {"a/../../x", 1}, {"/etc/passwd", 1}, {"..", 1},          {"a/..", 1},   {"C:x", 1},
                 {"c:\\x", 1}, {"a\\b", 1},      {"\\\\host\\x", 1}, {"a//../x", 1},     {"a..b", 0},   {"..a", 0},
                 {"a/...", 0}, {"ab:c", 0},      {"./x", 0},         {"caf\xc3\xa9", 0}, {"a b/c d", 0}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        AUTO_STR struct str tar = STR_INIT(65536);
        pack_one(&tar, archive_write_set_format_ustar, NULL, NAMES[i].name, "x", 1);
        assert_found(&tar, FINDING_ARCHIVE_ESCAPE, NAMES[i].escapes);
    }
}

static void whatever_is_no_file_is_told(void **state)
{
    static const struct {
        mode_t type;
        const char *link;
    } ENTRIES[] = {{AE_IFLNK, "x.csv"}, {AE_IFREG, "x.csv"}, {AE_IFIFO, NULL}, {AE_IFCHR, NULL}, {AE_IFBLK, NULL}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ENTRIES); i++) {
        AUTO_STR struct str tar = STR_INIT(65536);
        struct packer packer = pack_begin(&tar, archive_write_set_format_pax, NULL, "");
        pack_file(&packer, "x.csv", "a,b\n", 4);
        pack_entry(&packer, "other", ENTRIES[i].type, ENTRIES[i].link, NULL, 0);
        pack_end(&packer);
        assert_found(&tar, FINDING_ARCHIVE_LINK, 1);
    }
    AUTO_STR struct str zip = STR_INIT(65536), plain = STR_INIT(65536);
    struct packer packer = pack_begin(&zip, archive_write_set_format_zip, NULL, "");
    pack_entry(&packer, "other", AE_IFLNK, "/etc/passwd", NULL, 0);
    pack_end(&packer);
    assert_found(&zip, FINDING_ARCHIVE_LINK, 1);
    packer = pack_begin(&plain, archive_write_set_format_pax, NULL, "");
    pack_entry(&packer, "dir", AE_IFDIR, NULL, NULL, 0);
    pack_file(&packer, "dir/x", "x", 1);
    pack_end(&packer);
    assert_found(&plain, FINDING_ARCHIVE_LINK, 0);
}

static void one_name_for_two_members_is_told(void **state)
{
    static const struct {
        const char *first, *second;
        int same;
    } NAMES[] = {{"a", "a", 1}, {"a", "./a", 1}, {"d/a", "d//a", 1}, {"a", "A", 0}, {"a", "b", 0}, {"ab/c", "a/bc", 0}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        AUTO_STR struct str tar = STR_INIT(65536);
        struct packer packer = pack_begin(&tar, archive_write_set_format_ustar, NULL, "");
        pack_file(&packer, NAMES[i].first, "x", 1);
        pack_file(&packer, NAMES[i].second, "y", 1);
        pack_entry(&packer, "dir", AE_IFDIR, NULL, NULL, 0); /* directories may come as often as they like */
        pack_entry(&packer, "dir", AE_IFDIR, NULL, NULL, 0);
        pack_end(&packer);
        assert_found(&tar, FINDING_ARCHIVE_TWICE, NAMES[i].same);
    }
}

/* Cut anywhere, an archive is never called whole, and what can be unpacked is still shown. */
static void a_truncated_archive_is_broken(void **state)
{
    static pack_format *const FORMATS[] = {archive_write_set_format_zip, archive_write_set_format_7zip,
                                           archive_write_set_format_cpio_newc, archive_write_set_format_raw};
    char text[3000];
    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(' ' + i * i % 90);
    for (size_t i = 0; i < ARRAY_LEN(FORMATS); i++) {
        AUTO_STR struct str whole = STR_INIT(65536);
        pack_one(&whole, FORMATS[i], i == 3 ? archive_write_add_filter_gzip : NULL, "x.csv", text, sizeof text);
        for (size_t len = 150; len < whole.len - 120; len += 97) {
            AUTO_STR struct str cut = STR_INIT(65536);
            AUTO_BENCH struct bench bench;
            AUTO_SEEN struct seen seen = {0};
            str_append_len(&cut, whole.p, len);
            int missed = walk_bytes("x", &cut, &bench, &seen);
            if (!(missed & WALK_BROKEN) || report_count(bench.report, FINDING_ARCHIVE_BROKEN) == 0)
                fail_msg("form %zu cut to %zu: missed %d", i, len, missed);
        }
    }
}

static void a_wrong_checksum_is_broken(void **state)
{
    AUTO_STR struct str zip = STR_INIT(65536);
    AUTO_BENCH struct bench bench;
    AUTO_SEEN struct seen seen = {0};
    (void)state;
    struct packer packer = pack_begin(&zip, archive_write_set_format_zip, NULL, "zip:compression=store");
    pack_file(&packer, "x", "0123456789", 10);
    pack_end(&packer);
    char *data = memmem(zip.p, zip.len, "0123456789", 10);
    assert_non_null(data);
    data[3] = 'x';
    assert_int_equal(walk_bytes("a.zip", &zip, &bench, &seen), WALK_BROKEN);
    assert_int_equal(report_count(bench.report, FINDING_ARCHIVE_BROKEN), 1);
    assert_non_null(strstr(str_text(&seen.lines), "1 x 10 damaged"));
}

static void a_kind_that_is_not_unpacked_is_told(void **state)
{
    AUTO_STR struct str xar = STR_INIT(65536);
    (void)state;
    str_append_len(&xar, "xar!\0\x1c\0\1", 8);
    assert_found(&xar, FINDING_ARCHIVE_BROKEN, 1);
}

static void junk_behind_a_tar_is_broken_and_padding_is_not(void **state)
{
    AUTO_STR struct str tar = STR_INIT(65536), padded = STR_INIT(65536);
    char zeroes[10240] = "";
    (void)state;
    pack_one(&tar, archive_write_set_format_ustar, NULL, "x", "x", 1);
    str_append_len(&padded, tar.p, tar.len);
    str_append_len(&padded, zeroes, sizeof zeroes);
    assert_found(&padded, FINDING_ARCHIVE_BROKEN, 0);
    zeroes[600] = 'x';
    str_append_len(&tar, zeroes, sizeof zeroes);
    assert_found(&tar, FINDING_ARCHIVE_BROKEN, 1);
}

/* A member of a second tar behind the first one's end, which tar -i would unpack. */
static void what_follows_the_end_of_a_tar_is_shown(void **state)
{
    AUTO_STR struct str both = STR_INIT(65536), second = STR_INIT(65536);
    AUTO_BENCH struct bench bench;
    AUTO_SEEN struct seen seen = {0};
    (void)state;
    pack_one(&both, archive_write_set_format_ustar, NULL, "x", "x", 1);
    pack_one(&second, archive_write_set_format_ustar, NULL, "hidden", "y", 1);
    str_append_len(&both, second.p, second.len);
    (void)walk_bytes("a.tar", &both, &bench, &seen);
    assert_non_null(strstr(str_text(&seen.lines), "1 hidden 1\n"));
}

static int refuse(void *ctx, const struct member *member, struct error *err)
{
    (void)ctx;
    return member->path ? error_set(err, E_UNAVAILABLE, "no more") : 0;
}

static void a_visitor_may_end_the_walk(void **state)
{
    AUTO_STR struct str zip = STR_INIT(65536);
    AUTO_BENCH struct bench bench;
    struct walk walk = {.visit = refuse};
    (void)state;
    pack_one(&zip, archive_write_set_format_zip, NULL, "x", "x", 1);
    bench_init(&bench, "a.zip", zip.p, zip.len);
    assert_refused(walk_members(&bench.check, &walk, err), E_UNAVAILABLE, "no more");
}

static void without_a_scratch_file_nothing_is_unpacked(void **state)
{
    AUTO_STR struct str zip = STR_INIT(65536);
    AUTO_BENCH struct bench bench;
    struct walk walk = {.visit = refuse};
    (void)state;
    pack_one(&zip, archive_write_set_format_zip, NULL, "x", "x", 1);
    bench_init(&bench, "a.zip", zip.p, zip.len);
    (void)close(bench.check.scratch[0]);
    bench.check.scratch[0] = -1;
    assert_refused(walk_members(&bench.check, &walk, err), E_INTERNAL, "no scratch file");
}

/* A plain file costs its beginning and its end: the text gates alone read the rest. */
static void a_large_plain_file_is_hardly_read(void **state)
{
    AUTO_BENCH struct bench bench;
    AUTO_SEEN struct seen seen = {0};
    (void)state;
    bench_init(&bench, "a.csv", "a,b\n", 4);
    bench.check.size = (uint64_t)1 << 40;
    assert_int_equal(ftruncate(bench.check.fd, (off_t)1 << 40), 0);
    int64_t begin = clock_mono_ms();
    assert_int_equal(bench_walk(&bench, &seen), 0);
    assert_in_range(clock_mono_ms() - begin, 0, 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_shown_in_depth_first_order),
        cmocka_unit_test(every_form_is_unpacked),
        cmocka_unit_test(names_that_lead_out_are_told),
        cmocka_unit_test(whatever_is_no_file_is_told),
        cmocka_unit_test(one_name_for_two_members_is_told),
        cmocka_unit_test(a_truncated_archive_is_broken),
        cmocka_unit_test(a_wrong_checksum_is_broken),
        cmocka_unit_test(a_kind_that_is_not_unpacked_is_told),
        cmocka_unit_test(junk_behind_a_tar_is_broken_and_padding_is_not),
        cmocka_unit_test(what_follows_the_end_of_a_tar_is_shown),
        cmocka_unit_test(a_visitor_may_end_the_walk),
        cmocka_unit_test(without_a_scratch_file_nothing_is_unpacked),
        cmocka_unit_test(a_large_plain_file_is_hardly_read),
    };
    walk_prepare();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
