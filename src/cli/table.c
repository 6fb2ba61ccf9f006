/* Rendering of tables and lists of facts. */
#include "cli/table.h"

#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>

#include "cli/text.h"

#define TABLE_CELLS_MAX 1000000
#define TABLE_TEXT_MAX ((size_t)128 * 1024 * 1024)
#define CELL_TEXT_MAX 4096
#define COLUMN_GAP 2
#define CUT_COLUMN_MIN 8
#define FACT_NAME_WIDTH 18

struct column {
    const char *heading;
    bool right;
    bool may_cut;
};

struct table {
    struct column columns[TABLE_COLUMNS_MAX];
    size_t width;
    char **cells; /* row by row, safe text */
    size_t cell_count;
    size_t cell_cap;
};

struct table *table_new(const char *const *headings)
{
    struct table *table = xcalloc(1, sizeof *table);

    for (; headings[table->width] && table->width < TABLE_COLUMNS_MAX; table->width++) {
        struct column *column = &table->columns[table->width];
        const char *heading = headings[table->width];
        column->right = *heading == '>';
        column->may_cut = *heading == '~';
        column->heading = heading + (column->right || column->may_cut);
    }
    return table;
}

void table_free(struct table *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < table->cell_count; i++)
        free(table->cells[i]);
    free(table->cells);
    free(table);
}

void table_text(struct table *table, const char *text)
{
    AUTO_STR struct str safe = STR_INIT(CELL_TEXT_MAX);

    if (table->cell_count == TABLE_CELLS_MAX)
        return; /* an answer is at most 64 MiB: not reached */
    text_append_safe(&safe, text);
    if (table->cell_count == table->cell_cap) {
        table->cell_cap = table->cell_cap ? table->cell_cap * 2 : 64;
        table->cells = xrealloc(table->cells, table->cell_cap * sizeof *table->cells);
    }
    table->cells[table->cell_count++] = xstrdup(str_text(&safe));
}

void table_size(struct table *table, uint64_t bytes)
{
    char text[TEXT_SIZE_MAX];
    text_format_size(bytes, text);
    table_text(table, text);
}

void table_time(struct table *table, const json_t *seconds)
{
    AUTO_STR struct str text = STR_INIT(64);
    text_append_time(&text, seconds);
    table_text(table, str_text(&text));
}

/* Takes from the columns that may be cut what the terminal lacks, the widest first. */
static void widths_fit(const struct table *table, size_t columns, size_t widths[])
{
    size_t total = COLUMN_GAP * (table->width - 1);

    for (size_t c = 0; c < table->width; c++)
        total += widths[c];
    while (total > columns) {
        size_t widest = table->width;
        for (size_t c = 0; c < table->width; c++)
            if (table->columns[c].may_cut && widths[c] > CUT_COLUMN_MIN &&
                (widest == table->width || widths[c] > widths[widest]))
                widest = c;
        if (widest == table->width)
            return;
        widths[widest]--;
        total--;
    }
}

static void append_spaces(struct str *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        str_append_char(out, ' ');
}

/* text is cut to width with an ellipsis if it must be. last: no padding behind it. */
static void append_cell(struct str *out, const char *text, size_t width, bool right, bool last)
{
    size_t fills = text_width(text);

    if (fills > width) {
        size_t len = text_fit(text, width - 1);
        AUTO_FREE char *prefix = xstrndup(text, len);
        str_append(out, prefix);
        str_append(out, "…");
        fills = text_width(prefix) + 1;
    } else if (right) {
        append_spaces(out, width - fills);
        str_append(out, text);
        fills = width;
    } else {
        str_append(out, text);
    }
    if (!last)
        append_spaces(out, width - fills + COLUMN_GAP);
}

/* Empty cells at the end of a row leave no spaces. */
static void trim_spaces(struct str *out)
{
    while (out->len > 0 && out->p[out->len - 1] == ' ')
        out->p[--out->len] = '\0';
}

void table_render(const struct table *table, size_t columns, struct str *out)
{
    size_t widths[TABLE_COLUMNS_MAX] = {0};

    if (table->width == 0)
        return;
    for (size_t c = 0; c < table->width; c++)
        widths[c] = text_width(table->columns[c].heading);
    for (size_t i = 0; i < table->cell_count; i++) {
        size_t fills = text_width(table->cells[i]);
        size_t *width = &widths[i % table->width];
        *width = fills > *width ? fills : *width;
    }
    if (columns > 0)
        widths_fit(table, columns, widths);
    for (size_t c = 0; c < table->width; c++)
        append_cell(out, table->columns[c].heading, widths[c], table->columns[c].right, c + 1 == table->width);
    trim_spaces(out);
    str_append_char(out, '\n');
    for (size_t i = 0; i < table->cell_count; i++) {
        size_t c = i % table->width;
        append_cell(out, table->cells[i], widths[c], table->columns[c].right, c + 1 == table->width);
        if (c + 1 == table->width) {
            trim_spaces(out);
            str_append_char(out, '\n');
        }
    }
}

static void append_csv_cell(struct str *out, const char *text, bool last)
{
    bool runs = *text && strchr("=+-@\t\r", *text);
    bool quotes = runs || strpbrk(text, ",\"\r\n");

    str_append(out, runs ? "\"'" : quotes ? "\"" : "");
    for (; *text; text++) {
        if (*text == '"')
            str_append_char(out, '"');
        str_append_char(out, *text);
    }
    str_append(out, quotes ? "\"" : "");
    str_append(out, last ? "\r\n" : ",");
}

void table_render_csv(const struct table *table, struct str *out)
{
    if (table->width == 0)
        return;
    for (size_t c = 0; c < table->width; c++)
        append_csv_cell(out, table->columns[c].heading, c + 1 == table->width);
    for (size_t i = 0; i < table->cell_count; i++)
        append_csv_cell(out, table->cells[i], (i + 1) % table->width == 0);
}

int table_print(const struct table *table, bool csv, struct error *err)
{
    AUTO_STR struct str out = STR_INIT(TABLE_TEXT_MAX);
    struct winsize size = {0};
    bool terminal = isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;

    if (csv)
        table_render_csv(table, &out);
    else
        table_render(table, terminal ? size.ws_col : 0, &out);
    return output_write(str_text(&out), err);
}

void facts_add(struct facts *facts, const char *name, const char *value)
{
    if (!*value)
        return;
    str_printf(&facts->text, "%s:", name);
    size_t used = strlen(name) + 1;
    append_spaces(&facts->text, used < FACT_NAME_WIDTH ? FACT_NAME_WIDTH - used : 1);
    text_append_safe(&facts->text, value);
    str_append_char(&facts->text, '\n');
}

void facts_add_time(struct facts *facts, const char *name, const json_t *seconds)
{
    AUTO_STR struct str text = STR_INIT(64);

    if (!json_is_number(seconds))
        return;
    text_append_time(&text, seconds);
    facts_add(facts, name, str_text(&text));
}

int output_write(const char *text, struct error *err)
{
    if (fputs(text, stdout) < 0 || fflush(stdout) != 0)
        return error_set_errno(err, E_IO, "Cannot write the output");
    return 0;
}

int output_json(const json_t *value, struct error *err)
{
    /* On a terminal everything that is not ASCII is escaped, so that no text of a server can steer it. */
    size_t flags = JSON_INDENT(2) | (isatty(STDOUT_FILENO) ? (size_t)JSON_ENSURE_ASCII : 0);

    if (json_dumpf(value, stdout, flags) != 0)
        return error_set_errno(err, E_IO, "Cannot write the output");
    return output_write("\n", err);
}
