/* Judging names of blobs and metadata. Pure; the only user of libunistring. */
#include "model/name.h"

#include <string.h>
#include <unicase.h>
#include <uninorm.h>
#include <unistr.h>

#include "base/str.h"

static bool is_control(ucs4_t c)
{
    return (c < 0x20 && c != '\t') || (c >= 0x7f && c <= 0x9f);
}

/* Set aside by Unicode for a program's own use: never in a text that travels. */
static bool is_noncharacter(ucs4_t c)
{
    return (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe;
}

/* One character; its width in bytes, or 0 when the bytes are not UTF-8. */
static size_t take_char(const char *text, size_t len, ucs4_t *ret)
{
    int width = u8_mbtoucr(ret, (const uint8_t *)text, len);
    return width < 0 ? 0 : (size_t)width;
}

bool name_is_text(const char *text, size_t len)
{
    for (size_t used = 0; used < len;) {
        ucs4_t c;
        size_t width = take_char(text + used, len - used, &c);
        if (width == 0 || is_control(c))
            return false;
        used += width;
    }
    return true;
}

int name_check(const char *name, size_t len, struct error *err)
{
    size_t chars = 0;

    if (len == 0)
        return error_set_field(err, E_INVALID, "name", "A blob's name must not be empty");
    for (size_t used = 0; used < len;) {
        ucs4_t c;
        size_t width = take_char(name + used, len - used, &c);
        if (width == 0)
            return error_set_field(err, E_INVALID, "name", "A blob's name must be valid UTF-8");
        if (is_control(c))
            return error_set_field(err, E_INVALID, "name", "A blob's name must not contain control characters");
        if (is_noncharacter(c))
            return error_set_field(err, E_INVALID, "name",
                                   "A blob's name must not contain U+%04X, which is no character", (unsigned)c);
        used += width;
        chars++;
    }
    if (chars > NAME_CHARS_MAX)
        return error_set_field(err, E_INVALID, "name", "A blob's name must not be longer than %d characters",
                               NAME_CHARS_MAX);
    return 0;
}

char *name_fold(const char *name)
{
    size_t len = 0;
    uint8_t *folded = u8_casefold((const uint8_t *)name, strlen(name), NULL, UNINORM_NFC, NULL, &len);

    /* It fails for want of memory, or for bytes that name_check would have refused. */
    if (!folded)
        abort();
    char *key = xstrndup((const char *)folded, len);
    free(folded);
    return key;
}

static int check_segment(const char *name, const char *segment, size_t len, struct error *err)
{
    if (len == 0)
        return error_set_field(err, E_INVALID, "files", "\"%.200s\" cannot be a file's path: a part of it is empty",
                               name);
    if ((len == 1 && segment[0] == '.') || (len == 2 && segment[0] == '.' && segment[1] == '.'))
        return error_set_field(err, E_INVALID, "files", "\"%.200s\" cannot be a file's path: a part of it is \"%.*s\"",
                               name, (int)len, segment);
    if (len > NAME_SEGMENT_MAX)
        return error_set_field(err, E_INVALID, "files",
                               "\"%.200s\" cannot be a file's path: a part of it is longer than %d bytes", name,
                               NAME_SEGMENT_MAX);
    return 0;
}

int name_check_relative(const char *name, struct error *err)
{
    if (strlen(name) > NAME_PATH_MAX)
        return error_set_field(err, E_INVALID, "files", "\"%.200s…\" cannot be a file's path: longer than %d bytes",
                               name, NAME_PATH_MAX);
    for (const char *segment = name;;) {
        size_t len = strcspn(segment, "/");
        int r = check_segment(name, segment, len, err);
        if (r < 0)
            return r;
        if (segment[len] == '\0')
            return 0;
        segment += len + 1;
    }
}

/* Byte order with '/' before everything else, so that a directory's content follows its name at once. */
static int compare_paths(const void *a, const void *b)
{
    const unsigned char *x = *(const unsigned char *const *)a;
    const unsigned char *y = *(const unsigned char *const *)b;

    while (*x && *x == *y)
        x++, y++;
    int left = *x == '/' ? 1 : *x == '\0' ? 0 : *x + 1;
    int right = *y == '/' ? 1 : *y == '\0' ? 0 : *y + 1;
    return left - right;
}

/* sorted: neighbours tell everything. */
static int check_neighbours(const char *const *sorted, size_t count, struct error *err)
{
    for (size_t i = 1; i < count; i++) {
        if (strcmp(sorted[i - 1], sorted[i]) == 0)
            return error_set_field(err, E_INVALID, "files", "\"%.200s\" is in the list twice", sorted[i]);
        size_t len = strlen(sorted[i - 1]);
        if (strncmp(sorted[i - 1], sorted[i], len) == 0 && sorted[i][len] == '/')
            return error_set_field(err, E_INVALID, "files", "\"%.200s\" would be both a file and a directory",
                                   sorted[i - 1]);
    }
    return 0;
}

int name_check_tree(const char *const *names, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        int r = name_check_relative(names[i], err);
        if (r < 0)
            return r;
    }
    if (count < 2)
        return 0;
    AUTO_FREE const char **sorted = xcalloc(count, sizeof *sorted);
    memcpy(sorted, names, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_paths);
    return check_neighbours(sorted, count, err);
}

static bool is_identifier_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool name_is_metadata(const char *name)
{
    size_t len = strlen(name);

    if (len == 0 || len > NAME_METADATA_MAX || !is_identifier_start(name[0]))
        return false;
    for (size_t i = 1; i < len; i++)
        if (!is_identifier_start(name[i]) && !(name[i] >= '0' && name[i] <= '9'))
            return false;
    return true;
}
