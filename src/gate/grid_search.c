/* Finds hidden counts that can be computed: the only one missing in a row or column whose total is there, and one whose
 * percentage and base are there. What was found may give away the next, so it goes round until nothing new comes. Runs
 * in a sandboxed child of airlock-gate; pure.
 *
 * It sees one table. It does not solve for several unknowns at once, and it knows nothing of other releases. */
#include <math.h>
#include <string.h>

#include "base/macros.h"
#include "base/str.h"
#include "gate/grid.h"

#define ROUNDS_MAX 16
#define TOTALS_MAX 64 /* rows of totals, up to which each is also tried as the sum of everything */
#define ROUNDED_MIN 4 /* counts that must all be multiples before a table is called rounded */

struct search {
    struct grid *grid;
    const enum grid_role *roles;
    size_t width;
    size_t total_row, total_column; /* the first ones; row_count or width: none */
    size_t totals;                  /* rows */
    bool rows_add_up;               /* the total column is the sum of the count columns, as far as can be seen */
    void (*found)(void *ctx, uint64_t row, size_t column);
    void *ctx;
    bool news;
};

/* What a line of cells adds up to. */
struct line {
    double sum;
    size_t known, hidden;
    struct grid_cell *only; /* the last hidden one */
    size_t row, column;     /* of it */
};

static struct grid_cell *cell_at(const struct search *search, size_t row, size_t column)
{
    const struct grid_row *at = &search->grid->rows[row];

    return column < at->width ? &search->grid->cells[at->first + column] : NULL;
}

static bool is_hidden(const struct grid_cell *cell)
{
    return cell->kind == CELL_HIDDEN || cell->kind == CELL_EMPTY;
}

/* false: the cell is neither a count nor hidden, so that the line adds up to nothing. */
static bool line_add(struct line *line, const struct search *search, size_t row, size_t column)
{
    struct grid_cell *cell = cell_at(search, row, column);

    if (!cell || (cell->kind != CELL_COUNT && !is_hidden(cell)))
        return false;
    if (cell->kind == CELL_COUNT) {
        line->sum += cell->value;
        line->known++;
        return true;
    }
    line->hidden++;
    line->only = cell;
    line->row = row;
    line->column = column;
    return true;
}

static void cell_solve(struct search *search, struct grid_cell *cell, size_t row, size_t column, double value)
{
    cell->kind = CELL_COUNT;
    cell->value = value;
    search->news = true;
    search->found(search->ctx, search->grid->rows[row].number, column);
}

/* One cell hidden in the line, and the total seen. A difference of nothing hides nothing, and a negative one says that
 * this is not the line's total. */
static void line_solve(struct search *search, const struct line *line, const struct grid_cell *total)
{
    if (line->hidden == 1 && line->known > 0 && total && total->kind == CELL_COUNT && total->value > line->sum)
        cell_solve(search, line->only, line->row, line->column, total->value - line->sum);
}

/* Do rows without anything hidden say that the total is a sum? None at all: it is believed. */
static bool total_is_sum(const struct search *search)
{
    size_t fits = 0, fails = 0;

    for (size_t row = 0; row < search->grid->row_count; row++) {
        struct line line = {0};
        bool whole = true;
        for (size_t c = 0; c < search->width && whole; c++)
            if (search->roles[c] == GRID_COUNT)
                whole = line_add(&line, search, row, c);
        const struct grid_cell *total = cell_at(search, row, search->total_column);
        if (!whole || line.hidden > 0 || line.known < 2 || !total || total->kind != CELL_COUNT)
            continue;
        if (total->value == line.sum)
            fits++;
        else
            fails++;
    }
    return fits >= fails;
}

static void rows_search(struct search *search)
{
    size_t total_column = search->total_column;

    for (size_t row = 0; row < search->grid->row_count; row++) {
        struct line line = {0};
        bool whole = true;
        for (size_t c = 0; c < search->width && whole; c++)
            if (search->roles[c] == GRID_COUNT)
                whole = line_add(&line, search, row, c);
        struct grid_cell *total = cell_at(search, row, total_column);
        if (!whole || !total || line.known + line.hidden < 2)
            continue;
        if (line.hidden == 0 && total->kind == CELL_HIDDEN && search->rows_add_up)
            cell_solve(search, total, row, total_column, line.sum);
        else
            line_solve(search, &line, total);
    }
}

/* Rows [from, to) of a column, without totals among them. */
static void column_part_search(struct search *search, size_t column, size_t total_row, size_t from, size_t to)
{
    struct line line = {0};

    for (size_t row = from; row < to; row++)
        if (!search->grid->rows[row].total && !line_add(&line, search, row, column))
            return;
    line_solve(search, &line, cell_at(search, total_row, column));
}

static size_t total_before(const struct grid *grid, size_t row)
{
    while (row > 0 && !grid->rows[row - 1].total)
        row--;
    return row;
}

static size_t total_behind(const struct grid *grid, size_t row)
{
    while (row < grid->row_count && !grid->rows[row].total)
        row++;
    return row;
}

