/* The only reads and writes of client sockets, with TLS underneath them or without (tls.c). Loop and workers. Never
 * blocks: every socket is non-blocking. */
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>

#include "http/internal.h"

static ssize_t io_result(ssize_t moved)
{
    if (moved >= 0)
        return moved;
    return errno == EAGAIN || errno == EWOULDBLOCK ? IO_AGAIN : IO_END;
}

ssize_t io_receive(struct http_connection *c, void *bytes, size_t len)
{
    if (c->tls)
        return tls_receive(c, bytes, len);
    ssize_t n;
    do
        n = recv(c->fd, bytes, len, 0);
    while (n < 0 && errno == EINTR);
    return io_result(n);
}

ssize_t io_send(struct http_connection *c, const struct iovec *iov, size_t count, bool more)
{
    if (c->tls)
        return tls_send_pieces(c, iov, count);
    struct msghdr message = {.msg_iov = (struct iovec *)iov, .msg_iovlen = count}; /* sendmsg does not change it */
    ssize_t n;
    do
        n = sendmsg(c->fd, &message, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    while (n < 0 && errno == EINTR);
    return io_result(n);
}

void io_bound(struct http_connection *c, size_t bytes, unsigned timeout_ms)
{
    int size = (int)bytes;
    (void)setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    /* Of TCP alone. Counts for a client that is there and does not read, too (tcp(7)). */
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof timeout_ms);
}

/* The workers block SIGPIPE: sendfile has no flag against it. */
ssize_t io_send_file(struct http_connection *c, int fd, uint64_t *offset, size_t len)
{
    if (c->tls)
        return tls_send_file(c, fd, offset, len);
    off_t at = (off_t)*offset;
    ssize_t n;
    do
        n = sendfile(c->fd, fd, &at, len);
    while (n < 0 && errno == EINTR);
    *offset = (uint64_t)at;
    return io_result(n);
}

/* What a client still sends is thrown away: under TLS too, and undeciphered. */
void io_shut_write(struct http_connection *c)
{
    tls_end(c, true);
    (void)shutdown(c->fd, SHUT_WR); /* a peer that is gone already is what we want */
}

bool io_pending(const struct http_connection *c)
{
    return c->tls && tls_pending(c);
}

uint32_t io_events(const struct http_connection *c, uint32_t events)
{
    return c->tls ? tls_events(c, events) : events;
}

void io_close(struct http_connection *c, bool orderly)
{
    tls_end(c, orderly);
    (void)close(c->fd); /* nothing was written that close could report on */
}

uint64_t io_unacknowledged(const struct http_connection *c)
{
    int bytes = 0;
    if (ioctl(c->fd, SIOCOUTQ, &bytes) < 0 || bytes < 0)
        return 0;
    return (uint64_t)bytes;
}
