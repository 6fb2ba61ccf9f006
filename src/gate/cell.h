/* What one cell of a table is. Runs in a sandboxed child of airlock-gate; pure. */
#ifndef AIRLOCK_GATE_CELL_H
#define AIRLOCK_GATE_CELL_H

#include <endian.h>
#include <string.h>

#include "gate/letters.h"

#define CELL_MARK_MAX 12 /* bytes of the longest mark: a longer cell that begins with a letter is TEXT */

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

/* Eight digits at once: pairs, then fours, then all. The first one is in the lowest byte. */
static inline uint64_t cell_eight_digits(uint64_t word)
{
    word = (word & 0x0F0F0F0F0F0F0F0FU) * 2561 >> 8;
    word = (word & 0x00FF00FF00FF00FFU) * 6553601 >> 16;
    return (word & 0x0000FFFF0000FFFFU) * 42949672960001U >> 32;
}

/* 1 to 8 digits. text has 8 readable bytes behind it. */
static inline uint64_t cell_few_digits(const char *text, size_t len)
{
    uint64_t word;

    memcpy(&word, text, 8);
    return cell_eight_digits(le64toh(word) << (64 - 8 * len)); /* zeros before the digits */
}

/* 1 to 16 digits and nothing else; the caller looked. text has 8 readable bytes behind it. */
static inline uint64_t cell_digits(const char *text, size_t len)
{
    if (len <= 8)
        return cell_few_digits(text, len);
    return cell_few_digits(text, len - 8) * 100000000U + cell_few_digits(text + len - 8, 8);
}

/* A text of 1 to 16 digits, signs and dots: is it a plain fraction, such as -12.50, and not 3.0, which is a count? text
 * has TEXT_PAD readable bytes behind it. */
static inline bool cell_is_decimal(const char *text, size_t len)
{
    unsigned dots = letters_where(text, len, '.'), zeros = letters_where(text, len, '0');
    unsigned signs = letters_where(text, len, '+') | letters_where(text, len, '-');
    unsigned behind = ((1U << len) - 1) & ~(2 * dots - 1);
    bool one_dot = dots != 0 && (dots & (dots - 1)) == 0;

    return one_dot && (behind & ~zeros) != 0 && signs <= 1; /* a sign may come first */
}
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
