/* Whole exchanges: a client's bytes, the real server, and a core made of a table at the other end of the channel. */
#include "../check.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/handle.h"
#include "base/clock.h"

#define W "3a1c9d52-0f4e-4b6a-9c11-5d7e8f902134"

struct fixture {
    struct ipc_client *client;
    struct api api;
    struct http_server *server;
    pthread_t server_thread, core_thread;
    int listen_fd, core_fd;
    uint16_t port;
    atomic_bool stop;
    char last_frame[4096];
};

static atomic_int feed_end;      /* how many events there are */
static atomic_bool feed_refuses; /* whoever reads */
static atomic_size_t feed_weight; /* bytes that each has besides */
static atomic_int lazy_reads;    /* of whoever has the token "lazy" */

static json_t *an_event(int64_t id)
{
    AUTO_FREE char *ballast = xcalloc(1, atomic_load(&feed_weight) + 1);
    memset(ballast, 'b', atomic_load(&feed_weight));
    AUTO_FREE char *event = xasprintf("{\"a\":1%s}", ballast);
    return json_pack("{s:I, s:s, s:s}", "id", (json_int_t)id, "kind", "status_changed", "event", event);
}

/* One event a read, to whoever it is that the token names. */
static json_t *feed_says(const char *token, int64_t after, int64_t id)
{
    struct error err = {0};
    int end = atomic_load(&feed_end);

    if (atomic_load(&feed_refuses)) {
        (void)error_set(&err, E_FORBIDDEN, "Missing role");
        return message_refusal(id, &err);
    }
    json_t *ok = json_pack("{s:[], s:i, s:b, s:b, s:s, s:I}", "events", "next", end, "more", 0, "reset", after > end,
                           "subject", token, "expiresS",
                           (json_int_t)(clock_now_s() + (strcmp(token, "brief") == 0 ? 1 : 600)));
    if (strcmp(token, "lazy") == 0)
        atomic_fetch_add(&lazy_reads, 1);
    if (after >= 0 && after < end) {
        json_array_append_new(json_object_get(ok, "events"), an_event(after + 1));
        json_object_set_new(ok, "next", json_integer(after + 1));
        json_object_set_new(ok, "more", json_boolean(after + 1 < end));
    }
    return message_answer(id, ok);
}

/* What the core of these tests says. */
static json_t *core_says(const json_t *message)
{
    const char *op = json_text(message, "op");
    const char *token = json_text(message, "token");
    int64_t id = json_int(message, "id");
    struct error err = {0};

    if (strcmp(op, "event.read") == 0)
        return feed_says(token, json_int(message, "after"), id);
    if (strcmp(op, "request.list") == 0)
        return message_answer(id, json_pack("{s:[], s:s}", "airlockRequests", "nextCursor", "n"));
    if (strcmp(op, "request.list_all") == 0 && strcmp(token, "ODD") == 0)
        return message_answer(id, json_object());

    if (strcmp(op, "workspace.list") == 0)
        return message_answer(id, json_pack("{s:[]}", "workspaces"));
    if (strcmp(op, "admin.metrics") == 0)
        return message_answer(id, json_pack("{s:[{s:s, s:f, s:i, s:i}]}", "endpoints", "endpoint", "a\"b",
                                            "oldestUndeliveredSeconds", 90.25, "open", 12, "dead", 0));
    if (strcmp(op, "core.health") == 0)
        return message_answer(id, json_pack("{s:[], s:b}", "services", "ready", 0));
    if (strcmp(op, "core.metadata") == 0)
        return message_answer(id, json_pack("{s:s}", "api_client_id", "c"));
    if (strcmp(op, "request.create") == 0)
        (void)error_set(&err, E_DISABLED, "Airlock is not enabled in this workspace.");
    else if (strcmp(op, "request.list_all") == 0)
        (void)error_set(&err, E_UNAUTHENTICATED, "Invalid token");
    else if (strcmp(op, "admin.jobs") == 0)
        (void)error_set(&err, E_IO, "secret detail");
    else
        (void)error_set(&err, E_UNAVAILABLE, "The service is restarting");
    return message_refusal(id, &err);
}

