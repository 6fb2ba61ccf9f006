/* The gate types, through inspect_check: ordinary files pass, the others are told apart. */
#include "../check.h"
#include "gate/inspect.h"
#include "gate/types.h"
#include "sample.h"

static void inspect(struct bench *bench, const char *name, const void *bytes, size_t len)
{
    struct error err = {0};

    bench_init(bench, name, bytes, len);
    if (inspect_check(&bench->check, bench->report, &err) != 0)
        fail_msg("%s: %s", name, err.detail);
}

/* How many findings of a kind a file has. */
static int64_t count_of(enum finding finding, const char *name, const struct str *bytes)
{
    AUTO_BENCH struct bench bench;

    inspect(&bench, name, bytes->p, bytes->len);
    return report_count(bench.report, finding);
}

static void assert_passes(const char *name, const void *bytes, size_t len, const char *type)
{
    AUTO_BENCH struct bench bench;

    inspect(&bench, name, bytes, len);
    AUTO_JSON json_t *shown = report_render(bench.report);
    AUTO_FREE char *text = json_dumps(shown, JSON_COMPACT);
    if (report_verdict(bench.report, GATE_TYPES) != VERDICT_PASS ||
        report_verdict(bench.report, GATE_ARCHIVE) != VERDICT_PASS)
        fail_msg("%s: %s", name, text);
    AUTO_FREE char *wanted = xasprintf("\"type\":\"%s\"", type);
    if (!strstr(text, wanted))
        fail_msg("%s is no %s: %s", name, type, text);
}

static void append(struct str *out, const char *bytes, size_t len)
{
    str_append_len(out, bytes, len);
}

#define APPEND(out, text) append(out, text, sizeof(text) - 1)

static void ordinary_files_pass(void **state)
{
    AUTO_STR struct str utf16 = STR_INIT(4096), docx = STR_INIT(65536), zip = STR_INIT(65536), gz = STR_INIT(65536);
    (void)state;
    sample_utf16(&utf16, CSV);
    sample_docx(&docx);
    pack_one(&zip, archive_write_set_format_zip, NULL, "table.csv", CSV, sizeof CSV - 1);
    pack_one(&gz, archive_write_set_format_raw, archive_write_add_filter_gzip, "x", CSV, sizeof CSV - 1);
    assert_passes("a.png", PNG, sizeof PNG - 1, "image/png");
    assert_passes("a.JPG", JPEG, sizeof JPEG - 1, "image/jpeg");
    assert_passes("a.gif", GIF, sizeof GIF - 1, "image/gif");
    assert_passes("a.pdf", PDF, sizeof PDF - 1, "application/pdf");
    assert_passes("a.csv", CSV, sizeof CSV - 1, "text/csv");
    assert_passes("a.txt", "No table at all.\n", 17, "text/plain");
    assert_passes("a.csv", utf16.p, utf16.len, "text/csv");
    assert_passes("a.csv", "", 0, "application/x-empty");
    assert_passes("a.docx", docx.p, docx.len,
                  "application/vnd.openxmlformats-officedocument.wordprocessingml.document");
    assert_passes("a.zip", zip.p, zip.len, "application/zip");
    assert_passes("a.csv.gz", gz.p, gz.len, "application/gzip");
    assert_passes("program", ELF, sizeof ELF - 1, "application/x-executable");
}

/* Text that libmagic takes for something else, or that speaks of signatures. */
static void plain_tables_never_mismatch(void **state)
{
    static const struct sample TABLES[] = {
        SAMPLE("import,from,class\n1,2,3\n"),
        SAMPLE("070707000001000002100644,1\n"),
        SAMPLE("070701,patients\n"),
        SAMPLE("PK,name\n1,2\n"),
        SAMPLE("BZh,MZ,GIF89a\n1,2,3\n"),
        SAMPLE("%PDF-1.4 is how one begins\n"),
        SAMPLE("#,count\n1,2\n"),
        SAMPLE("id;caf\xe9\n1;2\n"),
        SAMPLE("begin 644 x\n#0V%T\n`\nend\n"),
        SAMPLE("#mtree\nx type=file\n"),
        SAMPLE("WARC/1.0\r\n\r\n"),
        SAMPLE("id,\"From: someone\"\nSubject: a,b\n"),
        SAMPLE("{\"a\": 1}\n"),
        SAMPLE("\xef\xbb\xbfname,caf\xc3\xa9\n"),
        SAMPLE("id,note\n1,<html><body>a page in a cell</body></html>\n"),
        SAMPLE("\x1b$)C\nid,\x0e!!\x0f\n"),
        SAMPLE("x"),
        SAMPLE("\n\n\n"),
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(TABLES); i++) {
        AUTO_BENCH struct bench bench;
        inspect(&bench, "table.csv", TABLES[i].bytes, TABLES[i].len);
        AUTO_JSON json_t *shown = report_render(bench.report);
        AUTO_FREE char *text = json_dumps(shown, JSON_COMPACT);
        if (report_verdict(bench.report, GATE_TYPES) != VERDICT_PASS ||
            report_verdict(bench.report, GATE_ARCHIVE) != VERDICT_PASS || strstr(text, "members"))
            fail_msg("table %zu: %s", i, text);
    }
}

