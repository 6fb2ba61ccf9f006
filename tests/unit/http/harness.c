/* See harness.h. Test code: it asserts where a program would handle. */
#include "harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"

#define PATIENCE_MS 15000

/* --- The handler --- */

struct upload {
    struct fixture *fixture;
    uint64_t bytes;
    unsigned pieces;
    size_t largest;
    bool slow;
};

static void upload_destroy(void *state)
{
    struct upload *upload = state;
    struct fixture *f = upload->fixture;
    pthread_mutex_lock(&f->lock);
    f->transfer = NULL;
    pthread_mutex_unlock(&f->lock);
    f->destroyed++;
    free(upload);
}

static int upload_write(struct http_exchange *x, const void *bytes, size_t len, void *ctx)
{
    struct upload *upload = http_exchange_state(x);
    (void)bytes;
    (void)ctx;
    upload->bytes += len;
    upload->pieces++;
    upload->largest = len > upload->largest ? len : upload->largest;
    if (upload->slow)
        (void)usleep(50000);
    return 0;
}

static int upload_refuse(struct http_exchange *x, const void *bytes, size_t len, void *ctx)
{
    (void)bytes;
    (void)len;
    (void)ctx;
    http_reply(x, 409, "text/plain", "picky", 5);
    return -1;
}

static void upload_finish(struct http_exchange *x, void *ctx)
{
    struct upload *upload = http_exchange_state(x);
    char text[96];
    struct fixture *f = ctx;
    int len = snprintf(text, sizeof text, "%ju %u %zu", (uintmax_t)upload->bytes, upload->pieces, upload->largest);
    f->finished++;
    http_reply(x, 201, "text/plain", text, (size_t)len);
}

static void upload_aborted(struct http_exchange *x, void *ctx)
{
    struct fixture *f = ctx;
    (void)x;
    f->aborted++;
}

static void accept_upload(struct http_exchange *x, struct fixture *f, bool picky, bool slow)
{
    struct upload *upload = xcalloc(1, sizeof *upload);
    *upload = (struct upload){.fixture = f, .slow = slow};
    pthread_mutex_lock(&f->lock);
    f->transfer = x;
    pthread_mutex_unlock(&f->lock);
    http_exchange_set_state(x, upload, upload_destroy);
    struct http_sink sink = {
        .write = picky ? upload_refuse : upload_write, .finish = upload_finish, .aborted = upload_aborted, .ctx = f};
    http_accept_body(x, &sink);
}

struct download {
    struct fixture *fixture;
    size_t at;
    bool breaks;
};

static void download_destroy(void *state)
{
    struct fixture *f = state;
    pthread_mutex_lock(&f->lock);
    f->transfer = NULL;
    pthread_mutex_unlock(&f->lock);
    f->destroyed++;
}

static int download_next(void *ctx, int *ret_fd, uint64_t *ret_offset, uint64_t *ret_len)
{
    struct download *download = ctx;
    if (download->breaks && download->at > 0)
        return E_IO;
    if (download->at == FILE_SIZE)
        return 0;
    *ret_fd = download->fixture->file_fd;
    *ret_offset = download->at;
    *ret_len = FILE_PIECE;
    download->at += FILE_PIECE;
    return 1;
}

static void download_done(void *ctx, uint64_t sent)
{
    struct download *download = ctx;
    download->fixture->sent = sent;
    download->fixture->done++;
    free(download);
}

static void send_file(struct http_exchange *x, struct fixture *f, bool breaks)
{
    struct download *download = xcalloc(1, sizeof *download);
    *download = (struct download){.fixture = f, .breaks = breaks};
    pthread_mutex_lock(&f->lock);
    f->transfer = x;
    pthread_mutex_unlock(&f->lock);
    http_exchange_set_state(x, f, download_destroy);
    struct http_file_source source = {download_next, download_done, download};
    http_header_addf(x, "X-Pieces", "%d", 3);
    http_reply_file(x, 200, "application/octet-stream", FILE_SIZE, &source);
}

