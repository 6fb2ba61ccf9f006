/* Takes cells as they come. Runs in a sandboxed child of airlock-gate. This is the inner loop of a check: a number
 * costs a few look-ups, and only text that may hold something is looked at closely. */
#include "gate/sheet.h"

#include <string.h>

#include "base/str.h"

#define DECIMAL_LETTERS (unsigned)(LETTER_DIGIT | LETTER_DOT | LETTER_SIGN)
#define DIGITS_QUICK 16 /* what cell_digits and cell_is_decimal take */
#define POSTCODE_MAX 8
#define YEAR_LEAST 1900
#define YEAR_MOST 2100

void sheet_init(struct sheet *ret, unsigned gates, const struct gate_policy *policy, char separator, uint64_t expected)
{
    *ret = (struct sheet){.policy = policy,
                          .gates = gates,
                          .decimal = separator == ';' ? ',' : '.',
                          .expected = expected,
                          .row = {.number = 1}};
    ret->grid.gone = !(gates & 1U << GATE_DISCLOSURE);
}

void sheet_done(struct sheet *sheet)
{
    for (size_t i = 0; i < sheet->width; i++)
        free(sheet->columns[i].sketch);
    free(sheet->columns);
    grid_done(&sheet->grid);
}

static struct sheet_column *column_at(struct sheet *sheet, uint64_t number)
{
    if (number < sheet->width)
        return &sheet->columns[number];
    if (number >= SHEET_COLUMNS_MAX) {
        sheet->too_wide = true;
        number = SHEET_COLUMNS_MAX - 1;
        if (number < sheet->width)
            return &sheet->columns[number];
    }
    if (sheet->width == sheet->cap) {
        sheet->cap = sheet->cap ? 2 * sheet->cap : 16;
        sheet->columns = xrealloc(sheet->columns, sheet->cap * sizeof *sheet->columns);
    }
    struct sheet_column *column = &sheet->columns[sheet->width++]; /* cells come in order: no column is left out */
    *column = (struct sheet_column){.least = UINT64_MAX, .sketch = xcalloc(1, sizeof *column->sketch)};
    return column;
}

static void tally(const struct sheet *sheet, struct sheet_column *column, enum tally kind, uint64_t count)
{
    if (count == 0)
        return;
    if (column->tallies[kind].count == 0)
        column->tallies[kind].first = sheet->row.number;
    column->tallies[kind].count += count;
}

static void count_tally(struct sheet *sheet, struct sheet_column *column, uint64_t value)
{
    uint64_t threshold = (uint64_t)sheet->policy->number[GATE_POLICY_THRESHOLD];
    uint64_t base = (uint64_t)sheet->policy->number[GATE_POLICY_ROUND_BASE];

    column->least = value < column->least ? value : column->least;
    column->most = value > column->most ? value : column->most;
    if (value < threshold && value > 0) /* 0 is shown: nobody is in it. What it says about a group is for people */
        tally(sheet, column, TALLY_SMALL, 1);
    if (base > 0 && value % base != 0)
        tally(sheet, column, TALLY_UNROUNDED, 1);
}

/* "ls1 4ap": as the whole cell only, for in sentences it is anything. Answers text, or a copy in capitals. */
static const char *postcode_capitals(const char *text, size_t len, unsigned letters, char copy[POSTCODE_MAX + TEXT_PAD])
{
    if (len > POSTCODE_MAX || letters & LETTER_UPPER || !(letters & LETTER_LOWER) || !(letters & LETTER_DIGIT))
        return text;
    for (size_t i = 0; i < len; i++)
        copy[i] = letter(text[i]) & LETTER_LOWER ? (char)(text[i] & ~0x20) : text[i];
    memset(copy + len, 0, TEXT_PAD);
    return copy;
}