static void t40_names_that_do_not_fit_are_told(void **state)
{
    static const struct {
        const char *name;
        struct sample is;
    } FILES[] = {
        {"table.csv", SAMPLE(ELF)},
        {"notes.txt", SAMPLE("#!/bin/sh\nrm -rf /\n")},
        {"notes.txt", SAMPLE("<?php system($_GET['c']); ?>\n")},
        {"scan.jpg", SAMPLE(PNG)},
        {"scan.png", SAMPLE(PDF)},
        {"paper.pdf", SAMPLE(ELF)},
        {"table.csv", SAMPLE(PNG)},
        {"table.csv", SAMPLE("<!DOCTYPE html><html><script>1</script></html>")},
        {"paper.docx", SAMPLE(PDF)},
        {"data.tar", SAMPLE("no archive\n")},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(FILES); i++) {
        AUTO_BENCH struct bench bench;
        inspect(&bench, FILES[i].name, FILES[i].is.bytes, FILES[i].is.len);
        if (report_count(bench.report, FINDING_TYPE_MISMATCH) != 1)
            fail_msg("file %zu, %s", i, FILES[i].name);
        assert_int_equal(report_verdict(bench.report, GATE_TYPES), VERDICT_WARN);
    }
}

static void t40_an_archive_behind_another_file_is_a_polyglot(void **state)
{
    static const struct {
        const char *name;
        struct sample first;
    } FIRSTS[] = {{"a.png", SAMPLE(PNG)},
                  {"a.jpg", SAMPLE(JPEG)},
                  {"a.gif", SAMPLE(GIF)},
                  {"a.pdf", SAMPLE(PDF)},
                  {"a.txt", SAMPLE("words\n")}};
    AUTO_STR struct str zip = STR_INIT(65536);
    (void)state;
    pack_one(&zip, archive_write_set_format_zip, NULL, "hidden.csv", CSV, sizeof CSV - 1);
    for (size_t i = 0; i < ARRAY_LEN(FIRSTS); i++) {
        AUTO_STR struct str both = STR_INIT(65536);
        AUTO_BENCH struct bench bench;
        append(&both, FIRSTS[i].first.bytes, FIRSTS[i].first.len);
        append(&both, zip.p, zip.len);
        inspect(&bench, FIRSTS[i].name, both.p, both.len);
        AUTO_JSON json_t *shown = report_render(bench.report);
        AUTO_FREE char *text = json_dumps(shown, JSON_COMPACT);
        if (report_count(bench.report, FINDING_TYPE_POLYGLOT) != 1 || !strstr(text, "hidden.csv"))
            fail_msg("%s: %s", FIRSTS[i].name, text); /* and it was walked */
    }
}

