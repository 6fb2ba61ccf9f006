/* Safe text for terminals, by libunistring's character tables. */
#include "cli/text.h"

#include <stdio.h>
#include <string.h>
#include <unictype.h>
#include <unistr.h>
#include <uniwidth.h>

#include "base/clock.h"

static bool is_plain(ucs4_t point)
{
    uint32_t unsafe = UC_CATEGORY_MASK_C | UC_CATEGORY_MASK_Zl | UC_CATEGORY_MASK_Zp;
    return !uc_is_general_category_withtable(point, unsafe);
}

void text_append_safe(struct str *s, const char *text)
{
    const uint8_t *p = (const uint8_t *)text;
    size_t left = strlen(text);

    while (left > 0) {
        ucs4_t point = 0;
        int len = u8_mbtoucr(&point, p, left);
        if (len <= 0) {
            str_printf(s, "\\x%02x", (unsigned)*p);
            len = 1;
        } else if (is_plain(point)) {
            str_append_len(s, p, (size_t)len);
        } else {
            str_printf(s, "\\u{%04x}", (unsigned)point);
        }
        p += len;
        left -= (size_t)len;
    }
}

/* Width of the character at p, and its length in bytes. Safe text is valid UTF-8. */
static size_t char_width(const uint8_t *p, size_t left, size_t *ret_len)
{
    ucs4_t point = 0;
    int len = u8_mbtoucr(&point, p, left);

    *ret_len = len > 0 ? (size_t)len : 1;
    int width = len > 0 ? uc_width(point, "UTF-8") : 1;
    return width > 0 ? (size_t)width : 0;
}

size_t text_fit(const char *text, size_t columns)
{
    size_t total = strlen(text);
    size_t at = 0;

    while (at < total) {
        size_t len;
        size_t width = char_width((const uint8_t *)text + at, total - at, &len);
        if (width > columns)
            break;
        columns -= width;
        at += len;
    }
    return at;
}

size_t text_width(const char *text)
{
    size_t total = strlen(text);
    size_t width = 0;

    for (size_t at = 0; at < total;) {
        size_t len;
        width += char_width((const uint8_t *)text + at, total - at, &len);
        at += len;
    }
    return width;
}

void text_format_size(uint64_t bytes, char out[static TEXT_SIZE_MAX])
{
    static const char *const UNITS[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t unit = 0;
    double value = (double)bytes;

    while (value >= 1024.0 && unit + 1 < ARRAY_LEN(UNITS)) {
        value /= 1024.0;
        unit++;
    }
    (void)snprintf(out, TEXT_SIZE_MAX, unit ? "%.1f %s" : "%.0f %s", value, UNITS[unit]); /* always fits */
}

void text_append_time(struct str *s, const json_t *seconds)
{
    char iso[CLOCK_TEXT_MAX];
    double value = json_number_value(seconds);

    if (!json_is_number(seconds) || !(value >= 0 && value < 253402300800.0)) { /* up to the year 9999 */
        str_append(s, "-");
        return;
    }
    clock_format_iso((int64_t)value * 1000000, iso);
    str_append(s, iso);
}
