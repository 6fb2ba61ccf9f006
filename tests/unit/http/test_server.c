/* The server as well-behaved clients meet it: keep-alive, pipelining, bodies in and out, 100 Continue, refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "harness.h"

#define HOST "Host: a\r\n"
#define HELLO "GET /hello HTTP/1.1\r\n" HOST "\r\n"

static struct fixture fixture;

static int start(void **state)
{
    struct http_settings settings = fixture_settings();
    fixture_start(&fixture, &settings);
    *state = &fixture;
    return 0;
}

static int stop(void **state)
{
    fixture_stop(*state, 2000);
    return 0;
}

static void test_keep_alive(void **state)
{
    AUTO_STR struct str body = STR_INIT(1024);
    int fd = client_open(*state);
    for (int i = 0; i < 50; i++) {
        client_send(fd, HELLO);
        assert_int_equal(client_answer(fd, false, &body), 200);
        assert_string_equal(str_text(&body), "hello");
    }
    client_send(fd, "GET /hello HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    assert_int_equal(client_answer(fd, false, &body), 200);
    assert_true(client_closed(fd, 1000));
    (void)close(fd);
}

static void test_old_clients(void **state)
{
    AUTO_STR struct str all = STR_INIT(4096);
    int fd = client_open(*state);
    client_send(fd, "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /hello HTTP/1.0\r\n\r\n");
    client_drain(fd, &all);
    (void)close(fd);
    assert_non_null(strstr(str_text(&all), "Connection: keep-alive\r\n"));
    assert_non_null(strstr(str_text(&all), "Connection: close\r\n"));
    assert_non_null(strstr(str_text(&all), "\r\nServer: airlock\r\nDate: "));
}

static void test_pipelining(void **state)
{
    AUTO_STR struct str body = STR_INIT(1024);
    int fd = client_open(*state);
    client_send(fd, HELLO "PUT /count HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc"
                          "PUT /count HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n" HELLO
                          "GET /nothing HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(client_answer(fd, false, &body), 200);
    assert_int_equal(client_answer(fd, false, &body), 201);
    assert_string_equal(str_text(&body), "3 1 3");
    assert_int_equal(client_answer(fd, false, &body), 201);
    assert_string_equal(str_text(&body), "2 1 2");
    assert_int_equal(client_answer(fd, false, &body), 200);
    assert_int_equal(client_answer(fd, false, &body), 404);
    (void)close(fd);
}

/* Many more requests than a head buffer holds, all sent before an answer is read. */
static void test_deep_pipelining(void **state)
{
    enum { COUNT = 5000 };
    AUTO_STR struct str all = STR_INIT(COUNT * sizeof HELLO);
    int fd = client_open(*state);
    for (int i = 0; i < COUNT; i++)
        str_append(&all, HELLO);
    client_send_len(fd, all.p, all.len);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(client_answer(fd, false, NULL), 200);
    (void)close(fd);
}

static void test_byte_by_byte(void **state)
{
    static const char RAW[] = "PUT /count HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                              "4;x=y\r\nbody\r\n1\r\n!\r\n0\r\nA: b\r\n\r\n";
    AUTO_STR struct str body = STR_INIT(1024);
    int fd = client_open(*state);
    for (size_t i = 0; i < sizeof RAW - 1; i++) {
        client_send_len(fd, RAW + i, 1);
        (void)usleep(200);
    }
    assert_int_equal(client_answer(fd, false, &body), 201);
    assert_int_equal(strncmp(str_text(&body), "5 ", 2), 0);
    (void)close(fd);
}