static void t40_scripts_and_pages_in_images_are_polyglots(void **state)
{
    AUTO_STR struct str gif = STR_INIT(4096), jpeg = STR_INIT(4096), page = STR_INIT(4096), phar = STR_INIT(4096);
    AUTO_STR struct str pdf = STR_INIT(4096), tar = STR_INIT(65536);
    (void)state;
    APPEND(&gif, "GIF89a/*\1\0\x80\0\0\xff\xff\xff\0\0\0;*/=1;alert(1)");
    assert_int_equal(count_of(FINDING_TYPE_POLYGLOT, "a.gif", &gif), 1);
    APPEND(&jpeg, "\xff\xd8\xff\xe0/*JFIF\0\1\1\0\0\1\0\1\0\0*/=1;alert(1)");
    assert_int_equal(count_of(FINDING_TYPE_POLYGLOT, "a.jpg", &jpeg), 1);
    append(&page, PNG, sizeof PNG - 1);
    APPEND(&page, "<HTML><body onload=alert(1)>");
    assert_int_equal(count_of(FINDING_TYPE_POLYGLOT, "a.png", &page), 1);
    append(&phar, GIF, sizeof GIF - 1);
    APPEND(&phar, "<?php __HALT_COMPILER(); ?>");
    assert_int_equal(count_of(FINDING_TYPE_POLYGLOT, "a.gif", &phar), 1);
    APPEND(&pdf, "alert(1);/*\n");
    append(&pdf, PDF, sizeof PDF - 1);
    assert_int_equal(count_of(FINDING_TYPE_POLYGLOT, "a.js", &pdf), 1);
    pack_one(&tar, archive_write_set_format_ustar, NULL, "%PDF-1.4.csv", CSV, sizeof CSV - 1);
    assert_int_equal(count_of(FINDING_TYPE_POLYGLOT, "a.pdf", &tar), 1);
}

/* An archive that holds a file of another kind is no polyglot. */
static void t40_members_are_no_second_kind(void **state)
{
    AUTO_STR struct str tar = STR_INIT(65536), zip = STR_INIT(65536), inner = STR_INIT(65536), nested = STR_INIT(65536);
    (void)state;
    pack_one(&tar, archive_write_set_format_ustar, NULL, "a.pdf", PDF, sizeof PDF - 1);
    assert_passes("a.tar", tar.p, tar.len, "application/x-tar");
    struct packer packer = pack_begin(&zip, archive_write_set_format_zip, NULL, "zip:compression=store");
    pack_file(&packer, "a.pdf", PDF, sizeof PDF - 1);
    pack_end(&packer);
    assert_passes("a.zip", zip.p, zip.len, "application/zip");
    pack_one(&inner, archive_write_set_format_zip, NULL, "x.csv", CSV, sizeof CSV - 1);
    packer = pack_begin(&nested, archive_write_set_format_zip, NULL, "zip:compression=store");
    pack_file(&packer, "inner.zip", inner.p, inner.len);
    pack_end(&packer);
    assert_passes("a.zip", nested.p, nested.len, "application/zip");
}

static void t40_data_behind_the_end_is_told(void **state)
{
    AUTO_STR struct str zip = STR_INIT(65536), sevenzip = STR_INIT(65536), gz = STR_INIT(65536);
    (void)state;
    pack_one(&zip, archive_write_set_format_zip, NULL, "x.csv", CSV, sizeof CSV - 1);
    pack_one(&sevenzip, archive_write_set_format_7zip, NULL, "x.csv", CSV, sizeof CSV - 1);
    pack_one(&gz, archive_write_set_format_raw, archive_write_add_filter_gzip, "x", CSV, sizeof CSV - 1);
    const struct {
        const char *name;
        struct sample first;
    } FIRSTS[] = {{"a.png", SAMPLE(PNG)},      {"a.jpg", SAMPLE(JPEG)},     {"a.gif", SAMPLE(GIF)},
                  {"a.pdf", SAMPLE(PDF)},      {"a.zip", {zip.p, zip.len}}, {"a.7z", {sevenzip.p, sevenzip.len}},
                  {"a.csv.gz", {gz.p, gz.len}}};
    for (size_t i = 0; i < ARRAY_LEN(FIRSTS); i++) {
        AUTO_STR struct str longer = STR_INIT(65536), padded = STR_INIT(65536);
        append(&longer, FIRSTS[i].first.bytes, FIRSTS[i].first.len);
        append(&padded, FIRSTS[i].first.bytes, FIRSTS[i].first.len);
        APPEND(&longer, "payload");
        APPEND(&padded, "\0\0\0\0");
        if (count_of(FINDING_TYPE_TRAILING, FIRSTS[i].name, &longer) != 1)
            fail_msg("%s", FIRSTS[i].name);
        if (count_of(FINDING_TYPE_TRAILING, FIRSTS[i].name, &padded) != 0)
            fail_msg("%s with padding", FIRSTS[i].name);
    }
    AUTO_STR struct str twice = STR_INIT(65536); /* two members are one file */
    append(&twice, gz.p, gz.len);
    append(&twice, gz.p, gz.len);
    assert_int_equal(count_of(FINDING_TYPE_TRAILING, "a.csv.gz", &twice), 0);
}

