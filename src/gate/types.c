/* Types by libmagic, names by the table name_type.def, structure by our own readers. Runs in a sandboxed child; reads
 * the first and the last 64 KiB of a plain file, and more only of images, whose structure tells their end. */
#include "gate/types.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "gate/file_end.h"
#include "gate/peek.h"
#include "gate/polyglot.h"

#define HEAD_MAX ((size_t)64 * 1024)
#define TEXT_LOOK ((size_t)4096)

static const struct name_type {
    const char *extension, *words;
} NAMES[] = {
#define X(extension, words) {extension, words},
#include "gate/name_type.def"
#undef X
};

void types_init(struct types *ret)
{
    ret->document_depth = -1;
}

int types_open(struct error *err)
{
    return magic_type_open(err);
}

/* UTF-16 without a mark: every other byte of Latin text is zero. */
static bool looks_utf16(const unsigned char *head, size_t len)
{
    size_t zeroes[2] = {0, 0};

    if (len >= 2 && (memcmp(head, "\xff\xfe", 2) == 0 || memcmp(head, "\xfe\xff", 2) == 0))
        return true;
    for (size_t i = 0; i < len; i++)
        zeroes[i % 2] += head[i] == 0;
    return (zeroes[0] == 0 && zeroes[1] > len / 3) || (zeroes[1] == 0 && zeroes[0] > len / 3);
}

/* Control characters that stand in texts. */
static bool is_text_control(unsigned char c)
{
    static const unsigned char THOSE[] = {'\t', '\n', '\v', '\f', '\r', 0x0e, 0x0f, 0x1a, 0x1b};

    return memchr(THOSE, c, sizeof THOSE);
}

/* No byte that text in UTF-8 or an older alphabet does not have. */
static bool looks_text(const unsigned char *head, size_t len)
{
    if (len > TEXT_LOOK)
        len = TEXT_LOOK;
    for (size_t i = 0; i < len; i++)
        if (head[i] == 0x7f || (head[i] < 0x20 && !is_text_control(head[i])))
            return looks_utf16(head, len);
    return true;
}

static bool word_fits(const char *word, size_t len, const char *type)
{
    bool any = len > 0 && word[len - 1] == '*';

    return any ? strncasecmp(word, type, len - 1) == 0 : strlen(type) == len && strncasecmp(word, type, len) == 0;
}

/* Markup from the first character on: a cell or a string with a tag in it makes no page. */
static bool is_page(const char *type, const unsigned char *head, size_t len)
{
    static const char SPACES[] = {' ', '\t', '\r', '\n'};
    size_t at = len >= 3 && memcmp(head, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

    while (at < len && memchr(SPACES, head[at], sizeof SPACES))
        at++;
    return at < len && head[at] == '<' && (strcmp(type, "text/html") == 0 || strcmp(type, "image/svg+xml") == 0);
}

/* The words of name_type.def. */
static bool words_fit(const char *words, const char *type, const unsigned char *head, size_t head_len)
{
    bool fits = false;

    for (words += strspn(words, " "); *words; words += strspn(words, " ")) {
        size_t len = strcspn(words, " ");
        if (str_starts(words, "!page") ? is_page(type, head, head_len)
                                       : words[0] == '!' && word_fits(words + 1, len - 1, type))
            return false;
        fits = fits || (str_starts(words, "=text") ? looks_text(head, head_len) : word_fits(words, len, type));
        words += len;
    }
    return fits;
}

static const char *extension_of(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot ? dot + 1 : "";
}

bool types_name_fits(const char *name, const char *type, const void *head, size_t len)
{
    const char *extension = extension_of(name);

    for (size_t i = 0; len > 0 && i < ARRAY_LEN(NAMES); i++)
        if (strcasecmp(NAMES[i].extension, extension) == 0)
            return words_fit(NAMES[i].words, type, head, len);
    return true;
}

/* libmagic takes a table for plain text, for a program or for a table, as its cells happen to be: where it is text at
 * all, the name tells which. */
static void type_refine(const char *name, const void *head, size_t len, char type[static MAGIC_TYPE_MAX])
{
    bool table = strcasecmp(extension_of(name), "csv") == 0, tabs = strcasecmp(extension_of(name), "tsv") == 0;
    bool plain =
        strcmp(type, "text/plain") == 0 || strcmp(type, "text/csv") == 0 || strcmp(type, "application/csv") == 0;

    if (len > 0 && plain && (table || tabs) && looks_text(head, len))
        (void)str_copy(type, MAGIC_TYPE_MAX, table ? "text/csv" : "text/tab-separated-values");
}

/* Its members are its parts, and belong to it. */
static bool type_is_document(const char *type)
{
    static const char DOCUMENTS[] =
        "application/vnd.openxmlformats-officedocument.* application/vnd.oasis.opendocument.* "
        "application/epub+zip application/java-archive application/vnd.android.package-archive";

    return words_fit(DOCUMENTS, type, NULL, 0);
}

static bool type_allowed(const struct types *types, const struct check *check, const struct member *member,
                         const char *type)
{
    const struct gate_policy *policy = check->policy;
    bool part = types->document_depth >= 0 && member->depth > types->document_depth;

    if (gate_policy_lists(policy, GATE_POLICY_TYPES_REFUSED, type))
        return false;
    return member->size == 0 || part || !*policy->list[GATE_POLICY_TYPES_ALLOWED] ||
           gate_policy_lists(policy, GATE_POLICY_TYPES_ALLOWED, type);
}

static void findings_add(const struct types *types, const struct check *check, const struct member *member,
                         const char *type, bool name_fits, struct report *report)
{
    struct spot spot = {.member = member->path};
    const char *polyglot = polyglot_what(member->fd, member->size);

    if (!type_allowed(types, check, member, type))
        report_add(report, FINDING_TYPE_REFUSED, &spot, "%s", type);
    if (!name_fits)
        report_add(report, FINDING_TYPE_MISMATCH, &spot, "%s", type);
    if (polyglot)
        report_add(report, FINDING_TYPE_POLYGLOT, &spot, "%s", polyglot);
    else if (file_end_trails(member->fd, member->size)) /* a second file is one finding */
        report_add(report, FINDING_TYPE_TRAILING, &spot, NULL);
}

int types_check(struct types *types, const struct check *check, const struct member *member, struct report *report,
                char ret_type[static MAGIC_TYPE_MAX], struct error *err)
{
    AUTO_FREE unsigned char *head = xmalloc(HEAD_MAX);
    size_t len = peek(member->fd, 0, head, HEAD_MAX);
    int r = magic_type_of(head, len, ret_type, err);

    if (r)
        return r;
    bool name_fits = types_name_fits(member->name, ret_type, head, len);
    type_refine(member->name, head, len, ret_type);
    if (member->depth <= types->document_depth)
        types->document_depth = -1;
    if (report)
        findings_add(types, check, member, ret_type, name_fits, report);
    if (report && member->depth == 0)
        report_type(report, ret_type);
    if (types->document_depth < 0 && type_is_document(ret_type))
        types->document_depth = member->depth;
    return 0;
}

void types_trailing(const struct member *archive, struct report *report)
{
    report_add(report, FINDING_TYPE_TRAILING, &(struct spot){.member = archive->path}, NULL);
}
