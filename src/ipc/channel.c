/* Frames over a stream socket, with descriptor passing. Runs in every process of the tree. */
#include "ipc/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define LENGTH_SIZE 4
#define HEADER_SIZE (LENGTH_SIZE + 1) /* length, number of descriptors */
#define READ_CHUNK (64 * 1024)

/* A frame waiting to be written. */
struct outgoing {
    struct outgoing *next;
    size_t len;
    size_t sent;
    size_t fd_count;
    int fds[FRAME_FDS_MAX];
    char bytes[];
};

struct channel {
    int fd;
    bool closed;
    struct outgoing *first;
    struct outgoing **last;
    char *in;
    size_t in_start, in_len, in_cap;
    size_t fd_count; /* received, not yet claimed by a frame */
    int fds[FRAME_FDS_MAX];
};

void frame_done(struct frame *frame)
{
    json_decref(frame->message);
    for (size_t i = 0; i < frame->fd_count; i++)
        if (frame->fds[i] >= 0)
            (void)close(frame->fds[i]);
    *frame = (struct frame){0};
}

struct channel *channel_new(int fd)
{
    struct channel *c = xcalloc(1, sizeof *c);
    c->fd = fd;
    c->last = &c->first;
    (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    return c;
}

static void outgoing_free(struct outgoing *out)
{
    for (size_t i = 0; i < out->fd_count; i++)
        (void)close(out->fds[i]);
    free(out);
}

void channel_free(struct channel *c)
{
    if (!c)
        return;
    while (c->first) {
        struct outgoing *out = c->first;
        c->first = out->next;
        outgoing_free(out);
    }
    for (size_t i = 0; i < c->fd_count; i++)
        (void)close(c->fds[i]);
    (void)close(c->fd);
    free(c->in);
    free(c);
}

int channel_fd(const struct channel *c)
{
    return c->fd;
}

bool channel_has_output(const struct channel *c)
{
    return c->first != NULL;
}

/* Writes some of out; its descriptors go with its first byte. Returns bytes written, or -1 with errno. */
static ssize_t outgoing_write(int fd, struct outgoing *out)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int) * FRAME_FDS_MAX)];
        struct cmsghdr align;
    } control = {0};
    struct iovec piece = {out->bytes + out->sent, out->len - out->sent};
    struct msghdr msg = {.msg_iov = &piece, .msg_iovlen = 1};

    if (out->sent == 0 && out->fd_count > 0) {
        msg.msg_control = control.bytes;
        msg.msg_controllen = CMSG_SPACE(sizeof(int) * out->fd_count);
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(sizeof(int) * out->fd_count);
        memcpy(CMSG_DATA(cmsg), out->fds, sizeof(int) * out->fd_count);
    }
    return sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
}

int channel_flush(struct channel *c, struct error *err)
{
    while (c->first) {
        struct outgoing *out = c->first;
        ssize_t put = outgoing_write(c->fd, out);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return 0;
        if (put < 0)
            return error_set_errno(err, E_UNAVAILABLE, "The other process is gone");
        out->sent += (size_t)put;
        if (out->sent < out->len)
            continue;
        c->first = out->next;
        if (!c->first)
            c->last = &c->first;
        outgoing_free(out);
    }
    return 0;
}

int channel_flush_wait(struct channel *c, int timeout_ms, struct error *err)
{
    for (;;) {
        int r = channel_flush(c, err);
        if (r != 0 || !c->first)
            return r;
        struct pollfd p = {.fd = c->fd, .events = POLLOUT};
        if (poll(&p, 1, timeout_ms) == 0)
            return error_set(err, E_UNAVAILABLE, "The other process does not read");
    }
}

int channel_send(struct channel *c, const json_t *message, const int *fds, size_t fd_count, struct error *err)
{
    AUTO_STR struct str text = STR_INIT(FRAME_MAX);

    json_append_value(&text, message);
    if (text.overflow || fd_count > FRAME_FDS_MAX)
        return error_set(err, E_LIMIT, "A message between processes is larger than %d bytes", FRAME_MAX);
    struct outgoing *out = xmalloc(sizeof *out + HEADER_SIZE + text.len);
    *out = (struct outgoing){.len = HEADER_SIZE + text.len};
    for (size_t i = 0; i < LENGTH_SIZE; i++)
        out->bytes[i] = (char)(text.len >> (8 * i) & 0xFF);
    out->bytes[LENGTH_SIZE] = (char)fd_count;
    memcpy(out->bytes + HEADER_SIZE, text.p, text.len);
    for (size_t i = 0; i < fd_count; i++) {
        int copy = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);
        if (copy < 0) {
            outgoing_free(out);
            return error_set_errno(err, E_IO, "Cannot duplicate a descriptor");
        }
        out->fds[out->fd_count++] = copy;
    }
    *c->last = out;
    c->last = &out->next;
    return channel_flush(c, err);
}

