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
    AUTO_FREE char *wanted =
        xasprintf("0 outer.tar.gz %zu\n1 inner.zip %zu\n2 inner.zip!/data/x.csv 4\n1 sub/last 0\n", outer.len, inner.len);
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
        {archive_write_set_format_zip, NULL, "x.csv"},        {archive_write_set_format_7zip, NULL, "x.csv"},
        {archive_write_set_format_ustar, NULL, "x.csv"},      {archive_write_set_format_gnutar, NULL, "x.csv"},
        {archive_write_set_format_v7tar, NULL, "x.csv"},      {archive_write_set_format_pax, NULL, "x.csv"},
        {archive_write_set_format_cpio_odc, NULL, "x.csv"},   {archive_write_set_format_cpio_newc, NULL, "x.csv"},
        {archive_write_set_format_cpio_bin, NULL, "x.csv"},   {archive_write_set_format_iso9660, NULL, "x.csv"},
        {archive_write_set_format_ar_svr4, NULL, "x.csv"},    {archive_write_set_format_raw, archive_write_add_filter_gzip, "file"},
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_shown_in_depth_first_order),
        cmocka_unit_test(every_form_is_unpacked),
    };
    walk_prepare();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