static void t40_a_large_tail_behind_a_pdf_is_told(void **state)
{
    AUTO_STR struct str pdf = STR_INIT(PACKED_MAX);
    (void)state;
    append(&pdf, PDF, sizeof PDF - 1);
    for (int i = 0; i < 30000; i++)
        APPEND(&pdf, "payload ");
    assert_int_equal(count_of(FINDING_TYPE_TRAILING, "a.pdf", &pdf), 1);
}

static void set(struct bench *bench, enum gate_policy_row row, const char *value)
{
    struct error err = {0};

    if (gate_policy_set(&bench->policy, row, value, &err) != 0)
        fail_msg("%s", err.detail);
}

static void refused_types_block_also_in_archives(void **state)
{
    AUTO_STR struct str zip = STR_INIT(65536);
    AUTO_BENCH struct bench bench;
    (void)state;
    struct packer packer = pack_begin(&zip, archive_write_set_format_zip, NULL, "");
    pack_file(&packer, "x.csv", CSV, sizeof CSV - 1);
    pack_file(&packer, "scan.png", PNG, sizeof PNG - 1);
    pack_end(&packer);
    bench_init(&bench, "a.zip", zip.p, zip.len);
    set(&bench, GATE_POLICY_TYPES_REFUSED, "image/*");
    assert_int_equal(inspect_check(&bench.check, bench.report, NULL), 0);
    assert_int_equal(report_count(bench.report, FINDING_TYPE_REFUSED), 1);
    assert_int_equal(report_verdict(bench.report, GATE_TYPES), VERDICT_BLOCK);
    AUTO_JSON json_t *shown = report_render(bench.report);
    AUTO_FREE char *text = json_dumps(shown, JSON_COMPACT);
    assert_non_null(strstr(text, "\"member\":\"scan.png\""));
}

static void only_allowed_types_pass_where_some_are_named(void **state)
{
    AUTO_STR struct str zip = STR_INIT(65536), docx = STR_INIT(65536);
    static const char ALLOWED[] =
        "text/csv application/zip application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    const struct {
        const char *name;
        struct sample is;
        int refused;
    } FILES[] = {{"a.csv", SAMPLE(CSV), 0}, {"a.png", SAMPLE(PNG), 1}, {"a.csv", {"", 0}, 0}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(FILES); i++) {
        AUTO_BENCH struct bench bench;
        bench_init(&bench, FILES[i].name, FILES[i].is.bytes, FILES[i].is.len);
        set(&bench, GATE_POLICY_TYPES_ALLOWED, ALLOWED);
        assert_int_equal(inspect_check(&bench.check, bench.report, NULL), 0);
        assert_int_equal(report_count(bench.report, FINDING_TYPE_REFUSED), FILES[i].refused);
    }
    sample_docx(&docx); /* its parts are of types that are not named */
    struct packer packer = pack_begin(&zip, archive_write_set_format_zip, NULL, "");
    pack_file(&packer, "a.docx", docx.p, docx.len);
    pack_file(&packer, "x.png", PNG, sizeof PNG - 1);
    pack_end(&packer);
    AUTO_BENCH struct bench bench;
    bench_init(&bench, "a.zip", zip.p, zip.len);
    set(&bench, GATE_POLICY_TYPES_ALLOWED, ALLOWED);
    assert_int_equal(inspect_check(&bench.check, bench.report, NULL), 0);
    assert_int_equal(report_count(bench.report, FINDING_TYPE_REFUSED), 1);
}

static int begin(void **state)
{
    (void)state;
    return inspect_prepare(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_files_pass),
        cmocka_unit_test(plain_tables_never_mismatch),
        cmocka_unit_test(t40_names_that_do_not_fit_are_told),
        cmocka_unit_test(t40_an_archive_behind_another_file_is_a_polyglot),
        cmocka_unit_test(t40_scripts_and_pages_in_images_are_polyglots),
        cmocka_unit_test(t40_members_are_no_second_kind),
        cmocka_unit_test(t40_data_behind_the_end_is_told),
        cmocka_unit_test(t40_a_large_tail_behind_a_pdf_is_told),
        cmocka_unit_test(refused_types_block_also_in_archives),
        cmocka_unit_test(only_allowed_types_pass_where_some_are_named),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