static void test_continue_comes_after_acceptance(void **state)
{
    AUTO_STR struct str body = STR_INIT(1024);
    int fd = client_open(*state);
    client_send(fd, "PUT /count HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    assert_int_equal(client_answer(fd, false, NULL), 100);
    client_send(fd, "body");
    assert_int_equal(client_answer(fd, false, &body), 201);
    assert_string_equal(str_text(&body), "4 1 4");
    client_send(fd, "POST /collect HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    assert_int_equal(client_answer(fd, false, NULL), 100);
    client_send(fd, "hi");
    assert_int_equal(client_answer(fd, false, &body), 200);
    assert_string_equal(str_text(&body), "hi");
    (void)close(fd);
}

/* Refused before 100 Continue: the client must not see one, and nobody can tell whether a body follows. */
static void test_refusal_precedes_continue(void **state)
{
    static const char *const REFUSED[] = {
        "PUT /refuse HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n",
        "PUT /refuse HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(REFUSED); i++) {
        int fd = client_open(*state);
        client_send(fd, REFUSED[i]);
        assert_int_equal(client_answer(fd, false, NULL), 403);
        assert_true(client_closed(fd, 500));
        (void)close(fd);
    }
}

static void test_small_refused_body_keeps_the_connection(void **state)
{
    int fd = client_open(*state);
    client_send(fd, "PUT /refuse HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbody" HELLO);
    assert_int_equal(client_answer(fd, false, NULL), 403);
    assert_int_equal(client_answer(fd, false, NULL), 200);

    AUTO_FREE char *body = xcalloc(1, HTTP_DRAIN_MAX); /* most of it comes after the answer */
    client_send(fd, "PUT /refuse HTTP/1.1\r\n" HOST "Content-Length: 65536\r\n\r\n");
    assert_int_equal(client_answer(fd, false, NULL), 403);
    client_send_len(fd, body, HTTP_DRAIN_MAX / 2);
    (void)usleep(20000);
    client_send_len(fd, body, HTTP_DRAIN_MAX / 2);
    client_send(fd, HELLO);
    assert_int_equal(client_answer(fd, false, NULL), 200);
    (void)close(fd);
}

/* The client can read the refusal although it is still sending. */
static void test_large_refused_body_closes(void **state)
{
    AUTO_FREE char *body = xcalloc(1, 512 * 1024);
    AUTO_STR struct str text = STR_INIT(64);
    int fd = client_open(*state);
    client_send(fd, "PUT /refuse HTTP/1.1\r\n" HOST "Content-Length: 104857600\r\n\r\n");
    client_send_len(fd, body, 512 * 1024);
    assert_int_equal(client_answer(fd, false, &text), 403);
    assert_string_equal(str_text(&text), "refused");
    assert_true(client_closed(fd, 3000));
    (void)close(fd);
}

static void test_refusal_in_the_middle(void **state)
{
    AUTO_FREE char *body = xcalloc(1, 1024 * 1024);
    int fd = client_open(*state);
    client_send(fd, "PUT /picky HTTP/1.1\r\n" HOST "Content-Length: 10485760\r\n\r\n");
    client_send_len(fd, body, 1024 * 1024);
    assert_int_equal(client_answer(fd, false, NULL), 409);
    assert_true(client_closed(fd, 3000));
    (void)close(fd);

    fd = client_open(*state); /* at the very end, the connection stays in step */
    client_send(fd, "PUT /picky HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbody" HELLO);
    assert_int_equal(client_answer(fd, false, NULL), 409);
    assert_int_equal(client_answer(fd, false, NULL), 200);
    (void)close(fd);
    wait_for(&fixture.destroyed, 2);
    assert_int_equal(fixture.aborted + fixture.finished, 0);
}

static void upload(struct fixture *f, bool chunked, size_t total)
{
    AUTO_FREE char *piece = xcalloc(1, 1024 * 1024);
    AUTO_STR struct str answer = STR_INIT(128);
    char head[128];
    int fd = client_open(f);
    (void)snprintf(head, sizeof head, "PUT /count HTTP/1.1\r\n" HOST "%s: %s\r\n\r\n",
                   chunked ? "Transfer-Encoding" : "Content-Length", chunked ? "chunked" : "67108864");
    client_send(fd, head);
    for (size_t sent = 0; sent < total; sent += 1024 * 1024) {
        if (chunked)
            client_send(fd, "100000\r\n");
        client_send_len(fd, piece, 1024 * 1024);
        if (chunked)
            client_send(fd, "\r\n");
    }
    if (chunked)
        client_send(fd, "0\r\n\r\n");
    assert_int_equal(client_answer(fd, false, &answer), 201);
    assert_int_equal(strncmp(str_text(&answer), "67108864 ", 9), 0);
    (void)close(fd);
}

static size_t memory_peak_kib(void)
{
    char line[256];
    size_t peak = 0;
    FILE *status = fopen("/proc/self/status", "re");
    assert_non_null(status);
    while (fgets(line, sizeof line, status))
        if (strncmp(line, "VmHWM:", 6) == 0)
            peak = strtoul(line + 6, NULL, 10);
    (void)fclose(status);
    return peak;
}

static void test_large_uploads_in_bounded_memory(void **state)
{
    size_t before = memory_peak_kib();
    upload(*state, false, (size_t)64 << 20);
    upload(*state, true, (size_t)64 << 20);
    assert_in_range(memory_peak_kib() - before, 0, 16 * 1024);
    assert_int_equal(fixture.finished, 2);
}

static void *upload_thread(void *ctx)
{
    upload(ctx, false, (size_t)64 << 20);
    return NULL;
}

/* More transfers than buffers and workers: all wait their turn, all end, and small requests get through meanwhile. */
static void test_more_uploads_than_buffers(void **state)
{
    pthread_t threads[8];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, upload_thread, *state), 0);
    for (int i = 0; i < 20; i++)
        assert_int_equal(client_ask(*state, HELLO, NULL), 200);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(fixture.finished, 8);
    assert_in_range(fixture.server->buffers_made, 1, 4);
    assert_int_equal(fixture.server->resting, 0);
}

