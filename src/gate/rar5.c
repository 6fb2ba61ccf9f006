/* The heads of RAR 5 (RAR 5.0 archive format, sections "general archive structure" and "file encryption record"). Runs
 * in a sandboxed child; reads heads only, at places that lie in the file. */
#include "gate/rar5.h"

#include <string.h>

#include "base/str.h"
#include "gate/peek.h"

#define SIGNATURE "Rar!\x1a\x07\x01" /* and one byte more */
#define SIGNATURE_LEN 8
#define STUB_MAX ((size_t)1 << 20) /* a program before the archive; libarchive looks half as far */
#define BEGINNINGS_MAX 16          /* a program that unpacks itself holds the signature that it looks for */
#define HEAD_MAX ((size_t)2 << 20) /* as the format says */
#define NUMBER_MAX 10              /* bytes of a number */
#define CHECKSUM_LEN 4

enum block_type { BLOCK_FILE = 2, BLOCK_SERVICE = 3, BLOCK_CRYPT = 4, BLOCK_END = 5 };
enum { FLAG_EXTRA = 1 << 0, FLAG_DATA = 1 << 1 };
enum { RECORD_CRYPT = 1 };

struct span {
    const unsigned char *at, *end;
    bool short_of; /* a number ended behind the end */
};

static uint64_t take_number(struct span *span)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < NUMBER_MAX && span->at < span->end; i++) {
        unsigned char byte = *span->at++;
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (!(byte & 0x80))
            return value;
    }
    span->short_of = true;
    return 0;
}

static bool records_encrypt(struct span span)
{
    while (span.at < span.end) {
        uint64_t len = take_number(&span);
        const unsigned char *record = span.at;
        uint64_t type = take_number(&span);
        if (span.short_of || len > (uint64_t)(span.end - record))
            return false;
        if (type == RECORD_CRYPT)
            return true;
        span.at = record + len;
    }
    return false;
}

struct block {
    uint64_t type, next;
    bool encrypted;
};

/* buffer: HEAD_MAX bytes. False: there is no block at that place. */
static bool block_read(int fd, uint64_t size, uint64_t at, unsigned char *buffer, struct block *ret)
{
    unsigned char begin[CHECKSUM_LEN + NUMBER_MAX];
    size_t got = peek(fd, at, begin, sizeof begin);
    struct span first = {begin + CHECKSUM_LEN, begin + got, got <= CHECKSUM_LEN};
    uint64_t len = first.short_of ? 0 : take_number(&first);
    uint64_t head = at + (uint64_t)(first.at - begin);

    if (first.short_of || len == 0 || len > HEAD_MAX || !peek_all(fd, head, buffer, (size_t)len))
        return false;
    struct span span = {buffer, buffer + len, false};
    uint64_t type = take_number(&span), flags = take_number(&span);
    uint64_t extra = flags & FLAG_EXTRA ? take_number(&span) : 0, data = flags & FLAG_DATA ? take_number(&span) : 0;
    if (span.short_of || extra > (uint64_t)(span.end - span.at))
        return false;
    bool member = type == BLOCK_FILE || type == BLOCK_SERVICE;
    ret->type = type;
    ret->encrypted =
        type == BLOCK_CRYPT || (member && records_encrypt((struct span){span.end - extra, span.end, false}));
    ret->next = data <= size - head - len ? head + len + data : size;
    return true;
}

static enum rar5_look blocks_look(int fd, uint64_t size, uint64_t at, uint64_t *blocks, unsigned char *buffer)
{
    struct block block = {.next = at};

    while (block.type != BLOCK_END && block_read(fd, size, block.next, buffer, &block)) {
        if (block.encrypted)
            return RAR5_ENCRYPTED;
        if (*blocks == 0)
            return RAR5_CROWDED;
        --*blocks;
    }
    return RAR5_OPEN;
}

enum rar5_look rar5_look(int fd, uint64_t size, uint64_t max_blocks)
{
    AUTO_FREE unsigned char *stub = xmalloc(STUB_MAX), *buffer = xmalloc(HEAD_MAX);
    const unsigned char *at = stub, *end = stub + peek(fd, 0, stub, STUB_MAX);
    enum rar5_look found = RAR5_OPEN;

    for (int i = 0; found == RAR5_OPEN && (at = peek_find(at, (size_t)(end - at), SIGNATURE)) != NULL; i++) {
        if (i == BEGINNINGS_MAX)
            return RAR5_CROWDED;
        uint64_t first = (uint64_t)(at - stub) + SIGNATURE_LEN;
        found = blocks_look(fd, size, first, &max_blocks, buffer);
        if (at++ == stub) /* no program before it: what follows are its own bytes */
            break;
    }
    return found;
}
