/* Finds in a piece of text what names a person, and secrets: by form, check digits and the words around. It cannot know
 * names of people, and it cannot know whether a number that fits is one. Runs in a sandboxed child of airlock-gate;
 * pure. Must never keep or hand out a byte of what it finds. */
#ifndef AIRLOCK_GATE_IDENTIFIER_H
#define AIRLOCK_GATE_IDENTIFIER_H

#include "gate/letters.h"

#define NHS_NUMBER_LENGTH 10

enum identifier {
    IDENTIFIER_NHS,
    IDENTIFIER_EMAIL,
    IDENTIFIER_POSTCODE,
    IDENTIFIER_BIRTH,
    IDENTIFIER_SECRET,
    IDENTIFIER_COUNT
};

/* How much of each there is. What only many together can tell is counted apart. */
struct sighting {
    uint32_t hits[IDENTIFIER_COUNT];
    uint32_t ten_digits;        /* numbers of the length of an NHS number that no word beside them explains … */
    uint32_t ten_fitting;       /* … of them: the check digit fits, and the range is given out */
    uint32_t postcode_unspaced; /* "AB12CD": as likely a code of something else */
};

/* Adds to *found. letters: letters_of(text, len). text has TEXT_PAD readable bytes behind it. */
void identifiers_find(const char *text, size_t len, unsigned letters, struct sighting *found);

/* Can identifiers_find find anything in a text of these letters and this length? Quick. */
static inline bool identifiers_may_be_in(size_t len, unsigned letters)
{
    if (letters & LETTER_AT)
        return len >= 6;
    if (letters & LETTER_DIGIT && (len >= 10 || (len >= 5 && letters & LETTER_ALPHA)))
        return true;
    return len >= 12 && letters & LETTER_ALPHA && letters & (LETTER_OTHER | LETTER_SIGN);
}

/* The parts, for identifiers_find. */
struct span {
    const char *start, *end;
};
/* Ten digits, or 3-3-4 with spaces or hyphens between, at p in whole. Counts into found; answers the end of what it
 * took. */
const char *nhs_number_at(const struct span *whole, const char *p, const char *run_end, struct sighting *found);
bool nhs_number_fits(const char digits[NHS_NUMBER_LENGTH]); /* check digit and range */
/* A postcode whose inward part begins with the digit at p. */
void postcode_at(const struct span *whole, const char *p, struct sighting *found);
bool email_around(const struct span *whole, const char *at);
/* A full date at the beginning of text, in any usual form: its length, or 0. */
size_t date_read(const char *text, size_t len);
/* "born", "birth" or "DoB" at p, and a date near behind it. */
bool birth_at(const struct span *whole, const char *p);
/* Secrets of a known form, and passwords that a name is given. */
uint32_t secrets_find(const struct span *whole, uint32_t *births);

#endif
