/* Answers: status line, headers, and what happens to the connection afterwards. Workers. Never lets a value break out
 * of its header line, and never leaves the two sides disagreeing about where a body ends. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "http/internal.h"

#define FIXED_MAX 512

static const struct {
    int status;
    const char *reason;
} REASONS[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {423, "Locked"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

static const char *reply_reason(int status)
{
    for (size_t i = 0; i < ARRAY_LEN(REASONS); i++)
        if (REASONS[i].status == status)
            return REASONS[i].reason;
    return ""; /* RFC 9112 4: the reason may be empty */
}

/* The Date header's text, made once a second on each thread. */
static const char *reply_date(void)
{
    static _Thread_local int64_t made_at = -1;
    static _Thread_local char text[CLOCK_TEXT_MAX];
    int64_t now = clock_now_s();
    if (now != made_at) {
        clock_format_http(now * 1000000, text);
        made_at = now;
    }
    return text;
}

/* A rest of the body that the client will certainly send, and that is small. When it waits for "100 Continue" it may
 * instead send its next request where the body would have been: only the end of the connection is clear then. */
static bool reply_may_drain(const struct http_exchange *x)
{
    bool sends = !x->head.expect_continue || x->continue_sent || input_pending(&x->conn->in) > 0;
    return sends && x->head.has_length && x->body_left <= HTTP_DRAIN_MAX;
}

static enum http_after reply_after(const struct http_exchange *x)
{
    bool keep = x->head.keep_alive && !x->refuse_status && !x->conn->server->stopping;
    if (x->body_done)
        return keep ? AFTER_KEEP : AFTER_CLOSE;
    return keep && reply_may_drain(x) ? AFTER_DRAIN : AFTER_LINGER;
}

static const char *reply_connection(const struct http_exchange *x)
{
    if (x->after == AFTER_CLOSE || x->after == AFTER_LINGER)
        return "Connection: close\r\n";
    return x->head.minor_zero ? "Connection: keep-alive\r\n" : "";
}

static bool reply_is_bodiless(int status)
{
    return status < 200 || status == 204 || status == 304;
}

/* Sends the head, and body with it. framing: the header line that says where the body ends. body_follows: a source has
 * more. */
static void reply_send_framed(struct http_exchange *x, int status, const char *framing, const void *body,
                              size_t body_len, bool body_follows)
{
    char fixed[FIXED_MAX];
    int len =
        snprintf(fixed, sizeof fixed, "HTTP/1.1 %d %s\r\nServer: %s\r\nDate: %s\r\n%s%s", status, reply_reason(status),
                 x->conn->server->settings.name, reply_date(), framing, reply_connection(x));
    assert(len > 0 && (size_t)len < sizeof fixed); /* all of it is ours */
    struct iovec iov[] = {
        {fixed, (size_t)len},
        {(void *)str_text(&x->headers), x->headers.len}, /* sendmsg reads only */
        {(void *)"\r\n", 2},
        {(void *)body, body_len},
    };
    send_now(x, iov, body_len ? 4 : 3, body_follows);
}

static void reply_send(struct http_exchange *x, int status, uint64_t length, const void *body, size_t body_len,
                       bool body_follows)
{
    char length_line[48] = "";

    if (!reply_is_bodiless(status))
        (void)snprintf(length_line, sizeof length_line, "Content-Length: %" PRIu64 "\r\n", length); /* 38 at most */
    reply_send_framed(x, status, length_line, body, body_len, body_follows);
}

/* What all answers do first. Returns the status to be sent: 500 when the handler's headers have outgrown their limit.
 */
static int reply_begin(struct http_exchange *x, int status, const char *content_type)
{
    assert(!x->replied);
    if (content_type && !reply_is_bodiless(status))
        http_header_add(x, "Content-Type", content_type);
    if (x->headers.overflow) {
        str_reset(&x->headers);
        status = 500;
    }
    if (status == 401)
        pace_credential_refused(x);
    x->replied = true;
    x->after = reply_after(x);
    rate_start(x, true);
    return status;
}

void http_reply(struct http_exchange *x, int status, const char *content_type, const void *body, size_t len)
{
    int sent_status = reply_begin(x, status, content_type);
    if (sent_status != status)
        len = 0;
    bool without_body = reply_is_bodiless(sent_status) || x->head.method == HTTP_HEAD;
    reply_send(x, sent_status, len, body, without_body ? 0 : len, false);
}

void http_reply_empty(struct http_exchange *x, int status)
{
    http_reply(x, status, NULL, NULL, 0);
}

void http_reply_length(struct http_exchange *x, int status, const char *content_type, uint64_t length)
{
    assert(x->head.method == HTTP_HEAD);
    int sent_status = reply_begin(x, status, content_type);
    reply_send(x, sent_status, sent_status == status ? length : 0, NULL, 0, false);
}

/* The source is in its place; send.c takes from it. */
static void reply_stream(struct http_exchange *x, enum http_source_kind kind, int status, const char *content_type,
                         uint64_t total)
{
    int sent_status = reply_begin(x, status, content_type);
    if (sent_status != status)
        total = 0;
    x->source_kind = kind;
    x->source_left = reply_is_bodiless(sent_status) || x->head.method == HTTP_HEAD ? 0 : total;
    reply_send(x, sent_status, total, NULL, 0, x->source_left > 0);
}

void http_reply_file(struct http_exchange *x, int status, const char *content_type, uint64_t total,
                     const struct http_file_source *source)
{
    x->file_source = *source;
    reply_stream(x, SOURCE_FILE, status, content_type, total);
}

void http_reply_bytes(struct http_exchange *x, int status, const char *content_type, uint64_t total,
                      const struct http_byte_source *source)
{
    x->byte_source = *source;
    reply_stream(x, SOURCE_BYTES, status, content_type, total);
}

bool reply_stream_head(struct http_exchange *x, int status, const char *content_type)
{
    int sent_status = reply_begin(x, status, content_type);
    x->after = AFTER_CLOSE; /* what the client sends meanwhile is thrown away: no request may be among it */
    if (sent_status != status) {
        reply_send(x, sent_status, 0, NULL, 0, false);
        return false;
    }
    reply_send_framed(x, status, x->head.minor_zero ? "" : "Transfer-Encoding: chunked\r\n", NULL, 0, false);
    return true;
}
