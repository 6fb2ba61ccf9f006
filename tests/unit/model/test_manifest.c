/* The manifest: its canonical bytes are fixed, and everything out of form is refused. */
#include "../check.h"

#include <stdio.h>

#include "model/manifest.h"

#define DIGEST "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const struct manifest_metadata MTIME[] = {{"mtime", "1700000000.5"}};

static struct manifest_file good_file(void)
{
    struct manifest_file file = {.name = "dir/a \"b\".txt",
                                 .size = 12345678901234,
                                 .sha256 = DIGEST,
                                 .content_type = "text/plain",
                                 .metadata_count = 1,
                                 .metadata = MTIME};
    return file;
}

static void test_line(void **state)
{
    (void)state;
    struct manifest_file file = good_file();
    AUTO_STR struct str s = STR_INIT(4096);

    assert_int_equal(manifest_append_line(&file, &s, NULL), 0);
    assert_string_equal(str_text(&s), "{\"name\":\"dir/a \\\"b\\\".txt\",\"size\":12345678901234,\"sha256\":\"" DIGEST
                                      "\",\"contentType\":\"text/plain\",\"metadata\":{\"mtime\":\"1700000000.5\"},"
                                      "\"warnings\":[\"windows-character\"]}\n");
    file.name = "../con.txt";
    str_reset(&s);
    assert_int_equal(manifest_append_line(&file, &s, NULL), 0);
    assert_non_null(strstr(str_text(&s), ",\"warnings\":[\"path\",\"reserved-name\"]}\n"));
    AUTO_STR struct str small = STR_INIT(10);
    assert_refused(manifest_append_line(&file, &small, err), E_LIMIT, "too long");
}

static void test_line_refusals(void **state)
{
    (void)state;
    static const struct manifest_metadata UNKNOWN[] = {{"no-name", "x"}};
    static const struct manifest_metadata CONTROL[] = {{"mtime", "1\n2"}};
    static const struct manifest_metadata UNSORTED[] = {{"mtime", "1"}, {"Mtime", "2"}};
    static const struct manifest_metadata TWICE[] = {{"mtime", "1"}, {"mtime", "2"}};
    AUTO_STR struct str s = STR_INIT(4096);
    struct manifest_file file = good_file();

    file.name = "";
    assert_refused_field(manifest_append_line(&file, &s, err), E_INVALID, "name");
    file.name = "bad\xff";
    assert_refused_field(manifest_append_line(&file, &s, err), E_INVALID, "name");
    file = good_file();
    file.sha256 = "E3B0";
    assert_refused_field(manifest_append_line(&file, &s, err), E_INVALID, "sha256");
    file.sha256 = "E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_refused_field(manifest_append_line(&file, &s, err), E_INVALID, "sha256");
    file = good_file();
    file.content_type = "text/plain\r\nX: y";
    assert_refused_field(manifest_append_line(&file, &s, err), E_INVALID, "contentType");
    file = good_file();
    file.metadata = UNKNOWN;
    assert_refused_field(manifest_append_line(&file, &s, err), E_INVALID, "metadata");
    file.metadata = CONTROL;
    assert_refused_field(manifest_append_line(&file, &s, err), E_INVALID, "metadata");
    file.metadata_count = 2;
    file.metadata = UNSORTED;
    assert_refused_field(manifest_append_line(&file, &s, err), E_INVALID, "metadata");
    file.metadata = TWICE;
    assert_refused_field(manifest_append_line(&file, &s, err), E_INVALID, "metadata");
    file.metadata_count = MANIFEST_METADATA_MAX + 1;
    assert_refused_field(manifest_append_line(&file, &s, err), E_INVALID, "metadata");
    assert_int_equal(s.len, 0);
}

static void test_digest(void **state)
{
    (void)state;
    AUTO_MANIFEST struct manifest *m = manifest_new();
    AUTO_STR struct str all = STR_INIT(65536);
    char digest[SHA256_HEX_SIZE], expected[SHA256_HEX_SIZE];
    static const char *const NAMES[] = {"A", "a", "a/b", "b", "\xc3\xa9"}; /* ordinal byte order */

    str_append(&all, "{\"airlockManifest\":1}\n");
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        struct manifest_file file = good_file();
        file.name = NAMES[i];
        file.size = i;
        assert_int_equal(manifest_add(m, &file, NULL), 0);
        assert_int_equal(manifest_append_line(&file, &all, NULL), 0);
    }
    manifest_finish(m, digest);
    sha256_hex(all.p, all.len, expected);
    assert_string_equal(digest, expected);
}

