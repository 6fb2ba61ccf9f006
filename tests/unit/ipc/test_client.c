/* Questions over a channel that dies: what is repeated, what is unknown, what waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#include "ipc/client.h"

/* A core that answers, or dies at a chosen question. */
struct server {
    struct ipc_client *client;
    int die_at; /* 0: never; n: close instead of the n-th answer, then serve on a new channel */
    int answered;
    int lends; /* a descriptor that rides on each answer; 0: none */
    bool refuses;
    struct channel *own;
};

static void server_connect(struct server *s)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    channel_free(s->own);
    s->own = channel_new(fds[0]);
    ipc_client_attach(s->client, fds[1]);
}

/* The pump of a single-threaded program, playing both ends. */
static void pump(int timeout_ms UNUSED, void *ctx)
{
    struct server *s = ctx;
    struct frame frame = {0};

    if (!s->own) {
        server_connect(s);
        return;
    }
    if (channel_receive(s->own, &frame, NULL) == 1) {
        if (s->die_at && ++s->answered == s->die_at) {
            channel_free(s->own);
            s->own = NULL;
        } else {
            const struct error no = {.code = E_NOT_FOUND, .detail = "no"};
            int64_t id = json_int(frame.message, "id");
            AUTO_JSON json_t *answer =
                s->refuses ? message_refusal(id, &no) : message_answer(id, json_pack("{s:s}", "said", "yes"));
            assert_int_equal(channel_send(s->own, answer, &s->lends, s->lends > 0, NULL), 0);
        }
    }
    frame_done(&frame);
    ipc_client_readable(s->client);
}

static int ask(struct server *s, enum message message, json_t **ret_ok)
{
    return ipc_call(s->client, message, json_object(), ret_ok, NULL);
}

static void an_answer_comes_back(void **state UNUSED)
{
    struct server s = {0};
    AUTO_JSON json_t *ok = NULL;
    s.client = ipc_client_new(NULL, pump, &s);
    assert_int_equal(ask(&s, MESSAGE_REQUEST_GET, &ok), 0); /* waits for the first channel */
    assert_string_equal(json_text(ok, "said"), "yes");
    channel_free(s.own);
    ipc_client_free(s.client);
}

static void a_question_that_may_be_repeated_is(void **state UNUSED)
{
    struct server s = {.die_at = 1};
    AUTO_JSON json_t *ok = NULL;
    s.client = ipc_client_new(NULL, pump, &s);
    assert_int_equal(ask(&s, MESSAGE_REQUEST_GET, &ok), 0);
    channel_free(s.own);
    ipc_client_free(s.client);
}

static void any_other_has_an_unknown_outcome(void **state UNUSED)
{
    struct server s = {.die_at = 1};
    s.client = ipc_client_new(NULL, pump, &s);
    assert_int_equal(ask(&s, MESSAGE_REQUEST_SUBMIT, NULL), E_UNKNOWN);
    assert_int_equal(ask(&s, MESSAGE_REQUEST_SUBMIT, NULL), 0); /* and the next one goes through */
    channel_free(s.own);
    ipc_client_free(s.client);
}

