/* The zip reader (PKWARE's APPNOTE, sections 4.3 to 4.5). Runs in a sandboxed child; unpacks nothing and believes no
 * number before it was compared with the file's size. */
#include "gate/zip_index.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "gate/peek.h"

#define END_LEN 22
#define END64_LEN 56
#define LOCATOR_LEN 20
#define ENTRY_LEN 46
#define LOCAL_LEN 30
#define NAME_MAX_LEN 65535
#define TAIL_MAX (NAME_MAX_LEN + END_LEN) /* the longest comment, and the record */
#define SPLIT_MARK_LEN 4                  /* "PK00" or "PK\7\8" before the first member */
#define WHOLE32 0xffffffffU               /* the number is in the field for 64 bits */

enum { FLAG_ENCRYPTED = 1 << 0, FLAG_DESCRIPTOR = 1 << 3, FLAG_STRONG = 1 << 6, FLAG_MASKED = 1 << 13 };

#define FLAGS_COMPARED (FLAG_ENCRYPTED | FLAG_DESCRIPTOR | FLAG_STRONG | FLAG_MASKED)

struct zip_entry {
    unsigned flags, method;
    uint32_t crc;
    uint64_t packed, unpacked, local; /* local: where its head should be, from the file's start */
    size_t name_len;
    char name[NAME_MAX_LEN + 1];
};

/* What a member takes of the file. */
struct zip_extent {
    uint64_t begin, end;
    bool descriptor; /* 12 to 24 bytes more may follow */
};

struct zip_reader {
    int fd;
    struct zip_end end;
    zip_problem *problem;
    void *ctx;
    struct zip_entry entry;
    unsigned char extra[NAME_MAX_LEN];
    char local_name[NAME_MAX_LEN + 1];
    struct zip_extent *extents;
    size_t count;
};

static void cleanup_reader(struct zip_reader **reader)
{
    free((*reader)->extents);
    free(*reader);
}

/* The record for 64 bits, whose locator stands right before the old record at pos. */
static bool end64_read(int fd, uint64_t pos, struct zip_end *end)
{
    unsigned char locator[LOCATOR_LEN], record[END64_LEN];
    uint64_t at;

    if (pos < LOCATOR_LEN + END64_LEN || !peek_all(fd, pos - LOCATOR_LEN, locator, sizeof locator) ||
        memcmp(locator, "PK\6\7", 4) != 0)
        return false;
    at = pos - LOCATOR_LEN - END64_LEN; /* one without extensible data, which nobody writes */
    if (!peek_all(fd, at, record, sizeof record) || memcmp(record, "PK\6\6", 4) != 0)
        return false;
    end->record = at;
    end->entries = peek_le64(record + 32);
    end->directory_size = peek_le64(record + 40);
    end->start = peek_le64(record + 48); /* for now: the directory's offset */
    return true;
}

/* Is there an end record at pos, with its directory where it says? */
static bool end_read(int fd, uint64_t size, uint64_t pos, const unsigned char *record, struct zip_end *ret)
{
    struct zip_end end = {.record = pos, .after = pos + END_LEN + peek_le16(record + 20)};
    unsigned char signature[4];

    end.entries = peek_le16(record + 10);
    end.directory_size = peek_le32(record + 12);
    end.start = peek_le32(record + 16);
    bool wide = end64_read(fd, pos, &end);
    if (!wide && (peek_le16(record + 4) != 0 || peek_le16(record + 6) != 0 || peek_le16(record + 8) != end.entries))
        return false;
    if (end.after > size || end.directory_size > end.record || end.start > end.record - end.directory_size)
        return false;
    end.directory = end.record - end.directory_size;
    end.start = end.directory - end.start;
    if (end.entries > end.directory_size / ENTRY_LEN || (end.entries == 0) != (end.directory_size == 0))
        return false;
    if (end.entries > 0 && (!peek_all(fd, end.directory, signature, 4) || memcmp(signature, "PK\1\2", 4) != 0))
        return false;
    *ret = end;
    return true;
}

