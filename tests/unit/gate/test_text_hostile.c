/* Files that are made to break a reader of text: it goes on, in bounded memory, and says what it could not read. */
#include <sys/resource.h>

#include "text_try.h"
#include "policy.h"

#define GIB ((uint64_t)1 << 30)
#define MEMORY_MAX ((int64_t)128 * 1024) /* KiB, of this process */
#define WIDE 1000000

static void assert_memory(void)
{
    struct rusage usage;

    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    assert_true(usage.ru_maxrss < MEMORY_MAX);
}

/* The findings of a file without its bytes in memory: len bytes of text, and then zeros to size. */
static void assert_sparse(const char *name, const char *text, uint64_t size, const char *wanted)
{
    AUTO_REPORT struct report *report = report_new(&policy);
    AUTO_FD int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    const struct check check = {.fd = fd, .size = size, .name = name, .gates = TRY_GATES, .policy = &policy};
    AUTO_STR struct str seen = STR_INIT(1 << 20);
    struct error err = {0};

    assert_int_equal(file_write_all(fd, text, strlen(text), &err), 0);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    assert_int_equal(text_check(&check, fd, size, name, NULL, NULL, report, &err), 0);
    AUTO_JSON json_t *gates = report_render(report);
    findings_note(gates, &seen);
    assert_string_equal(str_text(&seen), wanted);
    assert_memory();
}

/* The first 64 KiB are text, and then comes a GiB of zeros: one cell, or one line, without an end. */
static void a_gib_in_one_line_is_read_in_parts(void **state)
{
    AUTO_STR struct str head = STR_INIT(1 << 20);
    (void)state;
    str_append(&head, "contact,n\n");
    while (head.len < 300000)
        str_append(&head, "jane@example.org,12\n");
    assert_sparse("a.csv", str_text(&head), GIB, "not-read 0 - 0\nemail-address 2 contact 15000\n");
    str_reset(&head);
    while (head.len < 70000)
        str_append(&head, "nothing here ");
    assert_sparse("a.log", str_text(&head), GIB, "");
}

static void binary_files_are_not_looked_at(void **state)
{
    (void)state;
    assert_sparse("a.bin", "PK\003\004", GIB, "");
    assert_sparse("a.csv", "PK\003\004", 1 << 20, "not-read 0 - 0\n");
    assert_sparse("a.png", "\x89PNG\r\n\x1a\n", 4096, "");
}

static void a_million_columns_are_folded(void **state)
{
    AUTO_STR struct str text = STR_INIT(64 << 20);
    (void)state;
    for (int row = 0; row < 2; row++)
        for (int c = 0; c < WIDE; c++)
            str_append(&text, c + 1 < WIDE ? "x," : "jane@example.org\n");
    AUTO_JSON json_t *gates = text_report(&policy, "a.csv", text.p, text.len);
    AUTO_STR struct str seen = STR_INIT(1 << 20);
    findings_note(gates, &seen);
    assert_string_equal(str_text(&seen), "not-read 0 - 0\nemail-address 1 16384 2\n");
    assert_memory();
}

/* Every quote opens what never closes: still linear, and nothing behind it is hidden. */
static void quotes_without_an_end_take_no_longer(void **state)
{
    AUTO_STR struct str text = STR_INIT(64 << 20);
    (void)state;
    str_append(&text, "name,n\n");
    for (int row = 0; row < 200000; row++)
        str_append(&text, row % 2 ? "\"a,12\n" : "\"\"\"b,13\n");
    str_append(&text, "c,jane@example.org\n");
    AUTO_JSON json_t *gates = text_report(&policy, "a.csv", text.p, text.len);
    AUTO_STR struct str seen = STR_INIT(1 << 20);
    findings_note(gates, &seen);
    assert_non_null(strstr(str_text(&seen), "email-address "));
    assert_memory();
}

