/* Answers without an end: what is written arrives whole and in order, waiting clients hold no worker, and whoever does
 * not read, goes, talks or stays too long costs no more than the limits say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "harness.h"

#define ASK "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n"
#define HELLO "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"
#define BEAT ":\n\n"
#define WAITING_MAX ((size_t)64 * 1024)
#define LONG_MS 60000
#define PROMPT_MS 3000

static struct fixture fixture;

static const struct http_stream_limits PATIENT = {
    .waiting_max = WAITING_MAX, .stall_ms = LONG_MS, .life_ms = LONG_MS, .heartbeat = BEAT, .heartbeat_ms = LONG_MS};

static void start_with(struct http_stream_limits limits, struct http_settings settings)
{
    fixture.limits = limits;
    fixture_start(&fixture, &settings);
}

static int start(void **state)
{
    (void)state;
    start_with(PATIENT, fixture_settings());
    return 0;
}

static int stop(void **state)
{
    (void)state;
    fixture_stop(&fixture, 2000);
    return 0;
}

/* A client with its stream open, the head read into ret_head (may be NULL). */
static int listen_to(const char *request, struct str *ret_head)
{
    int before = fixture.opened;
    int fd = client_open(&fixture);
    client_send(fd, request);
    assert_int_equal(client_answer(fd, true, ret_head), 200);
    wait_for(&fixture.opened, before + 1);
    return fd;
}

/* The next chunk's bytes. false: the last chunk, or the end of the connection. */
static bool next_chunk(int fd, struct str *ret)
{
    char line[32];
    size_t at = 0;

    str_reset(ret);
    do {
        if (at + 1 >= sizeof line || recv(fd, line + at, 1, 0) != 1)
            return false;
    } while (line[at++] != '\n');
    line[at] = '\0';
    size_t left = strtoul(line, NULL, 16);
    if (left == 0)
        return false;
    for (left += 2; left > 0;) {
        char piece[4096];
        ssize_t n = recv(fd, piece, left < sizeof piece ? left : sizeof piece, 0);
        if (n <= 0)
            return false;
        str_append_len(ret, piece, (size_t)n);
        left -= (size_t)n;
    }
    assert_memory_equal(ret->p + ret->len - 2, "\r\n", 2);
    ret->len -= 2;
    ret->p[ret->len] = '\0';
    return true;
}

static bool say(const char *text)
{
    return fixture_say(&fixture, 0, text, strlen(text));
}

static void assert_chunk(int fd, const char *text)
{
    AUTO_STR struct str chunk = STR_INIT(WAITING_MAX);
    assert_true(next_chunk(fd, &chunk));
    assert_string_equal(chunk.p, text);
}

static void test_written_and_ended(void **state)
{
    AUTO_STR struct str head = STR_INIT(4096);
    AUTO_STR struct str rest = STR_INIT(4096);
    int fd = listen_to(ASK, &head);
    (void)state;

    assert_non_null(strstr(head.p, "\r\nTransfer-Encoding: chunked\r\n"));
    assert_non_null(strstr(head.p, "\r\nContent-Type: text/event-stream\r\n"));
    assert_non_null(strstr(head.p, "\r\nConnection: close\r\n"));
    assert_null(strstr(head.p, "Content-Length"));
    assert_true(say("one\n\n"));
    assert_chunk(fd, "one\n\n");
    assert_true(say("two\n\n"));
    assert_chunk(fd, "two\n\n");
    assert_true(say("three\n\n"));
    fixture_end(&fixture, 0);
    fixture_end(&fixture, 0);
    client_drain(fd, &rest);
    assert_string_equal(rest.p, "7\r\nthree\n\n\r\n0\r\n\r\n");
    wait_for(&fixture.destroyed, 1);
    assert_false(say("late"));
    (void)close(fd);
}

/* A client that knows no chunks gets the bytes as they are, up to the end of the connection. */
static void test_http_1_0(void **state)
{
    AUTO_STR struct str head = STR_INIT(4096);
    AUTO_STR struct str rest = STR_INIT(4096);
    int fd = listen_to("GET /stream HTTP/1.0\r\n\r\n", &head);
    (void)state;

    assert_null(strstr(head.p, "Transfer-Encoding"));
    assert_true(say("one\n\n"));
    fixture_end(&fixture, 0);
    client_drain(fd, &rest);
    assert_string_equal(rest.p, "one\n\n");
    (void)close(fd);
}

static void test_client_goes(void **state)
{
    int fd = listen_to(ASK, NULL);
    (void)state;
    (void)close(fd);
    wait_for(&fixture.destroyed, 1);
    assert_false(say("late"));
}