struct memory {
    struct fixture *fixture;
    size_t at;
    int early_end; /* what read answers after the first piece: 1 more bytes, 0 the end, or an error */
    unsigned char piece[BYTES_PIECE];
};

/* The piece before is overwritten: it must have been sent. */
static int memory_read(void *ctx, const void **ret_bytes, size_t *ret_len)
{
    struct memory *memory = ctx;
    memory->fixture->reads++;
    if (memory->at > 0 && memory->early_end != 1)
        return memory->early_end;
    for (size_t i = 0; i < BYTES_PIECE; i++)
        memory->piece[i] = file_byte(memory->at + i);
    memory->at += BYTES_PIECE;
    *ret_bytes = memory->piece;
    *ret_len = BYTES_PIECE;
    return 1;
}

static void memory_done(void *ctx, uint64_t sent)
{
    struct memory *memory = ctx;
    memory->fixture->sent = sent;
    memory->fixture->done++;
    free(memory);
}

static void send_bytes(struct http_exchange *x, struct fixture *f, int early_end)
{
    struct memory *memory = xcalloc(1, sizeof *memory);
    memory->fixture = f;
    memory->early_end = early_end;
    struct http_byte_source source = {memory_read, memory_done, memory};
    http_reply_bytes(x, 200, "application/octet-stream", BYTES_SIZE, &source);
}

static void collected(struct http_exchange *x, char *body, size_t len)
{
    assert_int_equal(strlen(body), len);
    http_reply(x, 200, "text/plain", body, len);
}

static void too_large(struct http_exchange *x)
{
    http_reply_empty(x, 413);
}

static void reply_large(struct http_exchange *x)
{
    AUTO_FREE char *body = xmalloc(LARGE);
    memset(body, 'L', LARGE);
    http_reply(x, 200, "text/plain", body, LARGE);
}

static void worker_destroy(void *state)
{
    struct fixture *f = state;
    f->destroyed++;
}

static int work_step(struct http_exchange *x, void *ctx)
{
    struct fixture *f = ctx;
    (void)usleep(WORK_STEP_US);
    if (++f->steps < WORK_STEPS)
        return 1;
    http_reply(x, 200, "text/plain", "worked", 6);
    return 0;
}

struct stream {
    struct fixture *fixture;
    size_t number;
};

static void stream_destroy(void *state)
{
    struct stream *stream = state;
    struct fixture *f = stream->fixture;
    pthread_mutex_lock(&f->lock);
    f->streams[stream->number] = NULL;
    pthread_mutex_unlock(&f->lock);
    f->destroyed++;
    free(stream);
}

static void open_stream(struct http_exchange *x, struct fixture *f)
{
    struct stream *stream = xcalloc(1, sizeof *stream);
    *stream = (struct stream){f, (size_t)f->opened};
    assert_true(stream->number < STREAMS_MAX);
    http_exchange_set_state(x, stream, stream_destroy);
    http_stream_begin(x, 200, "text/event-stream", &f->limits);
    pthread_mutex_lock(&f->lock);
    f->streams[stream->number] = x;
    pthread_mutex_unlock(&f->lock);
    f->opened++;
}

bool fixture_say(struct fixture *f, size_t stream, const void *bytes, size_t len)
{
    pthread_mutex_lock(&f->lock);
    bool taken = f->streams[stream] && http_stream_write(f->streams[stream], bytes, len);
    pthread_mutex_unlock(&f->lock);
    return taken;
}

void fixture_end(struct fixture *f, size_t stream)
{
    pthread_mutex_lock(&f->lock);
    if (f->streams[stream])
        http_stream_end(f->streams[stream]);
    pthread_mutex_unlock(&f->lock);
}

