/* The oracle http-parser 2.9. In a file of its own: its names are ours. */
#include <string.h>

#include "oracle.h"

#ifdef HAVE_NODE

#include <http_parser.h>

struct reading {
    struct oracle_head head;
    bool head_done;
    bool message_done;
    char *out;
    size_t made;
};

static int on_url(http_parser *parser, const char *at, size_t len)
{
    struct reading *reading = parser->data;
    reading->head.target = reading->head.target ? reading->head.target : at;
    reading->head.target_len += len;
    return 0;
}

static int on_field(http_parser *parser, const char *at, size_t len)
{
    struct reading *reading = parser->data;
    (void)at;
    (void)len;
    reading->head.headers++; /* the input is one piece, so each name comes in one */
    return 0;
}

static int on_head(http_parser *parser)
{
    struct reading *reading = parser->data;
    struct oracle_head *head = &reading->head;
    const char *method = http_method_str((enum http_method)parser->method);
    memcpy(head->method, method, strlen(method) + 1);
    head->minor = parser->http_minor;
    head->has_framing = true;
    head->chunked = parser->flags & F_CHUNKED;
    head->content_length = parser->content_length;
    reading->head_done = true;
    if (!reading->out)
        http_parser_pause(parser, 1);
    return 0;
}

static int on_body(http_parser *parser, const char *at, size_t len)
{
    struct reading *reading = parser->data;
    if (reading->out)
        memcpy(reading->out + reading->made, at, len);
    reading->made += len;
    return 0;
}

static int on_end(http_parser *parser)
{
    struct reading *reading = parser->data;
    reading->message_done = true;
    http_parser_pause(parser, 1);
    return 0;
}

static const http_parser_settings SETTINGS = {
    .on_url = on_url,
    .on_header_field = on_field,
    .on_headers_complete = on_head,
    .on_body = on_body,
    .on_message_complete = on_end,
};

enum oracle_verdict oracle_node_head(const char *in, size_t len, struct oracle_head *ret)
{
    struct reading reading = {0};
    http_parser parser;
    http_parser_init(&parser, HTTP_REQUEST);
    parser.data = &reading;
    size_t used = http_parser_execute(&parser, &SETTINGS, in, len);
    if (!reading.head_done)
        return HTTP_PARSER_ERRNO(&parser) == HPE_OK ? ORACLE_WANTS_MORE : ORACLE_REFUSES;
    /* Paused in on_headers_complete, it stands on the last line feed. */
    reading.head.size = used + 1;
    *ret = reading.head;
    return ORACLE_ACCEPTS;
}

enum oracle_verdict oracle_node_chunked(const char *in, size_t len, char *ret_out, size_t *ret_made, size_t *ret_used)
{
    static const char HEAD[] = "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    struct reading reading = {.out = ret_out};
    http_parser parser;
    http_parser_init(&parser, HTTP_REQUEST);
    parser.data = &reading;
    (void)http_parser_execute(&parser, &SETTINGS, HEAD, sizeof HEAD - 1); /* ours: it is good */
    size_t used = http_parser_execute(&parser, &SETTINGS, in, len);
    if (!reading.message_done)
        return HTTP_PARSER_ERRNO(&parser) == HPE_OK ? ORACLE_WANTS_MORE : ORACLE_REFUSES;
    *ret_made = reading.made;
    *ret_used = used;
    return ORACLE_ACCEPTS;
}

#else

enum oracle_verdict oracle_node_head(const char *in, size_t len, struct oracle_head *ret)
{
    (void)in;
    (void)len;
    (void)ret;
    return ORACLE_SILENT;
}

enum oracle_verdict oracle_node_chunked(const char *in, size_t len, char *ret_out, size_t *ret_made, size_t *ret_used)
{
    (void)in;
    (void)len;
    (void)ret_out;
    (void)ret_made;
    (void)ret_used;
    return ORACLE_SILENT;
}

#endif
