/* The chunked decoder: refusals and acceptances, split at every byte, and with every size of output. T56, T59. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "http/internal.h"

#define EXTENSION_256                                                  \
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

struct row {
    const char *what;
    const char *raw;
    size_t len;
    const char *body; /* NULL: refused */
};

#define ROW(what, raw, body)             \
    {                                    \
        what, raw, sizeof(raw) - 1, body \
    }
#define END "0\r\n\r\n"

static const struct row ROWS[] = {
    ROW("empty", END, ""),
    ROW("one chunk", "4\r\nbody\r\n" END, "body"),
    ROW("two chunks", "4\r\nbody\r\n3\r\ntwo\r\n" END, "bodytwo"),
    ROW("hex in both cases", "A\r\n0123456789\r\na\r\nabcdefghij\r\n" END, "0123456789abcdefghij"),
    ROW("leading zeros", "0004\r\nbody\r\n000\r\n\r\n", "body"),
    ROW("sixteen digits", "0000000000000004\r\nbody\r\n" END, "body"),
    ROW("an extension", "4;a=b\r\nbody\r\n0;c\r\n\r\n", "body"),
    ROW("an extension of 256 bytes", "4;" EXTENSION_256 "\r\nbody\r\n" END, "body"),
    ROW("a payload that looks like framing", "5\r\n0\r\n\r\n\r\n" END, "0\r\n\r\n"),
    ROW("trailers", "4\r\nbody\r\n0\r\nA: b\r\nC:\t\xc3\xa4\r\n\r\n", "body"),

    ROW("no size", "\r\n" END, NULL),
    ROW("0x4", "0x4\r\nbody\r\n" END, NULL),
    ROW("+4", "+4\r\nbody\r\n" END, NULL),
    ROW("-4", "-4\r\nbody\r\n" END, NULL),
    ROW("a space before the size", " 4\r\nbody\r\n" END, NULL),
    ROW("a space behind the size", "4 \r\nbody\r\n" END, NULL),
    ROW("a tab before an extension", "4\t;a\r\nbody\r\n" END, NULL),
    ROW("not hex", "g\r\nbody\r\n" END, NULL),
    ROW("an underscore", "1_0\r\nbody\r\n" END, NULL),
    ROW("seventeen digits", "00000000000000004\r\nbody\r\n" END, NULL),
    ROW("a size over 2^63", "8000000000000000\r\nbody", NULL),
    ROW("a size of all ones", "ffffffffffffffff\r\nbody", NULL),
    ROW("bare LF behind the size", "4\nbody\r\n" END, NULL),
    ROW("bare CR behind the size", "4\rbody\r\n" END, NULL),
    ROW("CR CR LF behind the size", "4\r\r\nbody\r\n" END, NULL),
    ROW("bare LF behind the payload", "4\r\nbody\n" END, NULL),
    ROW("nothing behind the payload", "4\r\nbody" END, NULL),
    ROW("a payload longer than its size", "4\r\nbodyx\r\n" END, NULL),
    ROW("bare LF at the end", "0\r\n\n", NULL),
    ROW("a NUL in an extension", "4;a\0b\r\nbody\r\n" END, NULL),
    ROW("bare LF in an extension", "4;a\nb\r\nbody\r\n" END, NULL),
    ROW("an extension of 257 bytes", "4;x" EXTENSION_256 "\r\nbody\r\n" END, NULL),
    ROW("a request where the trailers are", "0\r\nGET / HTTP/1.1\r\n\r\n", NULL),
    ROW("a trailer without a name", "0\r\n: a\r\n\r\n", NULL),
    ROW("a folded trailer", "0\r\nA: b\r\n c\r\n\r\n", NULL),
    ROW("bare LF behind a trailer", "0\r\nA: b\n\r\n", NULL),
    ROW("a space before a trailer's colon", "0\r\nA : b\r\n\r\n", NULL),
    ROW("a control in a trailer", "0\r\nA: \001\r\n\r\n", NULL),
};