/* More stalled uploads than buffers: what each has sent is written, and a quick one gets a buffer at once. */
static void test_stalled_uploads_hold_no_buffers(void **state)
{
    int fds[12];
    AUTO_STR struct str answer = STR_INIT(128);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = client_open(*state);
        client_send(fds[i], "PUT /count HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nhalf ");
    }
    wait_for(&fixture.handled, ARRAY_LEN(fds));
    assert_int_equal(client_ask(*state, "PUT /count HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbody", &answer), 201);
    assert_string_equal(str_text(&answer), "4 1 4");
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        client_send(fds[i], "whole");
        assert_int_equal(client_answer(fds[i], false, &answer), 201);
        assert_int_equal(strncmp(str_text(&answer), "10 ", 3), 0);
        (void)close(fds[i]);
    }
    assert_int_equal(fixture.server->resting, 0);
}

static void test_empty_bodies(void **state)
{
    AUTO_STR struct str body = STR_INIT(64);
    assert_int_equal(client_ask(*state, "PUT /count HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", &body), 201);
    assert_string_equal(str_text(&body), "0 0 0");
    assert_int_equal(client_ask(*state, "PUT /count HTTP/1.1\r\n" HOST "\r\n", &body), 201);
    assert_int_equal(
        client_ask(*state, "PUT /count HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", &body), 201);
    assert_int_equal(client_ask(*state, "POST /collect HTTP/1.1\r\n" HOST "\r\n", &body), 200);
    assert_string_equal(str_text(&body), "");
}

static int collect(struct fixture *f, size_t len, bool chunked, struct str *ret_body)
{
    AUTO_STR struct str request = STR_INIT(65536);
    str_append(&request, "POST /collect HTTP/1.1\r\n" HOST);
    if (chunked)
        str_printf(&request, "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", len);
    else
        str_printf(&request, "Content-Length: %zu\r\n\r\n", len);
    for (size_t i = 0; i < len; i++)
        str_append_char(&request, 'c');
    str_append(&request, chunked ? "\r\n0\r\n\r\n" : "");
    return client_ask(f, str_text(&request), ret_body);
}

static void test_collect(void **state)
{
    AUTO_STR struct str body = STR_INIT(65536);
    for (int chunked = 0; chunked < 2; chunked++) {
        assert_int_equal(collect(*state, 10, chunked, &body), 200);
        assert_string_equal(str_text(&body), "cccccccccc");
        assert_int_equal(collect(*state, COLLECT_MAX, chunked, &body), 200);
        assert_int_equal(body.len, COLLECT_MAX);
        assert_int_equal(collect(*state, COLLECT_MAX + 1, chunked, &body), 413);
        assert_int_equal(collect(*state, 2 * COLLECT_MAX, chunked, &body), 413);
    }
}

