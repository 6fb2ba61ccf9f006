/* Reads and decodes. Runs in a sandboxed child of airlock-gate. */
#include "gate/text_source.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define UNITS_MAX 16384
#define REPLACEMENT 0xFFFDU

/* Exactly len bytes at offset. */
static int read_at(const struct text_source *source, void *buffer, size_t len, uint64_t offset, struct error *err)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = pread(source->fd, (char *)buffer + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set_errno(err, E_IO, "Cannot read the file that is checked");
        if (n == 0)
            return error_set(err, E_IO, "The file that is checked ends before its size");
        done += (size_t)n;
    }
    return 0;
}

int text_source_init(struct text_source *ret, int fd, uint64_t size, struct error *err)
{
    struct text_source source = {.fd = fd, .size = size, .coding = TEXT_BYTES};
    unsigned char mark[3] = {0};

    int r = read_at(&source, mark, size < sizeof mark ? (size_t)size : sizeof mark, 0, err);
    if (r != 0)
        return r;
    if (size >= 3 && memcmp(mark, "\xEF\xBB\xBF", 3) == 0) {
        source.offset = 3;
    } else if (size >= 2 && (memcmp(mark, "\xFF\xFE", 2) == 0 || memcmp(mark, "\xFE\xFF", 2) == 0)) {
        source.coding = mark[0] == 0xFF ? TEXT_UTF16_LE : TEXT_UTF16_BE;
        source.offset = 2;
    }
    *ret = source;
    return 0;
}

static size_t utf8_put(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

static uint32_t unit_at(const struct text_source *source, const uint8_t *raw, size_t i)
{
    return source->coding == TEXT_UTF16_LE ? (uint32_t)raw[2 * i] | (uint32_t)raw[2 * i + 1] << 8
                                           : (uint32_t)raw[2 * i + 1] | (uint32_t)raw[2 * i] << 8;
}

/* One character from unit *i of units on; moves *i behind it. */
static uint32_t character_at(const struct text_source *source, const uint8_t *raw, size_t *i, size_t units)
{
    uint32_t high = unit_at(source, raw, (*i)++);

    if (high < 0xD800 || high > 0xDFFF)
        return high;
    uint32_t low = *i < units ? unit_at(source, raw, *i) : 0;
    if (high > 0xDBFF || low < 0xDC00 || low > 0xDFFF)
        return REPLACEMENT;
    (*i)++;
    return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
}

static ssize_t utf16_read(struct text_source *source, char *buffer, size_t cap, struct error *err)
{
    uint8_t raw[2 * UNITS_MAX] = {0};
    size_t units = cap / 3, used = 0, i = 0; /* no unit becomes more than 3 bytes */
    uint64_t left = (source->size - source->offset) / 2;

    units = units > UNITS_MAX ? UNITS_MAX : units;
    bool last = units >= left;
    units = last ? (size_t)left : units;
    int r = read_at(source, raw, 2 * units, source->offset, err);
    if (r != 0)
        return r;
    while (i < units) {
        if (i + 1 == units && !last && unit_at(source, raw, i) >> 10 == 0xD800 >> 10)
            break; /* its other half comes with the next read */
        used += utf8_put(buffer + used, character_at(source, raw, &i, units));
    }
    source->offset += 2 * i;
    return (ssize_t)used;
}

ssize_t text_source_read(struct text_source *source, char *buffer, size_t cap, struct error *err)
{
    uint64_t left = source->size - source->offset;

    if (source->coding != TEXT_BYTES)
        return utf16_read(source, buffer, cap, err);
    size_t len = left < cap ? (size_t)left : cap;
    int r = read_at(source, buffer, len, source->offset, err);
    if (r != 0)
        return r;
    source->offset += len;
    return (ssize_t)len;
}