static void handle(struct http_exchange *x, void *ctx)
{
    struct fixture *f = ctx;
    const struct http_head *head = http_exchange_head(x);
    const char *path = head->path;

    f->handled++;
    assert_string_equal(http_exchange_address(x), f->address ? f->address : "127.0.0.1");
    if (strcmp(path, "/hello") == 0)
        http_reply(x, 200, "text/plain", "hello", 5);
    else if (strcmp(path, "/silent") == 0)
        return;
    else if (strcmp(path, "/large") == 0)
        reply_large(x);
    else if (strcmp(path, "/file") == 0 && head->method == HTTP_HEAD)
        http_reply_length(x, 200, "application/octet-stream", FILE_SIZE);
    else if (strcmp(path, "/file") == 0 || strcmp(path, "/broken-file") == 0)
        send_file(x, f, path[1] == 'b');
    else if (strcmp(path, "/bytes") == 0)
        send_bytes(x, f, 1);
    else if (strcmp(path, "/short-bytes") == 0 || strcmp(path, "/broken-bytes") == 0)
        send_bytes(x, f, path[1] == 's' ? 0 : E_IO);
    else if (strcmp(path, "/work") == 0) {
        http_exchange_set_state(x, f, worker_destroy);
        http_work(x, work_step, f);
    } else if (strcmp(path, "/stream") == 0)
        open_stream(x, f);
    else if (strcmp(path, "/refuse") == 0)
        http_reply(x, 403, "text/plain", "refused", 7);
    else if (strcmp(path, "/count") == 0 || strcmp(path, "/picky") == 0 || strcmp(path, "/slow-disk") == 0)
        accept_upload(x, f, path[1] == 'p', path[1] == 's');
    else if (strcmp(path, "/collect") == 0)
        http_collect_body(x, COLLECT_MAX, collected, too_large);
    else
        http_reply_empty(x, 404);
}

/* --- The fixture --- */

unsigned char file_byte(size_t at)
{
    return (unsigned char)(at * 31 + at / FILE_PIECE);
}

