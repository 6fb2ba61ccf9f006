/* The reader of CSV: RFC 4180 and what people write, whatever the size of the buffer it comes in. */
#include "../check.h"
#include "gate/csv.h"
#include "gate/letters.h"

#define TEXT_MAX 4096

/* Cells as text: [a][b] a row and a line; ~ behind a piece. */
static void note_cell(void *ctx, uint64_t column, const char *text, size_t len, bool piece)
{
    struct str *seen = ctx;

    (void)column;
    str_append_char(seen, '[');
    str_append_len(seen, text, len);
    str_append(seen, piece ? "~]" : "]");
}

static void note_row(void *ctx, uint64_t cells)
{
    str_printf(ctx, "%d\n", (int)cells);
}

/* Reads len bytes as they come in steps: the buffer never has more than what is left over and step. */
static void csv_note(const char *text, size_t len, char separator, char line_end, size_t cell_max, size_t step,
                     struct str *seen, bool *ret_long)
{
    char buffer[TEXT_MAX + TEXT_PAD];
    const struct csv_visitor visitor = {note_cell, note_row, seen};
    struct csv csv;
    size_t have = 0, given = 0;

    csv_init(&csv, separator, line_end, &visitor);
    csv.cell_max = cell_max;
    while (true) {
        size_t more = len - given < step ? len - given : step;
        memcpy(buffer + have, text + given, more);
        memset(buffer + have + more, '"', TEXT_PAD); /* what stands behind must not matter */
        given += more;
        have += more;
        size_t taken = csv_read(&csv, buffer, have, more == 0);
        assert_true(taken <= have);
        if (more == 0)
            break;
        assert_true(taken > 0 || have <= cell_max + CSV_QUOTES + step);
        have -= taken;
        memmove(buffer, buffer + taken, have);
    }
    if (ret_long)
        *ret_long = csv.long_cell;
    csv_done(&csv);
}

static void assert_cells(const char *text, char separator, char line_end, const char *wanted)
{
    size_t len = strlen(text);

    for (size_t step = 1; step <= len + 1 && step <= 64; step++) {
        AUTO_STR struct str seen = STR_INIT(1 << 20);
        csv_note(text, len, separator, line_end, 32, step, &seen, NULL);
        if (strcmp(str_text(&seen), wanted) != 0)
            fail_msg("step %zu: \"%s\" reads as\n%s not as\n%s", step, text, str_text(&seen), wanted);
    }
}

static void cells_are_cut_in_any_buffer(void **state)
{
    static const struct {
        const char *text, *wanted;
    } CASES[] = {
        {"a,b\n1,2\n", "[a][b]2\n[1][2]2\n"},
        {"a,b\r\n1,2", "[a][b]2\n[1][2]2\n"},
        {"a,b,\n,,\n", "[a][b][]3\n[][][]3\n"},
        {"a,", "[a][]2\n"},
        {"a\n\nb\n", "[a]1\n[]1\n[b]1\n"},
        {"\"a\",\"b\"\n", "[a][b]2\n"},
        {"\"a,b\",c\n", "[a,b][c]2\n"},
        {"\"a\nb\",c\r\nd\n", "[a\nb][c]2\n[d]1\n"},
        {"\"say \"\"hi\"\"\",2\n", "[say \"hi\"][2]2\n"},
        {"\"\"\"\",\"\"\n", "[\"][]2\n"},
        {"\"a\" ,b\n", "[a][b]2\n"},
        {"\"a\"\"\"\n", "[a\"]1\n"},
        {"\"a\"\r\n\"b\"\r\n", "[a]1\n[b]1\n"},
        {"5\" pipe,6\" pipe\n", "[5\" pipe][6\" pipe]2\n"},
        {"\"a\"b,c\n", "[\"a\"b][c]2\n"},
        {"a,\"b\n1,2\n", "[a][\"b]2\n[1][2]2\n"},
        {"a,\"", "[a][\"]2\n"},
        {"a,\"\"", "[a][]2\n"},
        {"", ""},
        {"\n", "[]1\n"},
        {"a;b,c\n", "[a;b][c]2\n"},
        {"one,two,three,four,five,six\n1,2,3,4,5,6\n", "[one][two][three][four][five][six]6\n[1][2][3][4][5][6]6\n"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++)
        assert_cells(CASES[i].text, ',', '\n', CASES[i].wanted);
    assert_cells("a;b,c;\"d;e\"\n", ';', '\n', "[a][b,c][d;e]3\n");
    assert_cells("a\tb\n1\t2\n", '\t', '\n', "[a][b]2\n[1][2]2\n");
    assert_cells("a,b\r1,\"2\r3\"\r", ',', '\r', "[a][b]2\n[1][2\r3]2\n");
}

static void long_cells_come_in_pieces(void **state)
{
    (void)state;
    assert_cells("x,0123456789012345678901234567890123456789,y\n", ',', '\n',
                 "[x][01234567890123456789012345678901~][23456789][y]3\n");
    assert_cells("01234567890123456789012345678901,y\n", ',', '\n', "[01234567890123456789012345678901][y]2\n");
    assert_cells("0123456789012345678901234567890101234567890123456789012345678901", ',', '\n',
                 "[01234567890123456789012345678901~][01234567890123456789012345678901]1\n");
}

static void a_quote_without_an_end_hides_nothing(void **state)
{
    AUTO_STR struct str seen = STR_INIT(1 << 20);
    bool is_long = false;
    (void)state;
    const char *text = "a,\"b,c\nd,e,f\ng,h,iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii,j\nk,l\n";
    csv_note(text, strlen(text), ',', '\n', 32, 7, &seen, &is_long);
    assert_true(is_long);
    assert_non_null(strstr(str_text(&seen), "[d][e][f]3\n"));
    assert_non_null(strstr(str_text(&seen), "[k][l]2\n"));
}

/* The same cells come out of every step, whatever goes in. */
static void noise_reads_alike_in_every_buffer(void **state)
{
    static const char OF[] = "\"\",,\n\r ab\0";
    unsigned random = 7;
    (void)state;
    for (int round = 0; round < 3000; round++) {
        char text[80];
        for (size_t i = 0; i < sizeof text; i++) {
            random = random * 1103515245 + 12345;
            text[i] = OF[(random >> 16) % (sizeof OF - 1)];
        }
        AUTO_STR struct str whole = STR_INIT(1 << 20);
        csv_note(text, sizeof text, ',', '\n', 8, sizeof text, &whole, NULL);
        for (size_t step = 1; step <= 17; step++) {
            AUTO_STR struct str seen = STR_INIT(1 << 20);
            csv_note(text, sizeof text, ',', '\n', 8, step, &seen, NULL);
            assert_int_equal(seen.len, whole.len);
            assert_memory_equal(seen.p, whole.p, whole.len);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_cut_in_any_buffer),
        cmocka_unit_test(long_cells_come_in_pieces),
        cmocka_unit_test(a_quote_without_an_end_hides_nothing),
        cmocka_unit_test(noise_reads_alike_in_every_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
