/* Full UK postcodes, by their form and their area. Whether one is delivered to only a list of them knows. Runs in a
 * sandboxed child of airlock-gate; pure. */
#include "gate/identifier.h"

#include <string.h>

static const char *const AREAS['Z' - 'A' + 1] = {
#define X(first, seconds) [(first) - 'A'] = (seconds),
#include "gate/postcode_area.def"
#undef X
};

static bool area_is_used(const char *area, size_t len)
{
    const char *seconds = AREAS[area[0] - 'A'];

    return seconds && strchr(seconds, len == 2 ? area[1] : '-');
}

/* The outward part that ends at end: one or two letters, a digit, and perhaps a digit or a letter (SW1A, M25). NULL: it
 * is none. Answers where it begins. */
static const char *outward_start(const struct span *whole, const char *end)
{
    const char *p = end - 1, *digit;

    if (p <= whole->start)
        return NULL;
    if (letter(*p) & LETTER_UPPER)
        digit = p - 1;
    else
        digit = letter(p[-1]) & LETTER_DIGIT ? p - 1 : p;
    if (digit <= whole->start || !(letter(*digit) & LETTER_DIGIT))
        return NULL;
    const char *area = digit;
    while (area > whole->start && letter(area[-1]) & LETTER_UPPER && digit - area < 3)
        area--;
    size_t len = (size_t)(digit - area);
    if (len < 1 || len > 2 || !area_is_used(area, len))
        return NULL;
    if (area > whole->start && (letter(area[-1]) & LETTER_WORD || area[-1] == '_' || area[-1] == '-'))
        return NULL;
    return area;
}

static bool is_inward_letter(char c)
{
    switch (c) {
    case 'C':
    case 'I':
    case 'K':
    case 'M':
    case 'O':
    case 'V':
        return false;
    default:
        return letter(c) & LETTER_UPPER;
    }
}

void postcode_at(const struct span *whole, const char *p, struct sighting *found)
{
    if (whole->end - p < 3 || p - whole->start < 2 || !is_inward_letter(p[1]) || !is_inward_letter(p[2]))
        return;
    if (whole->end - p > 3 && (letter(p[3]) & (LETTER_WORD | LETTER_AT) || p[3] == '_' || p[3] == '-'))
        return;
    if (p[-1] == ' ') {
        if (outward_start(whole, p - 1))
            found->hits[IDENTIFIER_POSTCODE]++;
    } else if (outward_start(whole, p)) {
        found->postcode_unspaced++;
    }
}
