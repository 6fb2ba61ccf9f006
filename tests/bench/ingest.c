/* How much of the speed of receiving and hashing is left when the bytes also get to the disk: the same server, the
 * same clients, once with a sink that only hashes and once with the one of airlock-blob, in turns. Bodies
 * come as one PUT, or as four connections with 8 MiB blocks of one object.
 *
 *     ingest DIR BYTES ROUNDS    prints an array of JSON: the medians, once for one connection and once for four
 *
 * A bench, not a test: it links what airlock-blob links, but asks no core. DIR must be on the disk to be measured. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/file.h"
#include "base/num.h"
#include "http/http.h"
#include "store/aio.h"
#include "store/intake.h"

#define WORKERS 4
#define BUFFERS 48
#define BLOCK ((uint64_t)8 << 20)
#define LANES 4
#define ROUNDS_MAX 50

struct way {
    const char *name; /* of its medians in what is printed, MiB/s and processor seconds a GiB */
    bool writes;
    enum aio_kind kind;
};

static const struct way WAYS[] = {
    {"hashed", false, AIO_THREADS},
    {"durable", true, AIO_AUTO},
    {"durableByThreads", true, AIO_THREADS},
};

static struct store *store;
static bool writes;
static int object_fd = -1;

static void must(bool ok, const char *what)
{
    if (!ok) {
        perror(what);
        exit(1);
    }
}

/* --- The server --- */

struct body {
    struct http_exchange *x;
    struct hash *sha256;
    struct intake *intake;
    int fd;
};

static void body_free(void *state)
{
    struct body *body = state;
    intake_free(body->intake);
    if (body->fd >= 0)
        (void)close(body->fd);
    hash_free(body->sha256);
    free(body);
}

static void release(void *bytes, void *ctx)
{
    http_buffer_release(ctx, bytes);
}

static int on_write(struct http_exchange *x, const void *bytes, size_t len, void *ctx)
{
    struct body *body = ctx;
    const struct intake_owner owner = {release, x};
    int kept = writes ? intake_give(body->intake, (void *)bytes, len, &owner, NULL) : 0;

    must(kept >= 0, "write");
    hash_update(body->sha256, bytes, len);
    if (kept)
        intake_let_go(body->intake);
    return kept ? HTTP_BUFFER_KEPT : 0;
}

static void on_finish(struct http_exchange *x, void *ctx)
{
    struct body *body = ctx;
    unsigned char digest[SHA256_SIZE];

    must(!writes || intake_finish(body->intake, NULL) == 0, "finish");
    hash_final(body->sha256, digest);
    http_reply_empty(x, 201);
}

static void on_aborted(struct http_exchange *x UNUSED, void *ctx UNUSED)
{
}

/* PUT /OFFSET */
static void on_request(struct http_exchange *x, void *ctx UNUSED)
{
    const struct http_head *head = http_exchange_head(x);
    struct body *body = xcalloc(1, sizeof *body);
    uint64_t at = 0;

    must(num_parse(head->path + 1, 0, INT64_MAX, &at), "target");
    *body = (struct body){.x = x, .sha256 = hash_new_sha256(), .fd = -1};
    if (writes) {
        body->fd = file_open_beneath(store_root(store), "bench.object", O_WRONLY, 0, NULL);
        must(body->fd >= 0, "open");
        body->intake = intake_new(store, &(struct intake_place){body->fd, at, at + head->content_length, false});
    }
    http_exchange_set_state(x, body, body_free);
    http_accept_body(x, &(struct http_sink){
                            .write = on_write, .finish = on_finish, .aborted = on_aborted, .ctx = body, .place = at});
}

/* --- The clients --- */

static void send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        must(n > 0, "send");
        bytes += n;
        len -= (size_t)n;
    }
}

static void put(int fd, const char *bytes, uint64_t at, uint64_t size)
{
    AUTO_FREE char *head = xasprintf("PUT /%llu HTTP/1.1\r\nHost: a\r\nContent-Length: %llu\r\n\r\n",
                                     (unsigned long long)at, (unsigned long long)size);
    char answer[512];

    send_all(fd, head, strlen(head));
    for (uint64_t left = size; left > 0;) {
        size_t len = left < BLOCK ? (size_t)left : (size_t)BLOCK;
        send_all(fd, bytes, len);
        left -= len;
    }
    must(recv(fd, answer, sizeof answer, 0) > 12 && memcmp(answer + 9, "201", 3) == 0, "answer");
}

/* A process: lane of lanes sends its share. */
static void client_main(uint16_t port, unsigned lane, unsigned lanes, uint64_t size, const char *bytes)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    must(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0, "connect");
    if (lanes == 1)
        put(fd, bytes, 0, size);
    else
        for (uint64_t at = lane * BLOCK; at < size; at += lanes * BLOCK)
            put(fd, bytes, at, size - at < BLOCK ? size - at : BLOCK);
    _exit(0);
}

