/* Cuts text into cells. Runs in a sandboxed child of airlock-gate; never allocates but for one cell with doubled
 * quotes. */
#include "gate/csv.h"

#include <string.h>

#include "gate/letters.h"

#define STEP 16

static const char PAD[TEXT_PAD]; /* an empty text, and what must be readable behind it */

void csv_init(struct csv *ret, char separator, char line_end, const struct csv_visitor *visitor)
{
    *ret = (struct csv){.visitor = *visitor,
                        .separator = separator,
                        .line_end = line_end,
                        .cell_max = CSV_CELL_MAX,
                        .unquoted = STR_INIT(2 * CSV_CELL_MAX)};
}

void csv_done(struct csv *csv)
{
    str_done(&csv->unquoted);
}

/* The first separator or line end in [p, end), or end. Up to STEP bytes behind end are read. */
static const char *cell_end(const struct csv *csv, const char *p, const char *end)
{
#ifdef __SSE2__
    for (; p < end; p += STEP) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
        unsigned mask = letters_equal_to(bytes, csv->separator) | letters_equal_to(bytes, csv->line_end);
        if (mask != 0) {
            const char *at = p + __builtin_ctz(mask);
            return at < end ? at : end;
        }
    }
    return end;
#else
    while (p < end && *p != csv->separator && *p != csv->line_end)
        p++;
    return p;
#endif
}

static void cell_tell(struct csv *csv, const char *text, size_t len)
{
    csv->visitor.cell(csv->visitor.ctx, csv->column, text, len, false);
    csv->column++;
    csv->inside = false;
    csv->expects = false;
}

/* The cell is told; end is its separator or line end. Answers where the next cell begins. */
static const char *cell_leave(struct csv *csv, const char *end)
{
    csv->expects = *end == csv->separator;
    if (!csv->expects) {
        csv->visitor.row(csv->visitor.ctx, csv->column);
        csv->column = 0;
    }
    return end + 1;
}

/* A cell without quotes, to its end. */
static void plain_tell(struct csv *csv, const char *start, const char *end, bool line)
{
    if (line && end > start && end[-1] == '\r')
        end--;
    cell_tell(csv, start, (size_t)(end - start));
}

/* The quote that closes what begins behind start; NULL: not here. */
static const char *quote_close(const char *p, const char *end, bool final, bool *ret_doubled)
{
    while ((p = memchr(p, '"', (size_t)(end - p)))) {
        if (p + 1 == end)
            return final ? p : NULL;
        if (p[1] != '"')
            return p;
        *ret_doubled = true;
        p += 2;
    }
    return NULL;
}

/* Tells what stands between two quotes, with each doubled quote made one. The copy has its pad, too. */
static void doubled_tell(struct csv *csv, const char *p, const char *close)
{
    str_reset(&csv->unquoted);
    while (p < close) {
        const char *quote = memchr(p, '"', (size_t)(close - p));
        const char *stop = quote ? quote + 1 : close;
        str_append_len(&csv->unquoted, p, (size_t)(stop - p));
        p = quote ? quote + 2 : close;
    }
    size_t len = csv->unquoted.len;
    str_append_len(&csv->unquoted, PAD, sizeof PAD);
    cell_tell(csv, csv->unquoted.p, len);
}

/* A cell that begins with a quote at start. Answers where the next one begins; NULL: its end is not here, or too far.
 */
static const char *quoted_read(struct csv *csv, const char *start, const char *end, bool final)
{
    bool doubled = false;
    const char *close = quote_close(start + 1, end, final, &doubled);

    if (!close)
        return NULL;
    const char *stop = cell_end(csv, close + 1, end);
    if ((stop == end && !final) || (size_t)(stop - start) > csv->cell_max + CSV_QUOTES)
        return NULL;
    const char *tail = close + 1;
    while (tail < stop && (*tail == ' ' || *tail == '\r'))
        tail++;
    if (tail < stop) /* something behind the quotes: all of it is the cell */
        plain_tell(csv, start, stop, stop < end && *stop == csv->line_end);
    else if (doubled)
        doubled_tell(csv, start + 1, close);
    else
        cell_tell(csv, start + 1, (size_t)(close - start - 1));
    return stop < end ? cell_leave(csv, stop) : end;
}

/* More than a cell may have, and no end: tells a piece. Answers what follows it. */
static const char *piece_tell(struct csv *csv, const char *start)
{
    csv->visitor.cell(csv->visitor.ctx, csv->column, start, csv->cell_max, true);
    csv->inside = true;
    csv->expects = false;
    csv->long_cell = true;
    return start + csv->cell_max;
}

/* One cell. Answers where the next one begins; start itself: more bytes are needed. */
static const char *cell_read(struct csv *csv, const char *start, const char *end, bool final)
{
    bool is_long = (size_t)(end - start) > csv->cell_max + CSV_QUOTES;

    if (*start == '"' && !csv->inside) {
        const char *next = quoted_read(csv, start, end, final);
        if (next)
            return next;
        if (!final && !is_long)
            return start;
        csv->long_cell = true; /* a quote without an end is read as any other byte: nothing hides behind it */
    }
    const char *stop = cell_end(csv, start, end);
    if ((size_t)(stop - start) > csv->cell_max)
        return piece_tell(csv, start);
    if (stop == end) {
        if (!final)
            return start;
        plain_tell(csv, start, end, true);
        return end;
    }
    plain_tell(csv, start, stop, *stop == csv->line_end);
    return cell_leave(csv, stop);
}

size_t csv_read(struct csv *csv, const char *text, size_t len, bool final)
{
    const char *p = text, *end = text + len;

    while (p < end) {
        const char *next = cell_read(csv, p, end, final);
        if (next == p)
            return (size_t)(p - text);
        p = next;
    }
    if (final && (csv->expects || csv->inside))
        cell_tell(csv, PAD, 0);
    if (final && csv->column > 0) {
        csv->visitor.row(csv->visitor.ctx, csv->column);
        csv->column = 0;
    }
    return len;
}
