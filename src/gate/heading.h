/* What the heading of a column says about its values: by its words (heading_word.def). Runs in a sandboxed child of
 * airlock-gate; pure. */
#ifndef AIRLOCK_GATE_HEADING_H
#define AIRLOCK_GATE_HEADING_H

#include <stdbool.h>
#include <stddef.h>

#define HEADING_MAX 128 /* bytes that are looked at and told */

enum {
    HEADING_COUNT = 1 << 0,    /* counts of people or things */
    HEADING_NO_COUNT = 1 << 1, /* whole numbers, but none of those */
    HEADING_TOTAL = 1 << 2,    /* sums up other columns */
    HEADING_PERCENT = 1 << 3,
    HEADING_STATISTIC = 1 << 4, /* a measure of many: a table with one is a summary */
    HEADING_ATTRIBUTE = 1 << 5, /* tells something about one person */
    HEADING_ID = 1 << 6,        /* tells rows apart */
    HEADING_PERSON_ID = 1 << 7, /* tells people apart */
    HEADING_BIRTH = 1 << 8,
    HEADING_NHS = 1 << 9,
    HEADING_POSTCODE = 1 << 10,
    HEADING_SECRET = 1 << 11,
    HEADING_CATEGORY = 1 << 13, /* a value, as heads the columns of a cross table: male, 18-64, 2021 */
    HEADING_NUMBER = 1 << 12,   /* numbers of another kind that may look like an NHS number: ISBN, telephone, order */
};

unsigned heading_read(const char *text, size_t len);

#endif
