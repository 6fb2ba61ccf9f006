/* Looking at a name with the eyes of Windows, of archive tools and of people. Pure. */
#include "model/name_warning.h"

#include <string.h>
#include <unictype.h>
#include <unistr.h>

#include "base/str.h"

#define BIT(name) (1U << NAME_WARNING_##name)
#define SEPARATORS "/\\" /* a backslash separates where it matters */

const char *name_warning_name(enum name_warning warning)
{
    static const char *const NAMES[] = {
#define X(name, wire, what) wire,
#include "model/name_warning.def"
#undef X
    };
    return NAMES[warning];
}

/* CON, COM1 and their like, also with an extension: "con.txt" is the console too. */
static bool is_device(const char *segment, size_t len)
{
    static const char *const PLAIN[] = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$"};
    static const char *const NUMBERED[] = {"COM", "LPT"};
    static const char *const NUMBERS[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9",
                                          "\xc2\xb9", "\xc2\xb2", "\xc2\xb3"}; /* superscripts count as well */
    const char *dot = memchr(segment, '.', len);
    size_t base = dot ? (size_t)(dot - segment) : len;

    while (base > 0 && segment[base - 1] == ' ')
        base--;
    for (size_t i = 0; i < ARRAY_LEN(PLAIN); i++)
        if (strlen(PLAIN[i]) == base && strncasecmp(segment, PLAIN[i], base) == 0)
            return true;
    for (size_t i = 0; i < ARRAY_LEN(NUMBERED); i++)
        for (size_t n = 0; n < ARRAY_LEN(NUMBERS); n++)
            if (base == 3 + strlen(NUMBERS[n]) && strncasecmp(segment, NUMBERED[i], 3) == 0 &&
                memcmp(segment + 3, NUMBERS[n], base - 3) == 0)
                return true;
    return false;
}

static unsigned segment_warnings(const char *segment, size_t len)
{
    bool is_dots = len > 0 && len <= 2 && strspn(segment, ".") >= len;
    unsigned found = 0;

    if (len == 0 || is_dots)
        found |= BIT(PATH);
    else if (segment[len - 1] == '.' || segment[len - 1] == ' ')
        found |= BIT(ENDING);
    if (is_device(segment, len))
        found |= BIT(RESERVED);
    return found;
}

static unsigned char_warnings(ucs4_t c)
{
    unsigned found = 0;

    if (c < 0x80 && strchr("<>:\"|?*\\\t", (int)c))
        found |= BIT(CHARACTER);
    if (uc_is_property_bidi_control(c))
        found |= BIT(DIRECTION);
    else if (uc_is_property_default_ignorable_code_point(c) || (uc_is_property_white_space(c) && c != ' ' && c != '\t'))
        found |= BIT(INVISIBLE);
    return found;
}

unsigned name_warnings(const char *name)
{
    unsigned found = 0;
    ucs4_t c;

    for (const uint8_t *p = (const uint8_t *)name; (p = u8_next(&c, p));)
        found |= char_warnings(c);
    bool is_drive = ((name[0] | 0x20) >= 'a' && (name[0] | 0x20) <= 'z') && name[1] == ':';
    if (is_drive)
        found |= BIT(PATH);
    for (const char *segment = name;;) {
        size_t len = strcspn(segment, SEPARATORS);
        found |= segment_warnings(segment, len);
        if (segment[len] == '\0')
            return found;
        segment += len + 1;
    }
}