static void test_file(void **state)
{
    AUTO_STR struct str body = STR_INIT(2 * FILE_SIZE);
    int fd = client_open(*state);
    for (int round = 0; round < 3; round++) {
        client_send(fd, "GET /file HTTP/1.1\r\n" HOST "\r\n");
        assert_int_equal(client_answer(fd, false, &body), 200);
        assert_int_equal(body.len, FILE_SIZE);
        for (size_t i = 0; i < FILE_SIZE; i++)
            if ((unsigned char)body.p[i] != file_byte(i))
                fail_msg("byte %zu differs", i);
        wait_for(&fixture.done, round + 1);
        assert_int_equal(fixture.sent, FILE_SIZE);
    }
    (void)close(fd);
}

static void test_head(void **state)
{
    AUTO_STR struct str head = STR_INIT(4096);
    int fd = client_open(*state);
    client_send(fd, "HEAD /file HTTP/1.1\r\n" HOST "\r\nHEAD /hello HTTP/1.1\r\n" HOST "\r\n" HELLO);
    assert_int_equal(client_answer(fd, true, &head), 200);
    assert_non_null(strstr(str_text(&head), "\r\nContent-Length: 921600\r\n"));
    str_reset(&head);
    assert_int_equal(client_answer(fd, true, &head), 200);
    assert_non_null(strstr(str_text(&head), "\r\nContent-Length: 5\r\n"));
    assert_int_equal(client_answer(fd, false, NULL), 200);
    (void)close(fd);
}

/* A source that fails: the client sees that the body is short. */
static void test_broken_file(void **state)
{
    AUTO_STR struct str all = STR_INIT(2 * FILE_SIZE);
    int fd = client_open(*state);
    client_send(fd, "GET /broken-file HTTP/1.1\r\n" HOST "\r\n");
    client_drain(fd, &all);
    assert_in_range(all.len, FILE_PIECE, FILE_PIECE + 1024);
    (void)close(fd);
    wait_for(&fixture.done, 1);
    assert_int_equal(fixture.sent, FILE_PIECE);
}

static void test_large_reply_to_a_slow_reader(void **state)
{
    AUTO_STR struct str body = STR_INIT(2 * LARGE);
    int fd = client_open(*state);
    client_send(fd, "GET /large HTTP/1.1\r\n" HOST "\r\n" HELLO);
    (void)usleep(200000);
    assert_int_equal(client_answer(fd, false, &body), 200);
    assert_int_equal(body.len, LARGE);
    assert_int_equal(client_answer(fd, false, &body), 200);
    (void)close(fd);
}

/* Long work gives way between its steps: with one worker others are answered meanwhile. */
static void test_work_shares_its_worker(void **state)
{
    AUTO_STR struct str body = STR_INIT(64);
    struct http_settings settings = fixture_settings();
    struct fixture one = {0};
    settings.workers = 1;
    fixture_start(&one, &settings);
    int fd = client_open(&one);
    client_send(fd, "GET /work HTTP/1.1\r\n" HOST "\r\n");
    wait_for_least(&one.steps, 1);
    assert_int_equal(client_ask(&one, "GET /hello HTTP/1.1\r\n" HOST "\r\n", NULL), 200);
    assert_true(one.steps < WORK_STEPS);
    assert_int_equal(client_answer(fd, false, &body), 200);
    assert_string_equal(str_text(&body), "worked");
    assert_int_equal(one.steps, WORK_STEPS);
    (void)close(fd);
    wait_for(&one.destroyed, 1);
    fixture_stop(&one, 1000);
    (void)state;
}

/* A server that stops does not wait for work that takes longer than its grace. */
static void test_work_is_cut(void **state)
{
    struct http_settings settings = fixture_settings();
    struct fixture one = {0};
    fixture_start(&one, &settings);
    int fd = client_open(&one);
    client_send(fd, "GET /work HTTP/1.1\r\n" HOST "\r\n");
    wait_for_least(&one.steps, 1);
    fixture_stop(&one, 0);
    assert_int_equal(one.destroyed, 1);
    assert_true(one.steps < WORK_STEPS);
    (void)close(fd);
    (void)state;
}

