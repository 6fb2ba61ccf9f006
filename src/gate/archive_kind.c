/* Signatures of archives, and what a signature alone does not prove. Runs in a sandboxed child; reads at fixed places
 * only. A plain text or table must never pass for an archive: tests/unit/gate/test_archive_kind.c holds a corpus. */
#include "gate/archive_kind.h"

#include <archive.h>
#include <string.h>

#include "base/num.h"
#include "gate/peek.h"
#include "gate/zip_index.h"

#define HEAD_MAX ((size_t)40 * 1024) /* an ISO image names itself after 32 KiB */
#define TAR_BLOCK 512

struct looked {
    int fd;
    uint64_t size;
    size_t len;
    unsigned char head[HEAD_MAX];
};

static bool any_head(const struct looked *at)
{
    (void)at;
    return true;
}

static bool gzip_head(const struct looked *at)
{
    return at->len >= 10 && (at->head[3] & 0xe0) == 0;
}

static bool bzip2_head(const struct looked *at)
{
    static const char BLOCK[] = "\x31\x41\x59\x26\x53\x59", END[] = "\x17\x72\x45\x38\x50\x90";

    return at->len >= 10 && at->head[3] >= '1' && at->head[3] <= '9' &&
           (memcmp(at->head + 4, BLOCK, 6) == 0 || memcmp(at->head + 4, END, 6) == 0);
}

/* A frame to be skipped stands before one that is not. */
static bool skip_head(const struct looked *at)
{
    uint64_t next = at->len >= 12 && (at->head[0] & 0xf0) == 0x50 ? 8 + (uint64_t)peek_le32(at->head + 4) : UINT64_MAX;
    unsigned char magic[4];

    return next < at->size && peek_all(at->fd, next, magic, 4) && memcmp(magic, "\x28\xb5\x2f\xfd", 4) == 0;
}

/* It has no signature: the usual parameters, a dictionary of a usual size, and a size that may be true. */
static bool lzma_head(const struct looked *at)
{
    if (at->len < 14 || (at->head[0] != 0x5d && at->head[0] != 0x5e) || at->head[13] != 0)
        return false;
    uint32_t dictionary = peek_le32(at->head + 1);
    uint64_t unpacked = peek_le64(at->head + 5);
    bool usual = dictionary >= 1U << 12 && dictionary <= 1U << 30 &&
                 ((dictionary & (dictionary - 1)) == 0 || dictionary % (1U << 20) == 0);
    return usual && (unpacked == UINT64_MAX || unpacked < 1ULL << 38);
}

static bool compress_head(const struct looked *at)
{
    unsigned bits = at->len > 3 ? at->head[2] & 0x1f : 0;

    return bits >= 9 && bits <= 16 && (at->head[2] & 0x60) == 0;
}

static bool zip_either_end(const struct looked *at)
{
    static const char STARTS[][5] = {"PK\3\4", "PK\5\6", "PK\6\6"};
    struct zip_end end;

    for (size_t i = 0; i < sizeof STARTS / sizeof STARTS[0]; i++)
        if (at->len >= 4 && memcmp(at->head, STARTS[i], 4) == 0)
            return true;
    return zip_end_find(at->fd, at->size, &end) && end.after == at->size;
}

static bool lha_head(const struct looked *at)
{
    return at->len >= 22 && (at->head[4] == 'h' ? strchr("01234567d", at->head[5]) : strchr("s45", at->head[5])) &&
           at->head[5] && (at->head[4] == 'h' || at->head[4] == 'z') && at->head[6] == '-' && at->head[20] <= 3;
}

static bool octal_field(const unsigned char *p, size_t len)
{
    size_t i = 0;

    while (i < len && p[i] == ' ')
        i++;
    size_t begin = i;
    while (i < len && p[i] >= '0' && p[i] <= '7')
        i++;
    return i > begin || i == len || p[i] == 0;
}

/* The checksum of its first block fits, and the block is not empty. */
static bool tar_block(const unsigned char *block, size_t len)
{
    unsigned sum = 0, sum_signed = 0, stored = 0;

    if (len < TAR_BLOCK || block[0] == 0 || !octal_field(block + 148, 8))
        return false;
    for (size_t i = 0; i < TAR_BLOCK; i++) {
        unsigned char c = i >= 148 && i < 156 ? ' ' : block[i];
        sum += c;
        sum_signed += (unsigned)(signed char)c;
    }
    for (size_t i = 148; i < 156; i++)
        if (block[i] >= '0' && block[i] <= '7')
            stored = stored * 8 + (unsigned)(block[i] - '0');
        else if (block[i] != ' ')
            break;
    return stored == sum || stored == sum_signed;
}

static bool digits(const unsigned char *p, size_t len, bool hex)
{
    for (size_t i = 0; i < len; i++)
        if (hex ? num_hex_digit((char)p[i]) < 0 : p[i] < '0' || p[i] > '7')
            return false;
    return true;
}