bool zip_end_find(int fd, uint64_t size, struct zip_end *ret)
{
    size_t len = size < TAIL_MAX ? (size_t)size : TAIL_MAX;
    AUTO_FREE unsigned char *tail = xmalloc(TAIL_MAX);
    bool found = false;

    if (len < END_LEN || !peek_all(fd, size - len, tail, len))
        return false;
    for (size_t at = len - END_LEN + 1; at-- > 0;) {
        struct zip_end end;
        if (memcmp(tail + at, "PK\5\6", 4) != 0 || !end_read(fd, size, size - len + at, tail + at, &end))
            continue;
        if (!found)
            *ret = end;
        else if (end.after > ret->directory) /* otherwise it is the end of a zip inside */
            ret->ambiguous = true;
        found = true;
    }
    return found;
}

static void tell(struct zip_reader *reader, enum finding finding, const char *detail)
{
    reader->problem(reader->ctx, finding, reader->entry.name, detail);
}

static void tell_whole(struct zip_reader *reader, enum finding finding, const char *detail)
{
    reader->problem(reader->ctx, finding, NULL, detail);
}

/* The next number of 64 bits in the field for them, for a number that says WHOLE32. */
static bool wide_number(const unsigned char **field, const unsigned char *field_end, uint64_t *number)
{
    if (*number != WHOLE32)
        return true;
    if (field_end - *field < 8)
        return false;
    *number = peek_le64(*field);
    *field += 8;
    return true;
}

/* Finds the extra field with an id. */
static const unsigned char *extra_field(const unsigned char *extra, size_t len, unsigned id, size_t *ret_len)
{
    while (len >= 4) {
        size_t field_len = peek_le16(extra + 2);
        if (field_len > len - 4)
            return NULL;
        if (peek_le16(extra) == id) {
            *ret_len = field_len;
            return extra + 4;
        }
        extra += 4 + field_len;
        len -= 4 + field_len;
    }
    return NULL;
}

/* Fills in what is in the field for 64 bits; offset may be NULL. */
static bool wide_numbers(const unsigned char *extra, size_t len, uint64_t *unpacked, uint64_t *packed, uint64_t *offset)
{
    size_t field_len;
    const unsigned char *field = extra_field(extra, len, 1, &field_len);

    if (!field) /* 4294967295 is a size like any other */
        return true;
    const unsigned char *end = field + field_len;
    return wide_number(&field, end, unpacked) && wide_number(&field, end, packed) &&
           (!offset || wide_number(&field, end, offset));
}

/* A second name for programs that know it: it must not lead elsewhere. */
static void unicode_name_check(struct zip_reader *reader, size_t extra_len)
{
    size_t len;
    const unsigned char *field = extra_field(reader->extra, extra_len, 0x7075, &len);

    if (field && len > 5 &&
        (memchr(field + 5, 0, len - 5) || memmem(field + 5, len - 5, "..", 2) || field[5] == '/' ||
         memchr(field + 5, '\\', len - 5)))
        tell(reader, FINDING_ARCHIVE_ESCAPE, "its second name");
}

/* Reads one entry of the directory and moves *at behind it. False: it cannot be followed. */
static bool entry_read(struct zip_reader *reader, uint64_t *at)
{
    struct zip_entry *entry = &reader->entry;
    unsigned char raw[ENTRY_LEN];
    uint64_t offset;

    if (!peek_all(reader->fd, *at, raw, sizeof raw) || memcmp(raw, "PK\1\2", 4) != 0)
        return false;
    size_t extra_len = peek_le16(raw + 30);
    entry->flags = peek_le16(raw + 8);
    entry->method = peek_le16(raw + 10);
    entry->crc = peek_le32(raw + 16);
    entry->packed = peek_le32(raw + 20);
    entry->unpacked = peek_le32(raw + 24);
    entry->name_len = peek_le16(raw + 28);
    offset = peek_le32(raw + 42);
    if (!peek_all(reader->fd, *at + ENTRY_LEN, entry->name, entry->name_len) ||
        !peek_all(reader->fd, *at + ENTRY_LEN + entry->name_len, reader->extra, extra_len) ||
        !wide_numbers(reader->extra, extra_len, &entry->unpacked, &entry->packed, &offset))
        return false;
    entry->name[entry->name_len] = '\0';
    unicode_name_check(reader, extra_len);
    *at += ENTRY_LEN + entry->name_len + extra_len + peek_le16(raw + 32);
    entry->local = reader->end.start + offset;
    return *at <= reader->end.record && offset < reader->end.directory && entry->local < reader->end.directory;
}

