/* Reads lines. Runs in a sandboxed child of airlock-gate. */
#include "gate/prose.h"

#include <string.h>

#include "base/str.h"

static const enum finding FINDINGS[IDENTIFIER_COUNT] = {[IDENTIFIER_NHS] = FINDING_NHS_NUMBER,
                                                        [IDENTIFIER_EMAIL] = FINDING_EMAIL,
                                                        [IDENTIFIER_POSTCODE] = FINDING_POSTCODE,
                                                        [IDENTIFIER_BIRTH] = FINDING_BIRTH_DATE,
                                                        [IDENTIFIER_SECRET] = FINDING_SECRET};

void prose_init(struct prose *ret, struct report *report, const char *member, char line_end)
{
    *ret = (struct prose){.report = report, .member = member, .line_end = line_end, .line = 1};
}

void prose_done(struct prose *prose)
{
    free(prose->held);
}

static void line_tell(const struct prose *prose, enum identifier identifier, int64_t line, uint32_t count)
{
    const struct spot spot = {.member = prose->member, .row = line, .count = count};

    report_add(prose->report, FINDINGS[identifier], &spot, NULL);
}

static void line_hold(struct prose *prose, uint32_t count)
{
    if (prose->held_count == PROSE_HELD_MAX) {
        line_tell(prose, IDENTIFIER_NHS, prose->line, count);
        return;
    }
    if (prose->held_count == prose->held_cap) {
        prose->held_cap = prose->held_cap ? 2 * prose->held_cap : 64;
        prose->held = xrealloc(prose->held, prose->held_cap * sizeof *prose->held);
    }
    prose->held[prose->held_count].line = prose->line;
    prose->held[prose->held_count++].count = count;
}

static void part_take(struct prose *prose, const char *text, size_t len)
{
    unsigned letters = letters_of(text, len);
    struct sighting found = {0};

    if (!identifiers_may_be_in(len, letters))
        return;
    identifiers_find(text, len, letters, &found);
    if (found.postcode_unspaced > 0 && letters_contain(text, len, "post"))
        found.hits[IDENTIFIER_POSTCODE] += found.postcode_unspaced;
    for (int i = 0; i < IDENTIFIER_COUNT; i++)
        prose->line_hits[i] += found.hits[i];
    prose->ten_digits += found.ten_digits;
    prose->ten_fitting += found.ten_fitting;
    if (found.ten_fitting > 0)
        line_hold(prose, found.ten_fitting);
}

static void line_end(struct prose *prose)
{
    for (int i = 0; i < IDENTIFIER_COUNT; i++)
        if (prose->line_hits[i] > 0)
            line_tell(prose, (enum identifier)i, prose->line, prose->line_hits[i]);
    memset(prose->line_hits, 0, sizeof prose->line_hits);
    prose->line++;
}

/* Where a line that is too long is best cut: behind the last mark that no identifier has. */
static size_t part_length(const char *text)
{
    for (size_t len = PROSE_LINE_MAX; len > PROSE_LINE_MAX / 2; len--)
        if (strchr(",;{}[]\t\"", text[len - 1]) && text[len - 1] != '\0')
            return len;
    return PROSE_LINE_MAX;
}

size_t prose_read(struct prose *prose, const char *text, size_t len, bool final)
{
    size_t done = 0;

    while (done < len) {
        const char *start = text + done;
        const char *end = memchr(start, prose->line_end, len - done);
        size_t line = end ? (size_t)(end - start) : len - done;
        if (line > PROSE_LINE_MAX) {
            line = part_length(start);
            end = NULL;
        } else if (!end && !final) {
            break;
        }
        part_take(prose, start, line);
        done += line + (end != NULL);
        if (end || (final && done == len))
            line_end(prose);
    }
    return done;
}

void prose_end(struct prose *prose)
{
    if (2 * prose->ten_fitting < prose->ten_digits)
        return; /* numbers of something else: one of eleven fits by chance */
    for (size_t i = 0; i < prose->held_count; i++)
        line_tell(prose, IDENTIFIER_NHS, prose->held[i].line, prose->held[i].count);
}
