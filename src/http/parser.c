/* The strict parser of HTTP/1.x request heads, for every process that faces HTTP. Pure: bytes in, a struct http_head
 * out. Here is the syntax; what the fields mean is in fields.c.
 *
 * Airlock stands behind other people's proxies, so a head that two readers could understand differently must never be
 * accepted: the rule is to refuse all that nginx refuses, and bare line feeds and every other ambiguity besides.
 * Sources: RFC 9112 (syntax, sections 2 to 7), RFC 9110 (fields), nginx 1.22 (compared in tests/e2e). */
#include <string.h>

#include "base/num.h"
#include "http/internal.h"

#define METHOD_MAX 32

/* What a byte may be part of. Bytes that are nowhere (controls, DEL) are refused wherever they stand. */
enum byte_class {
    B_TOKEN = 1,  /* method and field name: RFC 9110 5.6.2 tchar */
    B_TARGET = 2, /* printable, but for " # < > \ which no client sends unescaped and readers disagree about */
    B_VALUE = 4   /* field value: VCHAR, space, tab, obs-text */
};

static const unsigned char BYTES[256] = {
    ['\t'] = B_VALUE,
    [' '] = B_VALUE,
    ['!'] = B_TOKEN | B_TARGET | B_VALUE,
    ['"'] = B_VALUE,
    ['#'] = B_TOKEN | B_VALUE,
    ['$' ... '\''] = B_TOKEN | B_TARGET | B_VALUE,
    ['(' ... ')'] = B_TARGET | B_VALUE,
    ['*' ... '+'] = B_TOKEN | B_TARGET | B_VALUE,
    [','] = B_TARGET | B_VALUE,
    ['-' ... '.'] = B_TOKEN | B_TARGET | B_VALUE,
    ['/'] = B_TARGET | B_VALUE,
    ['0' ... '9'] = B_TOKEN | B_TARGET | B_VALUE,
    [':' ... ';'] = B_TARGET | B_VALUE,
    ['<'] = B_VALUE,
    ['='] = B_TARGET | B_VALUE,
    ['>'] = B_VALUE,
    ['?' ... '@'] = B_TARGET | B_VALUE,
    ['A' ... 'Z'] = B_TOKEN | B_TARGET | B_VALUE,
    ['['] = B_TARGET | B_VALUE,
    ['\\'] = B_VALUE,
    [']'] = B_TARGET | B_VALUE,
    ['^'] = B_TOKEN | B_TARGET | B_VALUE,
    ['_'] = B_TOKEN | B_TARGET | B_VALUE,
    ['`'] = B_TOKEN | B_TARGET | B_VALUE,
    ['a' ... 'z'] = B_TOKEN | B_TARGET | B_VALUE,
    ['{'] = B_TARGET | B_VALUE,
    ['|'] = B_TOKEN | B_TARGET | B_VALUE,
    ['}'] = B_TARGET | B_VALUE,
    ['~'] = B_TOKEN | B_TARGET | B_VALUE,
    [0x80 ... 0xff] = B_VALUE,
};

static const struct {
    const char *text;
    enum http_method method;
} METHODS[] = {
    {"GET", HTTP_GET},       {"HEAD", HTTP_HEAD},   {"PUT", HTTP_PUT},         {"POST", HTTP_POST},
    {"DELETE", HTTP_DELETE}, {"PATCH", HTTP_PATCH}, {"OPTIONS", HTTP_OPTIONS},
};

/* Reading stops at the first refusal. The buffer stays as it was until the whole head is good: where NULs belong is
 * noted in cuts. */
struct head_reader {
    char *at;  /* the line being read */
    char *end; /* end of what has been received */
    struct http_head *head;
    int status;
    struct error *err;
    size_t cut_count;
    char *cuts[3 + 2 * HTTP_HEADERS_MAX];
};

static int head_refuse(struct head_reader *r, int status, const char *why)
{
    r->status = status;
    return error_set(r->err, status == 414 || status == 431 ? E_LIMIT : E_PROTOCOL, "%s", why);
}