static void *run_core(void *ctx)
{
    struct fixture *f = ctx;
    struct channel *channel = channel_new(f->core_fd);

    while (!atomic_load(&f->stop)) {
        struct pollfd p = {.fd = channel_fd(channel), .events = POLLIN};
        struct frame frame = {0};
        (void)poll(&p, 1, 50);
        if (channel_receive(channel, &frame, NULL) != 1)
            continue;
        AUTO_FREE char *text = json_dumps(frame.message, JSON_COMPACT | JSON_SORT_KEYS);
        (void)snprintf(f->last_frame, sizeof f->last_frame, "%s", text);
        AUTO_JSON json_t *answer = core_says(frame.message);
        assert_int_equal(channel_send(channel, answer, NULL, 0, NULL), 0);
        assert_int_equal(channel_flush_wait(channel, 1000, NULL), 0);
        frame_done(&frame);
    }
    channel_free(channel);
    return NULL;
}

static void core_readable(int fd, void *ctx)
{
    (void)fd;
    ipc_client_readable(ctx);
}

static void *run_server(void *ctx)
{
    http_server_run(((struct fixture *)ctx)->server);
    return NULL;
}

static int listen_on_loopback(uint16_t *ret_port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    *ret_port = ntohs(a.sin_port);
    return fd;
}

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    int pair[2];
    struct http_settings settings = {.name = "airlock",
                                     .workers = 2,
                                     .max_connections = 32,
                                     .max_per_address = 32,
                                     .head_deadline_ms = 5000,
                                     .idle_deadline_ms = 5000,
                                     .buffers = 4,
                                     .handler = api_handle,
                                     .ctx = &f->api};

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    f->core_fd = pair[1];
    f->client = ipc_client_new(NULL, NULL, NULL);
    ipc_client_attach(f->client, pair[0]);
    api_init(&f->api, f->client, "1.2.3", "https://airlock.example.org", 16);
    settings.listen_fd = f->listen_fd = listen_on_loopback(&f->port);
    assert_int_equal(http_server_new(&settings, &f->server, NULL), 0);
    http_server_set_refusal(f->server, api_refuse);
    assert_int_equal(http_server_watch(f->server, pair[0], core_readable, f->client, NULL), 0);
    assert_int_equal(pthread_create(&f->core_thread, NULL, run_core, f), 0);
    assert_int_equal(pthread_create(&f->server_thread, NULL, run_server, f), 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    http_server_stop(f->server, 1000);
    pthread_join(f->server_thread, NULL);
    api_done(&f->api);
    atomic_store(&f->stop, true);
    pthread_join(f->core_thread, NULL);
    http_server_free(f->server);
    ipc_client_free(f->client);
    close(f->listen_fd);
    free(f);
    return 0;
}

/* Sends bytes on a connection of its own and reads to the end. */
static void ask(const struct fixture *f, const char *request, struct str *answer)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(f->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    AUTO_FD int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char buffer[4096];

    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(write(fd, request, strlen(request)), (ssize_t)strlen(request));
    for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) > 0;)
        str_append_len(answer, buffer, (size_t)n);
}

static void assert_says(const struct str *answer, const char *text)
{
    if (!strstr(str_text(answer), text))
        fail_msg("no \"%s\" in:\n%s", text, str_text(answer));
}

#define HEAD " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
#define BODY HEAD "Content-Type: application/json\r\n"

struct row {
    const char *request;
    const char *says[5];
};