static int channel_keep_fds(struct channel *c, struct msghdr *msg, struct error *err)
{
    for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
        if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof fd, sizeof fd);
            if (c->fd_count == FRAME_FDS_MAX) {
                (void)close(fd);
                return error_set(err, E_PROTOCOL, "Too many descriptors in one message");
            }
            c->fds[c->fd_count++] = fd;
        }
    }
    if (msg->msg_flags & MSG_CTRUNC)
        return error_set(err, E_PROTOCOL, "Descriptors were lost on the way");
    return 0;
}

/* Reads once. 1: bytes came, 0: would block, negative: gone. One read may bring the descriptors of a frame behind bytes
 * of the frame before it: that is why a frame says how many are its own. */
static int channel_read(struct channel *c, size_t want, struct error *err)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int) * FRAME_FDS_MAX)];
        struct cmsghdr align;
    } control = {0};

    if (c->in_start > 0) {
        memmove(c->in, c->in + c->in_start, c->in_len);
        c->in_start = 0;
    }
    if (c->in_cap - c->in_len < want) {
        c->in_cap = c->in_len + want;
        c->in = xrealloc(c->in, c->in_cap);
    }
    struct iovec piece = {c->in + c->in_len, c->in_cap - c->in_len};
    struct msghdr msg = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    ssize_t got = recvmsg(c->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return 0;
    if (got <= 0)
        return error_set(err, E_UNAVAILABLE, "The other process is gone");
    c->in_len += (size_t)got;
    int r = channel_keep_fds(c, &msg, err);
    return r ? r : 1;
}

/* Length of the frame at the start of the input, or 0 when its header is not there yet; E_PROTOCOL if absurd. */
static int64_t channel_frame_len(const struct channel *c, struct error *err)
{
    if (c->in_len < HEADER_SIZE)
        return 0;
    uint64_t len = 0;
    for (size_t i = 0; i < LENGTH_SIZE; i++)
        len |= (uint64_t)(unsigned char)c->in[c->in_start + i] << (8 * i);
    if (len == 0 || len > FRAME_MAX)
        return error_set(err, E_PROTOCOL, "A frame of %llu bytes", (unsigned long long)len);
    return (int64_t)len;
}

static int channel_take(struct channel *c, size_t len, struct frame *ret_frame, struct error *err)
{
    struct frame frame = {.fd_count = (unsigned char)c->in[c->in_start + LENGTH_SIZE]};
    if (frame.fd_count > c->fd_count)
        return error_set(err, E_PROTOCOL, "A frame without its descriptors");
    int r = json_parse_object(c->in + c->in_start + HEADER_SIZE, len, &frame.message, err);

    c->in_start += HEADER_SIZE + len;
    c->in_len -= HEADER_SIZE + len;
    if (c->in_len == 0 && c->in_cap > 4 * READ_CHUNK) { /* a rare huge frame must not stay as memory */
        free(TAKE_PTR(c->in));
        c->in_cap = c->in_start = 0;
    }
    if (r != 0)
        return error_set(err, E_PROTOCOL, "A frame is not a JSON object");
    memcpy(frame.fds, c->fds, sizeof(int) * frame.fd_count);
    c->fd_count -= frame.fd_count;
    memmove(c->fds, c->fds + frame.fd_count, sizeof(int) * c->fd_count);
    *ret_frame = frame;
    return 1;
}

int channel_receive(struct channel *c, struct frame *ret_frame, struct error *err)
{
    for (;;) {
        int64_t len = channel_frame_len(c, err);
        if (len < 0)
            return (int)len;
        if (len > 0 && c->in_len >= HEADER_SIZE + (size_t)len)
            return channel_take(c, (size_t)len, ret_frame, err);
        size_t missing = len > 0 ? HEADER_SIZE + (size_t)len - c->in_len : 0;
        int r = channel_read(c, missing > READ_CHUNK ? missing : READ_CHUNK, err);
        if (r <= 0)
            return r;
    }
}

json_t *message_answer(int64_t id, json_t *ok_stolen)
{
    return json_pack("{s:I, s:o}", "id", (json_int_t)id, "ok", ok_stolen);
}

json_t *message_refusal(int64_t id, const struct error *err)
{
    json_t *detail = json_string(err->detail); /* NULL when not UTF-8: a cut in the middle of a character */
    json_t *error = json_pack("{s:s, s:o, s:s}", "code", error_name(err->code), "detail",
                              detail ? detail : json_string(error_title(err->code)), "field", err->field);
    if (err->retry_after_s > 0)
        json_object_set_new(error, "retryAfterS", json_integer(err->retry_after_s));
    return json_pack("{s:I, s:o}", "id", (json_int_t)id, "error", error);
}
