/* Dates, and dates that the words before them make dates of birth. Runs in a sandboxed child of airlock-gate; pure. */
#include "gate/identifier.h"

#include <string.h>

#include "base/macros.h"

#define YEAR_FIRST 1880
#define YEAR_LAST 2100
#define NEAR 32 /* bytes between the word and the date */

/* Reads up to max digits: their number, or 0. */
static size_t digits_read(const char *text, size_t len, size_t max, unsigned *ret_value)
{
    unsigned value = 0;
    size_t n = 0;

    while (n < len && n < max && letter(text[n]) & LETTER_DIGIT)
        value = value * 10 + (unsigned)(text[n++] - '0');
    *ret_value = value;
    return n;
}

static bool year_is_good(unsigned year, size_t digits)
{
    return digits == 2 || (digits == 4 && year >= YEAR_FIRST && year <= YEAR_LAST);
}

/* In either order: people write both. */
static bool day_is_good(unsigned a, unsigned b)
{
    return a >= 1 && b >= 1 && a <= 31 && b <= 31 && (a <= 12 || b <= 12);
}

/* "Mar", "March": its length, or 0. */
static size_t month_read(const char *text, size_t len)
{
    static const char *const MONTHS[] = {"january", "february", "march",     "april",   "may",      "june",
                                         "july",    "august",   "september", "october", "november", "december"};
    size_t n = 0;

    while (n < len && n < 9 && letter(text[n]) & LETTER_ALPHA)
        n++;
    if (n < 3)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(MONTHS); i++) {
        const char *month = MONTHS[i];
        size_t same = 0;
        while (same < n && month[same] && letter_lower(text[same]) == month[same])
            same++;
        if (same == n && (n <= 4 || !month[n]))
            return n;
    }
    return 0;
}

static size_t between_read(const char *text, size_t len)
{
    size_t n = 0;

    while (n < len && n < 2 && strchr(" -/.,", text[n]))
        n++;
    return n;
}

/* "12 March 1950", "12-Mar-50", "3rd May 1944": from behind the day's digits. */
static size_t named_date_read(const char *text, size_t len)
{
    static const char *const ORDINALS[] = {"st", "nd", "rd", "th"};
    size_t n = 0;
    unsigned year;

    for (size_t i = 0; i < ARRAY_LEN(ORDINALS) && n == 0; i++)
        if (len >= 2 && letters_equal(text, 2, ORDINALS[i]))
            n = 2;
    n += between_read(text + n, len - n);
    if (letters_equal(text + n, len - n < 3 ? len - n : 3, "of "))
        n += 3;
    size_t month = month_read(text + n, len - n);
    if (month == 0)
        return 0;
    n += month;
    n += between_read(text + n, len - n);
    size_t digits = digits_read(text + n, len - n, 4, &year);
    return year_is_good(year, digits) ? n + digits : 0;
}

/* "March 12, 1950" */
static size_t month_first_read(const char *text, size_t len)
{
    size_t n = month_read(text, len);
    unsigned day, year;

    if (n == 0)
        return 0;
    n += between_read(text + n, len - n);
    size_t digits = digits_read(text + n, len - n, 2, &day);
    if (digits == 0 || day < 1 || day > 31)
        return 0;
    n += digits;
    if (len - n >= 2 && letter(text[n]) & LETTER_LOWER)
        n += 2;
    n += between_read(text + n, len - n);
    digits = digits_read(text + n, len - n, 4, &year);
    return digits == 4 && year_is_good(year, digits) ? n + digits : 0;
}

/* "1950-03-12", "12/03/1950", "12.3.50": three numbers with one and the same mark between. */
static size_t number_date_read(const char *text, size_t len)
{
    unsigned a, b, c;
    size_t first = digits_read(text, len, 4, &a), n = first;

    if (n == len || !strchr("-/.", text[n]))
        return 0;
    char mark = text[n++];
    size_t second = digits_read(text + n, len - n, 2, &b);
    n += second;
    if (second == 0 || n == len || text[n] != mark)
        return 0;
    n++;
    size_t third = digits_read(text + n, len - n, 4, &c);
    n += third;
    bool year_first = first == 4 && year_is_good(a, 4) && third <= 2 && third > 0 && day_is_good(b, c);
    bool year_last = first <= 2 && year_is_good(c, third) && day_is_good(a, b);
    return year_first || year_last ? n : 0;
}

/* "19500312" */
static size_t joined_date_read(const char *text, size_t len)
{
    unsigned year, month, day;

    if (digits_read(text, len, 9, &year) != 8)
        return 0;
    (void)digits_read(text, 4, 4, &year);
    (void)digits_read(text + 4, 2, 2, &month);
    (void)digits_read(text + 6, 2, 2, &day);
    return year_is_good(year, 4) && month >= 1 && month <= 12 && day >= 1 && day <= 31 ? 8 : 0;
}

size_t date_read(const char *text, size_t len)
{
    unsigned value;

    if (len < 6)
        return 0;
    if (letter(*text) & LETTER_ALPHA)
        return month_first_read(text, len);
    size_t n = digits_read(text, len, 9, &value);
    if (n == 0)
        return 0;
    size_t taken = joined_date_read(text, len);
    if (taken == 0)
        taken = number_date_read(text, len);
    if (taken == 0 && n <= 2 && value >= 1 && value <= 31)
        taken = named_date_read(text + n, len - n) ? n + named_date_read(text + n, len - n) : 0;
    return taken < len && letter(text[taken]) & LETTER_DIGIT ? 0 : taken;
}

bool birth_at(const struct span *whole, const char *p)
{
    static const char *const WORDS[] = {"born", "birth", "dob", "d.o.b", "birthdate", "birthday"};
    size_t word = 0;

    for (size_t i = 0; i < ARRAY_LEN(WORDS); i++) {
        size_t len = strlen(WORDS[i]);
        if ((size_t)(whole->end - p) > len && letters_equal(p, len, WORDS[i]) && !(letter(p[len]) & LETTER_ALPHA))
            word = len;
    }
    if (word == 0 || (p > whole->start && letter(p[-1]) & LETTER_ALPHA))
        return false;
    const char *stop = whole->end - p - (ptrdiff_t)word > NEAR ? p + word + NEAR : whole->end;
    for (p += word; p < stop; p++)
        if (letter(*p) & LETTER_WORD && !(letter(p[-1]) & LETTER_WORD) && date_read(p, (size_t)(whole->end - p)) > 0)
            return true;
    return false;
}