static void test_handler_without_an_answer(void **state)
{
    assert_int_equal(client_ask(*state, "GET /silent HTTP/1.1\r\n" HOST "\r\n", NULL), 500);
}

static void test_refusal(void **state)
{
    AUTO_STR struct str body = STR_INIT(1024);
    assert_int_equal(client_ask(*state, "GET / HTTP/1.1\r\n\r\n", &body), 400);
    assert_string_equal(str_text(&body), "There must be a Host header\n");
}

static void refuse_in_our_form(struct http_exchange *x, int status, const char *detail)
{
    assert_string_equal(http_exchange_head(x)->path, "");
    http_header_add(x, "X-Form", "ours");
    http_reply(x, status, "application/problem+json", detail, strlen(detail));
}

static int start_with_refusal(void **state)
{
    struct http_settings settings = fixture_settings();
    fixture.refusal = refuse_in_our_form;
    fixture_start(&fixture, &settings);
    *state = &fixture;
    return 0;
}

static void test_refusal_in_the_programs_form(void **state)
{
    AUTO_STR struct str all = STR_INIT(4096);
    int fd = client_open(*state);
    client_send(fd, "GET / HTTP/1.1\r\n\r\n");
    client_drain(fd, &all);
    (void)close(fd);
    assert_non_null(strstr(str_text(&all), "\r\nX-Form: ours\r\n"));
    assert_non_null(strstr(str_text(&all), "\r\nConnection: close\r\n"));
}

/* --- Other descriptors in the same loop --- */

struct watched {
    struct http_server *server;
    int calls;
};

/* Two bytes, then the end: unwatching from inside is safe. */
static void on_readable(int fd, void *ctx)
{
    struct watched *watched = ctx;
    char byte;
    if (read(fd, &byte, 1) == 1) {
        watched->calls++;
        return;
    }
    http_server_unwatch(watched->server, fd);
    http_server_stop(watched->server, 0);
}

static void never(struct http_exchange *x, void *ctx)
{
    (void)ctx;
    http_reply_empty(x, 404);
}

static void test_watch(void **state)
{
    struct http_settings settings = fixture_settings();
    struct watched watched = {0};
    int ends[2];
    int silent[2];
    (void)state;

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(pipe(silent), 0);
    settings.listen_fd = silent[0]; /* nobody ever comes */
    settings.handler = never;
    assert_int_equal(http_server_new(&settings, &watched.server, NULL), 0);
    assert_int_equal(http_server_watch(watched.server, ends[0], on_readable, &watched, NULL), 0);
    assert_int_equal(write(ends[1], "ab", 2), 2);
    (void)close(ends[1]);
    http_server_run(watched.server);
    assert_int_equal(watched.calls, 2);
    http_server_free(watched.server);

    assert_int_equal(http_server_new(&settings, &watched.server, NULL), 0); /* never run */
    assert_int_equal(http_server_watch(watched.server, ends[0], on_readable, &watched, NULL), 0);
    http_server_free(watched.server);
    int fds[] = {ends[0], silent[0], silent[1]};
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        (void)close(fds[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        TEST(test_keep_alive),
        TEST(test_old_clients),
        TEST(test_pipelining),
        TEST(test_deep_pipelining),
        TEST(test_byte_by_byte),
        TEST(test_continue_comes_after_acceptance),
        TEST(test_refusal_precedes_continue),
        TEST(test_small_refused_body_keeps_the_connection),
        TEST(test_large_refused_body_closes),
        TEST(test_refusal_in_the_middle),
        TEST(test_large_uploads_in_bounded_memory),
        TEST(test_more_uploads_than_buffers),
        TEST(test_stalled_uploads_hold_no_buffers),
        TEST(test_empty_bodies),
        TEST(test_collect),
        TEST(test_file),
        TEST(test_head),
        TEST(test_broken_file),
        TEST(test_large_reply_to_a_slow_reader),
        cmocka_unit_test(test_work_shares_its_worker),
        cmocka_unit_test(test_work_is_cut),
        TEST(test_handler_without_an_answer),
        TEST(test_refusal),
        cmocka_unit_test_setup_teardown(test_refusal_in_the_programs_form, start_with_refusal, stop),
        cmocka_unit_test(test_watch),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
