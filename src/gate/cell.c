/* Reads cells. Runs in a sandboxed child of airlock-gate; pure. */
#include "gate/cell.h"

#include <string.h>

#include "base/macros.h"

#define DIGITS_MAX 18 /* fit into 64 bits */
#define GROUP 3       /* digits between the commas of 1,234,567 */

/* With lengths: nearly every cell of text is compared with all of them. */
struct listed {
    size_t len;
    const char *text;
};
#define LISTED(text)           \
    {                          \
        sizeof(text) - 1, text \
    }

#define SHORT_MAX 4

static const struct listed HIDDEN_SHORT[] = {
#define SHORT(text) LISTED(text),
#define LONG(text)
#include "gate/hidden_mark.def"
#undef SHORT
#undef LONG
};
static const struct listed HIDDEN_LONG[] = {
#define SHORT(text)
#define LONG(text) LISTED(text),
#include "gate/hidden_mark.def"
#undef SHORT
#undef LONG
};

static const struct listed TOTALS[] = {
    LISTED("total"),       LISTED("totals"),      LISTED("all"),        LISTED("overall"),      LISTED("sum"),
    LISTED("grand total"), LISTED("sub total"),   LISTED("subtotal"),   LISTED("column total"), LISTED("row total"),
    LISTED("all ages"),    LISTED("all persons"), LISTED("all people"), LISTED("all patients"), LISTED("all cases"),
};

static bool is_group_mark(char c, char decimal)
{
    return (c == ',' && decimal != ',') || c == ' ' || c == '\'' || (c == '.' && decimal == ',');
}

/* What a number is read from: the rest, and what was found before it. */
struct number {
    const char *p, *end;
    char decimal;
    uint64_t digits;
    unsigned count; /* of digits */
    uint8_t places;
    bool fraction_is_zero;
};

static bool is_digit(const char *p, const char *end)
{
    return p < end && letter(*p) & LETTER_DIGIT;
}

static void number_digit(struct number *number)
{
    if (number->count >= DIGITS_MAX)
        number->digits = UINT64_MAX;
    else
        number->digits = number->digits * 10 + (uint64_t)(*number->p - '0');
    number->count++;
    number->p++;
}

/* The digits before the point, with marks between groups of three if there are any. */
static bool number_whole(struct number *number)
{
    unsigned run = 0;
    bool grouped = false;

    for (;; run = 0) {
        for (; is_digit(number->p, number->end); run++)
            number_digit(number);
        if (grouped && run != GROUP)
            return false;
        if (run == 0 || run > (grouped ? GROUP : DIGITS_MAX) || number->p == number->end ||
            !is_group_mark(*number->p, number->decimal) || !is_digit(number->p + 1, number->end))
            return true;
        if (!grouped && run > GROUP)
            return false;
        grouped = true;
        number->p++;
    }
}

static void number_fraction(struct number *number)
{
    uint64_t whole = number->digits;

    number->fraction_is_zero = true;
    if (number->p == number->end || *number->p != number->decimal)
        return;
    number->p++;
    while (is_digit(number->p, number->end)) {
        number->fraction_is_zero &= *number->p == '0';
        number_digit(number);
        number->places++;
    }
    if (number->fraction_is_zero) { /* 3.0 is a count that met a missing value */
        number->digits = whole;
        number->places = 0;
    }
}

/* "e-5"; false: no exponent. */
static bool number_exponent(struct number *number)
{
    const char *p = number->p;

    if (p == number->end || letter_lower(*p) != 'e')
        return false;
    p++;
    if (p < number->end && letter(*p) & LETTER_SIGN)
        p++;
    if (!is_digit(p, number->end))
        return false;
    while (is_digit(p, number->end))
        p++;
    number->p = p;
    return true;
}

static bool is_infinite(const char *text, size_t len)
{
    return letters_equal(text, len, "inf") || letters_equal(text, len, "infinity") || letters_equal(text, len, "nan");
}

