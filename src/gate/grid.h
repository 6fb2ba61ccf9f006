/* A whole small table, for what can only be computed when all of it is there; a large one is not kept. And the search
 * for hidden counts that the others give away. Runs in a sandboxed child of airlock-gate; pure. */
#ifndef AIRLOCK_GATE_GRID_H
#define AIRLOCK_GATE_GRID_H

#include "gate/cell.h"

#define GRID_CELLS_MAX 100000

struct grid_cell {
    double value; /* of a COUNT or a NUMBER */
    uint8_t kind; /* enum cell_kind */
    uint8_t places;
};

struct grid_row {
    uint64_t number;       /* in the file, from 1 */
    uint32_t first, width; /* its cells */
    bool total;            /* a cell names it so */
};

struct grid {
    struct grid_cell *cells;
    struct grid_row *rows;
    size_t cell_count, cell_cap, row_count, row_cap;
    bool gone; /* it was too large */
};

/* What a column is to the search. */
enum grid_role { GRID_OTHER, GRID_COUNT, GRID_TOTAL, GRID_PERCENT };

void grid_done(struct grid *grid);
void grid_clear(struct grid *grid); /* forgets all rows */
void grid_cell(struct grid *grid, const struct cell *cell);
void grid_skip_row(struct grid *grid);                         /* the cells since the last row are none */
void grid_row(struct grid *grid, uint64_t number, bool total); /* the cells since the last row are one */

/* Tells each hidden cell whose count follows from the others, in the order of finding. roles: of width columns. Where
 * none is a TOTAL, a column of counts that is the sum of the others becomes one. Cells are changed: what was found
 * counts as known. */
void grid_search(struct grid *grid, enum grid_role *roles, size_t width,
                 void (*found)(void *ctx, uint64_t row, size_t column), void *ctx);

#endif
