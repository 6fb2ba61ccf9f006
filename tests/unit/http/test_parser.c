/* The head parser: every rule of refusal is a row, and what must be accepted is a row too. T56, T58, T60. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http/http.h"

struct row {
    const char *what;
    const char *raw;
    size_t len;
    int status; /* 0: accepted */
};

#define ROW(what, raw, status)             \
    {                                      \
        what, raw, sizeof(raw) - 1, status \
    }
#define GET "GET / HTTP/1.1\r\n"
#define HOST "Host: a\r\n"
#define PUT "PUT / HTTP/1.1\r\nHost: a\r\n"

static const struct row ROWS[] = {
    ROW("the least request", GET HOST "\r\n", 0),
    ROW("HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", 0),
    ROW("one empty line before it", "\r\n" GET HOST "\r\n", 0),
    ROW("two empty lines before it", "\r\n\r\n" GET HOST "\r\n", 400),
    ROW("a bare line feed before it", "\n" GET HOST "\r\n", 400),

    /* The request line. */
    ROW("bare LF ends the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400),
    ROW("two spaces before the target", "GET  / HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("two spaces before the version", "GET /  HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("a tab before the target", "GET\t/ HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("a space in front", " GET / HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("a space behind the version", "GET / HTTP/1.1 \r\n" HOST "\r\n", 400),
    ROW("a bare CR in the line", "GET /\r HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("CR CR LF", "GET / HTTP/1.1\r\r\n" HOST "\r\n", 400),
    ROW("no version (HTTP/0.9)", "GET /\r\n\r\n", 400),
    ROW("no target", "GET HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("a method that is no token", "G(T / HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("an over-long method", "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMN / HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("no method", " / HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("a TLS hello", "\x16\x03\x01\x02", 400),
    ROW("an unknown method", "BREW / HTTP/1.1\r\n" HOST "\r\n", 0),
    ROW("a method in lower case", "get / HTTP/1.1\r\n" HOST "\r\n", 0),
    ROW("HTTP/2.0", "GET / HTTP/2.0\r\n" HOST "\r\n", 505),
    ROW("HTTP/1.2", "GET / HTTP/1.2\r\n" HOST "\r\n", 505),
    ROW("HTTP/0.9 spelled out", "GET / HTTP/0.9\r\n" HOST "\r\n", 505),
    ROW("HTTP/1.10", "GET / HTTP/1.10\r\n" HOST "\r\n", 400),
    ROW("HTTP/1", "GET / HTTP/1\r\n" HOST "\r\n", 400),
    ROW("http/1.1", "GET / http/1.1\r\n" HOST "\r\n", 400),
    ROW("HTTP/1,1", "GET / HTTP/1,1\r\n" HOST "\r\n", 400),

    /* The target. */
    ROW("absolute form", "GET http://a/ HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("authority form", "CONNECT a:443 HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("asterisk form", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 0),
    ROW("asterisk form, not OPTIONS", "GET * HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("a fragment", "GET /a#b HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("a backslash", "GET /a\\b HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("a quote", "GET /a\"b HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("a NUL", "GET /a\0b HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("a control", "GET /a\001b HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("DEL", "GET /a\177b HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("a raw UTF-8 byte", "GET /\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("a bad escape", "GET /%zz HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("half an escape", "GET /a%4 HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("a bad escape in the query", "GET /a?b=%4 HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("an escaped NUL", "GET /a%00b HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("climbing above the root", "GET /../etc HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("climbing above the root, escaped", "GET /a/%2e%2E%2f..%2Fx HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("climbing above the root behind empty segments", "GET //.//../x HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("dot segments below the root", "GET /a/../b/./c HTTP/1.1\r\n" HOST "\r\n", 0),
    ROW("names that only look like dots", "GET /.../..a HTTP/1.1\r\n" HOST "\r\n", 0),
    ROW("a question mark in the query", "GET /a?b?c=/d HTTP/1.1\r\n" HOST "\r\n", 0),

    /* Header lines. */
    ROW("bare LF ends a header", GET "Host: a\n\r\n", 400),
    ROW("bare LF ends the head", GET HOST "\n", 400),
    ROW("a bare CR in a value", GET HOST "X: a\rb\r\n\r\n", 400),
    ROW("obs-fold", GET HOST "X: a\r\n b\r\n\r\n", 400),
    ROW("obs-fold by tab", GET HOST "X: a\r\n\tb\r\n\r\n", 400),
    ROW("white space before the first header", GET " Host: a\r\n\r\n", 400),
    ROW("a space before the colon", GET "Host : a\r\n\r\n", 400),
    ROW("a tab before the colon", GET "Host\t: a\r\n\r\n", 400),
    ROW("an empty name", GET HOST ": a\r\n\r\n", 400),
    ROW("no colon", GET HOST "X\r\n\r\n", 400),
    ROW("a name that is no token", GET HOST "X(: a\r\n\r\n", 400),
    ROW("a byte over 0x7f in a name", GET HOST "X\xc3: a\r\n\r\n", 400),
    ROW("a NUL in a name", GET HOST "X\0: a\r\n\r\n", 400),
    ROW("a NUL in a value", GET HOST "X: a\0b\r\n\r\n", 400),
    ROW("a control in a value", GET HOST "X: a\002b\r\n\r\n", 400),
    ROW("DEL in a value", GET HOST "X: a\177\r\n\r\n", 400),
    ROW("a tab in a value", GET HOST "X: a\tb\r\n\r\n", 0),
    ROW("a tab before a value", GET HOST "X:\ta\r\n\r\n", 400),
    ROW("a tab behind a value", GET HOST "X: a \t \r\n\r\n", 400),
    ROW("obs-text in a value", GET HOST "X: \xc3\xa4\r\n\r\n", 0),
    ROW("an empty value", GET HOST "X:\r\n\r\n", 0),
    ROW("a name with an underscore", GET HOST "x_y: a\r\n\r\n", 0),

    /* Host. */
    ROW("no Host", GET "\r\n", 400),
    ROW("two Hosts", GET HOST "Host: b\r\n\r\n", 400),
    ROW("two equal Hosts", GET HOST HOST "\r\n", 400),
    ROW("two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\n" HOST HOST "\r\n", 400),
    ROW("an empty Host", GET "Host:\r\n\r\n", 400),
    ROW("an empty Host in HTTP/1.0", "GET / HTTP/1.0\r\nHost: \r\n\r\n", 400),
    ROW("a Host with a slash", GET "Host: a/b\r\n\r\n", 400),
    ROW("a Host with user info", GET "Host: u@a\r\n\r\n", 400),
    ROW("a Host with a space", GET "Host: a b\r\n\r\n", 400),
    ROW("a list of Hosts", GET "Host: a,b\r\n\r\n", 400),
    ROW("a Host with an empty label", GET "Host: a..b\r\n\r\n", 400),
    ROW("a Host that begins with a dot", GET "Host: .a\r\n\r\n", 400),
    ROW("a Host with obs-text", GET "Host: \xc3\xa4\r\n\r\n", 400),
    ROW("a Host with a port", GET "Host: a.example:8400\r\n\r\n", 0),
    ROW("a Host with an empty port", GET "Host: a:\r\n\r\n", 400),
    ROW("a Host with a port out of range", GET "Host: a:65536\r\n\r\n", 400),
    ROW("a Host with a port that is none", GET "Host: a:b\r\n\r\n", 400),
    ROW("a Host with two ports", GET "Host: a:1:2\r\n\r\n", 400),
    ROW("a Host that is IPv6", GET "Host: [::1]:80\r\n\r\n", 0),
    ROW("a Host that is IPv6 without brackets", GET "Host: ::1\r\n\r\n", 400),
    ROW("an unclosed bracket", GET "Host: [::1\r\n\r\n", 400),
    ROW("a bracket with other things", GET "Host: [x]\r\n\r\n", 400),
    ROW("something behind the bracket", GET "Host: [::1]a\r\n\r\n", 400),

    /* Body framing: T56, T60. */
    ROW("a length", PUT "Content-Length: 4\r\n\r\n", 0),
    ROW("the largest length", PUT "Content-Length: 9223372036854775807\r\n\r\n", 0),
    ROW("a length over 2^63-1", PUT "Content-Length: 9223372036854775808\r\n\r\n", 400),
    ROW("a length over 2^64", PUT "Content-Length: 18446744073709551617\r\n\r\n", 400),
    ROW("two different lengths", PUT "Content-Length: 4\r\nContent-Length: 5\r\n\r\n", 400),
    ROW("two equal lengths", PUT "Content-Length: 4\r\nContent-Length: 4\r\n\r\n", 400),
    ROW("a list of lengths", PUT "Content-Length: 4, 4\r\n\r\n", 400),
    ROW("length +4", PUT "Content-Length: +4\r\n\r\n", 400),
    ROW("length -1", PUT "Content-Length: -1\r\n\r\n", 400),
    ROW("length 0x4", PUT "Content-Length: 0x4\r\n\r\n", 400),
    ROW("length 4.0", PUT "Content-Length: 4.0\r\n\r\n", 400),
    ROW("length 4 4", PUT "Content-Length: 4 4\r\n\r\n", 400),
    ROW("an empty length", PUT "Content-Length:\r\n\r\n", 400),
    ROW("a length and chunked", PUT "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    ROW("chunked and a length", PUT "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n", 400),
    ROW("chunked", PUT "Transfer-Encoding: chunked\r\n\r\n", 0),
    ROW("Chunked", PUT "Transfer-Encoding: Chunked\r\n\r\n", 0),
    ROW("xchunked", PUT "Transfer-Encoding: xchunked\r\n\r\n", 501),
    ROW("identity", PUT "Transfer-Encoding: identity\r\n\r\n", 501),
    ROW("gzip, chunked", PUT "Transfer-Encoding: gzip, chunked\r\n\r\n", 501),
    ROW("chunked, chunked", PUT "Transfer-Encoding: chunked, chunked\r\n\r\n", 501),
    ROW("chunked;q=1", PUT "Transfer-Encoding: chunked;q=1\r\n\r\n", 501),
    ROW("a quoted coding", PUT "Transfer-Encoding: \"chunked\"\r\n\r\n", 501),
    ROW("an empty coding", PUT "Transfer-Encoding:\r\n\r\n", 501),
    ROW("chunked twice", PUT "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    ROW("chunked, then identity", PUT "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n", 400),
    ROW("chunked behind a vertical tab", PUT "Transfer-Encoding: \013chunked\r\n\r\n", 400),
    ROW("chunked in HTTP/1.0", "PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    ROW("a space before the colon of a coding", PUT "Transfer-Encoding : chunked\r\n\r\n", 400),

    ROW("Expect: 100-continue", PUT "Expect: 100-Continue\r\nContent-Length: 4\r\n\r\n", 0),
    ROW("another expectation", PUT "Expect: 200-ok\r\n\r\n", 417),
};

static int parse(const char *raw, size_t len, struct http_head *ret_head, size_t *ret_size, int *ret_status,
                 char **ret_buf)
{
    struct error err;
    *ret_buf = xmalloc(len); /* exactly as large, so that the sanitizer sees a byte too many */
    memcpy(*ret_buf, raw, len);
    return http_parse_head(*ret_buf, len, ret_head, ret_size, ret_status, &err);
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO_FREE char *buf = NULL;
        struct http_head head;
        size_t size = 0;
        int status = 0;
        int rc = parse(ROWS[i].raw, ROWS[i].len, &head, &size, &status, &buf);
        if ((rc == 1 ? 0 : status) != ROWS[i].status || (rc == 1 && size != ROWS[i].len))
            fail_msg("%s: rc %d, status %d, wanted %d", ROWS[i].what, rc, status, ROWS[i].status);
        if (rc != 1)
            assert_true(rc < 0);
    }
}

/* However a head is cut: never accepted early, never judged differently, and untouched until it is complete. */
static void test_rows_split_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        for (size_t len = 0; len < ROWS[i].len; len++) {
            AUTO_FREE char *buf = NULL;
            struct http_head head;
            size_t size = 0;
            int status = 0;
            int rc = parse(ROWS[i].raw, len, &head, &size, &status, &buf);
            if (rc == 1)
                fail_msg("%s: accepted after %zu bytes", ROWS[i].what, len);
            if (rc < 0 && status != ROWS[i].status)
                fail_msg("%s: status %d after %zu bytes", ROWS[i].what, status, len);
            if (rc == 0)
                assert_memory_equal(buf, ROWS[i].raw, len);
        }
    }
}

static void test_fields(void **state)
{
    static const char RAW[] = "PUT /a%20b/c?x=1&y=%2B HTTP/1.1\r\nhost: example.org:8400\r\nX-One:  two  \r\n"
                              "CONTENT-LENGTH: 12\r\nexpect: 100-continue\r\nx-one: three\r\n\r\nbody";
    AUTO_FREE char *buf = NULL;
    struct http_head head;
    size_t size = 0;
    int status;
    (void)state;

    assert_int_equal(parse(RAW, sizeof RAW - 1, &head, &size, &status, &buf), 1);
    assert_int_equal(size, sizeof RAW - 1 - 4);
    assert_memory_equal(buf + size, "body", 4);
    assert_int_equal(head.method, HTTP_PUT);
    assert_string_equal(head.method_text, "PUT");
    assert_string_equal(head.path, "/a%20b/c");
    assert_string_equal(head.query, "x=1&y=%2B");
    assert_string_equal(head.host, "example.org:8400");
    assert_true(head.keep_alive && head.has_length && head.expect_continue && !head.chunked && !head.minor_zero);
    assert_int_equal(head.content_length, 12);
    assert_int_equal(head.header_count, 5);
    assert_string_equal(http_header(&head, "X-ONE"), "two");
    assert_int_equal(http_header_count(&head, "x-One"), 2);
    assert_null(http_header(&head, "X-On"));
}

static const struct {
    const char *raw;
    bool keep_alive;
} PERSISTENCE[] = {
    {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
    {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false},
    {"GET / HTTP/1.1\r\nHost: a\r\nConnection: TE, Close\r\n\r\n", false},
    {"GET / HTTP/1.1\r\nHost: a\r\nConnection: closed\r\n\r\n", true},
    {"GET / HTTP/1.0\r\n\r\n", false},
    {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
    {"GET / HTTP/1.0\r\nConnection: close\r\nConnection: keep-alive\r\n\r\n", false},
};

static void test_persistence(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(PERSISTENCE); i++) {
        AUTO_FREE char *buf = NULL;
        struct http_head head;
        size_t size;
        int status;
        assert_int_equal(parse(PERSISTENCE[i].raw, strlen(PERSISTENCE[i].raw), &head, &size, &status, &buf), 1);
        if (head.keep_alive != PERSISTENCE[i].keep_alive)
            fail_msg("%s", PERSISTENCE[i].raw);
    }
}

static const struct {
    const char *text;
    enum http_method method;
} METHODS[] = {
    {"GET", HTTP_GET},       {"HEAD", HTTP_HEAD},   {"PUT", HTTP_PUT},         {"POST", HTTP_POST},
    {"DELETE", HTTP_DELETE}, {"PATCH", HTTP_PATCH}, {"OPTIONS", HTTP_OPTIONS}, {"get", HTTP_OTHER},
    {"GE", HTTP_OTHER},      {"GETS", HTTP_OTHER},  {"TRACE", HTTP_OTHER},
};

static void test_methods(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(METHODS); i++) {
        AUTO_FREE char *raw = xasprintf("%s /x HTTP/1.1\r\nHost: a\r\n\r\n", METHODS[i].text);
        struct http_head head;
        size_t size;
        int status;
        assert_int_equal(http_parse_head(raw, strlen(raw), &head, &size, &status, NULL), 1);
        assert_int_equal(head.method, METHODS[i].method);
        assert_string_equal(head.method_text, METHODS[i].text);
    }
}

/* Sizes at their limit and one over: T58. */
static int parse_sized(size_t target, size_t value, size_t headers)
{
    AUTO_STR struct str raw = STR_INIT(1024 * 1024);
    str_append(&raw, "GET /");
    for (size_t i = 1; i < target; i++)
        str_append_char(&raw, 'a');
    str_append(&raw, " HTTP/1.1\r\nHost: a\r\n");
    for (size_t i = 1; i < headers; i++)
        str_printf(&raw, "x%zu: %zu\r\n", i, i);
    if (value) {
        str_append(&raw, "v: ");
        for (size_t i = 0; i < value; i++)
            str_append_char(&raw, 'b');
        str_append(&raw, "\r\n");
    }
    str_append(&raw, "\r\n");
    struct http_head head;
    size_t size;
    int status = 0;
    return http_parse_head(raw.p, raw.len, &head, &size, &status, NULL) == 1 ? 0 : status;
}

static void t58_limits(void **state)
{
    size_t fixed = strlen("GET / HTTP/1.1\r\nHost: a\r\nv: \r\n\r\n");
    (void)state;
    assert_int_equal(parse_sized(HTTP_TARGET_MAX, 0, 1), 0);
    assert_int_equal(parse_sized(HTTP_TARGET_MAX + 1, 0, 1), 414);
    assert_int_equal(parse_sized(HTTP_HEAD_MAX * 2, 0, 1), 414);
    assert_int_equal(parse_sized(1, 0, HTTP_HEADERS_MAX), 0);
    assert_int_equal(parse_sized(1, 0, HTTP_HEADERS_MAX + 1), 431);
    assert_int_equal(parse_sized(1, 0, 10000), 431);
    assert_int_equal(parse_sized(1, HTTP_HEAD_MAX - fixed, 1), 0);
    assert_int_equal(parse_sized(1, HTTP_HEAD_MAX - fixed + 1, 1), 431);
    assert_int_equal(parse_sized(1, 60 * 1024, 1), 431);
}

/* A line that never ends is refused when its limit is passed, not when memory is. */
static void t58_endless_line(void **state)
{
    AUTO_FREE char *raw = xmalloc(HTTP_HEAD_MAX);
    struct http_head head;
    size_t size;
    int status = 0;
    (void)state;

    memset(raw, 'a', HTTP_HEAD_MAX);
    memcpy(raw, "GET /", 5);
    assert_int_equal(http_parse_head(raw, HTTP_TARGET_MAX, &head, &size, &status, NULL), 0);
    assert_true(http_parse_head(raw, HTTP_HEAD_MAX, &head, &size, &status, NULL) < 0);
    assert_int_equal(status, 414);
    memcpy(raw, "GET / HTTP/1.1\r\nHost: a\r\n", 25);
    assert_int_equal(http_parse_head(raw, HTTP_HEAD_MAX - 1, &head, &size, &status, NULL), 0);
    assert_true(http_parse_head(raw, HTTP_HEAD_MAX, &head, &size, &status, NULL) < 0);
    assert_int_equal(status, 431);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_rows_split_anywhere),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_persistence),
        cmocka_unit_test(test_methods),
        cmocka_unit_test(t58_limits),
        cmocka_unit_test(t58_endless_line),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
