/* Sends replies: head and small body at once, the rest when the socket takes it, files by sendfile(2), memory of a
 * program's from where it lies. Workers. Memory does not grow with a body. */
#include <string.h>

#include "http/internal.h"

void send_now(struct http_exchange *x, const struct iovec *iov, size_t count, bool more)
{
    ssize_t n = io_send(x->conn, iov, count, more);
    size_t sent = n > 0 ? (size_t)n : 0;
    size_t total = 0;

    for (size_t i = 0; i < count; i++)
        total += iov[i].iov_len;
    x->moved += sent;
    if (sent == total || n == IO_END)
        return; /* a broken connection shows itself at the next step */
    x->out = xmalloc(total - sent);
    for (size_t i = 0; i < count; i++) {
        size_t skip = sent < iov[i].iov_len ? sent : iov[i].iov_len;
        size_t rest = iov[i].iov_len - skip;
        if (rest)
            memcpy(x->out + x->out_len, (const char *)iov[i].iov_base + skip, rest);
        x->out_len += rest;
        sent -= skip;
    }
}

/* The bytes left over by send_now, or a stream's. */
enum http_step send_rest(struct http_connection *c)
{
    struct http_exchange *x = c->x;
    while (x->out_pos < x->out_len) {
        struct iovec iov = {x->out + x->out_pos, x->out_len - x->out_pos};
        ssize_t n = io_send(c, &iov, 1, x->source_left > 0);
        if (n == IO_AGAIN)
            return STEP_WRITE;
        if (n == IO_END)
            return STEP_CLOSE;
        x->out_pos += (size_t)n;
        x->moved += (size_t)n;
    }
    return STEP_NEXT;
}

/* 1: there is a piece; otherwise the source has ended or failed. */
static int piece_next(struct http_exchange *x)
{
    if (x->source_kind == SOURCE_FILE)
        return x->file_source.next(x->file_source.ctx, &x->piece_fd, &x->piece_offset, &x->piece_left);
    const void *bytes = NULL;
    size_t len = 0;
    int rc = x->byte_source.read(x->byte_source.ctx, &bytes, &len);
    x->piece_bytes = bytes;
    x->piece_left = len;
    return rc;
}

/* One send of at most most bytes of the piece, as io_send. */
static ssize_t piece_send(struct http_connection *c, size_t most)
{
    struct http_exchange *x = c->x;
    if (x->source_kind == SOURCE_FILE)
        return io_send_file(c, x->piece_fd, &x->piece_offset, most);
    struct iovec iov = {(void *)x->piece_bytes, most}; /* sendmsg reads only */
    ssize_t n = io_send(c, &iov, 1, most < x->source_left);
    x->piece_bytes += n > 0 ? n : 0;
    return n;
}

/* Sends of the present piece, or gets the next one. STEP_NEXT: go on. */
static enum http_step send_piece(struct http_connection *c)
{
    struct http_exchange *x = c->x;
    if (x->piece_left == 0) /* an early end too is a cut: the client must see that the body is short */
        return piece_next(x) == 1 ? STEP_NEXT : STEP_CLOSE;
    uint64_t most = x->piece_left < x->source_left ? x->piece_left : x->source_left;
    ssize_t n = piece_send(c, (size_t)(most < HTTP_SLICE ? most : HTTP_SLICE));
    if (n == IO_AGAIN)
        return STEP_WRITE;
    if (n == IO_END)
        return STEP_CLOSE;
    x->piece_left -= (uint64_t)n;
    x->source_left -= (uint64_t)n;
    x->source_sent += (uint64_t)n;
    x->moved += (uint64_t)n;
    return STEP_NEXT;
}

/* The reply is out: the exchange ends, and the connection goes where reply_after decided. */
static enum http_step send_end(struct http_connection *c)
{
    enum http_after after = c->x->after;
    size_t left = (size_t)c->x->body_left; /* at most HTTP_DRAIN_MAX where it matters */

    exchange_free(c->x);
    if (after == AFTER_DRAIN) {
        size_t here = input_pending(&c->in) < left ? input_pending(&c->in) : left;
        input_consume(&c->in, here);
        c->discard_left = left - here;
        c->phase = c->discard_left ? PHASE_DRAIN : PHASE_HEAD;
        return STEP_NEXT;
    }
    if (after == AFTER_KEEP) {
        c->phase = PHASE_HEAD;
        return STEP_NEXT;
    }
    if (after == AFTER_CLOSE && input_pending(&c->in) == 0 && !io_pending(c))
        return STEP_CLOSE;
    io_shut_write(c);
    input_done(&c->in);
    c->discard_left = HTTP_LINGER_MAX;
    c->phase = PHASE_LINGER;
    return STEP_NEXT;
}

enum http_step send_step(struct http_connection *c)
{
    uint64_t turn_end = c->x->source_sent + HTTP_SLICE;
    enum http_step step = send_rest(c);

    while (step == STEP_NEXT && c->x->source_left > 0) {
        if (c->cut)
            return STEP_CLOSE;
        if (c->x->source_sent >= turn_end && work_waits(c->server))
            return STEP_YIELD;
        step = send_piece(c);
    }
    return step == STEP_NEXT ? send_end(c) : step;
}
