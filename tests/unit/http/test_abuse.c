/* The server as abusers meet it: slow clients, floods, broken framing; and transfers ended from outside. T56, T57, T59,
 * T60. Deadlines are short here, and the grace of the minimum rate is 0.7 s (harness.c). */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "base/clock.h"
#include "harness.h"

#define HOST "Host: a\r\n"
#define HELLO "GET /hello HTTP/1.1\r\n" HOST "\r\n"

static struct fixture fixture;

static int start(void **state)
{
    struct http_settings settings = fixture_settings();
    settings.head_deadline_ms = 600;
    settings.idle_deadline_ms = 600;
    settings.max_per_address = 20;
    settings.max_connections = 20;
    fixture_start(&fixture, &settings);
    *state = &fixture;
    return 0;
}

static int start_with_few_per_address(void **state)
{
    struct http_settings settings = fixture_settings();
    settings.max_per_address = 3;
    fixture_start(&fixture, &settings);
    *state = &fixture;
    return 0;
}

static int stop(void **state)
{
    fixture_stop(*state, 2000);
    return 0;
}

/* Sends a line every 100 ms until cut. Returns the status that came, and how long it took. */
static int trickle(int fd, const char *line, int64_t *ret_ms)
{
    int64_t began = clock_mono_ms();
    for (int i = 0; i < 60; i++) {
        client_send(fd, line);
        struct timeval wait = {.tv_usec = 100000};
        char c;
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
        ssize_t n = recv(fd, &c, 1, MSG_PEEK);
        if (n < 0 && errno == EAGAIN)
            continue;
        *ret_ms = clock_mono_ms() - began;
        return client_answer(fd, false, NULL);
    }
    return -1;
}

static void t57_slow_head_is_cut(void **state)
{
    int64_t took;
    int fd = client_open(*state);
    client_send(fd, "GET /hello HTTP/1.1\r\n");
    assert_int_equal(trickle(fd, "X: y\r\n", &took), 408);
    assert_in_range(took, 400, 1500);
    assert_true(client_closed(fd, 3000));
    (void)close(fd);
}

static void t57_slow_second_head_is_cut(void **state)
{
    int64_t took;
    int fd = client_open(*state);
    client_send(fd, HELLO);
    assert_int_equal(client_answer(fd, false, NULL), 200);
    client_send(fd, "GET");
    assert_int_equal(trickle(fd, "G", &took), 408);
    assert_in_range(took, 400, 1500);
    (void)close(fd);
}

static void t57_silent_and_idle_are_cut(void **state)
{
    int silent = client_open(*state);
    int idle = client_open(*state);
    client_send(idle, HELLO);
    assert_int_equal(client_answer(idle, false, NULL), 200);
    assert_true(client_closed(silent, 1500));
    assert_true(client_closed(idle, 1500));
    (void)close(silent);
    (void)close(idle);
}

static void t57_slow_body_is_cut(void **state)
{
    int64_t took;
    int fd = client_open(*state);
    client_send(fd, "PUT /count HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\n");
    assert_int_equal(trickle(fd, "b", &took), 0);
    assert_in_range(took, 500, 2000);
    (void)close(fd);
    wait_for(&fixture.aborted, 1);
    wait_for(&fixture.destroyed, 1);
}

static void t57_slow_collected_body_is_cut(void **state)
{
    int64_t took;
    int fd = client_open(*state);
    client_send(fd, "POST /collect HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\n");
    assert_int_equal(trickle(fd, "b", &took), 0);
    assert_in_range(took, 500, 2000);
    (void)close(fd);
}

/* A body that keeps the minimum rate lives longer than the grace. */
static void test_steady_body_lives(void **state)
{
    char piece[256];
    int fd = client_open(*state);
    memset(piece, 'b', sizeof piece);
    client_send(fd, "PUT /count HTTP/1.1\r\n" HOST "Content-Length: 5120\r\n\r\n");
    for (int i = 0; i < 20; i++) { /* 2560 bytes a second */
        client_send_len(fd, piece, sizeof piece);
        (void)usleep(100000);
    }
    assert_int_equal(client_answer(fd, false, NULL), 201);
    (void)close(fd);
}

/* Time in which the sink works is not the client's. */
static void test_slow_disk_is_not_the_clients_fault(void **state)
{
    AUTO_FREE char *piece = xcalloc(1, 1024 * 1024);
    int fd = client_open(*state);
    client_send(fd, "PUT /slow-disk HTTP/1.1\r\n" HOST "Content-Length: 16777216\r\n\r\n"); /* 32 pieces: 1.6 s */
    for (int i = 0; i < 16; i++)
        client_send_len(fd, piece, 1024 * 1024);
    assert_int_equal(client_answer(fd, false, NULL), 201);
    (void)close(fd);
}

