/* What the gates disclosure and identifiers learn from one table while its cells go by: tallies a column, and judgement
 * at the end. Memory grows with the columns (at most SHEET_COLUMNS_MAX), never with the rows. Runs in a sandboxed child
 * of airlock-gate; keeps no cell beyond grid.h's small tables, and never tells one. */
#ifndef AIRLOCK_GATE_SHEET_H
#define AIRLOCK_GATE_SHEET_H

#include "gate/cell.h"
#include "gate/grid.h"
#include "gate/heading.h"
#include "gate/identifier.h"
#include "gate/report.h"
#include "gate/sketch.h"

#define SHEET_COLUMNS_MAX 16384  /* as a spreadsheet has; those beyond are taken as one */
#define SHEET_SKETCH_CELLS 65536 /* after which a column with few different values is no longer watched */
#define SHEET_PREAMBLE_MAX 10    /* rows of titles before the heading */

enum tally {
    TALLY_SMALL,
    TALLY_UNROUNDED,
    TALLY_FORMULA,
    TALLY_HIDDEN, /* that can be computed */
    TALLY_NHS,
    TALLY_EMAIL,
    TALLY_POSTCODE,
    TALLY_POSTCODE_ALONE, /* the whole cell, or without a space: as likely a code of something else */
    TALLY_BIRTH,
    TALLY_SECRET,
    TALLY_KINDS
};

struct sheet_column {
    uint64_t kinds[CELL_KINDS];
    uint64_t sketched;    /* cells in the sketch */
    uint64_t least, most; /* of the COUNTs */
    uint64_t ten_digits;  /* see struct sighting */
    struct {
        uint64_t count, first; /* row */
    } tallies[TALLY_KINDS];
    struct sketch *sketch;         /* of the different values; NULL: far too few to tell anybody apart */
    unsigned says;                 /* HEADING_… */
    char heading[HEADING_MAX + 1]; /* "": it has none */
};

/* The row that is being read. */
struct sheet_row {
    uint64_t number;
    uint64_t filled, numbers, other_numbers; /* cells; other: not one more than the number before it, and no year */
    uint64_t last_number;
    bool first_is_number;
    bool identifiers;
    bool total;
};

struct sheet {
    const struct gate_policy *policy;
    unsigned gates; /* bits 1 << enum gate */
    char decimal;
    uint64_t expected; /* columns that the file's beginning has */
    struct sheet_column *columns;
    size_t width, cap;
    bool too_wide;
    bool begun;          /* the heading is behind us, or there is none */
    uint64_t rows;       /* of data */
    uint64_t total_rows; /* that a cell calls so */
    struct sheet_row row;
    struct grid grid;
};

void sheet_init(struct sheet *ret, unsigned gates, const struct gate_policy *policy, char separator, uint64_t expected);
void sheet_done(struct sheet *sheet);

/* The visitor of csv.h; ctx is the sheet. */
void sheet_cell(void *ctx, uint64_t column, const char *text, size_t len, bool piece);
void sheet_row_end(void *ctx, uint64_t cells);

/* Judges, and adds what it found to the report. member as in struct spot. Call it once. */
void sheet_report(struct sheet *sheet, const char *member, struct report *report);

#endif
