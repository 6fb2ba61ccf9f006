/* Text fit for one line. Runs in airlock-notify and airlockd. */
#include "notify/plain.h"

#include <string.h>

#define ELLIPSIS "\xE2\x80\xA6"
#define CHARACTER_MAX 4 /* bytes */

/* Controls, line and paragraph separators, marks and overrides of direction, the byte order mark. */
static const struct {
    uint32_t first, last;
} BLANKED[] = {
    {0x00, 0x1F}, {0x7F, 0x9F}, {0x61C, 0x61C}, {0x200E, 0x200F}, {0x2028, 0x202E}, {0x2066, 0x2069}, {0xFEFF, 0xFEFF},
};

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* How many bytes the character at the beginning of text has, at most len; 0: it is none. */
static size_t character_read(const char *text, size_t len, uint32_t *ret)
{
    static const struct {
        unsigned char mask, lead;
        uint32_t least;
    } FORMS[CHARACTER_MAX] = {{0x80, 0x00, 0}, {0xE0, 0xC0, 0x80}, {0xF0, 0xE0, 0x800}, {0xF8, 0xF0, 0x10000}};
    unsigned char first = (unsigned char)*text;

    for (size_t extra = 0; extra < CHARACTER_MAX; extra++) {
        if ((first & FORMS[extra].mask) != FORMS[extra].lead)
            continue;
        uint32_t c = first & (unsigned char)~FORMS[extra].mask;
        for (size_t i = 1; i <= extra; i++) {
            if (i >= len || !is_continuation(text[i]))
                return 0;
            c = c << 6 | ((unsigned char)text[i] & 0x3F);
        }
        if (c < FORMS[extra].least || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
            return 0;
        *ret = c;
        return extra + 1;
    }
    return 0;
}

static bool is_blanked(uint32_t c)
{
    for (size_t i = 0; i < ARRAY_LEN(BLANKED); i++)
        if (c >= BLANKED[i].first && c <= BLANKED[i].last)
            return true;
    return false;
}

void plain_append(struct str *out, const char *text, size_t len)
{
    for (size_t at = 0; at < len;) {
        uint32_t c;
        size_t size = character_read(text + at, len - at, &c);
        if (size == 0)
            str_append_char(out, '?');
        else if (is_blanked(c))
            str_append_char(out, ' ');
        else
            str_append_len(out, text + at, size);
        at += size ? size : 1;
    }
}

bool plain_is_utf8(const char *text, size_t len)
{
    for (size_t at = 0, size; at < len; at += size) {
        uint32_t c;
        size = character_read(text + at, len - at, &c);
        if (size == 0)
            return false;
    }
    return true;
}

char *plain_cut(const char *text, size_t max)
{
    size_t len = strlen(text);

    if (len <= max)
        return xstrdup(text);
    len = max - strlen(ELLIPSIS);
    while (len > 0 && is_continuation(text[len]))
        len--;
    return xasprintf("%.*s%s", (int)len, text, ELLIPSIS);
}
