/* Tables as CSV: what RFC 4180 says, and nothing that a spreadsheet runs. */
#include "../check.h"
#include "cli/table.h"

static void assert_csv(const char *cell, const char *wanted)
{
    static const char *const HEADINGS[] = {">N", "~TITLE", NULL};
    AUTO_TABLE struct table *table = table_new(HEADINGS);
    AUTO_STR struct str out = STR_INIT(4096), whole = STR_INIT(4096);

    table_text(table, "1");
    table_text(table, cell);
    table_render_csv(table, &out);
    str_printf(&whole, "N,TITLE\r\n1,%s\r\n", wanted);
    assert_string_equal(str_text(&out), str_text(&whole));
}

static void cells_are_quoted_where_they_must(void **state)
{
    (void)state;
    assert_csv("plain", "plain");
    assert_csv("", "");
    assert_csv("a b", "a b");
    assert_csv("a,b", "\"a,b\"");
    assert_csv("say \"hi\"", "\"say \"\"hi\"\"\"");
    assert_csv("x=1", "x=1");
}

static void t47_no_cell_is_a_formula(void **state)
{
    (void)state;
    assert_csv("=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\"");
    assert_csv("+1", "\"'+1\"");
    assert_csv("-1", "\"'-1\"");
    assert_csv("@SUM(A1)", "\"'@SUM(A1)\"");
    assert_csv("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_quoted_where_they_must),
        cmocka_unit_test(t47_no_cell_is_a_formula),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