/* With a descriptor behind the data, the head may leave the number out. */
static bool number_fits(uint64_t local, uint64_t listed, bool descriptor)
{
    return local == listed || (descriptor && (local == 0 || local == WHOLE32));
}

static void local_compare(struct zip_reader *reader, const unsigned char *raw, uint64_t packed, uint64_t unpacked)
{
    const struct zip_entry *entry = &reader->entry;
    bool descriptor = entry->flags & FLAG_DESCRIPTOR;

    if (peek_le16(raw + 26) != entry->name_len || memcmp(reader->local_name, entry->name, entry->name_len) != 0)
        tell(reader, FINDING_ARCHIVE_TWICE, "the directory has another name for it");
    if ((peek_le16(raw + 6) & FLAGS_COMPARED) != (entry->flags & FLAGS_COMPARED) || peek_le16(raw + 8) != entry->method)
        tell(reader, FINDING_ARCHIVE_TWICE, "the directory says it is packed otherwise");
    else if (!number_fits(packed, entry->packed, descriptor) || !number_fits(unpacked, entry->unpacked, descriptor))
        tell(reader, FINDING_ARCHIVE_TWICE, "the directory has another size for it");
    else if (!number_fits(peek_le32(raw + 14), entry->crc, descriptor))
        tell(reader, FINDING_ARCHIVE_TWICE, "the directory has another checksum for it");
}

/* Compares an entry with what stands before its data, and notes what the member takes of the file. */
static bool local_check(struct zip_reader *reader)
{
    const struct zip_entry *entry = &reader->entry;
    unsigned char raw[LOCAL_LEN];
    uint64_t begin = entry->local, packed, unpacked;

    if (!peek_all(reader->fd, begin, raw, sizeof raw) || memcmp(raw, "PK\3\4", 4) != 0)
        return false;
    size_t name_len = peek_le16(raw + 26), extra_len = peek_le16(raw + 28);
    packed = peek_le32(raw + 18);
    unpacked = peek_le32(raw + 22);
    uint64_t data = begin + LOCAL_LEN + name_len + extra_len;
    if (data > reader->end.directory || entry->packed > reader->end.directory - data ||
        !peek_all(reader->fd, begin + LOCAL_LEN, reader->local_name, name_len) ||
        !peek_all(reader->fd, begin + LOCAL_LEN + name_len, reader->extra, extra_len) ||
        !wide_numbers(reader->extra, extra_len, &unpacked, &packed, NULL))
        return false;
    local_compare(reader, raw, packed, unpacked);
    reader->extents[reader->count++] = (struct zip_extent){begin, data + entry->packed, entry->flags & FLAG_DESCRIPTOR};
    return true;
}

static int extent_order(const void *a, const void *b)
{
    const struct zip_extent *x = a, *y = b;

    return x->begin < y->begin ? -1 : x->begin > y->begin;
}

/* What lies between two members, or before the directory, and belongs to neither. */
static bool gap_allowed(struct zip_reader *reader, const struct zip_extent *before, uint64_t begin, uint64_t end)
{
    uint64_t gap = end - begin;
    char mark[16];

    if (before && before->descriptor && (gap == 12 || gap == 16 || gap == 20 || gap == 24))
        return true;
    if (end == reader->end.directory && gap >= 32 && peek_all(reader->fd, end - 16, mark, 16) &&
        memcmp(mark, "APK Sig Block 42", 16) == 0)
        return true;
    return gap == 0 || peek_zeroes(reader->fd, begin, end);
}