static const struct row ROWS[] = {
    {"GET /ping" HEAD "\r\n", {"HTTP/1.1 200", "\r\n\r\n\"pong\"", "X-Content-Type-Options: nosniff", "no-store"}},
    {"GET //api/ping" HEAD "\r\n", {"HTTP/1.1 200", "Strict-Transport-Security: max-age=", "no-referrer"}},
    {"GET /healthz" HEAD "\r\n", {"HTTP/1.1 200", "{\"status\":\"ok\"}"}},
    {"GET /readyz" HEAD "\r\n", {"HTTP/1.1 503", "{\"status\":\"not ready\"}"}},
    {"GET /api/health" HEAD "\r\n", {"HTTP/1.1 200", "\r\n\r\n{\"services\":[]}"}},
    {"GET /.metadata" HEAD "\r\n", {"HTTP/1.1 200", "\"api_client_id\":\"c\"", "\"api_version\":\"1.2.3\""}},
    {"GET /api/openapi.json" HEAD "\r\n", {"HTTP/1.1 200", "application/json", "\"openapi\":\"3.1.0\""}},
    {"GET /api/events/schemas" HEAD "\r\n",
     {"HTTP/1.1 200",
      "{\"schemas\":[{\"kind\":\"status_changed\",\"name\":\"status_changed.v1.json\",\"url\":\"https://"}},
    {"GET /api/events/schemas/scan_result.v1.json" HEAD "\r\n",
     {"HTTP/1.1 200", "Content-Type: application/schema+json", "\"title\":\"scan_result\"",
      "/api/events/schemas/scan_result.v1.json\""}},
    {"GET /api/events/schemas/nothing.v1.json" HEAD "\r\n", {"HTTP/1.1 404", "/api/events/schemas lists them"}},
    {"GET /api/events/schemas/" W W HEAD "\r\n", {"HTTP/1.1 404", "/api/events/schemas lists them"}},
    {"GET /api/admin/metrics" HEAD "\r\n",
     {"HTTP/1.1 200", "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n",
      "# TYPE airlock_events_open gauge\nairlock_events_open{endpoint=\"a\\\"b\"} 12\n",
      "\nairlock_events_oldest_undelivered_seconds{endpoint=\"a\\\"b\"} 90.25\n",
      "airlock_events_dead{endpoint=\"a\\\"b\"} 0\n"}},
    {"GET /api/workspaces" HEAD "Authorization: Bearer T\r\n\r\n", {"HTTP/1.1 200", "\r\n\r\n{\"workspaces\":[]}"}},
    {"GET /nowhere" HEAD "\r\n", {"HTTP/1.1 404", "application/problem+json", "urn:airlock:error:not-found"}},
    {"DELETE /api/requests" HEAD "\r\n", {"HTTP/1.1 405", "Allow: GET, HEAD\r\n", "method-not-allowed"}},
    {"GET /api/workspaces/x" HEAD "\r\n", {"HTTP/1.1 422", "\"field\":\"workspace\""}},
    {"GET /api/requests" HEAD "\r\n", {"HTTP/1.1 401", "WWW-Authenticate: Bearer\r\n", "\"detail\":\"Invalid token\""}},
    {"GET /api/requests" HEAD "Authorization: Bearer T\r\n\r\n",
     {"HTTP/1.1 401", "WWW-Authenticate: Bearer error=\"invalid_token\""}},
    {"GET /api/requests" HEAD "Authorization: Bearer T\r\nAuthorization: Bearer U\r\n\r\n", {"HTTP/1.1 400", "twice"}},
    {"GET /api/requests" HEAD "Authorization: Bearer ODD\r\n\r\n", {"HTTP/1.1 500", "Unable to process request"}},
    {"GET /api/admin/jobs" HEAD "\r\n", {"HTTP/1.1 500", "Unable to process request", "urn:airlock:error:io"}},
    {"GET /api/admin/audit" HEAD "\r\n", {"HTTP/1.1 503", "Retry-After: 1", "unavailable"}},
    {"POST /api/workspaces/" W "/requests" BODY "Content-Length: 17\r\n\r\n{\"type\":\"export\"}",
     {"HTTP/1.1 405", "Airlock is not enabled in this workspace.", "Allow: GET, HEAD\r\n", "\"status\":405"}},
    {"POST /api/workspaces/" W "/requests" BODY "Content-Length: 1\r\n\r\n{", {"HTTP/1.1 400", "bad-request"}},
    {"POST /api/workspaces/" W "/requests" HEAD "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
     {"HTTP/1.1 415", "media-type"}},
    {"POST /api/workspaces/" W "/requests" HEAD "Content-Length: 2\r\n\r\n{}", {"HTTP/1.1 415", "media-type"}},
    {"POST /api/workspaces/" W "/requests" BODY "Content-Length: 50000000\r\n\r\n{", {"HTTP/1.1 413", "262144 bytes"}},
    {"POST /api/workspaces/" W "/requests" BODY "Content-Length: 1\r\nContent-Length: 2\r\n\r\n{",
     {"HTTP/1.1 400", "application/problem+json", "urn:airlock:error:http"}},
};

static void test_exchanges(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO_STR struct str answer = STR_INIT(1 << 20);
        ask(f, ROWS[i].request, &answer);
        for (size_t k = 0; k < ARRAY_LEN(ROWS[i].says) && ROWS[i].says[k]; k++)
            assert_says(&answer, ROWS[i].says[k]);
        assert_null(strstr(str_text(&answer), "secret detail"));
    }
}

