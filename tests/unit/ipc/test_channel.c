/* Frames over a socket pair: pieces, sizes, descriptors, nonsense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "ipc/channel.h"
#include "ipc/peer.h"

static void pair(struct channel **a, struct channel **b)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    *a = channel_new(fds[0]);
    *b = channel_new(fds[1]);
}

static void frames_arrive_in_order(void **state UNUSED)
{
    struct channel *a, *b;
    pair(&a, &b);
    for (int i = 0; i < 100; i++) {
        AUTO_JSON json_t *message = json_pack("{s:i}", "n", i);
        assert_int_equal(channel_send(a, message, NULL, 0, NULL), 0);
    }
    for (int i = 0; i < 100; i++) {
        struct frame frame = {0};
        assert_int_equal(channel_receive(b, &frame, NULL), 1);
        assert_int_equal(json_int(frame.message, "n"), i);
        frame_done(&frame);
    }
    struct frame none = {0};
    assert_int_equal(channel_receive(b, &none, NULL), 0);
    channel_free(a);
    assert_int_equal(channel_receive(b, &none, NULL), E_UNAVAILABLE);
    channel_free(b);
}

static void a_huge_frame_passes_and_a_larger_one_does_not(void **state UNUSED)
{
    struct channel *a, *b;
    struct frame frame = {0};
    pair(&a, &b);
    AUTO_FREE char *text = xmalloc(8 << 20);
    memset(text, 'x', (8 << 20) - 1);
    text[(8 << 20) - 1] = '\0';
    AUTO_JSON json_t *message = json_pack("{s:s}", "t", text);
    assert_int_equal(channel_send(a, message, NULL, 0, NULL), 0);
    int r = 0;
    while (r == 0) {
        assert_int_equal(channel_flush(a, NULL), 0);
        r = channel_receive(b, &frame, NULL);
    }
    assert_int_equal(r, 1);
    assert_int_equal(strlen(json_text(frame.message, "t")), (8 << 20) - 1);
    frame_done(&frame);
    AUTO_JSON json_t *larger = json_pack("{s:s, s:s, s:s}", "a", text, "b", text, "c", text);
    assert_int_equal(channel_send(a, larger, NULL, 0, NULL), E_LIMIT);
    channel_free(a);
    channel_free(b);
}

static void descriptors_come_with_their_own_frame(void **state UNUSED)
{
    struct channel *a, *b;
    pair(&a, &b);
    AUTO_FD int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    AUTO_JSON json_t *plain = json_pack("{s:s}", "op", "plain");
    AUTO_JSON json_t *with = json_pack("{s:s}", "op", "with");
    assert_int_equal(channel_send(a, plain, NULL, 0, NULL), 0);
    assert_int_equal(channel_send(a, with, &null, 1, NULL), 0);
    assert_int_equal(channel_send(a, plain, NULL, 0, NULL), 0);
    for (int i = 0; i < 3; i++) {
        struct frame frame = {0};
        struct stat st;
        assert_int_equal(channel_receive(b, &frame, NULL), 1);
        assert_int_equal(frame.fd_count, i == 1 ? 1 : 0);
        if (i == 1)
            assert_int_equal(fstat(frame.fds[0], &st), 0);
        frame_done(&frame);
    }
    channel_free(a);
    channel_free(b);
}

static void nonsense_is_refused(void **state UNUSED)
{
    static const struct {
        const char *bytes;
        size_t len;
    } ROWS[] = {
        {"\xff\xff\xff\xff\0", 5}, {"\0\0\0\0\0", 5}, {"\2\0\0\0\0[]", 7}, {"\2\0\0\0\1{}", 7}, {"\3\0\0\0\0{]}", 8}};
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        int fds[2];
        struct frame frame = {0};
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
        struct channel *b = channel_new(fds[1]);
        assert_int_equal(write(fds[0], ROWS[i].bytes, ROWS[i].len), (ssize_t)ROWS[i].len);
        assert_int_equal(channel_receive(b, &frame, NULL), E_PROTOCOL);
        channel_free(b);
        (void)close(fds[0]);
    }
}

static void every_message_has_one_row(void **state UNUSED)
{
    for (int i = 0; i < MESSAGE_COUNT; i++) {
        enum message found;
        assert_true(message_by_op(message_op((enum message)i), &found));
        assert_int_equal(found, i); /* no op stands twice */
    }
    assert_true(message_allowed(MESSAGE_BLOB_PUT, PEER_BLOB_EXTERNAL, PEER_CORE));
    assert_false(message_allowed(MESSAGE_BLOB_PUT, PEER_API, PEER_CORE));
    assert_false(message_allowed(MESSAGE_REQUEST_REVIEW, PEER_MOVER, PEER_CORE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_arrive_in_order),
        cmocka_unit_test(a_huge_frame_passes_and_a_larger_one_does_not),
        cmocka_unit_test(descriptors_come_with_their_own_frame),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(every_message_has_one_row),
    };
    return cmocka_run_group_tests_name("ipc/channel", tests, NULL, NULL);
}