/* Every row calls itself a total: the search for hidden counts stays bounded. */
static void totals_everywhere_take_no_longer(void **state)
{
    AUTO_STR struct str text = STR_INIT(64 << 20);
    (void)state;
    str_append(&text, "region,n,m\n");
    for (int row = 0; row < 33000; row++)
        str_append(&text, row % 3 ? "total,*,\n" : "total,40,*\n");
    AUTO_JSON json_t *gates = text_report(&policy, "a.csv", text.p, text.len);
    assert_int_equal(json_array_size(gates), 2);
}

static void zeros_and_control_bytes_are_read_over(void **state)
{
    static const char ODD[] = "a\0b,\0\0\n\x01\x02,3\n";
    AUTO_STR struct str text = STR_INIT(1 << 20);
    (void)state;
    while (text.len < 70000)
        str_append(&text, "word,12\n");
    str_append_len(&text, ODD, sizeof ODD - 1);
    str_append(&text, "x,jane@example.org\n");
    AUTO_JSON json_t *gates = text_report(&policy, "a.csv", text.p, text.len);
    AUTO_STR struct str seen = STR_INIT(1 << 20);
    findings_note(gates, &seen);
    assert_string_equal(str_text(&seen), "email-address 8753 2 1\n");
}

static void codings_are_decoded(void **state)
{
    static const char LITTLE[] = "\xff\xfen\0,\0e\0\n\0003\0,\0a\0@\0b\0.\0o\0r\0g\0\n\0";
    static const char BIG[] = "\xfe\xff\0n\0,\0e\0\n\0003\0,\0a\0@\0b\0.\0o\0r\0g";
    static const char MARK[] = "\xEF\xBB\xBFn,e\n3,a@b.org\n", LATIN[] = "n,\xe9t\xe9\n3,a@b.org\n";
    (void)state;
    assert_findings(&policy, "a.csv", LITTLE, sizeof LITTLE - 1, "small-count 2 n 1\nemail-address 2 e 1\n");
    assert_findings(&policy, "a.csv", BIG, sizeof BIG - 1, "small-count 2 n 1\nemail-address 2 e 1\n");
    assert_findings(&policy, "a.csv", MARK, sizeof MARK - 1, "small-count 2 n 1\nemail-address 2 e 1\n");
    assert_findings(&policy, "a.csv", LATIN, sizeof LATIN - 1,
                    "small-count 2 n 1\nemail-address 2 \xef\xbf\xbdt\xef\xbf\xbd 1\n");
}

/* A file that is cut while it is read is no verdict, but an error. */
static void a_file_shorter_than_its_size_is_an_error(void **state)
{
    AUTO_REPORT struct report *report = report_new(&policy);
    AUTO_FD int fd = memfd_create("text", MFD_CLOEXEC);
    const struct check check = {.fd = fd, .size = 100, .name = "a.csv", .gates = TRY_GATES, .policy = &policy};
    (void)state;
    assert_int_equal(file_write_all(fd, "a,b\n", 4, NULL), 0);
    assert_refused(text_check(&check, fd, 100, "a.csv", NULL, NULL, report, err), E_IO, "ends before its size");
}

/* The first line of a list of addresses is no heading: a report would copy it. */
static void no_value_becomes_a_heading(void **state)
{
    static const char LIST[] = "jane@example.org,SW1A 1AA\nbob@example.org,SW1A 1AA\n";
    (void)state;
    assert_findings(&policy, "a.csv", LIST, sizeof LIST - 1, "email-address 1 1 2\nuk-postcode 1 2 2\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gib_in_one_line_is_read_in_parts),
        cmocka_unit_test(binary_files_are_not_looked_at),
        cmocka_unit_test(a_million_columns_are_folded),
        cmocka_unit_test(quotes_without_an_end_take_no_longer),
        cmocka_unit_test(totals_everywhere_take_no_longer),
        cmocka_unit_test(zeros_and_control_bytes_are_read_over),
        cmocka_unit_test(codings_are_decoded),
        cmocka_unit_test(a_file_shorter_than_its_size_is_an_error),
        cmocka_unit_test(no_value_becomes_a_heading),
    };
    return cmocka_run_group_tests(tests, policy_begin, policy_end);
}
