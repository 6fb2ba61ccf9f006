/* One small reader a format. Each goes forward only, so that none takes longer than reading the file once; a plain
 * table costs one look at its first bytes. */
#include "gate/file_end.h"

#include <string.h>

#include "base/str.h"
#include "gate/peek.h"
#include "gate/zip_index.h"

#define NO_END UINT64_MAX /* damaged, or cannot be told */
#define BLOCK ((size_t)64 * 1024)
#define PDF_TAIL BLOCK
#define HEAD_LEN 32

/* Bytes of a descriptor, one after the other. */
struct reader {
    int fd;
    uint64_t at; /* of the next byte */
    uint64_t begin;
    size_t len; /* of block, which begins at begin */
    unsigned char *block;
};

/* The next byte, or -1 at the end. */
static int reader_byte(struct reader *reader)
{
    if (reader->at < reader->begin || reader->at >= reader->begin + reader->len) {
        reader->begin = reader->at;
        reader->len = peek(reader->fd, reader->at, reader->block, BLOCK);
        if (reader->len == 0)
            return -1;
    }
    return reader->block[reader->at++ - reader->begin];
}

/* Goes to the next byte with this value and behind it; false at the end. */
static bool reader_find(struct reader *reader, unsigned char value)
{
    for (;;) {
        if (reader_byte(reader) < 0)
            return false;
        reader->at--;
        const unsigned char *from = reader->block + (reader->at - reader->begin);
        size_t left = reader->len - (size_t)(reader->at - reader->begin);
        const unsigned char *hit = memchr(from, value, left);
        reader->at += hit ? (uint64_t)(hit - from) + 1 : left;
        if (hit)
            return true;
    }
}

static bool reader_skip(struct reader *reader, uint64_t count)
{
    return !__builtin_add_overflow(reader->at, count, &reader->at);
}

static uint64_t png_end(int fd)
{
    unsigned char chunk[8];

    for (uint64_t at = 8; peek_all(fd, at, chunk, sizeof chunk);) {
        at += 12 + (uint64_t)peek_be32(chunk);
        if (memcmp(chunk + 4, "IEND", 4) == 0)
            return at;
    }
    return NO_END;
}

/* Segments with lengths, then bytes in which a marker is an FF that neither 00 nor a restart follows. */
static uint64_t jpeg_end(struct reader *reader)
{
    bool in_scan = false;

    reader->at = 2;
    for (;;) {
        int marker;
        if (in_scan ? !reader_find(reader, 0xff) : reader_byte(reader) != 0xff)
            return NO_END;
        do
            marker = reader_byte(reader);
        while (marker == 0xff);
        if (marker < 0)
            return NO_END;
        if (marker == 0xd9)
            return reader->at;
        if (in_scan && (marker == 0 || (marker >= 0xd0 && marker <= 0xd7)))
            continue;
        int high = reader_byte(reader), low = reader_byte(reader);
        int len = high * 256 + low;
        if (high < 0 || low < 0 || len < 2 || !reader_skip(reader, (uint64_t)len - 2))
            return NO_END;
        in_scan = marker == 0xda;
    }
}

/* Blocks of up to 255 bytes, each after its length, up to an empty one. */
static bool gif_blocks(struct reader *reader)
{
    int len;

    while ((len = reader_byte(reader)) > 0)
        if (!reader_skip(reader, (uint64_t)len))
            return false;
    return len == 0;
}

static uint64_t gif_table(int flags)
{
    return flags & 0x80 ? 3ULL << ((flags & 7) + 1) : 0;
}

static bool gif_image(struct reader *reader)
{
    (void)reader_skip(reader, 8);
    int flags = reader_byte(reader);
    return flags >= 0 && reader_skip(reader, gif_table(flags) + 1) && gif_blocks(reader);
}

static uint64_t gif_end(struct reader *reader)
{
    reader->at = 10;
    int flags = reader_byte(reader);
    if (flags < 0 || !reader_skip(reader, 2 + gif_table(flags)))
        return NO_END;
    for (;;) {
        switch (reader_byte(reader)) {
        case 0x3b:
            return reader->at;
        case 0x21:
            if (reader_byte(reader) < 0 || !gif_blocks(reader))
                return NO_END;
            break;
        case 0x2c:
            if (!gif_image(reader))
                return NO_END;
            break;
        default:
            return NO_END;
        }
    }
}

/* The last %%EOF, and the end of its line. One that is not in the last 64 KiB has something behind it. */
static uint64_t pdf_end(int fd, uint64_t size, unsigned char *tail)
{
    uint64_t begin = size > PDF_TAIL ? size - PDF_TAIL : 0;
    size_t len = peek(fd, begin, tail, PDF_TAIL);
    const unsigned char *mark = peek_find_last(tail, len, "%%EOF");

    if (!mark)
        return begin > 0 ? begin : NO_END;
    size_t at = (size_t)(mark - tail) + 5;
    while (at < len && tail[at] && strchr(" \t\r\n\f", tail[at]))
        at++;
    return begin + at;
}

/* 0 and 4294967295 are what a recorder writes that does not know yet. */
static uint64_t riff_end(const unsigned char *head)
{
    uint64_t len = peek_le32(head + 4);

    return len == 0 || len == UINT32_MAX ? NO_END : 8 + len + len % 2;
}

static uint64_t sevenzip_end(const unsigned char *head)
{
    uint64_t offset = peek_le64(head + 12), len = peek_le64(head + 20), end;

    return __builtin_add_overflow(offset, len, &end) || end > INT64_MAX ? NO_END : end + 32;
}

static uint64_t zip_end(int fd, uint64_t size)
{
    struct zip_end end;

    return zip_end_find(fd, size, &end) ? end.after : NO_END;
}

static uint64_t file_end(int fd, uint64_t size, unsigned char *block)
{
    unsigned char head[HEAD_LEN] = {0};
    struct reader reader = {.fd = fd, .block = block};

    (void)peek(fd, 0, head, sizeof head);
    if (memcmp(head, "\x89PNG\r\n\x1a\n", 8) == 0)
        return png_end(fd);
    if (memcmp(head, "\xff\xd8\xff", 3) == 0)
        return jpeg_end(&reader);
    if (memcmp(head, "GIF87a", 6) == 0 || memcmp(head, "GIF89a", 6) == 0)
        return gif_end(&reader);
    if (memcmp(head, "%PDF-", 5) == 0)
        return pdf_end(fd, size, block);
    if (memcmp(head, "RIFF", 4) == 0)
        return riff_end(head);
    if (memcmp(head, "PK\3\4", 4) == 0 || memcmp(head, "PK\5\6", 4) == 0)
        return zip_end(fd, size);
    if (memcmp(head, "7z\xbc\xaf\x27\x1c", 6) == 0)
        return sevenzip_end(head);
    return NO_END;
}

bool file_end_trails(int fd, uint64_t size)
{
    AUTO_FREE unsigned char *block = xmalloc(BLOCK);
    uint64_t end = file_end(fd, size, block);

    return end < size && !peek_zeroes(fd, end, size);
}
