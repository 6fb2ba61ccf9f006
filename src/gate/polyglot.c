/* Second signatures, where programs look for them. Runs in a sandboxed child. An archive's own members are not its
 * second kind: a tar with a PDF in it is a tar. */
#include "gate/polyglot.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "gate/archive_kind.h"
#include "gate/peek.h"
#include "gate/zip_index.h"

#define LOOK ((size_t)64 * 1024)
#define PDF_WINDOW 1024 /* a PDF may begin, and must end, within so many bytes */

enum sign { SIGN_NONE, SIGN_IMAGE, SIGN_PDF, SIGN_MEDIA, SIGN_PROGRAM, SIGN_ARCHIVE };

/* Fields of one look at a file. */
struct looked {
    int fd;
    uint64_t size;
    unsigned char *head, *tail; /* the same bytes where the file is short */
    size_t head_len, tail_len;
    enum sign sign; /* what it begins as */
    uint64_t kinds; /* bits of enum archive_kind */
};

static enum sign head_sign(const unsigned char *head, size_t len)
{
    static const struct {
        const char *bytes;
        size_t len;
        enum sign sign;
    } SIGNS[] = {
        {"\x89PNG\r\n\x1a\n", 8, SIGN_IMAGE},
        {"\xff\xd8\xff", 3, SIGN_IMAGE},
        {"GIF87a", 6, SIGN_IMAGE},
        {"GIF89a", 6, SIGN_IMAGE},
        {"II*\0", 4, SIGN_IMAGE},
        {"MM\0*", 4, SIGN_IMAGE},
        {"\0\0\1\0", 4, SIGN_IMAGE},
        {"%PDF-", 5, SIGN_PDF},
        {"RIFF", 4, SIGN_MEDIA},
        {"ID3", 3, SIGN_MEDIA},
        {"OggS", 4, SIGN_MEDIA},
        {"fLaC", 4, SIGN_MEDIA},
        {"MZ", 2, SIGN_PROGRAM},
        {"\177ELF", 4, SIGN_PROGRAM},
    };

    for (size_t i = 0; i < ARRAY_LEN(SIGNS); i++)
        if (len >= SIGNS[i].len && memcmp(head, SIGNS[i].bytes, SIGNS[i].len) == 0)
            return SIGNS[i].sign;
    return len >= 14 && memcmp(head, "BM", 2) == 0 && peek_le32(head + 6) == 0 ? SIGN_IMAGE : SIGN_NONE;
}

static bool find_any_case(const unsigned char *bytes, size_t len, const char *needle)
{
    size_t needle_len = strlen(needle);
    const unsigned char *at = bytes, *end = bytes + len;

    while ((at = memchr(at, needle[0], (size_t)(end - at))) != NULL && (size_t)(end - at) >= needle_len) {
        if (strncasecmp((const char *)at, needle, needle_len) == 0)
            return true;
        at++;
    }
    return false;
}

static bool in_head_or_tail(const struct looked *at, const char *needle)
{
    return find_any_case(at->head, at->head_len, needle) || find_any_case(at->tail, at->tail_len, needle);
}

/* Where the first member of a zip has its bytes: those are no second kind. */
static size_t first_member_bytes(const struct looked *at)
{
    if (at->head_len < 30 || memcmp(at->head, "PK\3\4", 4) != 0)
        return 0;
    return 30U + peek_le16(at->head + 26) + peek_le16(at->head + 28);
}

static bool pdf_inside(const struct looked *at)
{
    size_t window = at->head_len < PDF_WINDOW ? at->head_len : PDF_WINDOW;
    const unsigned char *mark = at->sign == SIGN_PDF ? NULL : peek_find(at->head, window, "%PDF-");
    size_t end = at->tail_len < PDF_WINDOW ? 0 : at->tail_len - PDF_WINDOW;

    if (!mark || mark + 8 > at->head + at->head_len || !isdigit(mark[5]) || mark[6] != '.')
        return false;
    if (at->sign == SIGN_ARCHIVE && (size_t)(mark - at->head) >= first_member_bytes(at))
        return false;
    return at->sign != SIGN_NONE || peek_find(at->tail + end, at->tail_len - end, "%%EOF");
}

/* A zip is read from its end. Programs that unpack themselves are ordinary. */
static bool zip_inside(const struct looked *at)
{
    struct zip_end end;

    if (at->sign == SIGN_ARCHIVE || at->sign == SIGN_PROGRAM || !zip_end_find(at->fd, at->size, &end))
        return false;
    return at->sign != SIGN_NONE || end.after == at->size;
}

static bool script_image(const struct looked *at)
{
    const unsigned char *h = at->head;

    if (at->head_len < 8 || at->sign != SIGN_IMAGE)
        return false;
    if (memcmp(h, "GIF8", 4) == 0)
        return memcmp(h + 6, "/*", 2) == 0 || h[6] == '=';
    if (memcmp(h, "BM", 2) == 0)
        return memcmp(h + 2, "/*", 2) == 0 || h[2] == '=';
    return memcmp(h, "\xff\xd8\xff", 3) == 0 && memcmp(h + 4, "/*", 2) == 0;
}

static bool markup_inside(const struct looked *at)
{
    static const char *const MARKS[] = {"<script", "<html", "<!doctype html", "<iframe", "<?php", "<body "};

    for (size_t i = 0; at->sign == SIGN_IMAGE && i < ARRAY_LEN(MARKS); i++)
        if (in_head_or_tail(at, MARKS[i]))
            return true;
    return false;
}

static bool archive_inside(const struct looked *at)
{
    static const uint64_t SOLID = 1ULL << ARCHIVE_KIND_ISO | 1ULL << ARCHIVE_KIND_TAR | 1ULL << ARCHIVE_KIND_CPIO;
    uint64_t zip = 1ULL << ARCHIVE_KIND_ZIP;

    if ((at->kinds & (at->kinds - 1)) != 0)
        return true;
    return (at->sign == SIGN_IMAGE || at->sign == SIGN_PDF || at->sign == SIGN_MEDIA) && (at->kinds & (SOLID | zip));
}

static const char *look(const struct looked *at)
{
    if (pdf_inside(at))
        return "it is also a PDF";
    if (zip_inside(at))
        return "it is also a zip archive";
    if (archive_inside(at))
        return "it is also an archive";
    if (script_image(at))
        return "it is also a script";
    if (markup_inside(at))
        return "it is also a web page or a script";
    if (at->sign != SIGN_NONE && at->sign != SIGN_PROGRAM && in_head_or_tail(at, "__HALT_COMPILER("))
        return "it is also a PHP archive";
    return NULL;
}

const char *polyglot_what(int fd, uint64_t size)
{
    AUTO_FREE unsigned char *head = xmalloc(LOOK), *tail = xmalloc(LOOK);
    struct looked at = {.fd = fd, .size = size, .head = head, .tail = tail, .kinds = archive_kinds(fd, size)};
    uint64_t zip_by_end = 0;

    at.head_len = peek(fd, 0, head, LOOK);
    at.tail_len = peek(fd, size > LOOK ? size - LOOK : 0, tail, LOOK);
    at.sign = head_sign(head, at.head_len);
    if (at.kinds == 1ULL << ARCHIVE_KIND_ZIP && memcmp(head, "PK", 2) != 0)
        zip_by_end = at.kinds; /* read from its end only: it begins as something else */
    if (at.sign == SIGN_NONE && (at.kinds & ~zip_by_end))
        at.sign = SIGN_ARCHIVE;
    return look(&at);
}
