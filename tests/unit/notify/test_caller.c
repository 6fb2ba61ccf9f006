/* Calls to a receiver of this test's own, which answers as it is told. */
#include "../check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "notify/caller.h"

#define PATIENCE_MS 20000
#define HEAD_MAX 4096

struct receiver {
    int listener;
    unsigned port;
    pthread_t thread;
    const char *answer; /* NULL: none ever */
    size_t body;        /* bytes that follow it */
    atomic_int connections;
    char seen[HEAD_MAX];
};

static void receive(struct receiver *r, int fd)
{
    size_t len = 0;
    char zeros[1024];

    while (len < HEAD_MAX - 1 && !strstr(r->seen, "the body")) {
        ssize_t got = read(fd, r->seen + len, HEAD_MAX - 1 - len);
        if (got <= 0)
            return;
        len += (size_t)got;
        r->seen[len] = '\0';
    }
    if (!r->answer) {
        (void)!read(fd, zeros, 1); /* until the caller has had enough */
        return;
    }
    (void)!write(fd, r->answer, strlen(r->answer));
    memset(zeros, '0', sizeof zeros);
    for (size_t sent = 0; sent < r->body; sent += sizeof zeros)
        if (send(fd, zeros, sizeof zeros, MSG_NOSIGNAL) <= 0)
            return;
}

static void *serve(void *arg)
{
    struct receiver *r = arg;

    for (;;) {
        int fd = accept(r->listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        atomic_fetch_add(&r->connections, 1);
        receive(r, fd);
        (void)close(fd);
    }
}

static void receiver_start(struct receiver *r)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;

    r->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(r->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(r->listener, 8), 0);
    assert_int_equal(getsockname(r->listener, (struct sockaddr *)&address, &len), 0);
    r->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&r->thread, NULL, serve, r), 0);
}

static void receiver_stop(struct receiver *r)
{
    (void)shutdown(r->listener, SHUT_RDWR);
    (void)pthread_join(r->thread, NULL);
    (void)close(r->listener);
}

struct outcome {
    bool done, delivered, reached;
    int64_t pause_s;
    char detail[300];
};

static void on_done(void *ctx, const struct caller_answer *answer)
{
    struct outcome *o = ctx;

    assert_false(o->done);
    *o = (struct outcome){
        .done = true, .delivered = answer->taken, .reached = answer->reached, .pause_s = answer->pause_s};
    (void)snprintf(o->detail, sizeof o->detail, "%s", answer->detail);
}

static struct outcome call_by(struct receiver *r, const char *host, const char *resolve, int64_t timeout_ms)
{
    const char *const list[] = {resolve, NULL};
    struct caller_config config = {.resolve = resolve ? list : NULL, .timeout_ms = timeout_ms};
    struct outcome outcome = {0};
    struct caller *caller = NULL;
    struct terms terms;
    bool readable[1];
    int none = -1;

    assert_int_equal(terms_init(&terms, "the.networks", "", "the.authorities", "", NULL), 0);
    assert_int_equal(caller_new(&config, &caller, NULL), 0);
    AUTO_FREE char *url = xasprintf("http://%s:%u/hook", host, r->port);
    AUTO_JSON json_t *headers = json_pack("[[s,s]]", "webhook-id", "x-1");
    caller_begin(caller, &(struct caller_post){.terms = &terms,
                                               .url = url,
                                               .body = "the body",
                                               .headers = headers,
                                               .done = on_done,
                                               .ctx = &outcome});
    for (int64_t began = clock_mono_ms(); !outcome.done && clock_mono_ms() < began + PATIENCE_MS;)
        caller_wait(caller, &none, readable, 1, 50);
    caller_free(caller);
    terms_done(&terms);
    assert_true(outcome.done);
    return outcome;
}

static struct outcome answered(const char *answer, size_t body, const char *host)
{
    static struct receiver r;

