/* Weighs the words of a heading. Runs in a sandboxed child of airlock-gate; pure. */
#include "gate/heading.h"

#include <string.h>

#include "base/macros.h"
#include "gate/letters.h"

#define WORDS_MAX 16
#define WORD_MAX 24 /* longer ones are no word of the table */

enum {
    COUNT = 1 << 0,
    FIRST = 1 << 1,
    EDGE = 1 << 2,
    TOTAL = 1 << 3,
    LABEL = 1 << 4,
    PERCENT = 1 << 5,
    STATISTIC = 1 << 6,
    ATTRIBUTE = 1 << 7,
    ID = 1 << 8,
    PERSON = 1 << 9,
    THING = 1 << 10,
    BIRTH = 1 << 11,
    NHS = 1 << 12,
    POSTCODE = 1 << 13,
    SECRET = 1 << 14,
    NUMBER = 1 << 15,
    CATEGORY = 1 << 16,
};

static const struct {
    const char *word;
    unsigned classes;
} WORDS[] = {
#define X(word, classes) {word, classes},
#include "gate/heading_word.def"
#undef X
};

struct words {
    size_t count;
    char text[WORDS_MAX][WORD_MAX];
    unsigned classes[WORDS_MAX];
    unsigned any, every; /* classes that some, and that all of them have */
};

static unsigned word_classes(const char *word)
{
    for (size_t i = 0; i < ARRAY_LEN(WORDS); i++)
        if (strcmp(WORDS[i].word, word) == 0)
            return WORDS[i].classes;
    return 0;
}

/* Does a word end between text[i - 1] and text[i]? At the hump of patientCount, and before the last capital of
 * NHSNumber. */
static bool is_hump(const char *text, size_t i, size_t len)
{
    unsigned before = letter(text[i - 1]), here = letter(text[i]);

    if (!(here & LETTER_UPPER))
        return false;
    return before & LETTER_LOWER || (before & LETTER_UPPER && i + 1 < len && letter(text[i + 1]) & LETTER_LOWER);
}

static void words_add(struct words *words, const char *text, size_t len)
{
    if (words->count == WORDS_MAX)
        return;
    char *word = words->text[words->count];
    for (size_t i = 0; i < len && len < WORD_MAX; i++)
        word[i] = letter_lower(text[i]);
    unsigned classes = word_classes(word);
    words->classes[words->count++] = classes;
    words->any |= classes;
    words->every &= classes;
}

static void words_split(const char *text, size_t len, struct words *ret)
{
    *ret = (struct words){.every = ~0U};
    for (size_t i = 0; i < len;) {
        size_t start = i;
        while (i < len && letter(text[i]) & LETTER_WORD && (i == start || !is_hump(text, i, len)))
            i++;
        if (i > start)
            words_add(ret, text + start, i - start);
        else
            i++;
    }
}

static bool word_is(const struct words *words, size_t i, const char *word)
{
    return i < words->count && strcmp(words->text[i], word) == 0;
}

/* "number of patients", but not "patient number", and "no" only before "of": it may be an answer. */
static bool first_counts(const struct words *words)
{
    if (!(words->classes[0] & FIRST) || words->any & (LABEL | PERSON))
        return false;
    return word_is(words, 1, "of") || !(word_is(words, 0, "no") || word_is(words, 0, "nr"));
}

static bool words_count(const struct words *words)
{
    size_t last = words->count - 1;

    if (words->any & (PERCENT | STATISTIC | ID | BIRTH | NHS | SECRET))
        return false;
    return words->any & COUNT || (words->classes[0] | words->classes[last]) & EDGE || first_counts(words);
}

static bool words_total(const struct words *words)
{
    if (!(words->any & TOTAL))
        return false;
    for (size_t i = 0; i < words->count; i++)
        if (!(words->classes[i] & (TOTAL | COUNT | EDGE)) && !word_is(words, i, "row") && !word_is(words, i, "column"))
            return false;
    return true;
}

static unsigned words_identify(const struct words *words)
{
    size_t last = words->count - 1;
    bool numbered = last > 0 && words->classes[last] & FIRST;
    bool id = words->any & ID || numbered;

    if (words->any & NHS)
        return HEADING_ID | HEADING_PERSON_ID | HEADING_NO_COUNT;
    if (words->any & PERSON && !(words->any & (THING | COUNT)) && (id || words->count == 1))
        return HEADING_ID | HEADING_PERSON_ID | HEADING_NO_COUNT;
    if (!id)
        return 0;
    return words->any & (THING | NUMBER | COUNT) ? HEADING_NO_COUNT : HEADING_ID | HEADING_NO_COUNT;
}

static bool is_secret(const struct words *words)
{
    for (size_t i = 0; i + 1 < words->count; i++)
        if ((word_is(words, i, "api") || word_is(words, i, "access") || word_is(words, i, "auth") ||
             word_is(words, i, "private")) &&
            (word_is(words, i + 1, "key") || word_is(words, i + 1, "token")))
            return true;
    return words->any & SECRET;
}

/* "2021", "18-64", "65+", "<18": digits and what bounds them. */
static bool is_band(const char *text, size_t len)
{
    unsigned digits = 0;

    for (size_t i = 0; i < len; i++) {
        if (letter(text[i]) & LETTER_ALPHA || strchr("_/%.@", text[i]))
            return false;
        digits += letter(text[i]) & LETTER_DIGIT;
    }
    return digits > 0;
}

unsigned heading_read(const char *text, size_t len)
{
    struct words words;
    unsigned says = 0;

    len = len > HEADING_MAX ? HEADING_MAX : len;
    if (memchr(text, '%', len))
        says |= HEADING_PERCENT | HEADING_NO_COUNT;
    words_split(text, len, &words);
    if (words.count == 0)
        return says | HEADING_NO_COUNT;
    bool total = words_total(&words);
    if ((words_count(&words) || total) && !(says & HEADING_PERCENT))
        says |= HEADING_COUNT | (total ? (unsigned)HEADING_TOTAL : 0);
    else
        says |= words_identify(&words) | (words.any & (LABEL | PERCENT | STATISTIC) ? (unsigned)HEADING_NO_COUNT : 0);
    static const struct {
        unsigned class, says;
    } PLAIN[] = {{PERCENT, HEADING_PERCENT},
                 {STATISTIC, HEADING_STATISTIC},
                 {ATTRIBUTE, HEADING_ATTRIBUTE},
                 {BIRTH, HEADING_BIRTH},
                 {NHS, HEADING_NHS},
                 {POSTCODE, HEADING_POSTCODE},
                 {NUMBER, HEADING_NUMBER}};
    for (size_t i = 0; i < ARRAY_LEN(PLAIN); i++)
        if (words.any & PLAIN[i].class)
            says |= PLAIN[i].says;
    if (words.every & CATEGORY || is_band(text, len))
        says |= HEADING_CATEGORY;
    return says | (is_secret(&words) ? (unsigned)HEADING_SECRET : 0);
}
