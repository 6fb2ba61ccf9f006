/* Walks over a piece of text once and looks closer where something may begin. Runs in a sandboxed child of
 * airlock-gate; pure. */
#include "gate/identifier.h"

#include <string.h>

#define SECRET_MIN 12 /* bytes of the shortest that has no sign in it, and of a birth with its date */

static void emails_find(const struct span *whole, struct sighting *found)
{
    const char *at = whole->start;

    while ((at = memchr(at, '@', (size_t)(whole->end - at)))) {
        found->hits[IDENTIFIER_EMAIL] += email_around(whole, at);
        at++;
    }
}

static void numbers_find(const struct span *whole, struct sighting *found)
{
    const char *p = whole->start;

    while (p < whole->end) {
        if (!(letter(*p) & LETTER_DIGIT)) {
            p++;
            continue;
        }
        const char *run = p + 1;
        while (run < whole->end && letter(*run) & LETTER_DIGIT)
            run++;
        if (run < whole->end && letter(*run) & LETTER_UPPER)
            postcode_at(whole, run - 1, found);
        p = run - p == 10 || run - p == 3 ? nhs_number_at(whole, p, run, found) : run;
    }
}

void identifiers_find(const char *text, size_t len, unsigned letters, struct sighting *found)
{
    const struct span whole = {text, text + len};

    if (letters & LETTER_AT)
        emails_find(&whole, found);
    if (letters & LETTER_DIGIT)
        numbers_find(&whole, found);
    if (letters & LETTER_ALPHA && (letters & LETTER_OTHER || len >= SECRET_MIN))
        found->hits[IDENTIFIER_SECRET] += secrets_find(&whole, &found->hits[IDENTIFIER_BIRTH]);
}