/* Feeds raw in two parts, cut at `cut`, and takes at most room bytes at a time. 1: ended; *ret_used counts its bytes.
 */
static int decode(const struct row *row, size_t cut, size_t room, struct str *out, size_t *ret_used)
{
    struct http_chunked c = {0};
    struct error err;
    char piece[64];
    size_t at = 0;

    assert_true(room <= sizeof piece);
    while (at < row->len) {
        size_t end = at < cut ? cut : row->len;
        size_t used = 0;
        size_t made = 0;
        AUTO_FREE char *in = xmalloc(end - at); /* exactly as large, so that the sanitizer sees a byte too many */
        memcpy(in, row->raw + at, end - at);
        int rc = http_chunked_read(&c, in, end - at, &used, piece, room, &made, &err);
        if (rc < 0)
            return rc;
        assert_true(made <= room && used <= end - at && (used > 0 || rc == 1));
        str_append_len(out, piece, made);
        at += used;
        if (rc == 1) {
            *ret_used = at;
            return 1;
        }
    }
    return 0;
}

static void check(const struct row *row, size_t cut, size_t room)
{
    AUTO_STR struct str out = STR_INIT(4096);
    size_t used = 0;
    int rc = decode(row, cut, room, &out, &used);
    bool right = row->body ? rc == 1 && used == row->len && strcmp(str_text(&out), row->body) == 0 : rc < 0;
    if (!right)
        fail_msg("%s, cut at %zu, room %zu: %d, \"%s\"", row->what, cut, room, rc, str_text(&out));
}

static void test_rows_split_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
        for (size_t cut = 0; cut <= ROWS[i].len; cut++)
            for (size_t room = 1; room <= 64; room *= 4)
                check(&ROWS[i], cut, room);
}

/* What follows the body belongs to the next request. */
static void test_stops_at_the_end(void **state)
{
    static const struct row TWO = ROW("pipelined", "4\r\nbody\r\n" END "GET / HTTP/1.1\r\n", "body");
    AUTO_STR struct str out = STR_INIT(64);
    size_t used = 0;
    (void)state;
    assert_int_equal(decode(&TWO, 0, 64, &out, &used), 1);
    assert_int_equal(used, strlen("4\r\nbody\r\n" END));
}

static void test_direct(void **state)
{
    struct http_chunked c = {0};
    size_t used;
    size_t made;
    char out[8];
    (void)state;

    assert_int_equal(http_chunked_direct(&c), 0);
    assert_int_equal(http_chunked_read(&c, "10\r\nab", 6, &used, out, sizeof out, &made, NULL), 0);
    assert_int_equal(used, 6);
    assert_int_equal(made, 2);
    assert_int_equal(http_chunked_direct(&c), 14);
    http_chunked_skip(&c, 14);
    assert_int_equal(http_chunked_direct(&c), 0);
    assert_int_equal(http_chunked_read(&c, "\r\n" END, 7, &used, out, sizeof out, &made, NULL), 1);
}

static int feed_trailers(size_t count)
{
    struct http_chunked c = {0};
    AUTO_STR struct str raw = STR_INIT(1024 * 1024);
    size_t used;
    size_t made;
    char out[8];
    str_append(&raw, "0\r\n");
    for (size_t i = 0; i < count; i++)
        str_append(&raw, "abcd: efghijkl\r\n");
    str_append(&raw, "\r\n");
    return http_chunked_read(&c, raw.p, raw.len, &used, out, sizeof out, &made, NULL);
}

static void t59_trailers_are_bounded(void **state)
{
    (void)state;
    assert_int_equal(feed_trailers(500), 1);
    assert_int_equal(feed_trailers(600), E_LIMIT);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(test_rows_split_anywhere),
        cmocka_unit_test(test_stops_at_the_end),
        cmocka_unit_test(test_direct),
        cmocka_unit_test(t59_trailers_are_bounded),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