static void identifiers_tally(struct sheet *sheet, struct sheet_column *column, const char *text, size_t len,
                              unsigned letters)
{
    struct sighting found = {0};
    char copy[POSTCODE_MAX + TEXT_PAD];

    identifiers_find(postcode_capitals(text, len, letters, copy), len, letters, &found);
    column->ten_digits += found.ten_digits;
    tally(sheet, column, TALLY_NHS, found.hits[IDENTIFIER_NHS] + found.ten_fitting);
    tally(sheet, column, TALLY_EMAIL, found.hits[IDENTIFIER_EMAIL]);
    tally(sheet, column, len <= POSTCODE_MAX ? TALLY_POSTCODE_ALONE : TALLY_POSTCODE, found.hits[IDENTIFIER_POSTCODE]);
    tally(sheet, column, TALLY_POSTCODE_ALONE, found.postcode_unspaced);
    tally(sheet, column, TALLY_BIRTH, found.hits[IDENTIFIER_BIRTH]);
    tally(sheet, column, TALLY_SECRET, found.hits[IDENTIFIER_SECRET]);
    sheet->row.identifiers |= found.hits[IDENTIFIER_NHS] || found.ten_fitting || found.hits[IDENTIFIER_EMAIL] ||
                              found.hits[IDENTIFIER_POSTCODE] || found.postcode_unspaced ||
                              found.hits[IDENTIFIER_BIRTH] || found.hits[IDENTIFIER_SECRET];
}

/* What only the heading makes an identifier. */
static void told_by_heading(struct sheet *sheet, struct sheet_column *column, const char *text, size_t len)
{
    letters_trim(&text, &len);
    if (column->says & HEADING_BIRTH && date_read(text, len) > 0)
        tally(sheet, column, TALLY_BIRTH, 1);
    if (column->says & HEADING_SECRET && len >= 6 && !memchr(text, ' ', len))
        tally(sheet, column, TALLY_SECRET, 1);
}

/* The first rows decide whether there is a heading: what it would be is kept, and what numbers it has. */
static void heading_consider(struct sheet *sheet, struct sheet_column *column, uint64_t number, const char *text,
                             size_t len, const struct cell *cell)
{
    struct sheet_row *row = &sheet->row;

    letters_trim(&text, &len);
    len = len > HEADING_MAX ? HEADING_MAX : len;
    memcpy(column->heading, text, len);
    column->heading[len] = '\0';
    row->filled += len > 0;
    if (date_read(text, len) == len && len > 0)
        row->identifiers = true; /* a date heads nothing */
    if (cell->kind != CELL_COUNT && cell->kind != CELL_NUMBER)
        return;
    row->numbers++;
    row->first_is_number |= number == 0;
    bool is_year = cell->digits >= YEAR_LEAST && cell->digits <= YEAR_MOST;
    row->other_numbers += cell->kind == CELL_NUMBER || (!is_year && cell->digits != row->last_number + 1);
    row->last_number = cell->digits;
}

/* Everything that is not digits only. */
static struct cell text_take(struct sheet *sheet, struct sheet_column *column, const char *text, size_t len,
                             unsigned letters, bool piece)
{
    bool word = len > CELL_MARK_MAX && letter(*text) & LETTER_ALPHA;
    struct cell cell = {.kind = CELL_TEXT};

    if (!piece && !word)
        cell = cell_read(text, len, sheet->decimal);
    if (cell.kind == CELL_COUNT)
        count_tally(sheet, column, cell.digits);
    else if (cell.kind == CELL_TEXT && !sheet->grid.gone)
        sheet->row.total |= cell_is_total(text, len);
    if (len > 0 && cell_may_be_formula(*text) && cell_is_formula(text, len))
        tally(sheet, column, TALLY_FORMULA, 1);
    if (identifiers_may_be_in(len, letters))
        identifiers_tally(sheet, column, text, len, letters);
    return cell;
}

static struct cell number_take(struct sheet *sheet, struct sheet_column *column, const char *text, size_t len)
{
    uint64_t value = cell_digits(text, len);

    count_tally(sheet, column, value);
    if (len == NHS_NUMBER_LENGTH) {
        column->ten_digits++;
        if (nhs_number_fits(text)) {
            tally(sheet, column, TALLY_NHS, 1);
            sheet->row.identifiers = true;
        }
    }
    return (struct cell){.kind = CELL_COUNT, .digits = value};
}