/* false: no number. */
static bool number_read(const char *text, size_t len, char decimal, struct cell *ret)
{
    struct number number = {.p = text, .end = text + len, .decimal = decimal};
    struct cell cell = {.kind = CELL_COUNT};

    if (letter(*text) & LETTER_SIGN) {
        cell.negative = *text == '-';
        cell.kind = cell.negative ? CELL_NUMBER : CELL_COUNT;
        number.p++;
        if (is_infinite(number.p, len - 1)) {
            *ret = (struct cell){.kind = CELL_NUMBER, .digits = UINT64_MAX};
            return true;
        }
    }
    if (!number_whole(&number))
        return false;
    number_fraction(&number);
    if (number.count == 0)
        return false;
    if (number_exponent(&number) || !number.fraction_is_zero || number.digits == UINT64_MAX)
        cell.kind = CELL_NUMBER;
    if (number.p + 1 == number.end && *number.p == '%') {
        cell.kind = CELL_NUMBER;
        number.p++;
    }
    cell.digits = number.digits;
    cell.places = number.places;
    *ret = cell;
    return number.p == number.end;
}

/* "<5", "< 10", "<=7", and with the one character for it. */
static bool is_bound(const char *text, size_t len)
{
    static const char AT_MOST[] = "\xE2\x89\xA4";
    size_t i = 0;

    if (len > 3 && memcmp(text, AT_MOST, 3) == 0)
        i = 3;
    else if (*text == '<')
        i = len > 1 && text[1] == '=' ? 2 : 1;
    else
        return false;
    while (i < len && text[i] == ' ')
        i++;
    size_t first = i;
    while (i < len && letter(text[i]) & LETTER_DIGIT)
        i++;
    return i == len && i > first && i - first <= 4;
}

static bool is_listed(const char *text, size_t len, const struct listed *list, size_t count)
{
    char first = letter_lower(*text);

    for (size_t i = 0; i < count; i++)
        if (list[i].len == len && list[i].text[0] == first && letters_equal(text, len, list[i].text))
            return true;
    return false;
}

/* By the first letter, so that few words and no dates are compared with the marks. */
static bool word_may_hide(char first)
{
    switch (letter_lower(first)) {
    case 'c':
    case 'h':
    case 'l':
    case 'm':
    case 'n':
    case 'r':
    case 's':
    case 'w':
    case 'x':
        return true;
    default:
        return !(letter(first) & LETTER_WORD);
    }
}

static bool is_hidden(const char *text, size_t len)
{
    if (len > CELL_MARK_MAX || !word_may_hide(*text))
        return false;
    if (len > SHORT_MAX && is_listed(text, len, HIDDEN_LONG, ARRAY_LEN(HIDDEN_LONG)))
        return true;
    return is_bound(text, len) || (len <= SHORT_MAX && is_listed(text, len, HIDDEN_SHORT, ARRAY_LEN(HIDDEN_SHORT)));
}

struct cell cell_read(const char *text, size_t len, char decimal)
{
    struct cell cell = {.kind = CELL_TEXT};

    letters_trim(&text, &len);
    if (len == 0)
        return (struct cell){.kind = CELL_EMPTY};
    if (letter(*text) & (LETTER_DIGIT | LETTER_SIGN | LETTER_DOT) && number_read(text, len, decimal, &cell))
        return cell;
    if (is_hidden(text, len))
        return (struct cell){.kind = CELL_HIDDEN};
    return (struct cell){.kind = CELL_TEXT};
}

/* Digits and what people write between them: a spreadsheet shows it or adds it up, and runs nothing. */
static bool is_arithmetic(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (letter(text[i]) & LETTER_ALPHA || strchr("=@|!\"'", text[i]))
            return false;
    return true;
}

bool cell_is_formula(const char *text, size_t len)
{
    struct cell cell;

    switch (*text) {
    case '\t':
    case '\r':
        letters_trim(&text, &len);
        return len > 0;
    case '=':
        letters_trim(&text, &len);
        return len > 1;
    case '@':
        return len > 1;
    case '+':
    case '-':
        if (is_arithmetic(text, len))
            return false;
        cell = cell_read(text, len, '.');
        return cell.kind == CELL_TEXT;
    default:
        return false;
    }
}

bool cell_is_total(const char *text, size_t len)
{
    letters_trim(&text, &len);
    return len > 0 && is_listed(text, len, TOTALS, ARRAY_LEN(TOTALS));
}