static unsigned open_descriptors(void)
{
    unsigned count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void a_descriptor_rides_on_an_answer(void **state UNUSED)
{
    struct server s = {0};
    AUTO_JSON json_t *ok = NULL;
    int ends[2], fd = -1;
    char byte = 0;

    s.client = ipc_client_new(NULL, pump, &s);
    assert_int_equal(ipc_call_fd(s.client, MESSAGE_OBJECT_OPEN, json_object(), NULL, &fd, NULL), 0);
    assert_int_equal(fd, -1); /* none came */
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    s.lends = ends[0];
    assert_int_equal(ipc_call_fd(s.client, MESSAGE_OBJECT_OPEN, json_object(), &ok, &fd, NULL), 0);
    assert_string_equal(json_text(ok, "said"), "yes");
    assert_int_equal(read(fd, &byte, 1), 1);
    assert_int_equal(byte, 'x');
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(close(fd), 0);
    (void)close(ends[0]);
    (void)close(ends[1]);
    channel_free(s.own);
    ipc_client_free(s.client);
}

/* Nobody keeps what rides on an answer that nobody wanted it on. */
static void a_descriptor_that_is_not_wanted_is_closed(void **state UNUSED)
{
    struct server s = {0};
    int fd = -1;

    s.client = ipc_client_new(NULL, pump, &s);
    assert_int_equal(ask(&s, MESSAGE_REQUEST_GET, NULL), 0);
    s.lends = open("/dev/null", O_RDONLY | O_CLOEXEC);
    unsigned before = open_descriptors();
    assert_int_equal(ask(&s, MESSAGE_REQUEST_GET, NULL), 0);
    s.refuses = true;
    assert_int_equal(ipc_call_fd(s.client, MESSAGE_OBJECT_OPEN, json_object(), NULL, &fd, NULL), E_NOT_FOUND);
    assert_int_equal(fd, -1);
    assert_int_equal(open_descriptors(), before);
    (void)close(s.lends);
    channel_free(s.own);
    ipc_client_free(s.client);
}

/* The pump asks, too, as one does that has to beat while it waits. */
static int inner_result = 1;

static void asking_pump(int timeout_ms, void *ctx)
{
    struct server *s = ctx;
    static bool within;

    if (!within && inner_result == 1) {
        within = true;
        inner_result = ask(s, MESSAGE_REQUEST_GET, NULL);
        within = false;
    }
    pump(timeout_ms, ctx);
}

static void a_pump_may_ask(void **state UNUSED)
{
    struct server s = {0};

    s.client = ipc_client_new(NULL, asking_pump, &s);
    assert_int_equal(ask(&s, MESSAGE_REQUEST_GET, NULL), 0);
    assert_int_equal(inner_result, 0);
    channel_free(s.own);
    ipc_client_free(s.client);
}

static void no_pump(int timeout_ms, void *ctx UNUSED)
{
    (void)poll(NULL, 0, timeout_ms);
}

static void without_a_channel_the_wait_is_bounded(void **state UNUSED)
{
    struct ipc_client *client = ipc_client_new(NULL, no_pump, NULL);
    struct error err = {0};
    assert_int_equal(ipc_call(client, MESSAGE_REQUEST_GET, json_object(), NULL, &err), E_UNAVAILABLE);
    ipc_client_free(client);
}

#define ASKERS 8

struct asker {
    struct ipc_client *client;
    json_int_t number;
    int result;
    json_int_t heard;
};

static void *asker_main(void *ctx)
{
    struct asker *asker = ctx;
    AUTO_JSON json_t *ok = NULL;

    asker->result =
        ipc_call(asker->client, MESSAGE_REQUEST_SUBMIT, json_pack("{s:I}", "number", asker->number), &ok, NULL);
    asker->heard = asker->result == 0 ? json_int(ok, "number") : 0;
    return NULL;
}

static void receive_all(struct channel *core, struct frame frames[static ASKERS])
{
    for (int i = 0; i < ASKERS;) {
        struct pollfd ready = {.fd = channel_fd(core), .events = POLLIN};
        assert_int_equal(poll(&ready, 1, 10000), 1);
        while (i < ASKERS && channel_receive(core, &frames[i], NULL) == 1)
            i++;
    }
}

/* The last to ask is the first to hear; the answers after the half never come. */
static void everybody_hears_the_own_answer(void **state UNUSED)
{
    struct server s = {.client = ipc_client_new(NULL, NULL, NULL)};
    struct asker askers[ASKERS];
    pthread_t threads[ASKERS];
    struct frame frames[ASKERS] = {0};
    int heard = 0;

    server_connect(&s);
    for (int i = 0; i < ASKERS; i++) {
        askers[i] = (struct asker){.client = s.client, .number = i + 1};
        assert_int_equal(pthread_create(&threads[i], NULL, asker_main, &askers[i]), 0);
    }
    receive_all(s.own, frames);
    for (int i = ASKERS - 1; i >= ASKERS / 2; i--) {
        AUTO_JSON json_t *answer = message_answer(json_int(frames[i].message, "id"),
                                                  json_pack("{s:I}", "number", json_int(frames[i].message, "number")));
        assert_int_equal(channel_send(s.own, answer, NULL, 0, NULL), 0);
    }
    channel_free(TAKE_PTR(s.own));
    ipc_client_readable(s.client);
    for (int i = 0; i < ASKERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(askers[i].result == 0 ? askers[i].heard == askers[i].number : askers[i].result == E_UNKNOWN);
        heard += askers[i].result == 0;
        frame_done(&frames[i]);
    }
    assert_int_equal(heard, ASKERS / 2);
    ipc_client_free(s.client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_comes_back),
        cmocka_unit_test(a_question_that_may_be_repeated_is),
        cmocka_unit_test(any_other_has_an_unknown_outcome),
        cmocka_unit_test(a_descriptor_rides_on_an_answer),
        cmocka_unit_test(a_descriptor_that_is_not_wanted_is_closed),
        cmocka_unit_test(a_pump_may_ask),
        cmocka_unit_test(without_a_channel_the_wait_is_bounded),
        cmocka_unit_test(everybody_hears_the_own_answer),
    };
    return cmocka_run_group_tests_name("ipc/client", tests, NULL, NULL);
}
