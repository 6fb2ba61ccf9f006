/* NHS numbers. A number of ten digits fits by chance once in eleven times, and ISBN-10 has the very same check digit:
 * hence ranges, and the words before it. Runs in a sandboxed child of airlock-gate; pure. */
#include "gate/identifier.h"

#include <endian.h>
#include <string.h>

#include "base/macros.h"

#define DIGITS NHS_NUMBER_LENGTH
#define BEFORE 40 /* bytes in which a word explains the number */

static unsigned digits_value(const char *digits, size_t count)
{
    unsigned value = 0;

    for (size_t i = 0; i < count; i++)
        value = value * 10 + (unsigned)(digits[i] - '0');
    return value;
}

/* Given out: England, Wales and the Isle of Man; Northern Ireland; Scotland, where a date of birth comes first; and the
 * range for tests, which people take for data that is not so. */
static bool range_is_used(const char *digits)
{
    unsigned nine = digits_value(digits, 9);

    if ((nine >= 400000000 && nine <= 499999999) || (nine >= 600000000 && nine <= 708800001))
        return true;
    if ((nine >= 320000001 && nine <= 399999999) || nine >= 999000000)
        return true;
    unsigned day = digits_value(digits, 2), month = digits_value(digits + 2, 2);
    return day >= 1 && day <= 31 && month >= 1 && month <= 12;
}

/* The digits at places 0, 2, 4 and 6 (or 1, 3, 5 and 7) in lanes of 16 bits: the product's highest lane is the sum of
 * each times its weight. */
static uint64_t weighed(uint64_t lanes, uint64_t weights)
{
    return lanes * weights >> 48;
}

/* The weights are 10 for the first digit down to 1 for the check digit, and their sum is a multiple of 11. */
bool nhs_number_fits(const char digits[DIGITS])
{
    const uint64_t lanes = 0x000F000F000F000FU;
    uint64_t word;

    memcpy(&word, digits, 8);
    word = le64toh(word);
    uint64_t sum = weighed(word & lanes, 0x000A000800060004U) + weighed(word >> 8 & lanes, 0x0009000700050003U) +
                   2 * (uint64_t)(digits[8] - '0') + (uint64_t)(digits[9] - '0');
    return sum % 11 == 0 && range_is_used(digits);
}

/* A longer number, a decimal, a part of a word or of something with a sign before it. */
static bool is_part_before(const struct span *whole, const char *p)
{
    if (p == whole->start)
        return false;
    if (letter(p[-1]) & (LETTER_WORD | LETTER_DOT | LETTER_SIGN) || p[-1] == '_' || p[-1] == '/' || p[-1] == '#')
        return true;
    return p[-1] == ' ' && p - 1 > whole->start && letter(p[-2]) & LETTER_DIGIT;
}

static bool is_part_behind(const struct span *whole, const char *p)
{
    if (p == whole->end)
        return false;
    if (letter(*p) & LETTER_WORD || *p == '_' || *p == '/')
        return true;
    return p + 1 < whole->end && (letter(*p) & (LETTER_DOT | LETTER_SIGN | LETTER_SPACE)) &&
           letter(p[1]) & LETTER_DIGIT;
}

/* Copies ten digits from p, with one and the same space or hyphen behind the third and the sixth, or without. NULL:
 * they are none. */
static const char *digits_copy(const struct span *whole, const char *p, size_t run, char digits[DIGITS])
{
    if (run == DIGITS) {
        memcpy(digits, p, DIGITS);
        return p + DIGITS;
    }
    if (run != 3 || whole->end - p < DIGITS + 2 || (p[3] != ' ' && p[3] != '-') || p[7] != p[3])
        return NULL;
    memcpy(digits, p, 3);
    memcpy(digits + 3, p + 4, 3);
    memcpy(digits + 6, p + 8, 4);
    for (int i = 0; i < DIGITS; i++)
        if (!(letter(digits[i]) & LETTER_DIGIT))
            return NULL;
    return p + DIGITS + 2;
}

static bool is_said_before(const struct span *whole, const char *p, const char *const *words, size_t count)
{
    const char *from = p - whole->start > BEFORE ? p - BEFORE : whole->start;

    if (from == p)
        return false;
    for (size_t i = 0; i < count; i++)
        if (letters_contain(from, (size_t)(p - from), words[i]))
            return true;
    return false;
}

const char *nhs_number_at(const struct span *whole, const char *p, const char *run_end, struct sighting *found)
{
    static const char *const NHS[] = {"nhs", "chi no", "chi:", "h&c"};
    static const char *const OTHERS[] = {"isbn", "tel",   "phone", "fax",    "mobile", "order",  "invoice",
                                         "ref",  "epoch", "time",  "ticket", "call",   "serial", "seed"};
    char digits[DIGITS];
    const char *end = digits_copy(whole, p, (size_t)(run_end - p), digits);

    if (!end)
        return run_end;
    if (is_part_before(whole, p) || is_part_behind(whole, end))
        return end;
    bool fits = nhs_number_fits(digits);
    if (is_said_before(whole, p, NHS, ARRAY_LEN(NHS))) {
        found->hits[IDENTIFIER_NHS] += fits;
    } else if (!is_said_before(whole, p, OTHERS, ARRAY_LEN(OTHERS))) {
        found->ten_digits++;
        found->ten_fitting += fits;
    }
    return end;
}
