/* What a table's tallies mean. Runs in a sandboxed child of airlock-gate. It says where, and never what stands there.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "gate/sheet.h"

#define YEAR_LEAST 1900
#define YEAR_MOST 2100
#define CROSS_ROWS_MAX 1000 /* longer tables are no cross tables, whatever their headings */
#define ATTRIBUTES_MIN 3    /* columns about a person that make a table without counts one of people */
#define ATTRIBUTES_BY_ID 1  /* the same, beside a column that tells rows apart */

static uint64_t column_filled(const struct sheet_column *column)
{
    return column->kinds[CELL_COUNT] + column->kinds[CELL_NUMBER] + column->kinds[CELL_TEXT];
}

/* Nothing but whole numbers from 0 on, and hidden ones; and no years. */
static bool column_is_whole(const struct sheet_column *column)
{
    return column->kinds[CELL_COUNT] > 0 && column->kinds[CELL_NUMBER] + column->kinds[CELL_TEXT] == 0 &&
           !(column->least >= YEAR_LEAST && column->most <= YEAR_MOST);
}

static bool counts_by_heading(const struct sheet_column *column)
{
    return column->says & HEADING_COUNT && column->kinds[CELL_COUNT] > 0 &&
           column->kinds[CELL_COUNT] >= column->kinds[CELL_NUMBER] + column->kinds[CELL_TEXT];
}

static bool column_is_unique(const struct sheet *sheet, const struct sheet_column *column)
{
    uint64_t filled = column_filled(column);
    double different = column->sketch ? sketch_estimate(column->sketch) : 0;

    return filled > 0 &&
           different * 100 >= (double)filled * (double)sheet->policy->number[GATE_POLICY_ROW_LEVEL_UNIQUE];
}

/* A cross table has a label in each row, and beside it whole numbers only, under headings that are values (male,
 * female) or with a total. Its columns are counts although none is called so. */
static bool is_cross_table(const struct sheet *sheet)
{
    size_t whole = 0, categories = 0;
    bool total = sheet->total_rows > 0;

    if (sheet->rows < 1 || sheet->rows > CROSS_ROWS_MAX || sheet->width < 2 || sheet->columns[0].kinds[CELL_NUMBER] > 0)
        return false;
    for (size_t i = 1; i < sheet->width; i++) {
        const struct sheet_column *column = &sheet->columns[i];
        if (column->says & (HEADING_PERCENT | HEADING_STATISTIC))
            continue;
        if (column->says & HEADING_NO_COUNT || !column_is_whole(column))
            return false;
        whole++;
        categories += (column->says & HEADING_CATEGORY) != 0;
        total |= (column->says & HEADING_TOTAL) != 0;
    }
    return whole > 0 && (total || (whole >= 2 && 2 * categories >= whole));
}

static bool column_counts(const struct sheet *sheet, size_t i, bool cross)
{
    const struct sheet_column *column = &sheet->columns[i];

    if (counts_by_heading(column))
        return true;
    return cross && i > 0 && !(column->says & HEADING_NO_COUNT) && column_is_whole(column);
}

/* The column's heading, or its number. */
static const char *column_name(const struct sheet *sheet, size_t i, char number[24])
{
    const struct sheet_column *column = &sheet->columns[i];

    if (column->heading[0])
        return column->heading;
    (void)snprintf(number, 24, "%zu", i + 1); /* fits */
    return number;
}

/* What sheet_report goes through the columns with. */
struct judgement {
    struct sheet *sheet;
    struct report *report;
    const char *member;
};

static void found_at(const struct judgement *judgement, enum finding finding, size_t i, uint64_t row, uint64_t count)
{
    char number[24];
    const struct spot spot = {.member = judgement->member,
                              .row = (int64_t)row,
                              .column = column_name(judgement->sheet, i, number),
                              .count = (int64_t)count};

    report_add(judgement->report, finding, &spot, NULL);
}

static void tally_tell(const struct judgement *judgement, enum finding finding, size_t i, enum tally kind)
{
    const struct sheet_column *column = &judgement->sheet->columns[i];

    if (column->tallies[kind].count > 0)
        found_at(judgement, finding, i, column->tallies[kind].first, column->tallies[kind].count);
}

static void hidden_found(void *ctx, uint64_t row, size_t column)
{
    struct sheet *sheet = ctx;
    struct sheet_column *at = &sheet->columns[column];

    if (at->tallies[TALLY_HIDDEN].count == 0 || row < at->tallies[TALLY_HIDDEN].first)
        at->tallies[TALLY_HIDDEN].first = row;
    at->tallies[TALLY_HIDDEN].count++;
}

static void hidden_search(struct sheet *sheet, bool cross)
{
    AUTO_FREE enum grid_role *roles = xcalloc(sheet->width, sizeof *roles);
    bool counts = false;

    for (size_t i = 0; i < sheet->width; i++) {
        const struct sheet_column *column = &sheet->columns[i];
        bool is_count =
            column_counts(sheet, i, cross) || (column->says & HEADING_COUNT && column->kinds[CELL_HIDDEN] > 0);
        if (is_count)
            roles[i] = column->says & HEADING_TOTAL ? GRID_TOTAL : GRID_COUNT;
        else if (column->says & HEADING_PERCENT)
            roles[i] = GRID_PERCENT;
        counts |= is_count;
    }
    if (counts)
        grid_search(&sheet->grid, roles, sheet->width, hidden_found, sheet);
}

