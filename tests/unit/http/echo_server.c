/* A server of the least content, for the comparison with nginx and for load: GET answers 200 and a line, PUT takes a
 * body, counts it and answers 201, GET /file/NAME sends a file of the directory given. Not a program of airlock.
 *
 * Usage: echo_server PORT [DIRECTORY [HEAD_DEADLINE_MS]]. Prints the port it listens on. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/num.h"
#include "http/http.h"

static int directory_fd = -1;
static struct http_server *server;

static int count_bytes(struct http_exchange *x, const void *bytes, size_t len, void *ctx)
{
    (void)bytes;
    (void)ctx;
    *(uint64_t *)http_exchange_state(x) += len;
    return 0;
}

static void created(struct http_exchange *x, void *ctx)
{
    char text[32];
    (void)ctx;
    int len = snprintf(text, sizeof text, "%" PRIu64 "\n", *(uint64_t *)http_exchange_state(x));
    http_reply(x, 201, "text/plain", text, (size_t)len);
}

static void forget(struct http_exchange *x, void *ctx)
{
    (void)x;
    (void)ctx;
}

static const struct http_sink COUNTER = {.write = count_bytes, .finish = created, .aborted = forget};

struct sent_file {
    int fd;
    uint64_t size;
    bool given;
};

static int file_next(void *ctx, int *ret_fd, uint64_t *ret_offset, uint64_t *ret_len)
{
    struct sent_file *file = ctx;
    if (file->given)
        return 0;
    file->given = true;
    *ret_fd = file->fd;
    *ret_offset = 0;
    *ret_len = file->size;
    return 1;
}

static void file_done(void *ctx, uint64_t sent)
{
    struct sent_file *file = ctx;
    (void)sent;
    (void)close(file->fd);
    free(file);
}

static void send_file(struct http_exchange *x, const char *name)
{
    struct stat status;
    int fd = directory_fd < 0 ? -1 : file_open_beneath(directory_fd, name, O_RDONLY, 0, NULL);
    if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
        if (fd >= 0)
            (void)close(fd);
        http_reply_empty(x, 404);
        return;
    }
    struct sent_file *file = xcalloc(1, sizeof *file);
    *file = (struct sent_file){.fd = fd, .size = (uint64_t)status.st_size};
    struct http_file_source source = {file_next, file_done, file};
    http_reply_file(x, 200, "application/octet-stream", file->size, &source);
}

static void answer(struct http_exchange *x, void *ctx)
{
    static const char HELLO[] = "{\"hello\":\"world\"}\n";
    const struct http_head *head = http_exchange_head(x);
    (void)ctx;

    if (head->method == HTTP_PUT) {
        http_exchange_set_state(x, xcalloc(1, sizeof(uint64_t)), free);
        http_accept_body(x, &COUNTER);
    } else if (head->method == HTTP_GET && str_starts(head->path, "/file/")) {
        send_file(x, head->path + strlen("/file/"));
    } else if (head->method == HTTP_GET || head->method == HTTP_HEAD) {
        http_reply(x, 200, "application/json", HELLO, sizeof HELLO - 1);
    } else {
        http_reply_empty(x, 405);
    }
}

static void on_signal(int fd, void *ctx)
{
    struct signalfd_siginfo info;
    (void)ctx;
    if (read(fd, &info, sizeof info) == sizeof info)
        http_server_stop(server, 1000);
}

static int listen_on(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 1024) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) < 0) {
        perror("echo_server: listen");
        exit(1);
    }
    printf("%u\n", ntohs(address.sin_port));
    (void)fflush(stdout); /* whoever waits for the line sees it or times out */
    return fd;
}

int main(int argc, char **argv)
{
    uint64_t port;
    uint64_t head_deadline = 5000;
    if (argc < 2 || !num_parse(argv[1], 0, 65535, &port) ||
        (argc > 3 && !num_parse(argv[3], 1, 60000, &head_deadline))) {
        (void)fprintf(stderr, "usage: echo_server PORT [DIRECTORY [HEAD_DEADLINE_MS]]\n");
        return 64;
    }
    if (argc > 2)
        directory_fd = open(argv[2], O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct http_settings settings = {
        .name = "airlock",
        .listen_fd = listen_on((uint16_t)port),
        .workers = 4,
        .max_connections = 8192,
        .max_per_address = 8192,
        .head_deadline_ms = (unsigned)head_deadline,
        .idle_deadline_ms = 30000,
        .min_body_rate = 1024,
        .buffers = 16,
        .handler = answer,
    };
    struct error err;
    if (http_server_new(&settings, &server, &err)) {
        (void)fprintf(stderr, "echo_server: %s\n", err.detail);
        return 1;
    }
    sigset_t ends;
    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGTERM);
    (void)sigaddset(&ends, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &ends, NULL);
    int signal_fd = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signal_fd < 0 || http_server_watch(server, signal_fd, on_signal, NULL, &err)) {
        perror("echo_server: signals");
        return 1;
    }
    http_server_run(server);
    http_server_free(server);
    (void)close(signal_fd);
    (void)close(settings.listen_fd);
    return 0;
}
