/* Questions over a channel that dies: what is repeated, what is unknown, what waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#include "ipc/client.h"

/* A core that answers, or dies at a chosen question. */
struct server {
    struct ipc_client *client;
    int die_at;   /* 0: never; n: close instead of the n-th answer, then serve on a new channel */
    int answered;
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
            AUTO_JSON json_t *answer = message_answer(json_int(frame.message, "id"), json_pack("{s:s}", "said", "yes"));
            assert_int_equal(channel_send(s->own, answer, NULL, 0, NULL), 0);
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
        AUTO_JSON json_t *answer = message_answer(
            json_int(frames[i].message, "id"), json_pack("{s:I}", "number", json_int(frames[i].message, "number")));
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
        cmocka_unit_test(without_a_channel_the_wait_is_bounded),
        cmocka_unit_test(everybody_hears_the_own_answer),
    };
    return cmocka_run_group_tests_name("ipc/client", tests, NULL, NULL);
}