/* Length of the run of bytes of a class. */
static size_t span(const char *text, const char *end, enum byte_class class)
{
    const char *p = text;
    while (p < end && (BYTES[(unsigned char)*p] & class))
        p++;
    return (size_t)(p - text);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Every escape in text is %XX and none is %00. */
static bool escapes_valid(const char *text, const char *end)
{
    for (const char *p = text; p < end; p++) {
        if (*p != '%')
            continue;
        if (end - p < 3 || num_hex_digit(p[1]) < 0 || num_hex_digit(p[2]) < 0 || (p[1] == '0' && p[2] == '0'))
            return false;
        p += 2;
    }
    return true;
}

/* Whether the path, read as nginx reads one (escapes decoded, "//" and "." dropped, ".." taken back), climbs above "/".
 * Airlock itself never normalises a path; a proxy might. */
static bool path_climbs(const char *path, const char *end)
{
    long depth = 0;
    size_t len = 0;
    size_t dots = 0;

    for (const char *p = path; p <= end; p++) {
        char c = p < end ? *p : '/';
        if (c == '%') {
            c = (char)(num_hex_digit(p[1]) << 4 | num_hex_digit(p[2]));
            p += 2;
        }
        if (c != '/') {
            len++;
            dots += c == '.';
            continue;
        }
        if (len == 2 && dots == 2)
            depth--;
        else if (len > 0 && !(len == 1 && dots == 1))
            depth++;
        if (depth < 0)
            return true;
        len = dots = 0;
    }
    return false;
}

static int read_method(struct head_reader *r, char *method, size_t len)
{
    r->head->method = HTTP_OTHER;
    r->head->method_text = method;
    r->cuts[r->cut_count++] = method + len;
    for (size_t i = 0; i < ARRAY_LEN(METHODS); i++)
        if (strlen(METHODS[i].text) == len && memcmp(METHODS[i].text, method, len) == 0)
            r->head->method = METHODS[i].method;
    return 0;
}

static int read_target(struct head_reader *r, char *target, char *end)
{
    size_t len = (size_t)(end - target);
    if (len > HTTP_TARGET_MAX)
        return head_refuse(r, 414, "The request target is too long");
    if (len == 1 && *target == '*' && r->head->method == HTTP_OPTIONS) {
        r->head->path = target;
        r->cuts[r->cut_count++] = end;
        return 0;
    }
    if (len == 0 || *target != '/')
        return head_refuse(r, 400, "The request target must begin with '/'");
    if (span(target, end, B_TARGET) != len)
        return head_refuse(r, 400, "The request target has a byte that must be percent-encoded");
    if (!escapes_valid(target, end))
        return head_refuse(r, 400, "The request target has a malformed percent-escape");

    char *question = memchr(target, '?', len);
    if (path_climbs(target, question ? question : end))
        return head_refuse(r, 400, "The path climbs above its root");
    r->head->path = target;
    r->cuts[r->cut_count++] = end;
    if (question) {
        r->head->query = question + 1;
        r->cuts[r->cut_count++] = question;
    }
    return 0;
}

static int read_version(struct head_reader *r, const char *version, const char *end)
{
    bool shaped = end - version == 8 && memcmp(version, "HTTP/", 5) == 0 && version[6] == '.';
    if (!shaped || !is_digit(version[5]) || !is_digit(version[7]))
        return head_refuse(r, 400, "The request line must end with HTTP/1.1");
    if (version[5] != '1' || version[7] > '1')
        return head_refuse(r, 505, "Only HTTP/1.1 and HTTP/1.0 are spoken here");
    r->head->minor_zero = version[7] == '0';
    return 0;
}

/* One line without its CRLF: method SP target SP version. */
static int read_request_line(struct head_reader *r, char *line, char *end)
{
    size_t method_len = span(line, end, B_TOKEN);
    if (method_len == 0 || method_len > METHOD_MAX || line + method_len == end || line[method_len] != ' ')
        return head_refuse(r, 400, "The request line must begin with a method and one space");
    char *target = line + method_len + 1;
    char *target_end = memchr(target, ' ', (size_t)(end - target));
    if (!target_end)
        return head_refuse(r, 400, "The request line must have a method, a target and a version");

    int rc = read_method(r, line, method_len);
    if (!rc)
        rc = read_target(r, target, target_end);
    if (!rc)
        rc = read_version(r, target_end + 1, end);
    return rc;
}

/* One line without its CRLF: name ":" value. */
static int read_field(struct head_reader *r, char *line, char *end)
{
    if (*line == ' ' || *line == '\t')
        return head_refuse(r, 400, "A header line must not begin with white space");
    size_t name_len = span(line, end, B_TOKEN);
    if (name_len == 0 || line + name_len == end || line[name_len] != ':')
        return head_refuse(r, 400, "A header line must be a name, a colon and a value");
    if (r->head->header_count == HTTP_HEADERS_MAX)
        return head_refuse(r, 431, "Too many headers");

    char *value = line + name_len + 1;
    if (span(value, end, B_VALUE) != (size_t)(end - value))
        return head_refuse(r, 400, "A header value has a control character");
    while (value < end && *value == ' ')
        value++;
    while (end > value && end[-1] == ' ')
        end--;
    /* RFC 9110 5.5 takes a tab here for white space, nginx for a part of the value. */
    if (value < end && (*value == '\t' || end[-1] == '\t'))
        return head_refuse(r, 400, "A header value must not begin or end with a tab");
    r->head->headers[r->head->header_count++] = (struct http_header){line, value};
    r->cuts[r->cut_count++] = line + name_len;
    r->cuts[r->cut_count++] = end;
    return 0;
}

/* What is known before the line feed has come: over-long lines, and bytes that cannot begin a request (a TLS hello). */
static int read_unfinished(struct head_reader *r, bool request_line)
{
    if (!request_line)
        return 0;
    size_t method_len = span(r->at, r->end, B_TOKEN);
    if (method_len > METHOD_MAX || (r->at + method_len < r->end && (method_len == 0 || r->at[method_len] != ' ')))
        return head_refuse(r, 400, "The request line must begin with a method and one space");
    if (r->end - r->at > METHOD_MAX + HTTP_TARGET_MAX)
        return head_refuse(r, 414, "The request target is too long");
    return 0;
}

/* Reads lines until the empty one. 1: complete, r->at stands behind the head. 0: more bytes are needed. */
static int read_lines(struct head_reader *r)
{
    if (r->end - r->at >= 2 && r->at[0] == '\r' && r->at[1] == '\n')
        r->at += 2; /* RFC 9112 2.2: one empty line before a request is forgiven */
    if (r->end - r->at == 1 && r->at[0] == '\r')
        return 0;
    for (bool request_line = true;; request_line = false) {
        char *feed = memchr(r->at, '\n', (size_t)(r->end - r->at));
        if (!feed)
            return read_unfinished(r, request_line);
        if (feed == r->at || feed[-1] != '\r')
            return head_refuse(r, 400, "Lines must end with CR LF");
        char *line = r->at;
        r->at = feed + 1;
        if (feed - 1 == line && !request_line)
            return 1;
        int rc = request_line ? read_request_line(r, line, feed - 1) : read_field(r, line, feed - 1);
        if (rc)
            return rc;
    }
}

int http_parse_head(char *buf, size_t len, struct http_head *ret_head, size_t *ret_head_size, int *ret_status,
                    struct error *err)
{
    struct head_reader r = {.at = buf, .end = buf + len, .head = ret_head, .err = err};
    *ret_head = (struct http_head){.query = "", .host = ""};

    int rc = read_lines(&r);
    size_t size = (size_t)(r.at - buf);
    if (rc == 1 ? size > HTTP_HEAD_MAX : rc == 0 && len >= HTTP_HEAD_MAX)
        rc = head_refuse(&r, 431, "The request head is too large");
    if (rc == 1) {
        for (size_t i = 0; i < r.cut_count; i++)
            *r.cuts[i] = '\0';
        int bad = http_head_understand(ret_head, &r.status, err);
        rc = bad ? bad : 1;
    }
    if (rc == 1)
        *ret_head_size = size;
    else if (rc < 0)
        *ret_status = r.status;
    return rc;
}
