/* A reader of CSV that keeps nothing: it cuts what stands in the caller's buffer into cells. Separator and quotes as in
 * RFC 4180, with what spreadsheets and people make of it: other separators, LF or CR LF or CR, ragged rows, quotes that
 * are never closed. Runs in a sandboxed child of airlock-gate; pure, must never fail whatever comes. */
#ifndef AIRLOCK_GATE_CSV_H
#define AIRLOCK_GATE_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define CSV_CELL_MAX ((size_t)64 * 1024) /* bytes of a cell; a longer one comes in pieces */
#define CSV_QUOTES 2                     /* bytes that a cell may have besides */

struct csv_visitor {
    /* text is without its quotes, and has TEXT_PAD readable bytes behind it. piece: a part of a cell that is longer
     * than the limit; the last part comes without it. column is from 0. */
    void (*cell)(void *ctx, uint64_t column, const char *text, size_t len, bool piece);
    /* The row ends here; it had so many cells. */
    void (*row)(void *ctx, uint64_t cells);
    void *ctx;
};

struct csv {
    struct csv_visitor visitor;
    char separator;
    char line_end; /* LF (a CR before it belongs to it) or CR */
    size_t cell_max;
    uint64_t column; /* of the next cell */
    bool inside;     /* a cell's first pieces were told already */
    bool expects;    /* a separator came last: one more cell, be it empty */
    bool long_cell;  /* a cell was longer than the limit, or a quote had no end within it */
    struct str unquoted;
};

void csv_init(struct csv *ret, char separator, char line_end, const struct csv_visitor *visitor);
void csv_done(struct csv *csv);

/* Tells every cell that ends within text, and answers how many bytes that were: the others are to come again, with more
 * behind them. With more than cell_max + CSV_QUOTES bytes it always takes some. final: nothing follows, all is taken.
 * text needs TEXT_PAD readable bytes behind it. */
size_t csv_read(struct csv *csv, const char *text, size_t len, bool final);

#endif