/* What most cells are is told apart first. */
static struct cell cell_take(struct sheet *sheet, struct sheet_column *column, const char *text, size_t len,
                             unsigned letters, bool piece)
{
    if (letters == LETTER_DIGIT && len <= DIGITS_QUICK)
        return number_take(sheet, column, text, len);
    if (sheet->grid.gone && letters & LETTER_DOT && !(letters & ~DECIMAL_LETTERS) && len <= DIGITS_QUICK &&
        sheet->decimal == '.' && cell_is_decimal(text, len))
        return (struct cell){.kind = CELL_NUMBER}; /* its value is for the grid alone */
    return text_take(sheet, column, text, len, letters, piece);
}

/* A column of few values in many rows is watched no longer: it would cost more than all the rest. */
static void value_watch(struct sheet_column *column, const char *text, size_t len)
{
    sketch_add(column->sketch, text, len);
    column->sketched++;
    if (column->sketched == SHEET_SKETCH_CELLS && sketch_estimate(column->sketch) < SHEET_SKETCH_CELLS / 4.0) {
        free(column->sketch);
        column->sketch = NULL;
    }
}

void sheet_cell(void *ctx, uint64_t number, const char *text, size_t len, bool piece)
{
    struct sheet *sheet = ctx;
    struct sheet_column *column = column_at(sheet, number);
    struct cell cell = cell_take(sheet, column, text, len, letters_of(text, len), piece);

    if (column->says & (HEADING_BIRTH | HEADING_SECRET))
        told_by_heading(sheet, column, text, len);
    if (!sheet->begun)
        heading_consider(sheet, column, number, text, len, &cell);
    column->kinds[cell.kind]++;
    if (column->sketch && len > 0)
        value_watch(column, text, len);
    if (!sheet->grid.gone)
        grid_cell(&sheet->grid, &cell);
}

/* A row of words, or of words and years or numbers in order. A row with an address or a date in it is data. */
static bool row_is_heading(const struct sheet_row *row)
{
    return row->filled > 0 && !row->first_is_number && row->other_numbers == 0 && !row->identifiers;
}

static bool row_is_preamble(const struct sheet *sheet)
{
    return sheet->row.filled == 0 || (sheet->row.filled == 1 && sheet->expected > 1);
}

/* What was counted so far was of titles or headings. What they identify stays told. */
static void counts_forget(struct sheet *sheet)
{
    for (size_t i = 0; i < sheet->width; i++) {
        struct sheet_column *column = &sheet->columns[i];
        memset(column->kinds, 0, sizeof column->kinds);
        memset(column->sketch, 0, sizeof *column->sketch); /* it is there: rows so far are few */
        column->sketched = 0;
        column->least = UINT64_MAX;
        column->most = 0;
        column->tallies[TALLY_SMALL].count = 0;
        column->tallies[TALLY_UNROUNDED].count = 0;
    }
    grid_clear(&sheet->grid);
}

static void headings_take(struct sheet *sheet, bool are_headings)
{
    sheet->begun = true;
    for (size_t i = 0; i < sheet->width; i++) {
        struct sheet_column *column = &sheet->columns[i];
        if (!are_headings)
            column->heading[0] = '\0';
        else
            column->says = heading_read(column->heading, strlen(column->heading));
    }
}

static void row_keep(struct sheet *sheet)
{
    sheet->rows++;
    sheet->total_rows += sheet->row.total;
    grid_row(&sheet->grid, sheet->row.number, sheet->row.total);
}

/* The end of one of the first rows: the heading, something before it, or data. */
static void row_begins(struct sheet *sheet)
{
    if (row_is_preamble(sheet) && sheet->row.number <= SHEET_PREAMBLE_MAX) {
        counts_forget(sheet);
        return;
    }
    bool is_heading = row_is_heading(&sheet->row);
    headings_take(sheet, is_heading);
    if (is_heading)
        counts_forget(sheet);
    else
        row_keep(sheet);
}

void sheet_row_end(void *ctx, uint64_t cells)
{
    struct sheet *sheet = ctx;

    if (!sheet->begun) {
        row_begins(sheet);
    } else if (cells > 1 || sheet->expected <= 1) {
        row_keep(sheet);
    } else {
        grid_skip_row(&sheet->grid);
    }
    sheet->row = (struct sheet_row){.number = sheet->row.number + 1};
}
