/* A broker that is not there, or is no broker: the queues go on. What a real one does, tests/e2e/broker.test.mjs shows. */
#include "../check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "notify/broker.h"

#define PATIENCE_MS 30000

struct bench {
    char password_file[64];
    int listener;
    char url[100];
    struct broker *broker;
};

/* A port of this machine on which nobody listens, or somebody who never says a word. */
static void bench_port(struct bench *b, bool listens)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;

    b->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(b->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(b->listener, (struct sockaddr *)&address, &len), 0);
    if (listens)
        assert_int_equal(listen(b->listener, 8), 0);
    (void)snprintf(b->url, sizeof b->url, "amqp://airlock@127.0.0.1:%u/", ntohs(address.sin_port));
}

static void bench_start(struct bench *b, bool listens)
{
    *b = (struct bench){.password_file = "/tmp/airlock-broker-XXXXXX"};
    int fd = mkstemp(b->password_file);
    assert_int_equal(write(fd, "secret\n", 7), 7);
    (void)close(fd);
    bench_port(b, listens);
    const struct broker_config config = {
        .url = b->url, .exchange = "airlock", .password_file = b->password_file, .ca_file = ""};
    assert_int_equal(broker_new(&config, &b->broker, NULL), 0);
    assert_int_equal(broker_start(b->broker, NULL), 0);
}

static void bench_stop(struct bench *b)
{
    broker_free(b->broker);
    (void)close(b->listener);
    (void)unlink(b->password_file);
}

static struct broker_outcome collect(struct bench *b)
{
    struct broker_outcome outcome;
    struct pollfd fd = {.fd = broker_fd(b->broker), .events = POLLIN};

    while (!broker_collect(b->broker, &outcome))
        assert_int_equal(poll(&fd, 1, PATIENCE_MS), 1);
    return outcome;
}

static bool send_to(struct bench *b, void *ctx)
{
    return broker_send(b->broker, &(struct broker_message){.id = "r.1.status_changed",
                                                           .routing_key = "airlock.status_changed.w",
                                                           .content_type = "application/cloudevents+json",
                                                           .body = "{}",
                                                           .ctx = ctx});
}

static void a_broker_that_is_not_there_gives_everything_back(void **state)
{
    struct bench b;
    int seen[200] = {0};
    (void)state;

    bench_start(&b, false);
    for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
        assert_true(send_to(&b, &seen[i]));
        struct broker_outcome outcome = collect(&b);
        assert_false(outcome.taken);
        assert_false(outcome.reached);
        assert_true(str_starts(outcome.detail, "The broker cannot be reached"));
        ++*(int *)outcome.ctx;
    }
    for (size_t i = 0; i < ARRAY_LEN(seen); i++)
        assert_int_equal(seen[i], 1);
    bench_stop(&b);
}

/* The queue has its bound, and sending never waits. */
static void t65_a_broker_that_says_nothing_takes_no_more_than_its_room(void **state)
{
    struct bench b;
    int sent = 0, ended = 0;
    (void)state;

    bench_start(&b, true);
    while (sent < 1000 && send_to(&b, &ended))
        sent++;
    assert_int_equal(sent, BROKER_MESSAGES_MAX);
    for (; ended < sent; ++ended) {
        struct broker_outcome outcome = collect(&b);
        assert_false(outcome.taken);
        assert_true(str_starts(outcome.detail, "The broker does not let us in"));
    }
    assert_true(send_to(&b, NULL));
    bench_stop(&b);
}

static void a_password_that_others_can_read_is_refused(void **state)
{
    struct broker *broker = NULL;
    struct error err = {0};
    char path[] = "/tmp/airlock-broker-XXXXXX";
    int fd = mkstemp(path);
    (void)state;

    assert_int_equal(fchmod(fd, 0644), 0);
    const struct broker_config config = {
        .url = "amqp://a@localhost", .exchange = "airlock", .password_file = path, .ca_file = ""};
    assert_int_not_equal(broker_new(&config, &broker, &err), 0);
    assert_non_null(strstr(err.detail, path));
    (void)close(fd);
    (void)unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broker_that_is_not_there_gives_everything_back),
        cmocka_unit_test(t65_a_broker_that_says_nothing_takes_no_more_than_its_room),
        cmocka_unit_test(a_password_that_others_can_read_is_refused),
    };
    return cmocka_run_group_tests_name("notify/broker", tests, NULL, NULL);
}
