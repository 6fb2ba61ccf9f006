/* Sinks that keep buffers, as one does whose disk writes from them: nothing is touched before it is released, pieces
 * lie at even places of the file wherever the body begins there, and the pool gets everything back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "harness.h"

#define HOST "Host: a\r\n"
#define BODY ((size_t)20 * 1024 * 1024 + 123)
#define KEPT_MAX 4
#define DISK_US 2000
#define ODD_PLACE 5000u

struct keeper {
    uint64_t at;
    unsigned kept;
    pthread_t disks[KEPT_MAX]; /* a thread for each kept buffer */
    struct disk {
        struct http_exchange *x;
        const char *bytes;
        uint64_t at;
        bool same;
    } jobs[KEPT_MAX];
};

static struct fixture fixture;
static atomic_uint uneven_pieces, kept_pieces;
static atomic_bool content_stayed;

static void *disk_write(void *ctx)
{
    struct disk *disk = ctx;
    (void)usleep(DISK_US);
    disk->same = true;
    for (size_t i = 0; i < HTTP_BUFFER_ALIGN; i++)
        disk->same &= disk->bytes[i] == (char)file_byte((size_t)disk->at + i);
    http_buffer_release(disk->x, (void *)disk->bytes);
    return NULL;
}

static void wait_for_disks(struct keeper *k)
{
    for (unsigned i = 0; i < k->kept; i++) {
        pthread_join(k->disks[i], NULL);
        if (!k->jobs[i].same)
            atomic_store(&content_stayed, false);
    }
    k->kept = 0;
}

/* Keeps what is long enough to be worth it. */
static int keep_write(struct http_exchange *x, const void *bytes, size_t len, void *ctx)
{
    struct keeper *k = ctx;
    uint64_t at = k->at;

    k->at += len;
    if ((ODD_PLACE + at) % HTTP_BUFFER_ALIGN != 0 && at > 0)
        atomic_fetch_add(&uneven_pieces, 1);
    if (len < HTTP_BUFFER_ALIGN || (uintptr_t)bytes % HTTP_BUFFER_ALIGN != 0)
        return 0;
    if (k->kept == KEPT_MAX)
        wait_for_disks(k);
    struct disk *disk = &k->jobs[k->kept];
    *disk = (struct disk){.x = x, .bytes = bytes, .at = at};
    assert_int_equal(pthread_create(&k->disks[k->kept++], NULL, disk_write, disk), 0);
    atomic_fetch_add(&kept_pieces, 1);
    return HTTP_BUFFER_KEPT;
}

static void keep_finish(struct http_exchange *x, void *ctx)
{
    wait_for_disks(ctx);
    fixture.finished++;
    http_reply_empty(x, 201);
}

static void keep_aborted(struct http_exchange *x, void *ctx)
{
    (void)x;
    wait_for_disks(ctx);
    fixture.aborted++;
}

static void keep_handler(struct http_exchange *x, void *ctx)
{
    struct keeper *k = xcalloc(1, sizeof *k);
    struct http_sink sink = {
        .write = keep_write, .finish = keep_finish, .aborted = keep_aborted, .ctx = k, .place = ODD_PLACE};
    (void)ctx;
    http_exchange_set_state(x, k, free);
    http_accept_body(x, &sink);
}

static int start(void **state)
{
    struct http_settings settings = fixture_settings();
    settings.handler = keep_handler;
    fixture_start(&fixture, &settings);
    atomic_store(&uneven_pieces, 0);
    atomic_store(&kept_pieces, 0);
    atomic_store(&content_stayed, true);
    *state = &fixture;
    return 0;
}

static int stop(void **state)
{
    fixture_stop(*state, 2000);
    return 0;
}

static void *put_body(void *ctx)
{
    AUTO_FREE char *body = xmalloc(BODY);
    AUTO_FREE char *head = xasprintf("PUT / HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n", BODY);
    int fd = client_open(ctx);

    for (size_t i = 0; i < BODY; i++)
        body[i] = (char)file_byte(i);
    client_send(fd, head);
    client_send_len(fd, body, BODY);
    assert_int_equal(client_answer(fd, false, NULL), 201);
    (void)close(fd);
    return NULL;
}

/* How many buffers of the pool are free. */
static unsigned pool_rest(void)
{
    unsigned count = 0;
    pthread_mutex_lock(&fixture.server->lock);
    for (void *buffer = fixture.server->free_buffers; buffer; memcpy(&buffer, buffer, sizeof buffer))
        count++;
    pthread_mutex_unlock(&fixture.server->lock);
    return count;
}

static void test_one(void **state)
{
    put_body(*state);
    assert_true(atomic_load(&content_stayed));
    assert_true(atomic_load(&kept_pieces) >= BODY / HTTP_BUFFER_SIZE);
    assert_int_equal(atomic_load(&uneven_pieces), 0); /* one that waits keeps its buffer, and goes on filling it */
    assert_int_equal(pool_rest(), fixture.server->buffers_made);
}

/* More than the pool has for: nobody starves, and all comes back. */
static void test_many(void **state)
{
    pthread_t threads[8];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, put_body, *state), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(fixture.finished, 8);
    assert_true(atomic_load(&content_stayed));
    assert_in_range(fixture.server->buffers_made, 1, 4);
    assert_int_equal(pool_rest(), fixture.server->buffers_made);
}

static void test_gone_client(void **state)
{
    AUTO_FREE char *body = xcalloc(1, BODY);
    int fd = client_open(*state);
    client_send(fd, "PUT / HTTP/1.1\r\n" HOST "Content-Length: 1000000000\r\n\r\n");
    client_send_len(fd, body, BODY);
    (void)close(fd);
    wait_for(&fixture.aborted, 1);
    for (int i = 0; i < 1000 && pool_rest() < fixture.server->buffers_made; i++)
        (void)usleep(1000);
    assert_int_equal(pool_rest(), fixture.server->buffers_made);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, start, stop)

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        TEST(test_one),
        TEST(test_many),
        TEST(test_gone_client),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
