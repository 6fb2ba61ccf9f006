/* The table of bytes, and words of ASCII. Runs in a sandboxed child of airlock-gate; pure. */
#include "gate/letters.h"

#include <string.h>

const uint8_t LETTERS[256] = {
    [0 ... 31] = LETTER_OTHER,
    [' '] = LETTER_SPACE,
    ['!' ... '*'] = LETTER_OTHER,
    ['+'] = LETTER_SIGN,
    [','] = LETTER_OTHER,
    ['-'] = LETTER_SIGN,
    ['.'] = LETTER_DOT,
    ['/'] = LETTER_OTHER,
    ['0' ... '9'] = LETTER_DIGIT,
    [':' ... '?'] = LETTER_OTHER,
    ['@'] = LETTER_AT,
    ['A' ... 'Z'] = LETTER_UPPER,
    ['[' ... '`'] = LETTER_OTHER,
    ['a' ... 'z'] = LETTER_LOWER,
    ['{' ... 255] = LETTER_OTHER,
};

bool letters_equal(const char *text, size_t len, const char *word)
{
    size_t i = 0;

    while (i < len && word[i] && letter_lower(text[i]) == word[i])
        i++;
    return i == len && !word[i];
}

bool letters_contain(const char *text, size_t len, const char *word)
{
    size_t n = strlen(word);

    for (size_t i = 0; i + n <= len; i++)
        if (letters_equal(text + i, n, word))
            return true;
    return false;
}