static void counts_judge(const struct judgement *judgement)
{
    struct sheet *sheet = judgement->sheet;
    bool cross = is_cross_table(sheet);

    hidden_search(sheet, cross);
    for (size_t i = 0; i < sheet->width; i++) {
        if (column_counts(sheet, i, cross)) {
            tally_tell(judgement, FINDING_SMALL_COUNT, i, TALLY_SMALL);
            tally_tell(judgement, FINDING_UNROUNDED_COUNT, i, TALLY_UNROUNDED);
        }
        tally_tell(judgement, FINDING_BACK_CALCULATION, i, TALLY_HIDDEN);
        tally_tell(judgement, FINDING_FORMULA, i, TALLY_FORMULA);
    }
}

/* What a table tells about its rows. */
struct makeup {
    size_t counts, statistics, attributes;
};

static struct makeup sheet_makeup(const struct sheet *sheet)
{
    struct makeup makeup = {0};

    for (size_t i = 0; i < sheet->width; i++) {
        const struct sheet_column *column = &sheet->columns[i];
        makeup.counts += counts_by_heading(column);
        makeup.statistics += (column->says & (HEADING_STATISTIC | HEADING_PERCENT)) != 0;
        makeup.attributes += (column->says & HEADING_ATTRIBUTE) != 0;
    }
    return makeup;
}

/* Most of its values name somebody: an NHS number, an address. */
static bool column_identifies(const struct sheet_column *column)
{
    uint64_t filled = column_filled(column);

    return filled > 0 &&
           (2 * column->tallies[TALLY_NHS].count >= filled || 2 * column->tallies[TALLY_EMAIL].count >= filled);
}

static bool column_is_of_people(const struct sheet *sheet, const struct sheet_column *column,
                                const struct makeup *makeup)
{
    if (!(column->says & (HEADING_PERSON_ID | HEADING_ID)) && !column_identifies(column))
        return false;
    if (!column_is_unique(sheet, column))
        return false;
    if (column->says & HEADING_PERSON_ID || column_identifies(column))
        return true;
    return makeup->attributes >= ATTRIBUTES_BY_ID && makeup->counts + makeup->statistics == 0;
}

static void rows_judge(const struct judgement *judgement)
{
    struct sheet *sheet = judgement->sheet;
    uint64_t least = (uint64_t)sheet->policy->number[GATE_POLICY_ROW_LEVEL_ROWS];
    const struct makeup makeup = sheet_makeup(sheet);

    if (least == 0 || sheet->rows < least)
        return;
    for (size_t i = 0; i < sheet->width; i++)
        if (column_is_of_people(sheet, &sheet->columns[i], &makeup)) {
            found_at(judgement, FINDING_ROW_LEVEL, i, 0, sheet->rows);
            return;
        }
    if (makeup.attributes >= ATTRIBUTES_MIN && makeup.counts + makeup.statistics == 0)
        report_add(judgement->report, FINDING_ROW_LEVEL,
                   &(struct spot){.member = judgement->member, .count = (int64_t)sheet->rows},
                   "%zu columns about single people, and no counts", makeup.attributes);
}

static void nhs_judge(const struct judgement *judgement, size_t i)
{
    const struct sheet_column *column = &judgement->sheet->columns[i];

    /* One number of eleven fits by chance: a column of something else has far more that do not. */
    bool most_fit = 2 * column->tallies[TALLY_NHS].count >= column->ten_digits;
    if (column->says & HEADING_NHS || (most_fit && !(column->says & HEADING_NUMBER)))
        tally_tell(judgement, FINDING_NHS_NUMBER, i, TALLY_NHS);
}

static void postcode_judge(const struct judgement *judgement, size_t i)
{
    struct sheet_column *column = &judgement->sheet->columns[i];
    uint64_t alone = column->tallies[TALLY_POSTCODE_ALONE].count, sure = column->tallies[TALLY_POSTCODE].count;
    uint64_t first = column->tallies[TALLY_POSTCODE].first, alone_first = column->tallies[TALLY_POSTCODE_ALONE].first;

    if (alone > 0 && (column->says & HEADING_POSTCODE || 2 * alone >= column->kinds[CELL_TEXT])) {
        first = sure == 0 || alone_first < first ? alone_first : first;
        sure += alone;
    }
    if (sure > 0)
        found_at(judgement, FINDING_POSTCODE, i, first, sure);
}

static void identifiers_judge(const struct judgement *judgement)
{
    for (size_t i = 0; i < judgement->sheet->width; i++) {
        nhs_judge(judgement, i);
        tally_tell(judgement, FINDING_EMAIL, i, TALLY_EMAIL);
        postcode_judge(judgement, i);
        tally_tell(judgement, FINDING_BIRTH_DATE, i, TALLY_BIRTH);
        tally_tell(judgement, FINDING_SECRET, i, TALLY_SECRET);
    }
}

void sheet_report(struct sheet *sheet, const char *member, struct report *report)
{
    const struct judgement judgement = {.sheet = sheet, .report = report, .member = member};

    if (sheet->gates & 1U << GATE_DISCLOSURE) {
        counts_judge(&judgement);
        rows_judge(&judgement);
    }
    if (sheet->gates & 1U << GATE_IDENTIFIERS)
        identifiers_judge(&judgement);
}