/* Before the first member: another file (a program that unpacks itself; GATE_TYPES tells of it), but no other member.
 */
static bool start_allowed(struct zip_reader *reader, uint64_t first)
{
    char mark[4] = "";

    (void)peek(reader->fd, 0, mark, sizeof mark);
    return first == 0 || memcmp(mark, "PK", 2) != 0 || first == SPLIT_MARK_LEN;
}

/* Do members share bytes, or are there bytes that none of them lists? False: they share some. */
static bool extents_check(struct zip_reader *reader)
{
    const struct zip_extent *before = NULL;
    uint64_t at;

    qsort(reader->extents, reader->count, sizeof *reader->extents, extent_order);
    at = reader->count ? reader->extents[0].begin : reader->end.directory;
    if (!start_allowed(reader, at))
        tell_whole(reader, FINDING_ARCHIVE_BROKEN, "a member stands in it that its directory does not list");
    for (size_t i = 0; i <= reader->count; i++) {
        uint64_t begin = i < reader->count ? reader->extents[i].begin : reader->end.directory;
        if (begin < at) {
            tell_whole(reader, FINDING_ARCHIVE_TWICE, "members share the same bytes, as in a zip bomb");
            return false;
        }
        if (!gap_allowed(reader, before, at, begin)) {
            tell_whole(reader, FINDING_ARCHIVE_BROKEN,
                       "there are bytes between its members that its directory does not list");
            return true; /* once is enough */
        }
        if (i < reader->count) {
            before = &reader->extents[i];
            at = before->end;
        }
    }
    return true;
}

static bool names_end_at_nul(const struct zip_entry *entry)
{
    return strlen(entry->name) == entry->name_len;
}

static bool entries_check(struct zip_reader *reader)
{
    uint64_t at = reader->end.directory;
    char signature[4];

    for (uint64_t i = 0; i < reader->end.entries; i++) {
        if (!entry_read(reader, &at))
            return false;
        if (!names_end_at_nul(&reader->entry))
            tell(reader, FINDING_ARCHIVE_ESCAPE, "its name has a NUL inside");
        if (!local_check(reader))
            return false;
    }
    reader->entry.name[0] = '\0';
    return at == reader->end.record ||
           (peek_all(reader->fd, at, signature, 4) && memcmp(signature, "PK\5\5", 4) == 0); /* a signature over it */
}

enum zip_index zip_index_check(int fd, uint64_t size, uint64_t max_entries, zip_problem *problem, void *ctx)
{
    CLEANUP(cleanup_reader) struct zip_reader *reader = xcalloc(1, sizeof *reader);

    reader->fd = fd;
    reader->problem = problem;
    reader->ctx = ctx;
    if (!zip_end_find(fd, size, &reader->end)) {
        tell_whole(reader, FINDING_ARCHIVE_BROKEN, "its directory is missing or does not fit");
        return ZIP_INDEX_NONE;
    }
    if (reader->end.entries > max_entries) {
        tell_whole(reader, FINDING_ARCHIVE_MEMBERS, NULL);
        return ZIP_INDEX_BOMB;
    }
    reader->extents = xcalloc((size_t)reader->end.entries + 1, sizeof *reader->extents);
    if (reader->end.ambiguous)
        tell_whole(reader, FINDING_ARCHIVE_BROKEN, "it has two directories");
    if (!entries_check(reader)) {
        tell_whole(reader, FINDING_ARCHIVE_BROKEN, "its directory does not fit its members");
        return ZIP_INDEX_NONE;
    }
    return extents_check(reader) ? ZIP_INDEX_GOOD : ZIP_INDEX_BOMB;
}
