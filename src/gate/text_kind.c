/* Looks at the beginning of a file. Runs in a sandboxed child of airlock-gate; pure. */
#include "gate/text_kind.h"

#include <string.h>
#include <strings.h>

#include "base/macros.h"
#include "base/str.h"
#include "gate/letters.h"

#define LINES_MAX 40     /* that say which separator a table has */
#define LINES_SURE 3     /* without a name that says table */
#define SHARE_SURE 0.9   /* of the lines, which must have the same number of cells */
#define CONTROL_SHARE 50 /* of a text at most one byte in so many is a control character */

static const char *const TABLE_NAMES[] = {"csv", "tsv", "tab", "psv"};
static const char *const PROSE_NAMES[] = {
    "json",  "ndjson", "jsonl", "geojson", "xml", "html", "htm", "svg", "md",   "rst",       "py",  "r",    "rmd",
    "ipynb", "sql",    "sh",    "c",       "h",   "cpp",  "js",  "ts",  "java", "yaml",      "yml", "toml", "ini",
    "cfg",   "conf",   "env",   "pem",     "key", "log",  "tex", "bib", "do",   "ado",       "sas", "sps",  "smcl",
    "eml",   "css",    "go",    "rs",      "rb",  "php",  "pl",  "jl",  "m",    "properties"};
static const char *const TEXT_TYPES[] = {"json", "xml",  "csv",   "javascript", "x-sh", "shellscript", "sql",
                                         "yaml", "toml", "x-tex", "rfc822",     "rtf",  "ndjson",      "x-subrip"};
static const char *const UNKNOWN_TYPES[] = {"", "application/octet-stream", "inode/x-empty", "application/x-empty"};

static const char *extension_of(const char *name)
{
    const char *dot = name ? strrchr(name, '.') : NULL;

    return dot && !strchr(dot, '/') ? dot + 1 : "";
}

static bool is_listed(const char *text, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(text, list[i]) == 0)
            return true;
    return false;
}

static bool type_is_text(const char *type)
{
    if (strncasecmp(type, "text/", 5) == 0)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(TEXT_TYPES); i++)
        if (letters_contain(type, strlen(type), TEXT_TYPES[i]))
            return true;
    return false;
}

/* No zero byte and hardly a control character. */
static bool looks_like_text(const char *head, size_t len)
{
    size_t controls = 0;

    if (memchr(head, '\0', len))
        return false;
    for (size_t i = 0; i < len; i++)
        controls += (unsigned char)head[i] < ' ' && !strchr("\t\n\r\f\b\x1b", head[i]);
    return controls * CONTROL_SHARE <= len;
}

/* How one separator would cut the beginning: the number of cells that most lines have, and how many have it. */
struct cut {
    size_t lines, cells, agree;
};

/* The cells of the line at *p, with quotes looked at; moves *p behind it. false: the line does not end here. */
static bool line_cut(const char **p, const char *end, char separator, char line_end, size_t *ret_cells)
{
    size_t cells = 1;
    bool quoted = false;

    for (const char *q = *p; q < end; q++) {
        if (*q == '"')
            quoted = !quoted;
        else if (*q == separator && !quoted)
            cells++;
        else if (*q == line_end && !quoted) {
            *ret_cells = cells;
            *p = q + 1;
            return true;
        }
    }
    *ret_cells = cells;
    return false;
}

/* whole: the beginning is all there is, so its last line is one without an end, too. */
static struct cut text_cut(const char *head, size_t len, char separator, char line_end, bool whole)
{
    const char *p = head, *end = head + len;
    size_t counts[LINES_MAX];
    struct cut cut = {0};

    while (p < end && cut.lines < LINES_MAX) {
        bool ended = line_cut(&p, end, separator, line_end, &counts[cut.lines]);
        if (ended || whole)
            cut.lines++;
        if (!ended)
            break;
    }
    for (size_t i = 0; i < cut.lines; i++) {
        size_t agree = 0;
        for (size_t k = 0; k < cut.lines; k++)
            agree += counts[k] == counts[i];
        if (counts[i] > 1 && (agree > cut.agree || (agree == cut.agree && counts[i] > cut.cells)))
            cut = (struct cut){cut.lines, counts[i], agree};
    }
    return cut;
}

/* "sep=;" in the first line is for spreadsheets. */
static bool separator_is_told(const char *head, size_t len, char *ret)
{
    if (len < 6 || strncasecmp(head, "sep=", 4) != 0 || (head[5] != '\n' && head[5] != '\r'))
        return false;
    *ret = head[4];
    return true;
}

static void separator_find(const char *name, const char *head, size_t len, struct text_kind *kind, struct cut *ret)
{
    static const char SEPARATORS[] = ",\t;|";
    const char *extension = extension_of(name);
    bool tab = strcasecmp(extension, "tsv") == 0 || strcasecmp(extension, "tab") == 0;

    kind->separator = tab ? '\t' : ',';
    *ret = text_cut(head, len, kind->separator, kind->line_end, true);
    if (!separator_is_told(head, len, &kind->separator)) {
        for (const char *s = SEPARATORS; *s; s++) {
            struct cut cut = text_cut(head, len, *s, kind->line_end, true);
            if (cut.agree > ret->agree || (cut.agree == ret->agree && cut.cells > ret->cells)) {
                kind->separator = *s;
                *ret = cut;
            }
        }
    } else {
        *ret = text_cut(head, len, kind->separator, kind->line_end, true);
    }
    kind->columns = ret->cells > 1 ? ret->cells : 1;
}

struct text_kind text_kind_of(const char *name, const char *type, const char *head, size_t len, bool decoded)
{
    const char *extension = extension_of(name);
    bool table_name = is_listed(extension, TABLE_NAMES, ARRAY_LEN(TABLE_NAMES));
    bool text_name = table_name || strcasecmp(extension, "txt") == 0;
    struct text_kind kind = {.form = TEXT_PROSE, .line_end = '\n'};
    struct cut cut;

    type = type ? type : "";
    if (!looks_like_text(head, len) && !decoded) {
        kind.form = text_name ? TEXT_UNREADABLE : TEXT_BINARY;
        return kind;
    }
    if (!text_name && !decoded && !type_is_text(type) && !is_listed(type, UNKNOWN_TYPES, ARRAY_LEN(UNKNOWN_TYPES)))
        kind.form = TEXT_BINARY;
    if (kind.form == TEXT_BINARY || is_listed(extension, PROSE_NAMES, ARRAY_LEN(PROSE_NAMES)))
        return kind;
    if (memchr(head, '\r', len) && !memchr(head, '\n', len))
        kind.line_end = '\r';
    separator_find(name, head, len, &kind, &cut);
    bool table_type =
        letters_contain(type, strlen(type), "csv") || letters_contain(type, strlen(type), "tab-separated");
    bool regular = cut.lines >= LINES_SURE && (double)cut.agree >= SHARE_SURE * (double)cut.lines;
    if (table_name || regular || (table_type && cut.agree >= 2))
        kind.form = TEXT_TABLE;
    return kind;
}