static void test_long_token(void **state)
{
    struct fixture *f = *state;
    AUTO_STR struct str request = STR_INIT(1 << 16);
    AUTO_STR struct str answer = STR_INIT(1 << 16);

    str_append(&request, "GET /api/requests" HEAD "Authorization: Bearer ");
    for (int i = 0; i < 17000; i++)
        str_append_char(&request, 't');
    str_append(&request, "\r\n\r\n");
    ask(f, str_text(&request), &answer);
    assert_says(&answer, "HTTP/1.1 401");
    assert_says(&answer, "Could not validate credentials");
}

static void test_head_has_no_body(void **state)
{
    struct fixture *f = *state;
    AUTO_STR struct str answer = STR_INIT(1 << 16);

    ask(f, "HEAD /ping" HEAD "\r\n", &answer);
    assert_says(&answer, "HTTP/1.1 200");
    assert_says(&answer, "Content-Length: 6\r\n");
    assert_null(strstr(str_text(&answer), "pong"));
}

/* What core gets: the credential as it came, and the address of the socket, whatever headers claim. */
static void test_frame(void **state)
{
    struct fixture *f = *state;
    AUTO_STR struct str answer = STR_INIT(1 << 16);

    ask(f,
        "GET /api/workspaces/" W "/requests?limit=3" HEAD
        "Authorization: bearer TOKEN\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n",
        &answer);
    assert_says(&answer, "HTTP/1.1 200");
    assert_says(&answer, "Link: </api/workspaces/" W "/requests?limit=3&cursor=n>; rel=\"next\"\r\n");
    assert_says(&answer, "\r\n\r\n{\"airlockRequests\":[]}");
    assert_non_null(strstr(f->last_frame, "\"address\":\"127.0.0.1\""));
    assert_non_null(strstr(f->last_frame, "\"token\":\"TOKEN\""));
    assert_non_null(strstr(f->last_frame, "\"op\":\"request.list\""));
    assert_non_null(strstr(f->last_frame, "\"limit\":3"));
    assert_non_null(strstr(f->last_frame, "\"workspace\":\"" W "\""));
}

/* A stream whose head has come; what came is in all. */
static int follow(const struct fixture *f, const char *query, const char *headers, struct str *all)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(f->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    AUTO_FREE char *request = xasprintf("GET /api/events%s HTTP/1.1\r\nHost: x\r\n%s\r\n", query, headers);
    struct timeval patience = {.tv_sec = 15};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char c;

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(write(fd, request, strlen(request)), (ssize_t)strlen(request));
    while (!strstr(str_text(all), "\r\n\r\n") && read(fd, &c, 1) == 1)
        str_append_char(all, c);
    return fd;
}

/* Reads on until the text has come; fails when the stream ends before. */
static void hear(int fd, const char *text, struct str *all)
{
    char c;
    while (!strstr(str_text(all), text)) {
        if (read(fd, &c, 1) != 1)
            fail_msg("no \"%s\" in:\n%s", text, str_text(all));
        str_append_char(all, c);
    }
}

static void test_stream_of_events(void **state)
{
    struct fixture *f = *state;
    AUTO_STR struct str all = STR_INIT(1 << 16);
    atomic_store(&feed_end, 7);
    AUTO_FD int fd = follow(f, "", "Authorization: Bearer alice\r\nLast-Event-ID: 7\r\n", &all);
    AUTO_STR struct str late = STR_INIT(1 << 16);

    assert_says(&all, "HTTP/1.1 200");
    assert_says(&all, "Content-Type: text/event-stream\r\n");
    assert_says(&all, "Cache-Control: no-store\r\n");
    assert_says(&all, "Content-Security-Policy: default-src 'none'");
    assert_says(&all, "X-Accel-Buffering: no\r\n");
    hear(fd, "retry: 2000\nid: 7\n\n", &all);
    atomic_store(&feed_end, 9);
    feed_news(f->api.feed);
    hear(fd, "id: 8\nevent: status_changed\ndata: {\"a\":1}\n\n", &all);
    hear(fd, "id: 9\n", &all);

    /* The header counts before the query; a place that never was is told. */
    AUTO_FD int second = follow(f, "?lastEventId=3", "Authorization: Bearer alice\r\nLast-Event-ID: 20\r\n", &late);
    hear(second, "event: reset\ndata: {", &late);
    hear(second, "id: 9\n\n", &late);
    atomic_store(&feed_refuses, true); /* a role is taken */
    feed_news(f->api.feed);
    hear(fd, "\r\n0\r\n\r\n", &all);
    hear(second, "\r\n0\r\n\r\n", &late);
    AUTO_STR struct str refused = STR_INIT(1 << 16);
    AUTO_FD int third = follow(f, "", "Authorization: Bearer alice\r\n", &refused);
    assert_says(&refused, "HTTP/1.1 403");
    (void)third;
    atomic_store(&feed_refuses, false);
}

