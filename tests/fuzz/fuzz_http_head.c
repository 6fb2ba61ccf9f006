/* Fuzz target: the head parser, against two others. What we accept, both accept, and read the same way.
 *
 * Expected disagreements (we accept, http-parser does not):
 *   - it knows a fixed list of methods; ours are tokens, and unknown ones are HTTP_OTHER (answered 405);
 *   - it takes every header whose name begins with "Transfer-Encoding" for that header. */
#include <assert.h>
#include <string.h>
#include <strings.h>

#include "http/http.h"
#include "oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct verdict {
    int rc;
    int status;
    size_t size;
};

/* buf is a copy exactly as long as the input. */
static struct verdict parse(const uint8_t *data, size_t len, char **ret_buf, struct http_head *ret_head)
{
    struct verdict v = {0};
    struct error err = {0};
    *ret_buf = xmalloc(len);
    memcpy(*ret_buf, data, len);
    v.rc = http_parse_head(*ret_buf, len, ret_head, &v.size, &v.status, &err);
    assert(v.rc == 1 || v.rc == 0 || (v.rc < 0 && v.status >= 400 && err.detail[0]));
    assert(v.rc != 1 || v.size <= len);
    assert(v.rc != 0 || (len < HTTP_HEAD_MAX && (len == 0 || memcmp(*ret_buf, data, len) == 0)));
    return v;
}

/* All that the head points at lies inside it and is what it says. */
static void check_head(const char *buf, size_t size, const struct http_head *head)
{
    assert(head->method_text >= buf && head->method_text < buf + size);
    assert(head->path >= buf && head->path + strlen(head->path) < buf + size);
    assert(head->path[0] == '/' || (head->method == HTTP_OPTIONS && strcmp(head->path, "*") == 0));
    assert(strlen(head->path) + strlen(head->query) <= HTTP_TARGET_MAX);
    assert(head->header_count <= HTTP_HEADERS_MAX);
    assert(!(head->chunked && head->has_length));
    assert(head->minor_zero || head->host[0]);
    for (size_t i = 0; i < head->header_count; i++) {
        const struct http_header *header = &head->headers[i];
        assert(header->name[0] && header->value + strlen(header->value) < buf + size);
        for (const char *c = header->value; *c; c++)
            assert((unsigned char)*c >= ' ' || *c == '\t');
    }
}

static void check_against(const struct http_head *head, size_t size, const uint8_t *data,
                          const struct oracle_head *other)
{
    size_t path_len = strlen(head->path);
    assert(other->size == size);
    assert(strcmp(other->method, head->method_text) == 0);
    assert(other->headers == head->header_count);
    assert(other->minor == !head->minor_zero);
    assert(other->target_len == path_len + (head->query[0] ? 1 + strlen(head->query) : 0) ||
           (other->target_len == path_len + 1 && other->target[path_len] == '?'));
    assert(memcmp(other->target, head->path, path_len) == 0);
    assert(other->target >= (const char *)data && other->target < (const char *)data + size);
    if (!other->has_framing)
        return;
    assert(other->chunked == head->chunked);
    assert(head->chunked || (other->content_length == UINT64_MAX) == !head->has_length);
    assert(!head->has_length || other->content_length == head->content_length);
}

/* Cut anywhere before its end, an accepted head wants more, and is never refused. */
static void check_prefixes(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < 16; i++) {
        AUTO_FREE char *buf = NULL;
        struct http_head head;
        assert(parse(data, size - 1 - (size - 1) * i / 16, &buf, &head).rc == 0);
    }
}

/* The expected disagreements. */
static bool node_differs(const struct http_head *head)
{
    static const char CODING[] = "Transfer-Encoding";
    for (size_t i = 0; i < head->header_count; i++) {
        const char *name = head->headers[i].name;
        if (strncasecmp(name, CODING, sizeof CODING - 1) == 0 && strlen(name) >= sizeof CODING)
            return true;
    }
    return head->method == HTTP_OTHER;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *buf = NULL;
    struct http_head head;
    struct oracle_head other;
    struct verdict v = parse(data, size, &buf, &head);
    if (v.rc != 1)
        return 0;

    check_head(buf, v.size, &head);
    check_prefixes(data, v.size);
    enum oracle_verdict pico = oracle_pico_head((const char *)data, size, &other);
    assert(pico == ORACLE_SILENT || pico == ORACLE_ACCEPTS);
    if (pico == ORACLE_ACCEPTS)
        check_against(&head, v.size, data, &other);
    if (node_differs(&head))
        return 0;
    enum oracle_verdict node = oracle_node_head((const char *)data, size, &other);
    assert(node == ORACLE_SILENT || node == ORACLE_ACCEPTS);
    if (node == ORACLE_ACCEPTS)
        check_against(&head, v.size, data, &other);
    return 0;
}
