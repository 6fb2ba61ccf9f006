/* What the fields of a request head mean: the host, the body's framing, persistence. Pure; called by parser.c when the
 * syntax of the whole head is good. Never chooses between two readings: it refuses.
 * Sources: RFC 9112 6 (framing) and 9.3 (persistence), RFC 9110 7.2 (Host) and 10.1.1 (Expect). */
#include <string.h>
#include <strings.h>

#include "base/num.h"
#include "http/internal.h"

#define LENGTH_MAX ((uint64_t)INT64_MAX)

static const char HOST_BYTES[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

struct meaning {
    struct http_head *head;
    int *ret_status;
    struct error *err;
};

static int refuse(struct meaning *m, int status, const char *why)
{
    *m->ret_status = status;
    return error_set(m->err, E_PROTOCOL, "%s", why);
}

static bool labels_valid(const char *host, size_t len)
{
    if (len == 0 || host[0] == '.')
        return false;
    for (size_t i = 0; i < len; i++)
        if (host[i] == '.' && i > 0 && host[i - 1] == '.')
            return false;
    return strspn(host, HOST_BYTES) >= len;
}

static bool literal_valid(const char *host, size_t len)
{
    if (len < 4 || host[0] != '[' || host[len - 1] != ']')
        return false;
    for (size_t i = 1; i + 1 < len; i++)
        if (num_hex_digit(host[i]) < 0 && host[i] != ':' && host[i] != '.')
            return false;
    return true;
}

/* A name, an IPv4 address or a bracketed IPv6 address, with an optional port: RFC 9110 7.2 without user info, escapes
 * and the empty host. */
static bool host_valid(const char *host)
{
    size_t len = strlen(host);
    const char *closing = strrchr(host, ']');
    const char *colon = strchr(closing ? closing : host, ':');
    uint64_t port;
    if (colon) {
        if (!num_parse(colon + 1, 0, 65535, &port))
            return false;
        len = (size_t)(colon - host);
    }
    return host[0] == '[' ? literal_valid(host, len) : labels_valid(host, len);
}

static int mean_host(struct meaning *m, const char *value)
{
    if (m->head->host[0])
        return refuse(m, 400, "There must be one Host header");
    if (!host_valid(value))
        return refuse(m, 400, "The Host header is not a valid host");
    m->head->host = value;
    return 0;
}

static int mean_length(struct meaning *m, const char *value)
{
    if (m->head->has_length)
        return refuse(m, 400, "There must be at most one Content-Length header");
    if (!num_parse(value, 0, LENGTH_MAX, &m->head->content_length))
        return refuse(m, 400, "The Content-Length header must be a decimal number");
    m->head->has_length = true;
    return 0;
}

static int mean_coding(struct meaning *m, const char *value)
{
    if (m->head->chunked)
        return refuse(m, 400, "There must be at most one Transfer-Encoding header");
    if (strcasecmp(value, "chunked") != 0)
        return refuse(m, 501, "The only transfer coding spoken here is \"chunked\"");
    m->head->chunked = true;
    return 0;
}

static int mean_expect(struct meaning *m, const char *value)
{
    if (strcasecmp(value, "100-continue") != 0)
        return refuse(m, 417, "The only expectation met here is \"100-continue\"");
    m->head->expect_continue = true;
    return 0;
}

/* A comma-separated list holds the option. */
static bool list_holds(const char *list, const char *option)
{
    size_t option_len = strlen(option);
    while (*list) {
        list += strspn(list, " \t,");
        size_t len = strcspn(list, " \t,");
        if (len == option_len && strncasecmp(list, option, len) == 0)
            return true;
        list += len;
    }
    return false;
}

static int mean_connection(struct meaning *m, const char *value)
{
    if (list_holds(value, "close"))
        m->head->keep_alive = false;
    else if (m->head->minor_zero && list_holds(value, "keep-alive"))
        m->head->keep_alive = http_header_count(m->head, "Connection") == 1;
    return 0;
}

static const struct {
    const char *name;
    int (*mean)(struct meaning *m, const char *value);
} MEANINGS[] = {
    {"Host", mean_host},     {"Content-Length", mean_length}, {"Transfer-Encoding", mean_coding},
    {"Expect", mean_expect}, {"Connection", mean_connection},
};

int http_head_understand(struct http_head *head, int *ret_status, struct error *err)
{
    struct meaning reading = {head, ret_status, err};
    struct meaning *m = &reading;
    head->keep_alive = !head->minor_zero;
    for (size_t i = 0; i < head->header_count; i++) {
        for (size_t k = 0; k < ARRAY_LEN(MEANINGS); k++) {
            if (strcasecmp(head->headers[i].name, MEANINGS[k].name) != 0)
                continue;
            int rc = MEANINGS[k].mean(m, head->headers[i].value);
            if (rc)
                return rc;
        }
    }
    if (!head->host[0] && !head->minor_zero)
        return refuse(m, 400, "There must be a Host header");
    if (head->chunked && head->has_length)
        return refuse(m, 400, "Content-Length and Transfer-Encoding must not stand together");
    if (head->chunked && head->minor_zero)
        return refuse(m, 400, "HTTP/1.0 has no transfer codings");
    if (head->minor_zero)
        head->expect_continue = false; /* RFC 9110 10.1.1 */
    return 0;
}

const char *http_header(const struct http_head *head, const char *name)
{
    for (size_t i = 0; i < head->header_count; i++)
        if (strcasecmp(head->headers[i].name, name) == 0)
            return head->headers[i].value;
    return NULL;
}

size_t http_header_count(const struct http_head *head, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < head->header_count; i++)
        count += strcasecmp(head->headers[i].name, name) == 0;
    return count;
}