static void t57_slow_reader_is_cut(void **state)
{
    int fd = client_open(*state);
    int small = 4096;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    for (int i = 0; i < 40; i++) /* more than the socket buffers hold */
        client_send(fd, "GET /file HTTP/1.1\r\n" HOST "\r\n");
    (void)usleep(1500000); /* some are sent; one is stuck, and cut after the grace */
    assert_in_range(fixture.handled, 1, 39);
    assert_int_equal(fixture.destroyed, fixture.handled);
    assert_true(fixture.sent < FILE_SIZE);
    (void)close(fd);
}

static void t59_broken_chunks_are_refused(void **state)
{
    static const char *const BODIES[] = {"0x4\r\nbody\r\n0\r\n\r\n", "ffffffffffffffff\r\n", "4\r\nbodyx\r\n",
                                         "4\nbody\r\n0\r\n\r\n", "0\r\nGET / HTTP/1.1\r\n\r\n"};
    for (size_t i = 0; i < ARRAY_LEN(BODIES); i++) {
        int fd = client_open(*state);
        client_send(fd, "PUT /count HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
        client_send(fd, BODIES[i]);
        assert_int_equal(client_answer(fd, false, NULL), 400);
        assert_true(client_closed(fd, 3000));
        (void)close(fd);
    }
    wait_for(&fixture.aborted, ARRAY_LEN(BODIES));
    wait_for(&fixture.destroyed, ARRAY_LEN(BODIES));
    assert_int_equal(fixture.finished, 0);
}

/* A body shorter than its length publishes nothing. */
static void t60_short_body_aborts(void **state)
{
    int fd = client_open(*state);
    client_send(fd, "PUT /count HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nshort");
    (void)close(fd);
    wait_for(&fixture.aborted, 1);
    assert_int_equal(fixture.finished, 0);
}

/* The smuggled request must not be answered. */
static void t56_smuggled_request(void **state)
{
    AUTO_STR struct str all = STR_INIT(4096);
    int fd = client_open(*state);
    client_send(fd, "PUT /count HTTP/1.1\r\n" HOST "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "0\r\n\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n");
    client_drain(fd, &all);
    (void)close(fd);
    assert_int_equal(strncmp(str_text(&all), "HTTP/1.1 400 ", 13), 0);
    assert_null(strstr(str_text(&all) + 1, "HTTP/1.1"));
    assert_int_equal(fixture.handled, 0);
}

static void test_connections_per_address(void **state)
{
    int fds[5];
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        fds[i] = client_open(*state);
    for (size_t i = 0; i < 3; i++) {
        client_send(fds[i], HELLO);
        assert_int_equal(client_answer(fds[i], false, NULL), 200);
    }
    for (size_t i = 3; i < 5; i++) {
        assert_int_equal(client_answer(fds[i], false, NULL), 503);
        assert_true(client_closed(fds[i], 1000));
    }
    (void)close(fds[0]); /* its place is free again */
    (void)usleep(50000);
    assert_int_equal(client_ask(*state, HELLO, NULL), 200);
    for (size_t i = 1; i < 5; i++)
        (void)close(fds[i]);
}

/* A full server gives up idle connections, never busy ones. */
static void t57_full_server(void **state)
{
    int fds[20];
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = client_open(*state);
        client_send(fds[i], i == 7 ? HELLO : "PUT /count HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n");
        if (i == 7)
            assert_int_equal(client_answer(fds[i], false, NULL), 200);
    }
    wait_for(&fixture.handled, ARRAY_LEN(fds));
    (void)usleep(20000);
    int another = client_open(*state);
    client_send(another, "PUT /count HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbod");
    assert_true(client_closed(fds[7], 300));
    int one_too_many = client_open(*state);
    assert_int_equal(client_answer(one_too_many, false, NULL), 503);
    client_send(another, "y");
    assert_int_equal(client_answer(another, false, NULL), 201);
    (void)close(one_too_many);
    (void)close(another);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        (void)close(fds[i]);
}

/* Without a free descriptor a new client is closed at once, not left hanging, and the server goes on. */
static void test_out_of_descriptors(void **state)
{
    struct rlimit before;
    int fill[256];
    size_t count = 0;
    int early = client_open(*state);
    int late = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(fixture.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client_send(early, HELLO);
    assert_int_equal(client_answer(early, false, NULL), 200);

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit few = {.rlim_cur = ARRAY_LEN(fill), .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    while (count < ARRAY_LEN(fill) && (fill[count] = dup(early)) >= 0)
        count++;
    assert_int_equal(errno, EMFILE);
    assert_int_equal(connect(late, (struct sockaddr *)&address, sizeof address), 0);
    assert_true(client_closed(late, 2000));
    client_send(early, HELLO);
    assert_int_equal(client_answer(early, false, NULL), 200);

    while (count > 0)
        (void)close(fill[--count]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(client_ask(*state, HELLO, NULL), 200);
    (void)close(early);
    (void)close(late);
}

static void abort_a_transfer(struct fixture *f, const char *request)
{
    int fd = client_open(f);
    client_send(fd, request);
    wait_for(&f->handled, f->handled < 1 ? 1 : f->handled);
    int64_t end = clock_mono_ms() + 5000;
    while (!fixture_abort(f) && clock_mono_ms() < end)
        (void)usleep(1000);
    assert_true(client_closed(fd, 500));
    (void)close(fd);
    wait_for(&f->destroyed, 1);
}

static void test_abort_while_waiting_for_the_client(void **state)
{
    abort_a_transfer(*state, "PUT /count HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nhalf");
    assert_int_equal(fixture.aborted, 1);
    assert_int_equal(fixture.finished, 0);
}

static void *keep_sending(void *ctx)
{
    AUTO_FREE char *piece = xcalloc(1, 1024 * 1024);
    for (int i = 0; i < 1024; i++)
        client_send_len(*(int *)ctx, piece, 1024 * 1024);
    return NULL;
}

static void test_abort_while_running(void **state)
{
    pthread_t sender;
    int fd = client_open(*state);
    client_send(fd, "PUT /slow-disk HTTP/1.1\r\n" HOST "Content-Length: 1073741824\r\n\r\n");
    assert_int_equal(pthread_create(&sender, NULL, keep_sending, &fd), 0);
    wait_for(&fixture.handled, 1);
    (void)usleep(100000);
    int64_t began = clock_mono_ms();
    assert_true(fixture_abort(*state));
    wait_for(&fixture.destroyed, 1);
    assert_in_range(clock_mono_ms() - began, 0, 1000);
    assert_int_equal(fixture.aborted, 1);
    pthread_join(sender, NULL);
    (void)close(fd);
}

static void test_abort_of_a_download(void **state)
{
    int fd = client_open(*state);
    int small = 4096;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    for (int i = 0; i < 40; i++)
        client_send(fd, "GET /file HTTP/1.1\r\n" HOST "\r\n");
    (void)usleep(200000); /* some are sent, one is stuck */
    assert_true(fixture_abort(*state));
    wait_for(&fixture.destroyed, fixture.handled);
    assert_int_equal(fixture.done, fixture.handled);
    (void)close(fd);
}

/* Uploads that wait for a buffer can be aborted as well. */
static void test_abort_by_the_client_everywhere(void **state)
{
    AUTO_FREE char *piece = xcalloc(1, 256 * 1024);
    int fds[10];
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = client_open(*state);
        client_send(fds[i], "PUT /slow-disk HTTP/1.1\r\n" HOST "Content-Length: 1073741824\r\n\r\n");
        client_send_len(fds[i], piece, 256 * 1024);
    }
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        (void)close(fds[i]);
    wait_for(&fixture.aborted, ARRAY_LEN(fds));
    wait_for(&fixture.destroyed, ARRAY_LEN(fds));
}

/* Stop: what runs may end within the grace; idle connections close at once; then everything is cut. */
static void test_graceful_stop(void **state)
{
    int idle = client_open(*state);
    client_send(idle, HELLO);
    assert_int_equal(client_answer(idle, false, NULL), 200);
    int busy = client_open(*state);
    client_send(busy, "PUT /count HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbo");
    wait_for(&fixture.handled, 2);
    http_server_stop(fixture.server, 2000);
    assert_true(client_closed(idle, 500));
    client_send(busy, "dy");
    AUTO_STR struct str head = STR_INIT(4096);
    assert_int_equal(client_answer(busy, true, &head), 201);
    assert_non_null(strstr(str_text(&head), "\r\nConnection: close\r\n"));
    assert_true(client_closed(busy, 500));
    (void)close(idle);
    (void)close(busy);
}

static void test_stop_cuts_after_the_grace(void **state)
{
    int busy = client_open(*state);
    int half = client_open(*state);
    client_send(busy, "PUT /count HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbo");
    client_send(half, "GET /hello");
    wait_for(&fixture.handled, 1);
    int64_t began = clock_mono_ms();
    http_server_stop(fixture.server, 200);
    assert_true(client_closed(busy, 1000));
    assert_true(client_closed(half, 1000));
    wait_for(&fixture.aborted, 1);
    assert_in_range(clock_mono_ms() - began, 150, 900);
    (void)close(busy);
    (void)close(half);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        TEST(t57_slow_head_is_cut),
        TEST(t57_slow_second_head_is_cut),
        TEST(t57_silent_and_idle_are_cut),
        TEST(t57_slow_body_is_cut),
        TEST(t57_slow_collected_body_is_cut),
        TEST(test_steady_body_lives),
        TEST(test_slow_disk_is_not_the_clients_fault),
        TEST(t57_slow_reader_is_cut),
        TEST(t59_broken_chunks_are_refused),
        TEST(t60_short_body_aborts),
        TEST(t56_smuggled_request),
        cmocka_unit_test_setup_teardown(test_connections_per_address, start_with_few_per_address, stop),
        TEST(t57_full_server),
        TEST(test_out_of_descriptors),
        TEST(test_abort_while_waiting_for_the_client),
        TEST(test_abort_while_running),
        TEST(test_abort_of_a_download),
        TEST(test_abort_by_the_client_everywhere),
        TEST(test_graceful_stop),
        TEST(test_stop_cuts_after_the_grace),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