static void test_heartbeat(void **state)
{
    struct http_stream_limits limits = PATIENT;
    limits.heartbeat_ms = 100;
    start_with(limits, fixture_settings());
    int fd = listen_to(ASK, NULL);
    (void)state;

    for (int i = 0; i < 3; i++)
        assert_chunk(fd, BEAT);
    assert_true(say("one\n\n"));
    AUTO_STR struct str chunk = STR_INIT(WAITING_MAX);
    do
        assert_true(next_chunk(fd, &chunk));
    while (strcmp(chunk.p, BEAT) == 0);
    assert_string_equal(chunk.p, "one\n\n");
    (void)close(fd);
}

static void test_life_is_bounded(void **state)
{
    AUTO_STR struct str rest = STR_INIT(4096);
    struct http_stream_limits limits = PATIENT;
    limits.life_ms = 300;
    start_with(limits, fixture_settings());
    int fd = listen_to(ASK, NULL);
    (void)state;

    client_drain(fd, &rest);
    assert_string_equal(rest.p, "0\r\n\r\n");
    wait_for(&fixture.destroyed, 1);
    (void)close(fd);
}

/* Who does not read is cut as soon as more waits than may; what the kernel took first is as bounded. */
static void test_slow_reader_is_cut_by_bytes(void **state)
{
    static const char LINE[1024] = {'x'};
    size_t written = 0;
    int fd = listen_to(ASK, NULL);
    (void)state;

    while (fixture_say(&fixture, 0, LINE, sizeof LINE)) {
        written += sizeof LINE;
        assert_true(written < (size_t)64 * 1024 * 1024);
        (void)usleep(20); /* so that the worker has its turns */
    }
    wait_for(&fixture.destroyed, 1);
    assert_true(client_closed(fd, PROMPT_MS));
    (void)close(fd);
}

static void test_slow_reader_is_cut_by_time(void **state)
{
    static const char PIECE[32 * 1024] = {'x'};
    struct http_stream_limits limits = PATIENT;
    limits.waiting_max = (size_t)8 * 1024 * 1024; /* more than is written here */
    limits.stall_ms = 300;
    start_with(limits, fixture_settings());
    int size = 4096;
    int fd = client_open(&fixture);
    (void)state;

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size), 0);
    client_send(fd, ASK);
    wait_for(&fixture.opened, 1);
    for (int i = 0; i < 128 && fixture_say(&fixture, 0, PIECE, sizeof PIECE); i++)
        ;
    wait_for(&fixture.destroyed, 1);
    (void)close(fd);
}

/* A reader that is slow, but reads, is given the time. */
static void test_slow_reader_gets_all(void **state)
{
    struct http_stream_limits limits = PATIENT;
    limits.waiting_max = (size_t)4 * 1024 * 1024;
    limits.stall_ms = 2000;
    start_with(limits, fixture_settings());
    AUTO_FREE char *bytes = xmalloc(limits.waiting_max);
    AUTO_STR struct str chunk = STR_INIT(limits.waiting_max + 2); /* with its CR LF */
    int fd = listen_to(ASK, NULL);
    size_t got = 0;
    (void)state;

    for (size_t i = 0; i < limits.waiting_max; i++)
        bytes[i] = (char)file_byte(i);
    assert_true(fixture_say(&fixture, 0, bytes, limits.waiting_max));
    while (got < limits.waiting_max && next_chunk(fd, &chunk)) {
        assert_memory_equal(chunk.p, bytes + got, chunk.len);
        got += chunk.len;
    }
    assert_int_equal(got, limits.waiting_max);
    assert_true(say("and on\n"));
    assert_chunk(fd, "and on\n");
    (void)close(fd);
}

/* What a client says meanwhile is no request, and too much of it ends the stream. */
static void test_talking_client(void **state)
{
    static const char NOISE[HTTP_DRAIN_MAX] = {'n'};
    int fd = listen_to(ASK, NULL);
    (void)state;

    client_send(fd, HELLO HELLO);
    assert_true(say("one\n\n"));
    assert_chunk(fd, "one\n\n");
    assert_int_equal(fixture.handled, 1);
    client_send_len(fd, NOISE, sizeof NOISE);
    wait_for(&fixture.destroyed, 1);
    assert_int_equal(fixture.handled, 1);
    (void)close(fd);
}

