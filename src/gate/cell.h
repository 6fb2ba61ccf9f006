/* What one cell of a table is. Runs in a sandboxed child of airlock-gate; pure. */
#ifndef AIRLOCK_GATE_CELL_H
#define AIRLOCK_GATE_CELL_H

#include "gate/letters.h"

enum cell_kind {
    CELL_EMPTY,
    CELL_COUNT,  /* a whole number from 0 on: 12, 1,234, 3.0 */
    CELL_NUMBER, /* any other: -1, 0.5, 12%, 1e-5 */
    CELL_HIDDEN, /* a mark of hidden_mark.def, or a bound: <5 */
    CELL_TEXT,
    CELL_KINDS
};

struct cell {        /* small: it travels in registers */
    uint64_t digits; /* of a COUNT its value, of a NUMBER its digits without point and sign; too many: UINT64_MAX */
    uint8_t kind;    /* enum cell_kind */
    uint8_t places;  /* digits behind the decimal point, of a NUMBER */
    bool negative;
};

/* decimal: the character before decimal places ('.', or ',' where the separator is ';'). Spaces at both ends are not
 * looked at. */
struct cell cell_read(const char *text, size_t len, char decimal);
/* 1 to 18 digits and nothing else; the caller looked. text has 8 readable bytes behind it. */
uint64_t cell_digits(const char *text, size_t len);
/* A text of digits, signs and dots: is it a plain fraction, such as -12.5? Some that are (1.50) are left to cell_read.
 * len > 0. */
bool cell_is_decimal(const char *text, size_t len);
/* Can it be a formula? By its first byte. */
static inline bool cell_may_be_formula(char first)
{
    return letter(first) & (LETTER_SIGN | LETTER_AT | LETTER_OTHER);
}
/* Would a spreadsheet run it? It begins with = + - @, a tab or a carriage return, and is neither a number nor a
 * telephone number nor a mark. len > 0. */
bool cell_is_formula(const char *text, size_t len);
/* Is it the name of a row or column that sums up others: total, all, overall? */
bool cell_is_total(const char *text, size_t len);

#endif