static int make_file(void)
{
    AUTO_FREE unsigned char *bytes = xmalloc(FILE_SIZE);
    for (size_t i = 0; i < FILE_SIZE; i++)
        bytes[i] = file_byte(i);
    int fd = memfd_create("file", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(file_write_all(fd, bytes, FILE_SIZE, NULL), 0);
    return fd;
}

static int listen_on_loopback(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 512), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

struct http_settings fixture_settings(void)
{
    return (struct http_settings){
        .name = "airlock",
        .workers = 3,
        .max_connections = 64,
        .max_per_address = 64,
        .head_deadline_ms = 5000,
        .idle_deadline_ms = 5000,
        .min_body_rate = 1024,
        .buffers = 4,
    };
}

static void *run(void *ctx)
{
    http_server_run(ctx);
    return NULL;
}

void fixture_start(struct fixture *f, const struct http_settings *settings)
{
    struct http_settings own = *settings;
    *f = (struct fixture){.refusal = f->refusal, .certificate = f->certificate, .address = f->address, .limits = f->limits};
    pthread_mutex_init(&f->lock, NULL);
    f->file_fd = make_file();
    f->listen_fd = own.listen_fd = listen_on_loopback(&f->port);
    if (!own.handler)
        own.handler = handle;
    own.ctx = f;
    assert_int_equal(http_server_new(&own, &f->server, NULL), 0);
    http_server_set_refusal(f->server, f->refusal);
    if (f->certificate)
        assert_int_equal(http_server_set_certificate(f->server, f->certificate, NULL), 0);
    f->certificate = NULL;
    f->server->grace_ms = 700; /* the real ten seconds would make the tests long */
    assert_int_equal(pthread_create(&f->thread, NULL, run, f->server), 0);
}

void fixture_stop(struct fixture *f, unsigned grace_ms)
{
    http_server_stop(f->server, grace_ms);
    pthread_join(f->thread, NULL);
    f->refusal = NULL;
    f->address = NULL;
    http_server_free(f->server);
    (void)close(f->listen_fd);
    (void)close(f->file_fd);
    pthread_mutex_destroy(&f->lock);
}

bool fixture_abort(struct fixture *f)
{
    pthread_mutex_lock(&f->lock);
    bool running = f->transfer;
    if (running)
        http_exchange_abort(f->transfer);
    pthread_mutex_unlock(&f->lock);
    return running;
}

void wait_for_least(atomic_int *counter, int value)
{
    for (int i = 0; i < 2000 && *counter < value; i++)
        (void)usleep(5000);
    assert_true(*counter >= value);
}

void wait_for(atomic_int *counter, int value)
{
    wait_for_least(counter, value);
    assert_int_equal(*counter, value);
}

/* --- The client --- */

int client_open(const struct fixture *f)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(f->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

void client_send_len(int fd, const void *bytes, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = send(fd, (const char *)bytes + at, len - at, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        at += (size_t)n;
    }
}

void client_send(int fd, const char *text)
{
    client_send_len(fd, text, strlen(text));
}

/* The head of one answer, byte by byte so that nothing behind it is taken. 1, or 0 at the end, or -1 in vain. */
static int read_head(int fd, struct str *head)
{
    char c;
    while (head->len < 4 || memcmp(head->p + head->len - 4, "\r\n\r\n", 4) != 0) {
        ssize_t n = recv(fd, &c, 1, 0);
        if (n <= 0)
            return n == 0 || errno == ECONNRESET ? 0 : -1;
        str_append_char(head, c);
    }
    return 1;
}

static size_t length_of(const struct str *head)
{
    static const char NAME[] = "\r\nContent-Length: ";
    const char *at = strstr(head->p, NAME);
    return at ? strtoul(at + sizeof NAME - 1, NULL, 10) : 0;
}

static int read_body(int fd, size_t len, struct str *ret_body)
{
    char piece[65536];
    while (len > 0) {
        ssize_t n = recv(fd, piece, len < sizeof piece ? len : sizeof piece, 0);
        if (n <= 0)
            return n == 0 || errno == ECONNRESET ? 0 : -1;
        if (ret_body)
            str_append_len(ret_body, piece, (size_t)n);
        len -= (size_t)n;
    }
    return 1;
}

int client_answer(int fd, bool head_only, struct str *ret_body)
{
    AUTO_STR struct str head = STR_INIT(65536);
    int rc = read_head(fd, &head);
    if (rc <= 0)
        return rc;
    assert_int_equal(strncmp(head.p, "HTTP/1.1 ", 9), 0);
    int status = (int)strtol(head.p + 9, NULL, 10);
    if (head_only && ret_body)
        str_append(ret_body, head.p);
    if (head_only || status == 100)
        return status;
    if (ret_body)
        str_reset(ret_body);
    rc = read_body(fd, length_of(&head), ret_body);
    return rc == 1 ? status : rc;
}

bool client_closed(int fd, int within_ms)
{
    int64_t end = clock_mono_ms() + within_ms;
    char piece[4096];
    for (;;) {
        int64_t left = end - clock_mono_ms();
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (left <= 0 || poll(&ready, 1, (int)left) <= 0)
            return false;
        if (recv(fd, piece, sizeof piece, 0) <= 0)
            return true;
    }
}

void client_drain(int fd, struct str *ret_all)
{
    char piece[4096];
    for (;;) {
        ssize_t n = recv(fd, piece, sizeof piece, 0);
        if (n <= 0)
            return;
        str_append_len(ret_all, piece, (size_t)n);
    }
}

int client_ask(const struct fixture *f, const char *request, struct str *ret_body)
{
    int fd = client_open(f);
    client_send(fd, request);
    int status = client_answer(fd, false, ret_body);
    (void)close(fd);
    return status;
}
