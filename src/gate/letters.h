/* What bytes are, for those who read text: one look-up a byte. Used by the checks of text in a sandboxed child of
 * airlock-gate. ASCII only: every byte of other characters is OTHER. */
#ifndef AIRLOCK_GATE_LETTERS_H
#define AIRLOCK_GATE_LETTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define TEXT_PAD 64 /* readable bytes that stand behind every text here, so that words can be loaded whole */

enum {
    LETTER_DIGIT = 1,
    LETTER_UPPER = 2,
    LETTER_LOWER = 4,
    LETTER_AT = 8,
    LETTER_DOT = 16,
    LETTER_SIGN = 32, /* + - */
    LETTER_SPACE = 64,
    LETTER_OTHER = 128,
};
#define LETTER_ALPHA (LETTER_UPPER | LETTER_LOWER)
#define LETTER_WORD (LETTER_ALPHA | LETTER_DIGIT)

extern const uint8_t LETTERS[256];

#ifdef __SSE2__
/* Which of 16 bytes are one of count characters from first on. */
static inline __m128i letters_in(__m128i bytes, char first, int count)
{
    __m128i from_least = _mm_add_epi8(bytes, _mm_set1_epi8((char)(-128 - first)));

    return _mm_cmplt_epi8(from_least, _mm_set1_epi8((char)(-128 + count)));
}

static inline unsigned letters_equal_to(__m128i bytes, char c)
{
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)));
}

/* The classes of those of 16 bytes that valid has a bit for. */
static inline unsigned letters_of_16(const char *text, unsigned valid)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)text);
    unsigned digit = valid & (unsigned)_mm_movemask_epi8(letters_in(bytes, '0', 10));
    if (digit == valid) /* the most frequent, and quickest */
        return valid ? LETTER_DIGIT : 0U;
    unsigned alpha = valid & (unsigned)_mm_movemask_epi8(letters_in(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 26));
    unsigned low = (unsigned)_mm_movemask_epi8(_mm_slli_epi16(bytes, 2)); /* the bit 0x20 */
    unsigned at = valid & letters_equal_to(bytes, '@'), dot = valid & letters_equal_to(bytes, '.');
    unsigned sign = valid & (letters_equal_to(bytes, '+') | letters_equal_to(bytes, '-'));
    unsigned space = valid & letters_equal_to(bytes, ' ');
    unsigned other = valid & ~(digit | alpha | at | dot | sign | space);

    return (digit ? LETTER_DIGIT : 0U) | (alpha & ~low ? LETTER_UPPER : 0U) | (alpha & low ? LETTER_LOWER : 0U) |
           (at ? LETTER_AT : 0U) | (dot ? LETTER_DOT : 0U) | (sign ? LETTER_SIGN : 0U) | (space ? LETTER_SPACE : 0U) |
           (other ? LETTER_OTHER : 0U);
}
#endif

/* Bit i: text[i] is c. len is at most 16; text has TEXT_PAD readable bytes behind it. */
static inline unsigned letters_where(const char *text, size_t len, char c)
{
    unsigned where = 0;

#ifdef __SSE2__
    where = letters_equal_to(_mm_loadu_si128((const __m128i *)(const void *)text), c) & ((1U << len) - 1);
#else
    for (size_t i = 0; i < len; i++)
        where |= (unsigned)(text[i] == c) << i;
#endif
    return where;
}

static inline unsigned letter(char c)
{
    return LETTERS[(uint8_t)c];
}

/* Which classes a text has, together. text has TEXT_PAD readable bytes behind it. */
static inline unsigned letters_of(const char *text, size_t len)
{
    unsigned all = 0;

#ifdef __SSE2__
    for (; len > 16; text += 16, len -= 16)
        all |= letters_of_16(text, 0xFFFF);
    return all | letters_of_16(text, (1U << len) - 1);
#else
    for (size_t i = 0; i < len; i++)
        all |= letter(text[i]);
    return all;
#endif
}

static inline char letter_lower(char c)
{
    return letter(c) & LETTER_UPPER ? (char)(c | 0x20) : c;
}

/* Is text the ASCII word, without regard to case? word is in lower case. */
bool letters_equal(const char *text, size_t len, const char *word);
/* Does word (lower case) stand in text, without regard to case? */
bool letters_contain(const char *text, size_t len, const char *word);

static inline bool letter_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Takes blanks from both ends. */
static inline void letters_trim(const char **text, size_t *len)
{
    for (; *len > 0 && letter_is_blank(**text); (*text)++)
        (*len)--;
    while (*len > 0 && letter_is_blank((*text)[*len - 1]))
        (*len)--;
}

#endif