/* Seconds until every client has its last answer. */
static double run_clients(uint16_t port, unsigned lanes, uint64_t size, const char *bytes)
{
    int64_t began = clock_mono_ms();

    for (unsigned lane = 0; lane < lanes; lane++) {
        pid_t pid = fork();
        must(pid >= 0, "fork");
        if (pid == 0)
            client_main(port, lane, lanes, size, bytes);
    }
    for (unsigned lane = 0; lane < lanes; lane++) {
        int status = 1;
        must(wait(&status) > 0 && status == 0, "client");
    }
    return (double)(clock_mono_ms() - began) / 1000;
}

/* --- Turns --- */

static void *server_main(void *server)
{
    http_server_run(server);
    return NULL;
}

static int listen_somewhere(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    must(fd >= 0 && bind(fd, (struct sockaddr *)&address, len) == 0 && listen(fd, 64) == 0, "listen");
    must(getsockname(fd, (struct sockaddr *)&address, &len) == 0, "getsockname");
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static double cpu_seconds(void)
{
    struct rusage usage;
    must(getrusage(RUSAGE_SELF, &usage) == 0, "getrusage");
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

struct cost {
    double seconds, cpu; /* cpu: of the server's side */
};

static struct cost measure(const struct way *way, const char *dir, unsigned lanes, uint64_t size, const char *bytes)
{
    struct http_settings settings = {.name = "ingest",
                                     .workers = WORKERS,
                                     .max_connections = 64,
                                     .head_deadline_ms = 60000,
                                     .idle_deadline_ms = 60000,
                                     .buffers = BUFFERS,
                                     .handler = on_request};
    struct http_server *server = NULL;
    struct aio *aio = NULL;
    pthread_t thread;
    uint16_t port;

    writes = way->writes;
    store = store_new(open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0);
    must(store_root(store) >= 0 && aio_new(way->kind, &aio, NULL) == 0, dir);
    store_use_aio(store, aio);
    object_fd = openat(store_root(store), "bench.object", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    must(object_fd >= 0, "object");
    int listen_fd = settings.listen_fd = listen_somewhere(&port);
    must(http_server_new(&settings, &server, NULL) == 0, "server");
    must(pthread_create(&thread, NULL, server_main, server) == 0, "thread");
    double cpu = cpu_seconds();
    double seconds = run_clients(port, lanes, size, bytes);
    cpu = cpu_seconds() - cpu;
    http_server_stop(server, 1000);
    pthread_join(thread, NULL);
    http_server_free(server);
    (void)close(listen_fd);
    (void)close(object_fd);
    must(unlinkat(store_root(store), "bench.object", 0) == 0, "unlink");
    store_free(store);
    return (struct cost){seconds, cpu};
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, unsigned count)
{
    qsort(values, count, sizeof *values, compare);
    return values[count / 2];
}

static void measure_all(const char *dir, uint64_t size, unsigned rounds, unsigned lanes, const char *bytes)
{
    double seconds[ARRAY_LEN(WAYS)][ROUNDS_MAX], cpu[ARRAY_LEN(WAYS)][ROUNDS_MAX];

    for (unsigned round = 0; round < rounds; round++)
        for (size_t i = 0; i < ARRAY_LEN(WAYS); i++) {
            struct cost cost = measure(&WAYS[i], dir, lanes, size, bytes);
            seconds[i][round] = cost.seconds;
            cpu[i][round] = cost.cpu;
        }
    printf("{\"connections\": %u", lanes);
    for (size_t i = 0; i < ARRAY_LEN(WAYS); i++) {
        double gib = (double)size / (1 << 30);
        printf(", \"%s\": %.0f, \"%sCpu\": %.2f", WAYS[i].name, gib * 1024 / median(seconds[i], rounds), WAYS[i].name,
               median(cpu[i], rounds) / gib);
    }
    printf("}");
}

int main(int argc, char **argv)
{
    uint64_t size = 0, rounds = 0;

    if (argc != 4 || !num_parse(argv[2], BLOCK, INT64_MAX, &size) || !num_parse(argv[3], 1, ROUNDS_MAX, &rounds)) {
        (void)fputs("usage: ingest DIR BYTES ROUNDS\n", stderr);
        return 64;
    }
    AUTO_FREE char *bytes = xmalloc(BLOCK);
    random_fill(bytes, BLOCK);
    (void)signal(SIGPIPE, SIG_IGN);
    printf("[");
    measure_all(argv[1], size, (unsigned)rounds, 1, bytes);
    printf(",\n ");
    measure_all(argv[1], size, (unsigned)rounds, LANES, bytes);
    printf("]\n");
    return 0;
}
