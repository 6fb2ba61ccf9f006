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

/* What the core of these tests says. */
static json_t *core_says(const char *op, const char *token, int64_t id)
{
    struct error err = {0};

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
        AUTO_JSON json_t *answer =
            core_says(json_text(frame.message, "op"), json_text(frame.message, "token"), json_int(frame.message, "id"));
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
    api_init(&f->api, f->client, "1.2.3", "https://airlock.example.org");
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
    atomic_store(&f->stop, true);
    pthread_join(f->core_thread, NULL);
    http_server_free(f->server);
    ipc_client_free(f->client);
    api_done(&f->api);
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
     {"HTTP/1.1 200", "{\"schemas\":[{\"kind\":\"status_changed\",\"name\":\"status_changed.v1.json\",\"url\":\"https://"}},
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_exchanges, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_token, setup, teardown),
        cmocka_unit_test_setup_teardown(test_head_has_no_body, setup, teardown),
        cmocka_unit_test_setup_teardown(test_frame, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
