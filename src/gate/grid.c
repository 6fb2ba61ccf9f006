/* Keeps small tables. Runs in a sandboxed child of airlock-gate; pure. */
#include "gate/grid.h"

#include "base/str.h"

void grid_done(struct grid *grid)
{
    free(grid->cells);
    free(grid->rows);
    *grid = (struct grid){.gone = true};
}

void grid_clear(struct grid *grid)
{
    grid->cell_count = 0;
    grid->row_count = 0;
}

static double cell_value(const struct cell *cell)
{
    double value = (double)cell->digits;

    for (unsigned i = 0; i < cell->places; i++)
        value /= 10;
    return cell->negative ? -value : value;
}

void grid_cell(struct grid *grid, const struct cell *cell)
{
    if (grid->gone)
        return;
    if (grid->cell_count == GRID_CELLS_MAX) {
        grid_done(grid);
        return;
    }
    if (grid->cell_count == grid->cell_cap) {
        grid->cell_cap = grid->cell_cap ? 2 * grid->cell_cap : 256;
        grid->cells = xrealloc(grid->cells, grid->cell_cap * sizeof *grid->cells);
    }
    grid->cells[grid->cell_count++] =
        (struct grid_cell){.value = cell_value(cell), .kind = cell->kind, .places = cell->places};
}

static uint32_t rows_end(const struct grid *grid)
{
    const struct grid_row *last = grid->row_count > 0 ? &grid->rows[grid->row_count - 1] : NULL;

    return last ? last->first + last->width : 0;
}

void grid_skip_row(struct grid *grid)
{
    grid->cell_count = rows_end(grid);
}

void grid_row(struct grid *grid, uint64_t number, bool total)
{
    if (grid->gone)
        return;
    if (grid->row_count == grid->row_cap) {
        grid->row_cap = grid->row_cap ? 2 * grid->row_cap : 64;
        grid->rows = xrealloc(grid->rows, grid->row_cap * sizeof *grid->rows);
    }
    uint32_t first = rows_end(grid);
    grid->rows[grid->row_count++] = (struct grid_row){
        .number = number, .first = first, .width = (uint32_t)grid->cell_count - first, .total = total};
}