/* A table may well begin with the number 070707: every field of the first head must be one. The old binary form has no
 * more than two bytes of a signature: its type of file, and a name that ends where it says. */
static bool cpio_block(const unsigned char *head, size_t len)
{
    if (len >= 110 && (memcmp(head, "070701", 6) == 0 || memcmp(head, "070702", 6) == 0))
        return digits(head, 110, true);
    if (len >= 76 && memcmp(head, "070707", 6) == 0)
        return digits(head, 76, false);
    if (len >= 76 && memcmp(head, "070727", 6) == 0)
        return digits(head, 6, false) && memchr(head, '\n', 76) == NULL && head[75] == ':';
    if (len < 27 || (peek_le16(head) != 070707 && peek_be16(head) != 070707))
        return false;
    bool little = peek_le16(head) == 070707;
    unsigned name = little ? peek_le16(head + 20) : peek_be16(head + 20);
    unsigned mode = little ? peek_le16(head + 6) : peek_be16(head + 6);
    return name > 1 && name < 1024 && 26 + name <= len && memchr(head + 26, 0, name) == head + 26 + name - 1 &&
           (mode >> 12 == 4 || mode >> 12 == 8 || mode >> 12 == 10);
}

static bool tar_head(const struct looked *at)
{
    return tar_block(at->head, at->len);
}

static bool cpio_head(const struct looked *at)
{
    return cpio_block(at->head, at->len);
}

static bool arj_head(const struct looked *at)
{
    return at->len >= 34 && peek_le16(at->head + 2) >= 30 && peek_le16(at->head + 2) <= 2600 && at->head[4] >= 30 &&
           at->head[4] <= 64 && at->head[10] == 2;
}

static bool squashfs_head(const struct looked *at)
{
    return at->len >= 96 && peek_le16(at->head + 28) == 4 && peek_le16(at->head + 30) == 0;
}

#define archive_read_support_format_none NULL
#define ARCHIVE_FILTER_FOR_gzip ARCHIVE_FILTER_GZIP
#define ARCHIVE_FILTER_FOR_bzip2 ARCHIVE_FILTER_BZIP2
#define ARCHIVE_FILTER_FOR_xz ARCHIVE_FILTER_XZ
#define ARCHIVE_FILTER_FOR_lzma ARCHIVE_FILTER_LZMA
#define ARCHIVE_FILTER_FOR_lzip ARCHIVE_FILTER_LZIP
#define ARCHIVE_FILTER_FOR_zstd ARCHIVE_FILTER_ZSTD
#define ARCHIVE_FILTER_FOR_lz4 ARCHIVE_FILTER_LZ4
#define ARCHIVE_FILTER_FOR_compress ARCHIVE_FILTER_COMPRESS
#define ARCHIVE_FILTER_FOR_rpm ARCHIVE_FILTER_RPM
#define LIBRARY_STREAM(library) .filter = ARCHIVE_FILTER_FOR_##library
#define LIBRARY_HOLDER(library) .support = archive_read_support_format_##library
#define LIBRARY_CLOSED(library) .support = archive_read_support_format_##library

static const struct archive_kind_facts KINDS[] = {
#define X(name, wire, form, library, offset, signature, also) {wire, ARCHIVE_##form, LIBRARY_##form(library)},
#include "gate/archive_kind.def"
#undef X
};

static const struct signature {
    const char *bytes;
    size_t len, offset;
    bool (*also)(const struct looked *at);
} SIGNATURES[] = {
#define X(name, wire, form, library, offset, signature, also) {signature, sizeof(signature) - 1, offset, also},
#include "gate/archive_kind.def"
#undef X
};

const struct archive_kind_facts *archive_kind_facts(enum archive_kind kind)
{
    return &KINDS[kind];
}

static bool signature_fits(const struct signature *signature, const struct looked *at)
{
    return at->len >= signature->offset + signature->len &&
           memcmp(at->head + signature->offset, signature->bytes, signature->len) == 0 && signature->also(at);
}

uint64_t archive_kinds(int fd, uint64_t size)
{
    struct looked at = {.fd = fd, .size = size};
    uint64_t found = 0;

    at.len = peek(fd, 0, at.head, sizeof at.head);
    for (size_t i = 0; i < ARCHIVE_KIND_COUNT; i++)
        if (signature_fits(&SIGNATURES[i], &at))
            found |= 1ULL << i;
    return found;
}

bool archive_stream_is_tar(const unsigned char *head, size_t len)
{
    return tar_block(head, len);
}

uint64_t archive_kinds_carried(int fd)
{
    unsigned char head[4];

    if (!peek_all(fd, 0, head, sizeof head) || (memcmp(head, "MZ", 2) != 0 && memcmp(head, "\177ELF", 4) != 0))
        return 0;
    return 1ULL << ARCHIVE_KIND_SEVENZIP | 1ULL << ARCHIVE_KIND_RAR | 1ULL << ARCHIVE_KIND_RAR5 |
           1ULL << ARCHIVE_KIND_CAB | 1ULL << ARCHIVE_KIND_LHA;
}
