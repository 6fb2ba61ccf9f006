/* What is printed: safe text, widths, tables, sizes, times, the progress bar. */
#include "cli_test.h"

#include "base/json.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "cli/text.h"

static void escapes_what_could_steer_a_terminal(void **state)
{
    static const struct {
        const char *raw;
        const char *safe;
    } ROWS[] = {
        {"plain.txt", "plain.txt"},
        {"grün 日本.txt", "grün 日本.txt"},
        {"a\x1b[31mred", "a\\u{001b}[31mred"},
        {"a\nb\tc\r", "a\\u{000a}b\\u{0009}c\\u{000d}"},
        {"\x7f", "\\u{007f}"},
        {"csi \xc2\x9b 31m", "csi \\u{009b} 31m"},
        {"invoice\xe2\x80\xaexcod.exe", "invoice\\u{202e}xcod.exe"},
        {"zero\xe2\x80\x8bwidth", "zero\\u{200b}width"},
        {"line\xe2\x80\xa8sep", "line\\u{2028}sep"},
        {"bad\xff\xc3(", "bad\\xff\\xc3("},
        {"over\xc0\xaflong", "over\\xc0\\xaflong"},
        {"half\xe6\x97", "half\\xe6\\x97"},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO_STR struct str out = STR_INIT(256);
        text_append_safe(&out, ROWS[i].raw);
        assert_string_equal(str_text(&out), ROWS[i].safe);
    }
}

static void measures_columns(void **state)
{
    (void)state;
    assert_int_equal(text_width("abc"), 3);
    assert_int_equal(text_width("日本"), 4);
    assert_int_equal(text_width("e\xcc\x81"), 1);
    assert_int_equal(text_fit("日本語", 5), strlen("日本"));
    assert_int_equal(text_fit("日本語", 6), strlen("日本語"));
    assert_int_equal(text_fit("abc", 0), 0);
}

static void aligns_tables(void **state)
{
    static const char *const HEADINGS[] = {"NAME", ">SIZE", "~TITLE", NULL};
    AUTO_TABLE struct table *table = table_new(HEADINGS);
    AUTO_STR struct str out = STR_INIT(4096);

    (void)state;
    table_text(table, "日本");
    table_size(table, 12);
    table_text(table, "two\x1b[2Jwords");
    table_text(table, "x");
    table_size(table, 1536);
    table_text(table, "");
    table_render(table, 0, &out);
    assert_string_equal(str_text(&out), "NAME     SIZE  TITLE\n"
                                        "日本     12 B  two\\u{001b}[2Jwords\n"
                                        "x     1.5 KiB\n");
}

static void cuts_to_the_terminal(void **state)
{
    static const char *const HEADINGS[] = {"ID", "~TITLE", "~OTHER", NULL};
    AUTO_TABLE struct table *table = table_new(HEADINGS);
    AUTO_STR struct str out = STR_INIT(4096);

    (void)state;
    table_text(table, "0123456789");
    table_text(table, "a title that is far too long");
    table_text(table, "short");
    table_render(table, 30, &out);
    assert_string_equal(str_text(&out), "ID          TITLE        OTHER\n"
                                        "0123456789  a title th…  short\n");
}

static void never_cuts_what_must_stay(void **state)
{
    static const char *const HEADINGS[] = {"ID", NULL};
    AUTO_TABLE struct table *table = table_new(HEADINGS);
    AUTO_STR struct str out = STR_INIT(4096);

    (void)state;
    table_text(table, "0123456789");
    table_render(table, 5, &out);
    assert_string_equal(str_text(&out), "ID\n0123456789\n");
}

static void lists_facts(void **state)
{
    AUTO_FACTS struct facts facts = FACTS_INIT;

    (void)state;
    facts_add(&facts, "Title", "a\nb");
    facts_add(&facts, "Message", "");
    assert_string_equal(str_text(&facts.text), "Title:            a\\u{000a}b\n");
}

static void formats_sizes_and_times(void **state)
{
    AUTO_STR struct str out = STR_INIT(256);
    AUTO_JSON json_t *when = json_real(1795358000.75);
    char size[TEXT_SIZE_MAX];

    (void)state;
    text_format_size(0, size);
    assert_string_equal(size, "0 B");
    text_format_size(1023, size);
    assert_string_equal(size, "1023 B");
    text_format_size((uint64_t)8 << 20, size);
    assert_string_equal(size, "8.0 MiB");
    text_format_size(UINT64_MAX, size);
    assert_string_equal(size, "16.0 EiB");
    text_append_time(&out, when);
    str_append_char(&out, ' ');
    text_append_time(&out, NULL);
    assert_string_equal(str_text(&out), "2026-11-22T14:33:20Z -");
}

static void draws_progress(void **state)
{
    struct progress progress = {.label = "figure\x1b.pdf", .total = (uint64_t)100 << 20};
    AUTO_STR struct str out = STR_INIT(4096);

    (void)state;
    progress_render(&progress, (uint64_t)25 << 20, 5000, 200, &out);
    assert_string_equal(str_text(&out), "figure\\u{001b}.pdf   [#####---------------]  25%  "
                                        "25.0 MiB of 100.0 MiB  5.0 MiB/s  0:15 left");
    str_reset(&out);
    progress_render(&progress, (uint64_t)400 << 20, 0, 40, &out);
    assert_int_equal(text_width(str_text(&out)), 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_what_could_steer_a_terminal),
        cmocka_unit_test(measures_columns),
        cmocka_unit_test(aligns_tables),
        cmocka_unit_test(cuts_to_the_terminal),
        cmocka_unit_test(never_cuts_what_must_stay),
        cmocka_unit_test(lists_facts),
        cmocka_unit_test(formats_sizes_and_times),
        cmocka_unit_test(draws_progress),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