/* Then the client comes back with another one. */
static void test_stream_ends_with_its_token(void **state)
{
    AUTO_STR struct str all = STR_INIT(1 << 16);
    AUTO_FD int fd = follow(*state, "", "Authorization: Bearer brief\r\n", &all);
    hear(fd, "\r\n0\r\n\r\n", &all);
}

/* Each person has so many, and all of them together so many more. */
static void t32_streams_are_counted(void **state)
{
    struct fixture *f = *state;
    int fds[17];

    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        AUTO_STR struct str all = STR_INIT(1 << 16);
        fds[i] = follow(f, "", i < 9 ? "Authorization: Bearer alice\r\n" : "Authorization: Bearer bob\r\n", &all);
        if (i != 8) {
            assert_says(&all, "HTTP/1.1 200");
            continue;
        }
        assert_says(&all, "HTTP/1.1 429");
        assert_says(&all, "Retry-After: ");
    }
    AUTO_STR struct str full = STR_INIT(1 << 16);
    AUTO_FD int fd = follow(f, "", "Authorization: Bearer carol\r\n", &full);
    assert_says(&full, "HTTP/1.1 503");
    (void)fd;
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        (void)close(fds[i]);
}

/* Everything up to the last event. */
static void hear_heavy(int fd, int last, struct str *all)
{
    AUTO_FREE char *wanted = xasprintf("id: %d\n", last);
    static char piece[64 * 1024];
    ssize_t n;

    for (size_t seen = 0; !strstr(str_text(all) + seen, wanted); str_append_len(all, piece, (size_t)n)) {
        seen = all->len > sizeof piece ? all->len - sizeof piece : 0;
        n = read(fd, piece, sizeof piece);
        assert_true(n > 0);
    }
}

/* Of what a client has not taken little is kept for it; when it reads, nothing is missing. */
static void t32_for_who_does_not_read_nothing_is_read(void **state)
{
    enum { LAST = 24, WEIGHT = 128 * 1024 };
    struct fixture *f = *state;
    AUTO_STR struct str lazy_all = STR_INIT((size_t)2 * LAST * WEIGHT);
    AUTO_STR struct str eager_all = STR_INIT((size_t)2 * LAST * WEIGHT);

    atomic_store(&feed_end, LAST);
    atomic_store(&feed_weight, WEIGHT);
    atomic_store(&lazy_reads, 0);
    AUTO_FD int lazy = follow(f, "?lastEventId=0", "Authorization: Bearer lazy\r\n", &lazy_all);
    AUTO_FD int eager = follow(f, "?lastEventId=0", "Authorization: Bearer eager\r\n", &eager_all);
    hear_heavy(eager, LAST, &eager_all);
    assert_in_range(atomic_load(&lazy_reads), 1, LAST / 2); /* sockets hold a few */
    hear_heavy(lazy, LAST, &lazy_all);
    const char *at = str_text(&lazy_all);
    for (int id = 1; id <= LAST; id++) {
        AUTO_FREE char *line = xasprintf("id: %d\n", id);
        at = strstr(at, line);
        assert_non_null(at);
    }
    atomic_store(&feed_weight, 0);
}

static void test_head_of_a_stream(void **state)
{
    AUTO_STR struct str answer = STR_INIT(1 << 16);
    ask(*state, "HEAD /api/events" HEAD "Authorization: Bearer alice\r\n\r\n", &answer);
    assert_says(&answer, "HTTP/1.1 200");
    assert_says(&answer, "text/event-stream");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_exchanges, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_token, setup, teardown),
        cmocka_unit_test_setup_teardown(test_head_has_no_body, setup, teardown),
        cmocka_unit_test_setup_teardown(test_frame, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stream_of_events, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stream_ends_with_its_token, setup, teardown),
        cmocka_unit_test_setup_teardown(t32_streams_are_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(t32_for_who_does_not_read_nothing_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_head_of_a_stream, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
