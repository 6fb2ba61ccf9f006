/* Reads a text through one buffer and hands it to the reader of its form. Runs in a sandboxed child of airlock-gate. */
#include "gate/text.h"

#include <string.h>

#include "base/str.h"
#include "gate/csv.h"
#include "gate/letters.h"
#include "gate/prose.h"
#include "gate/sheet.h"
#include "gate/text_kind.h"
#include "gate/text_source.h"

#define BUFFER_SIZE ((size_t)256 * 1024) /* more than the longest cell or part of a line, so that one always fits */
#define HEAD_MAX ((size_t)64 * 1024)     /* by which the form is judged */

_Static_assert(BUFFER_SIZE > CSV_CELL_MAX + CSV_QUOTES && BUFFER_SIZE > PROSE_LINE_MAX, "a cell and a line fit");

/* What is being read: where it came from, and what is not taken yet. */
struct text {
    const struct check *check;
    struct report *report;
    const char *member;
    struct text_source source;
    char *buffer; /* BUFFER_SIZE, and TEXT_PAD zeros */
    size_t have;
    bool ended;
};

/* Takes bytes from the buffer's front; answers how many. */
typedef size_t (*text_taker)(void *reader, const char *text, size_t len, bool final);

static int text_fill(struct text *text, struct error *err)
{
    ssize_t n = text_source_read(&text->source, text->buffer + text->have, BUFFER_SIZE - text->have, err);

    if (n < 0)
        return (int)n;
    text->have += (size_t)n;
    text->ended = n == 0;
    memset(text->buffer + text->have, 0, TEXT_PAD);
    return 0;
}

static int text_pump(struct text *text, text_taker take, void *reader, struct error *err)
{
    while (true) {
        size_t taken = take(reader, text->buffer, text->have, text->ended);
        if (text->ended)
            return 0;
        text->have -= taken;
        memmove(text->buffer, text->buffer + taken, text->have);
        int r = text_fill(text, err);
        if (r != 0)
            return r;
    }
}

static size_t table_take(void *reader, const char *text, size_t len, bool final)
{
    return csv_read(reader, text, len, final);
}

static size_t prose_take(void *reader, const char *text, size_t len, bool final)
{
    return prose_read(reader, text, len, final);
}

static void not_read(const struct text *text, const char *why)
{
    if (text->check->gates & 1U << GATE_DISCLOSURE)
        report_add(text->report, FINDING_NOT_READ, &(struct spot){.member = text->member}, "%s", why);
}

static int table_check(struct text *text, const struct text_kind *kind, struct error *err)
{
    struct sheet sheet;
    struct csv csv;
    const struct csv_visitor visitor = {.cell = sheet_cell, .row = sheet_row_end, .ctx = &sheet};

    sheet_init(&sheet, text->check->gates, text->check->policy, kind->separator, kind->columns);
    csv_init(&csv, kind->separator, kind->line_end, &visitor);
    int r = text_pump(text, table_take, &csv, err);
    if (r == 0) {
        sheet_report(&sheet, text->member, text->report);
        if (csv.long_cell)
            not_read(text, "a cell is too long, or a quote has no end: what is in it was read in parts");
        if (sheet.too_wide)
            not_read(text, "it has too many columns: the last ones were read as one");
    }
    csv_done(&csv);
    sheet_done(&sheet);
    return r;
}

static int prose_check(struct text *text, const struct text_kind *kind, struct error *err)
{
    struct prose prose;

    if (!(text->check->gates & 1U << GATE_IDENTIFIERS))
        return 0; /* only tables have counts */
    prose_init(&prose, text->report, text->member, kind->line_end);
    int r = text_pump(text, prose_take, &prose, err);
    if (r == 0)
        prose_end(&prose);
    prose_done(&prose);
    return r;
}

static int text_read(struct text *text, const char *name, const char *type, struct error *err)
{
    int r = text_fill(text, err);

    if (r != 0)
        return r;
    size_t head = text->have < HEAD_MAX ? text->have : HEAD_MAX;
    const struct text_kind kind = text_kind_of(name, type, text->buffer, head, text->source.coding != TEXT_BYTES);
    switch (kind.form) {
    case TEXT_TABLE:
        return table_check(text, &kind, err);
    case TEXT_PROSE:
        return prose_check(text, &kind, err);
    case TEXT_UNREADABLE:
        not_read(text, "its name says text, and it is none");
        return 0;
    default:
        return 0;
    }
}

int text_check(const struct check *check, int fd, uint64_t size, const char *name, const char *member, const char *type,
               struct report *report, struct error *err)
{
    struct text text = {.check = check, .report = report, .member = member};

    if (check->gates & 1U << GATE_DISCLOSURE)
        report_ran(report, GATE_DISCLOSURE);
    if (check->gates & 1U << GATE_IDENTIFIERS)
        report_ran(report, GATE_IDENTIFIERS);
    if (!(check->gates & (1U << GATE_DISCLOSURE | 1U << GATE_IDENTIFIERS)) || size == 0)
        return 0;
    int r = text_source_init(&text.source, fd, size, err);
    if (r != 0)
        return r;
    AUTO_FREE char *buffer = xmalloc(BUFFER_SIZE + TEXT_PAD);
    text.buffer = buffer;
    return text_read(&text, member ? member : name, type, err);
}
