/* Text that is read line by line: finds identifiers and tells the lines they are in. Runs in a sandboxed child of
 * airlock-gate; keeps numbers of lines, never a line. */
#ifndef AIRLOCK_GATE_PROSE_H
#define AIRLOCK_GATE_PROSE_H

#include "gate/identifier.h"
#include "gate/report.h"

#define PROSE_LINE_MAX ((size_t)64 * 1024) /* longer lines are cut, at a comma or the like if there is one */
#define PROSE_HELD_MAX 10000 /* lines kept until the end can judge them; those beyond are told as they come */

struct prose {
    struct report *report; /* borrowed */
    const char *member;
    char line_end;
    int64_t line;                         /* from 1 */
    uint32_t line_hits[IDENTIFIER_COUNT]; /* of the line's parts so far */
    struct {
        int64_t line;
        uint32_t count;
    } * held; /* lines with numbers that may be NHS numbers */
    size_t held_count, held_cap;
    uint64_t ten_digits, ten_fitting; /* see struct sighting */
};

void prose_init(struct prose *ret, struct report *report, const char *member, char line_end);
void prose_done(struct prose *prose);

/* Takes every line that ends within text, and answers how many bytes that were; more than PROSE_LINE_MAX without a line
 * end are taken in parts. final: nothing follows, all is taken. text has TEXT_PAD readable bytes behind it. */
size_t prose_read(struct prose *prose, const char *text, size_t len, bool final);
/* Behind the last line: tells what only the whole could judge. */
void prose_end(struct prose *prose);

#endif