/* The form is fixed: a digest written down once must be found again by every later version. */
static void test_known_digest(void **state)
{
    (void)state;
    AUTO_MANIFEST struct manifest *m = manifest_new();
    char digest[SHA256_HEX_SIZE];
    struct manifest_file file = {.name = "result.csv", .size = 0, .sha256 = DIGEST, .content_type = ""};

    assert_int_equal(manifest_add(m, &file, NULL), 0);
    manifest_finish(m, digest);
    assert_string_equal(digest, "4514f8d359166a595045c075a9f944d027bde9c19f02a0ddc8958aff05ef81be");
}

static void test_order(void **state)
{
    (void)state;
    AUTO_MANIFEST struct manifest *m = manifest_new();
    struct manifest_file file = good_file();

    file.name = "b";
    assert_int_equal(manifest_add(m, &file, NULL), 0);
    assert_refused_field(manifest_add(m, &file, err), E_INVALID, "files");
    file.name = "a";
    assert_refused_field(manifest_add(m, &file, err), E_INVALID, "files");
    file.name = "c";
    file.sha256 = "";
    assert_refused_field(manifest_add(m, &file, err), E_INVALID, "sha256");
    file = good_file();
    file.name = "c";
    file.size = UINT64_MAX;
    assert_refused(manifest_add(m, &file, err), E_LIMIT, "larger together");
    manifest_free(NULL);
}

static void test_kept_metadata(void **state)
{
    (void)state;
    assert_true(manifest_keeps_metadata("mtime", "mtime"));
    assert_true(manifest_keeps_metadata("a, mtime b", "Mtime"));
    assert_true(manifest_keeps_metadata("a, mtime b", "b"));
    assert_false(manifest_keeps_metadata("mtime", "copied_from"));
    assert_false(manifest_keeps_metadata("mtime", "mtim"));
    assert_false(manifest_keeps_metadata("mtime", "mtimes"));
    assert_false(manifest_keeps_metadata("a, b", ""));
    assert_false(manifest_keeps_metadata("", "mtime"));
    assert_false(manifest_keeps_metadata("", ""));
}

static void test_kept_content_types(void **state)
{
    (void)state;
    static const char *const GOOD[] = {"text/csv", "application/vnd.ms-excel", "text/plain; charset=utf-8",
                                       "text/plain;charset=UTF-8", "image/svg+xml"};
    static const char *const BAD[] = {"", "text", "text/", "/csv", "a b/c", "text/csv; note=hidden words",
                                      "text/plain; charset=", "text/plain; charset=a b", "t\xc3\xa9xt/csv"};
    AUTO_FREE char *large = xasprintf("text/%0130d", 0);
    for (size_t i = 0; i < ARRAY_LEN(GOOD); i++)
        assert_true(manifest_keeps_content_type(GOOD[i]));
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        assert_false(manifest_keeps_content_type(BAD[i]));
    assert_false(manifest_keeps_content_type(large));
}

/* A hundred thousand files in a moment and without a list in memory. */
static void test_many(void **state)
{
    (void)state;
    AUTO_MANIFEST struct manifest *m = manifest_new();
    char name[32], digest[SHA256_HEX_SIZE];
    struct manifest_file file = good_file();

    file.name = name;
    for (int i = 0; i < 100000; i++) {
        (void)snprintf(name, sizeof name, "file-%06d", i);
        assert_int_equal(manifest_add(m, &file, NULL), 0);
    }
    manifest_finish(m, digest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line),         cmocka_unit_test(test_line_refusals), cmocka_unit_test(test_digest),
        cmocka_unit_test(test_known_digest), cmocka_unit_test(test_order),         cmocka_unit_test(test_kept_metadata),
        cmocka_unit_test(test_many),         cmocka_unit_test(test_kept_content_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