/* One worker, and more streams than it could hold: others are served, and the caps count the streams. */
static void test_no_worker_waits(void **state)
{
    struct http_settings settings = fixture_settings();
    int fds[30];
    settings.workers = 1;
    settings.max_per_address = ARRAY_LEN(fds) + 1;
    start_with(PATIENT, settings);
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        fds[i] = listen_to(ASK, NULL);
    int last = client_open(&fixture);
    client_send(last, HELLO);
    assert_int_equal(client_answer(last, false, NULL), 200);
    assert_int_equal(client_ask(&fixture, HELLO, NULL), 503); /* the address has all it may */
    (void)close(last);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        assert_true(fixture_say(&fixture, i, "news", 4));
        assert_chunk(fds[i], "news");
    }
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        (void)close(fds[i]);
    wait_for(&fixture.destroyed, ARRAY_LEN(fds));
}

/* The stop of the server ends them at once and in good order: none makes it wait for its grace. */
static void test_stop_ends_streams(void **state)
{
    AUTO_STR struct str rest = STR_INIT(4096);
    (void)state;
    start_with(PATIENT, fixture_settings());
    int fd = listen_to(ASK, NULL);
    int64_t began = clock_mono_ms();

    fixture_stop(&fixture, 30000);
    assert_true(clock_mono_ms() - began < PROMPT_MS);
    client_drain(fd, &rest);
    assert_string_equal(rest.p, "0\r\n\r\n");
    assert_int_equal(fixture.destroyed, 1);
    (void)close(fd);
}

/* --- Many writers, many readers --- */

#define WRITERS 4
#define READERS 8
#define LINES 500

static void *write_lines(void *ctx)
{
    const char *name = ctx;
    char line[32];
    for (int i = 0; i < LINES; i++)
        for (size_t stream = 0; stream < READERS; stream++) {
            int len = snprintf(line, sizeof line, "%s %d\n", name, i);
            assert_true(fixture_say(&fixture, stream, line, (size_t)len));
        }
    return NULL;
}

/* Every writer's lines, whole, each once and in that writer's order. */
static void assert_lines(int fd)
{
    AUTO_STR struct str all = STR_INIT((size_t)1024 * 1024);
    AUTO_STR struct str chunk = STR_INIT((size_t)1024 * 1024);
    int next[WRITERS] = {0};
    char *rest = NULL;

    while (next_chunk(fd, &chunk))
        str_append_len(&all, chunk.p, chunk.len);
    for (char *line = strtok_r(all.p, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        size_t writer = (size_t)(line[0] - 'a');
        assert_in_range(writer, 0, WRITERS - 1);
        assert_int_equal(strtol(line + 2, NULL, 10), next[writer]++);
    }
    for (size_t i = 0; i < WRITERS; i++)
        assert_int_equal(next[i], LINES);
}

static void test_many_writers(void **state)
{
    static const char *const NAMES[WRITERS] = {"a", "b", "c", "d"};
    pthread_t threads[WRITERS];
    int fds[READERS];
    (void)state;

    for (size_t i = 0; i < READERS; i++)
        fds[i] = listen_to(ASK, NULL);
    for (size_t i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, (void *)NAMES[i]), 0);
    for (size_t i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < READERS; i++)
        fixture_end(&fixture, i);
    for (size_t i = 0; i < READERS; i++) {
        assert_lines(fds[i]);
        (void)close(fds[i]);
    }
}

/* Clients that go while they are written to: each exchange ends once, and nothing is written to one that has. */
static void test_clients_go_under_writers(void **state)
{
    (void)state;
    for (int round = 0; round < 50; round++) {
        int fd = listen_to(ASK, NULL);
        for (int i = 0; i < round % 5; i++)
            (void)fixture_say(&fixture, (size_t)round, "line\n", 5);
        (void)close(fd);
        for (int i = 0; i < 5; i++)
            (void)fixture_say(&fixture, (size_t)round, "line\n", 5);
        fixture_end(&fixture, (size_t)round);
    }
    wait_for(&fixture.destroyed, 50);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, start, stop)
#define OWN_START(fn) cmocka_unit_test_teardown(fn, stop)

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        TEST(test_written_and_ended),
        TEST(test_http_1_0),
        TEST(test_client_goes),
        OWN_START(test_heartbeat),
        OWN_START(test_life_is_bounded),
        TEST(test_slow_reader_is_cut_by_bytes),
        OWN_START(test_slow_reader_is_cut_by_time),
        OWN_START(test_slow_reader_gets_all),
        TEST(test_talking_client),
        OWN_START(test_no_worker_waits),
        cmocka_unit_test(test_stop_ends_streams),
        TEST(test_many_writers),
        TEST(test_clients_go_under_writers),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