    r = (struct receiver){.answer = answer, .body = body};
    receiver_start(&r);
    struct outcome outcome = call_by(&r, host, NULL, answer ? 0 : 200);
    receiver_stop(&r);
    assert_int_equal(atomic_load(&r.connections), 1);
    assert_true(str_starts(r.seen, "POST /hook HTTP/1.1\r\n"));
    assert_non_null(strstr(r.seen, "\r\nwebhook-id: x-1\r\n"));
    return outcome;
}

static void what_is_taken_is_delivered(void **state)
{
    (void)state;
    assert_true(answered("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", 0, "127.0.0.1").delivered);
    assert_true(answered("HTTP/1.1 204 No Content\r\n\r\n", 0, "localhost").delivered);
}

static void what_is_not_taken_says_so(void **state)
{
    (void)state;
    struct outcome o = answered("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", 0, "127.0.0.1");
    assert_false(o.delivered);
    assert_true(o.reached);
    assert_int_equal(o.pause_s, 0);
    assert_string_equal(o.detail, "it answers with HTTP status 500");
}

static void an_answer_may_ask_for_a_pause_within_bounds(void **state)
{
    (void)state;
    assert_int_equal(answered("HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", 0, "127.0.0.1").pause_s, 7);
    assert_int_equal(
        answered("HTTP/1.1 503 Later\r\nRetry-After: 86400\r\nContent-Length: 0\r\n\r\n", 0, "127.0.0.1").pause_s, 60);
    assert_int_equal(answered("HTTP/1.1 200 OK\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", 0, "127.0.0.1").pause_s, 0);
}

static void t64_a_redirect_is_not_followed(void **state)
{
    (void)state;
    struct outcome o =
        answered("HTTP/1.1 307 Go\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n", 0, "127.0.0.1");
    assert_false(o.delivered);
    assert_string_equal(o.detail, "it answers with HTTP status 307; redirects are not followed");
}

/* The name was public when somebody looked; now it leads here. */
static void t64_a_name_that_leads_to_this_machine_is_not_called(void **state)
{
    static const char *const ADDRESSES[] = {"127.0.0.1", "::ffff:127.0.0.1", "::1"};
    static struct receiver r;
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(ADDRESSES); i++) {
        r = (struct receiver){.answer = "HTTP/1.1 200 OK\r\n\r\n"};
        receiver_start(&r);
        bool v6 = strchr(ADDRESSES[i], ':') != NULL;
        AUTO_FREE char *resolve = xasprintf("hook.example.org:%u:%s%s%s", r.port, v6 ? "[" : "", ADDRESSES[i], v6 ? "]" : "");
        struct outcome o = call_by(&r, "hook.example.org", resolve, 0);
        receiver_stop(&r);
        assert_false(o.delivered);
        assert_string_equal(o.detail, "its address is private, and the.networks does not allow it");
        assert_int_equal(atomic_load(&r.connections), 0);
    }
}

static void t65_a_huge_answer_is_cut_off(void **state)
{
    (void)state;
    struct outcome o = answered("HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n", 0, "127.0.0.1");
    assert_false(o.delivered);
    assert_string_equal(o.detail, "it answers with more than 65536 bytes");
    o = answered("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", 1 << 20, "127.0.0.1");
    assert_false(o.delivered);
    assert_string_equal(o.detail, "it answers with more than 65536 bytes");
}

static void t65_a_receiver_that_never_answers_is_left(void **state)
{
    (void)state;
    struct outcome o = answered(NULL, 0, "127.0.0.1");
    assert_false(o.delivered);
    assert_false(o.reached);
    assert_non_null(strstr(o.detail, "timed out"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_taken_is_delivered),
        cmocka_unit_test(what_is_not_taken_says_so),
        cmocka_unit_test(an_answer_may_ask_for_a_pause_within_bounds),
        cmocka_unit_test(t64_a_redirect_is_not_followed),
        cmocka_unit_test(t64_a_name_that_leads_to_this_machine_is_not_called),
        cmocka_unit_test(t65_a_huge_answer_is_cut_off),
        cmocka_unit_test(t65_a_receiver_that_never_answers_is_left),
    };
    return cmocka_run_group_tests_name("notify/caller", tests, NULL, NULL);
}
