/* Replies from a program's memory: whole, cut short, to a slow client, and without a body. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "harness.h"

#define HOST "Host: a\r\n"
#define HELLO "GET /hello HTTP/1.1\r\n" HOST "\r\n"
#define BYTES "GET /bytes HTTP/1.1\r\n" HOST "\r\n"

static struct fixture fixture;

static int start(void **state)
{
    struct http_settings settings = fixture_settings();
    fixture_start(&fixture, &settings);
    *state = &fixture;
    return 0;
}

/* What a client's kernel takes in must not earn it minutes. */
static int start_demanding(void **state)
{
    struct http_settings settings = fixture_settings();
    settings.min_body_rate = 4 * 1024 * 1024;
    fixture_start(&fixture, &settings);
    *state = &fixture;
    return 0;
}

static int stop(void **state)
{
    fixture_stop(*state, 2000);
    return 0;
}

static void assert_bytes(const struct str *body)
{
    assert_int_equal(body->len, BYTES_SIZE);
    for (size_t i = 0; i < BYTES_SIZE; i++)
        if ((unsigned char)body->p[i] != file_byte(i))
            fail_msg("byte %zu differs", i);
}

static void test_whole(void **state)
{
    AUTO_STR struct str body = STR_INIT(2 * BYTES_SIZE);
    int fd = client_open(*state);
    for (int round = 1; round <= 3; round++) { /* on one connection: nothing is left over */
        client_send(fd, BYTES);
        assert_int_equal(client_answer(fd, false, &body), 200);
        assert_bytes(&body);
        wait_for(&fixture.done, round);
        assert_int_equal(fixture.sent, BYTES_SIZE);
        assert_int_equal(fixture.reads, (int)(BYTES_SIZE / BYTES_PIECE) * round);
    }
    (void)close(fd);
}

/* The socket takes less than a piece; the position is kept, and the source is asked no further meanwhile. */
static void test_slow_client_parks(void **state)
{
    AUTO_STR struct str body = STR_INIT(2 * BYTES_SIZE);
    int fd = client_open(*state);
    int small = 128 * 1024; /* smaller ones make a large body slow */
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    client_send(fd, BYTES HELLO);
    (void)usleep(200000);
    assert_int_equal(fixture.done, 0);
    assert_in_range(fixture.reads, 1, BYTES_SIZE / BYTES_PIECE - 1);
    int parked = fixture.reads;
    (void)usleep(100000);
    assert_int_equal(fixture.reads, parked);
    assert_int_equal(client_answer(fd, false, &body), 200);
    assert_bytes(&body);
    assert_int_equal(client_answer(fd, false, NULL), 200);
    wait_for(&fixture.done, 1);
    (void)close(fd);
}

static void test_client_that_takes_nothing_is_cut(void **state)
{
    int fd = client_open(*state);
    int small = 4096;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    client_send(fd, BYTES);
    wait_for(&fixture.done, 1); /* after the grace */
    assert_true(fixture.sent < BYTES_SIZE);
    (void)close(fd);
}

/* A source that ends early or fails: the client sees that the body is short. */
static void test_short_source_cuts(void **state)
{
    static const char *const REQUESTS[] = {"GET /short-bytes HTTP/1.1\r\n" HOST "\r\n" HELLO,
                                           "GET /broken-bytes HTTP/1.1\r\n" HOST "\r\n" HELLO};
    for (size_t i = 0; i < ARRAY_LEN(REQUESTS); i++) {
        AUTO_STR struct str all = STR_INIT(2 * BYTES_SIZE);
        int fd = client_open(*state);
        client_send(fd, REQUESTS[i]);
        client_drain(fd, &all);
        assert_in_range(all.len, BYTES_PIECE, BYTES_PIECE + 1024);
        (void)close(fd);
        wait_for(&fixture.done, (int)i + 1);
        assert_int_equal(fixture.sent, BYTES_PIECE);
    }
    assert_int_equal(fixture.done, ARRAY_LEN(REQUESTS));
}

static void test_head(void **state)
{
    AUTO_STR struct str head = STR_INIT(4096);
    int fd = client_open(*state);
    client_send(fd, "HEAD /bytes HTTP/1.1\r\n" HOST "\r\n" HELLO);
    assert_int_equal(client_answer(fd, true, &head), 200);
    assert_non_null(strstr(str_text(&head), "\r\nContent-Length: 8388608\r\n"));
    assert_int_equal(client_answer(fd, false, NULL), 200);
    wait_for(&fixture.done, 1);
    assert_int_equal(fixture.sent, 0);
    assert_int_equal(fixture.reads, 0);
    (void)close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest TESTS[] = {
        TEST(test_whole),
        TEST(test_slow_client_parks),
        cmocka_unit_test_setup_teardown(test_client_that_takes_nothing_is_cut, start_demanding, stop),
        TEST(test_short_source_cuts),
        TEST(test_head),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
