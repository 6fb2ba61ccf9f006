/* Canonical bytes of a request's file list, and their digest. Pure. */
#include "model/manifest.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/num.h"
#include "model/name.h"
#include "model/name_warning.h"

#define MANIFEST_VALUE_MAX 8192                     /* bytes of a content type or of one metadata value */
#define CONTENT_TYPE_MAX 127
#define MANIFEST_LINE_MAX (512 * 1024)              /* a line: every value escaped at its longest */
#define MANIFEST_HEADER "{\"airlockManifest\":1}\n" /* what the lines mean; changes when their form does */

struct manifest {
    struct hash *hash;
    char last[NAME_BYTES_MAX + 1]; /* "" before the first: no name is empty */
    uint64_t total_bytes;
};

bool manifest_keeps_metadata(const char *kept, const char *name)
{
    static const char SEPARATORS[] = " ,";

    for (kept += strspn(kept, SEPARATORS); *kept; kept += strspn(kept, SEPARATORS)) {
        size_t len = strcspn(kept, SEPARATORS);
        if (strlen(name) == len && strncasecmp(kept, name, len) == 0)
            return true;
        kept += len;
    }
    return false;
}

/* Behind a token of RFC 9110, or NULL when there is none. */
static const char *skip_token(const char *text)
{
    size_t len = strspn(text, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    return len > 0 ? text + len : NULL;
}

bool manifest_keeps_content_type(const char *type)
{
    static const char CHARSET[] = "charset=";
    const char *at = skip_token(type);

    if (strlen(type) > CONTENT_TYPE_MAX || !at || *at != '/' || !(at = skip_token(at + 1)))
        return false;
    if (*at == '\0')
        return true;
    if (*at++ != ';')
        return false;
    at += strspn(at, " ");
    if (strncasecmp(at, CHARSET, strlen(CHARSET)) != 0)
        return false;
    at = skip_token(at + strlen(CHARSET));
    return at && *at == '\0';
}

static bool is_digest(const char *text)
{
    return strlen(text) == SHA256_HEX_SIZE - 1 && strspn(text, "0123456789abcdef") == SHA256_HEX_SIZE - 1;
}

/* Text that is written as it is: canonical only when it is valid UTF-8 without control characters. */
static bool is_value(const char *text)
{
    size_t len = strlen(text);
    return len <= MANIFEST_VALUE_MAX && name_is_text(text, len);
}

static int append_metadata(const struct manifest_file *file, struct str *out, struct error *err)
{
    str_append(out, ",\"metadata\":{");
    for (size_t i = 0; i < file->metadata_count; i++) {
        const struct manifest_metadata *m = &file->metadata[i];
        if (!name_is_metadata(m->name) || !is_value(m->value))
            return error_set_field(err, E_INVALID, "metadata", "Metadata \"%.64s\" cannot stand in a manifest",
                                   m->name);
        if (i > 0 && strcmp(file->metadata[i - 1].name, m->name) >= 0)
            return error_set_field(err, E_INVALID, "metadata", "Metadata must be sorted, each name once");
        str_append(out, i > 0 ? "," : "");
        json_append_string(out, m->name);
        str_append_char(out, ':');
        json_append_string(out, m->value);
    }
    str_append(out, "}");
    return 0;
}

static void append_warnings(const char *name, struct str *out)
{
    unsigned found = name_warnings(name);
    const char *before = ",\"warnings\":[";

    for (int w = 0; w < NAME_WARNING_COUNT; w++)
        if (found & (1U << w)) {
            str_printf(out, "%s\"%s\"", before, name_warning_name((enum name_warning)w));
            before = ",";
        }
    str_append(out, found ? "]" : "");
}

int manifest_append_line(const struct manifest_file *file, struct str *out, struct error *err)
{
    AUTO_STR struct str line = STR_INIT(MANIFEST_LINE_MAX);

    int r = name_check(file->name, strlen(file->name), err);
    if (r < 0)
        return r;
    if (!is_digest(file->sha256))
        return error_set_field(err, E_INVALID, "sha256", "A file's SHA-256 must be 64 lower-case hex digits");
    if (!is_value(file->content_type))
        return error_set_field(err, E_INVALID, "contentType", "A content type must be plain text");
    if (file->metadata_count > MANIFEST_METADATA_MAX)
        return error_set_field(err, E_INVALID, "metadata", "More than %d metadata values", MANIFEST_METADATA_MAX);
    str_append(&line, "{\"name\":");
    json_append_string(&line, file->name);
    str_printf(&line, ",\"size\":%" PRIu64 ",\"sha256\":\"%s\",\"contentType\":", file->size, file->sha256);
    json_append_string(&line, file->content_type);
    r = append_metadata(file, &line, err);
    if (r < 0)
        return r;
    append_warnings(file->name, &line);
    str_append(&line, "}\n");
    str_append_len(out, line.p, line.len);
    if (line.overflow || out->overflow)
        return error_set(err, E_LIMIT, "The manifest's line is too long");
    return 0;
}

struct manifest *manifest_new(void)
{
    struct manifest *m = xcalloc(1, sizeof *m);

    m->hash = hash_new_sha256();
    hash_update(m->hash, MANIFEST_HEADER, strlen(MANIFEST_HEADER));
    return m;
}

int manifest_add(struct manifest *m, const struct manifest_file *file, struct error *err)
{
    AUTO_STR struct str line = STR_INIT(MANIFEST_LINE_MAX);
    uint64_t total;

    int r = manifest_append_line(file, &line, err);
    if (r < 0)
        return r;
    if (strcmp(m->last, file->name) >= 0)
        return error_set_field(err, E_INVALID, "files", "\"%.200s\" is out of order in the manifest", file->name);
    if (!num_add(m->total_bytes, file->size, &total))
        return error_set(err, E_LIMIT, "The files are larger together than a number can say");
    hash_update(m->hash, line.p, line.len);
    (void)str_copy(m->last, sizeof m->last, file->name); /* fits: name_check has counted */
    m->total_bytes = total;
    return 0;
}

void manifest_finish(struct manifest *m, char ret_digest[static SHA256_HEX_SIZE])
{
    unsigned char digest[SHA256_SIZE];

    hash_final(m->hash, digest);
    hex_encode(digest, sizeof digest, ret_digest);
}

void manifest_free(struct manifest *m)
{
    if (!m)
        return;
    hash_free(m->hash);
    free(m);
}
