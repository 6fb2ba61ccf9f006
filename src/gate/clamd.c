/* A session with clamd over a stream socket. Linked into airlock-gate. */
#include "gate/clamd.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/num.h"

#define MESSAGE_MAX (REPLY_TEXT_MAX + 64) /* number, "fd[N]: ", text, " FOUND", NUL */

struct clamd {
    int fd;
    uint64_t asked;                 /* questions so far; clamd counts them, too */
    uint64_t open[CLAMD_QUESTIONS]; /* number of the open one; 0: none */
    char in[MESSAGE_MAX];
    size_t in_len;
};

int clamd_connect(const char *path, pid_t *ret_pid, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct ucred peer = {0};
    socklen_t peer_len = sizeof peer;

    if (!str_copy(address.sun_path, sizeof address.sun_path, path))
        return error_set(err, E_CONFIG, "the path of the socket is too long (%s)", path);
    AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_set_errno(err, E_INTERNAL, "no socket can be made");
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        if (errno == EAGAIN)
            return error_set(err, E_UNAVAILABLE, "its queue is full");
        return error_set(err, E_UNAVAILABLE, "%s", strerror(errno));
    }
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_len) < 0)
        return error_set_errno(err, E_INTERNAL, "the peer of a socket");
    *ret_pid = peer.pid;
    return TAKE_FD(fd);
}

struct clamd *clamd_new(int fd)
{
    struct clamd *clamd = xcalloc(1, sizeof *clamd);

    clamd->fd = fd;
    return clamd;
}

void clamd_free(struct clamd *clamd)
{
    free(clamd);
}

bool clamd_asked(const struct clamd *clamd, enum clamd_question question)
{
    return clamd->open[question] != 0;
}

/* Sends few bytes, and a descriptor with them where file is none of -1. They fit into the buffer of a socket whose
 * other end still reads: where they do not, it does not. */
static int send_bytes(const struct clamd *clamd, const char *bytes, size_t len, int file, struct error *err)
{
    union {
        char bytes[CMSG_SPACE(sizeof file)];
        struct cmsghdr align;
    } control = {0};
    struct iovec piece = {(void *)bytes, len}; /* NOLINT: sendmsg only reads it */
    struct msghdr msg = {.msg_iov = &piece, .msg_iovlen = 1};

    if (file >= 0) {
        msg.msg_control = control.bytes;
        msg.msg_controllen = sizeof control.bytes;
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(sizeof file);
        memcpy(CMSG_DATA(cmsg), &file, sizeof file);
    }
    ssize_t sent = sendmsg(clamd->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent == (ssize_t)len)
        return 0;
    if (sent >= 0 || errno == EAGAIN)
        return error_set(err, E_UNAVAILABLE, "it takes no more questions");
    return error_set(err, E_UNAVAILABLE, "it cannot be asked (%s)", strerror(errno));
}

/* command with its NUL */
static int ask(struct clamd *clamd, enum clamd_question question, const char *command, struct error *err)
{
    static const char SESSION[] = "zIDSESSION";

    if (clamd->open[question])
        return error_set(err, E_INTERNAL, "a second question of one kind");
    int r = clamd->asked == 0 ? send_bytes(clamd, SESSION, sizeof SESSION, -1, err) : 0;
    if (r == 0)
        r = send_bytes(clamd, command, strlen(command) + 1, -1, err);
    if (r == 0)
        clamd->open[question] = ++clamd->asked;
    return r;
}

int clamd_ask_version(struct clamd *clamd, struct error *err)
{
    return ask(clamd, CLAMD_VERSION, "zVERSION", err);
}

int clamd_ask_scan(struct clamd *clamd, int file, struct error *err)
{
    int r = ask(clamd, CLAMD_SCAN, "zFILDES", err);

    return r ? r : send_bytes(clamd, "", 1, file, err); /* one byte for the descriptor to ride on */
}

static int nonsense(const char *message, size_t len, struct error *err)
{
    AUTO_STR struct str text = STR_INIT(128);

    for (size_t i = 0; i < len && i < 40; i++)
        str_append_char(&text, message[i] < ' ' || message[i] > '~' ? '?' : message[i]);
    return error_set(err, E_PROTOCOL, "it answers nonsense (\"%s\")", str_text(&text));
}

/* "NUMBER: BODY" without its NUL. */
static int read_message(struct clamd *clamd, const char *message, size_t len, struct clamd_answer *ret,
                        struct error *err)
{
    const char *colon = memchr(message, ':', len);
    uint64_t number;
    bool good = false;

    if (!colon || (size_t)(colon - message) + 2 > len || colon[1] != ' ' ||
        !num_parse_len(message, (size_t)(colon - message), 1, UINT32_MAX, &number))
        return nonsense(message, len, err);
    const char *body = colon + 2;
    size_t body_len = len - (size_t)(body - message);
    *ret = (struct clamd_answer){.question = CLAMD_QUESTIONS};
    if (number == clamd->open[CLAMD_VERSION]) {
        ret->question = CLAMD_VERSION;
        good = reply_version(body, body_len, &ret->version);
    } else if (number == clamd->open[CLAMD_SCAN]) {
        ret->question = CLAMD_SCAN;
        reply_scan(body, body_len, &ret->reply);
        good = ret->reply.kind != REPLY_NONSENSE;
    }
    if (!good)
        return nonsense(message, len, err);
    clamd->open[ret->question] = 0;
    return 1;
}

/* An answer that is whole already: 1, 0, or E_PROTOCOL. */
static int take_message(struct clamd *clamd, struct clamd_answer *ret, struct error *err)
{
    const char *end = memchr(clamd->in, '\0', clamd->in_len);

    if (!end)
        return clamd->in_len == sizeof clamd->in ? nonsense(clamd->in, clamd->in_len, err) : 0;
    size_t len = (size_t)(end - clamd->in);
    int r = read_message(clamd, clamd->in, len, ret, err);
    clamd->in_len -= len + 1;
    memmove(clamd->in, end + 1, clamd->in_len);
    return r;
}

int clamd_receive(struct clamd *clamd, struct clamd_answer *ret, struct error *err)
{
    for (;;) {
        int r = take_message(clamd, ret, err);
        if (r != 0)
            return r;
        ssize_t n = recv(clamd->fd, clamd->in + clamd->in_len, sizeof clamd->in - clamd->in_len, MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return 0;
        if (n < 0)
            return error_set(err, E_UNAVAILABLE, "it closed the connection (%s)", strerror(errno));
        if (n == 0)
            return clamd->in_len > 0 ? nonsense(clamd->in, clamd->in_len, err)
                                     : error_set(err, E_UNAVAILABLE, "it closed the connection");
        clamd->in_len += (size_t)n;
    }
}

int clamd_wait(struct clamd *clamd, int timeout_ms, struct clamd_answer *ret, struct error *err)
{
    int64_t deadline = clock_mono_ms() + timeout_ms;

    for (;;) {
        int r = clamd_receive(clamd, ret, err);
        if (r != 0)
            return r;
        int64_t left = timeout_ms < 0 ? -1 : deadline - clock_mono_ms();
        if (timeout_ms >= 0 && left <= 0)
            return error_set(err, E_UNAVAILABLE, "it does not answer");
        struct pollfd poll_fd = {.fd = clamd->fd, .events = POLLIN};
        if (poll(&poll_fd, 1, (int)left) < 0 && errno != EINTR)
            return error_set_errno(err, E_INTERNAL, "poll");
    }
}