/* A row of totals may sum up what stands above it, what stands below it, or everything. */
static void columns_search(struct search *search, size_t total_row)
{
    size_t above = total_before(search->grid, total_row), below = total_behind(search->grid, total_row + 1);

    for (size_t c = 0; c < search->width; c++) {
        if (search->roles[c] != GRID_COUNT && search->roles[c] != GRID_TOTAL)
            continue;
        column_part_search(search, c, total_row, above, total_row);
        column_part_search(search, c, total_row, total_row + 1, below);
        if ((above > 0 || below < search->grid->row_count) && search->totals <= TOTALS_MAX)
            column_part_search(search, c, total_row, 0, search->grid->row_count);
    }
}

/* Is there exactly one count of base that is this percentage, as it is rounded? */
static bool percent_gives(const struct grid_cell *percent, double base, double *ret_count)
{
    double half = 0.5;

    for (unsigned i = 0; i < percent->places; i++)
        half /= 10;
    double least = ceil((percent->value - half) * base / 100 - 1e-9);
    double most = floor((percent->value + half) * base / 100 + 1e-9);
    if (least != most || least < 1)
        return false;
    *ret_count = least;
    return true;
}

static bool is_number(const struct grid_cell *cell)
{
    return cell && (cell->kind == CELL_COUNT || cell->kind == CELL_NUMBER);
}

/* A hidden count before its percentage: the base is the total of the row, or of the column. */
static void percents_search(struct search *search, size_t row)
{
    size_t total_row = search->total_row, total_column = search->total_column;

    for (size_t c = 0; c + 1 < search->width; c++) {
        struct grid_cell *cell = cell_at(search, row, c);
        const struct grid_cell *percent = cell_at(search, row, c + 1);
        double count;
        if (search->roles[c] != GRID_COUNT || search->roles[c + 1] != GRID_PERCENT || !cell ||
            cell->kind != CELL_HIDDEN || !is_number(percent))
            continue;
        const struct grid_cell *base = total_row < search->grid->row_count ? cell_at(search, total_row, c)
                                       : total_column < search->width      ? cell_at(search, row, total_column)
                                                                           : NULL;
        if (base && base->kind == CELL_COUNT && percent_gives(percent, base->value, &count))
            cell_solve(search, cell, row, c, count);
    }
}

static size_t gcd(size_t a, size_t b)
{
    while (b != 0) {
        size_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Counts that are all multiples of 5 (or 3, 10 …) are rounded: their differences tell only about where. */
static bool counts_are_rounded(const struct search *search)
{
    size_t common = 0, seen = 0;

    for (size_t row = 0; row < search->grid->row_count; row++)
        for (size_t c = 0; c < search->width; c++) {
            const struct grid_cell *cell = cell_at(search, row, c);
            if (!cell || cell->kind != CELL_COUNT || cell->value < 1 ||
                (search->roles[c] != GRID_COUNT && search->roles[c] != GRID_TOTAL))
                continue;
            common = gcd((size_t)cell->value, common);
            seen++;
        }
    return seen >= ROUNDED_MIN && common >= 3;
}

/* The sum of a row's counts; false: one is hidden, or there are fewer than three. */
static bool row_sum(const struct search *search, size_t row, double *ret_sum)
{
    struct line line = {0};

    for (size_t c = 0; c < search->width; c++)
        if (search->roles[c] == GRID_COUNT && !line_add(&line, search, row, c))
            return false;
    *ret_sum = line.sum;
    return line.hidden == 0 && line.known >= 3;
}

/* A column that in every complete row is the sum of the other counts is a total, whatever its heading. */
static void sum_column_find(const struct search *search, enum grid_role *roles)
{
    AUTO_FREE bool *fails = xcalloc(search->width + 1, sizeof *fails);
    size_t complete = 0;
    double sum;

    for (size_t c = 0; c < search->width; c++)
        if (roles[c] == GRID_TOTAL)
            return;
    for (size_t row = 0; row < search->grid->row_count; row++) {
        if (!row_sum(search, row, &sum) || sum == 0)
            continue;
        complete++;
        for (size_t c = 0; c < search->width; c++)
            fails[c] |= roles[c] == GRID_COUNT && 2 * cell_at(search, row, c)->value != sum;
    }
    for (size_t c = search->width; c-- > 0 && complete >= 2;)
        if (roles[c] == GRID_COUNT && !fails[c]) {
            roles[c] = GRID_TOTAL;
            return;
        }
}

void grid_search(struct grid *grid, enum grid_role *roles, size_t width,
                 void (*found)(void *ctx, uint64_t row, size_t column), void *ctx)
{
    struct search search = {.grid = grid, .roles = roles, .width = width, .found = found, .ctx = ctx, .news = true};

    if (grid->gone || counts_are_rounded(&search))
        return;
    sum_column_find(&search, roles);
    while (search.total_column < width && roles[search.total_column] != GRID_TOTAL)
        search.total_column++;
    search.total_row = total_behind(grid, 0);
    for (size_t row = 0; row < grid->row_count; row++)
        search.totals += grid->rows[row].total;
    search.rows_add_up = search.total_column < width && total_is_sum(&search);
    for (int round = 0; round < ROUNDS_MAX && search.news; round++) {
        search.news = false;
        if (search.rows_add_up)
            rows_search(&search);
        for (size_t row = 0; row < grid->row_count; row++) {
            if (grid->rows[row].total)
                columns_search(&search, row);
            percents_search(&search, row);
        }
    }
}
