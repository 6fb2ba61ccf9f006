/* Receives the body that a handler accepted: straight from the socket into a pool buffer, and from there to the sink.
 * Workers. Memory does not grow with the body; a buffer is held only as buffer.c allows. */
#include <string.h>

#include "http/internal.h"

enum body_news { BODY_MORE, BODY_END, BODY_AGAIN, BODY_GONE, BODY_BROKEN };

static size_t smaller(uint64_t a, uint64_t b)
{
    return (size_t)(a < b ? a : b);
}

static enum body_news news_of(ssize_t n)
{
    if (n == IO_AGAIN)
        return BODY_AGAIN;
    return n == IO_END ? BODY_GONE : BODY_MORE;
}

/* Into out: what came with the head first, then from the socket. room is at least 1. */
static enum body_news read_plain(struct http_connection *c, char *out, size_t room, size_t *ret_got)
{
    struct http_exchange *x = c->x;
    size_t most = smaller(x->body_left, room);
    size_t here = smaller(input_pending(&c->in), most);
    if (here) {
        memcpy(out, c->in.p + c->in.pos, here);
        input_consume(&c->in, here);
    } else {
        ssize_t n = io_receive(c, out, most);
        if (n <= 0)
            return news_of(n);
        here = (size_t)n;
    }
    x->body_left -= here;
    *ret_got = here;
    return x->body_left ? BODY_MORE : BODY_END;
}

/* Framing, and payload that came with it, passes through the input buffer; the rest of a chunk does not. */
static enum body_news read_chunked(struct http_connection *c, char *out, size_t room, size_t *ret_got)
{
    struct http_exchange *x = c->x;
    if (input_pending(&c->in)) {
        size_t used;
        int rc =
            http_chunked_read(&x->chunked, c->in.p + c->in.pos, input_pending(&c->in), &used, out, room, ret_got, NULL);
        if (rc < 0)
            return BODY_BROKEN;
        input_consume(&c->in, used);
        return rc ? BODY_END : BODY_MORE;
    }
    uint64_t direct = http_chunked_direct(&x->chunked);
    if (!direct)
        return news_of(input_receive(c));
    ssize_t n = io_receive(c, out, smaller(direct, room));
    if (n <= 0)
        return news_of(n);
    http_chunked_skip(&x->chunked, (uint64_t)n);
    *ret_got = (size_t)n;
    return BODY_MORE;
}

/* Fills the buffer as far as it goes. */
static enum body_news fill_buffer(struct http_connection *c)
{
    struct http_exchange *x = c->x;
    enum body_news news = BODY_MORE;
    while (news == BODY_MORE && x->fill < x->cap) {
        size_t got = 0;
        char *at = x->buffer + x->fill;
        news =
            x->head.chunked ? read_chunked(c, at, x->cap - x->fill, &got) : read_plain(c, at, x->cap - x->fill, &got);
        x->fill += got;
        x->moved += got;
    }
    return news;
}

/* Gives a pool buffer back; its content must have been written, or is of no use any more. */
void body_release(struct http_exchange *x)
{
    char *buffer = TAKE_PTR(x->buffer);
    x->fill = x->cap = 0;
    if (!buffer)
        return;
    if (x->collecting)
        free(buffer);
    else
        buffer_give(x->conn->server, buffer);
}

/* The client is there but does not speak HTTP: the sink is told, and the client too. */
static enum http_step body_broken(struct http_connection *c)
{
    struct http_exchange *x = c->x;
    body_release(x);
    x->sink_open = false;
    if (!x->collecting)
        x->sink.aborted(x, x->sink.ctx);
    x->refuse_status = 400;
    x->refuse_detail = xstrdup("The chunked body is malformed");
    c->phase = PHASE_REFUSE;
    return STEP_NEXT;
}

/* Hands the buffer's content to the sink, and the buffer too when it keeps that. When it refuses it has replied, and
 * the phase is no longer PHASE_BODY. */
static enum http_step body_write(struct http_connection *c)
{
    struct http_exchange *x = c->x;
    size_t len = x->fill;
    x->fill = 0;
    if (c->cut)
        return STEP_CLOSE;
    int r = len == 0 ? 0 : x->sink.write(x, x->buffer, len, x->sink.ctx);
    if (r == HTTP_BUFFER_KEPT) {
        x->buffer = NULL;
        x->cap = 0;
    }
    if (r >= 0)
        return STEP_NEXT;
    x->sink_open = false;
    body_release(x);
    return exchange_answered(c);
}

static enum http_step collect_overflow(struct http_connection *c)
{
    struct http_exchange *x = c->x;
    x->sink_open = false;
    body_release(x);
    x->collect_too_large(x);
    return exchange_answered(c);
}

static enum http_step collect_end(struct http_connection *c)
{
    struct http_exchange *x = c->x;
    if (x->fill > x->collect_max)
        return collect_overflow(c);
    x->sink_open = false;
    x->buffer[x->fill] = '\0';
    x->collect_done(x, x->buffer, x->fill);
    body_release(x);
    return exchange_answered(c);
}

/* The last byte of the body is here. */
static enum http_step body_end(struct http_connection *c)
{
    struct http_exchange *x = c->x;
    x->body_done = true;
    if (x->collecting)
        return collect_end(c);
    enum http_step step = body_write(c);
    if (step != STEP_NEXT || c->phase != PHASE_BODY)
        return step;
    body_release(x);
    if (c->cut)
        return STEP_CLOSE;
    x->sink_open = false;
    x->sink.finish(x, x->sink.ctx);
    return exchange_answered(c);
}

/* The buffer is full and the body goes on. */
static enum http_step body_full(struct http_connection *c)
{
    struct http_exchange *x = c->x;
    if (x->collecting) {
        if (x->cap > x->collect_max) /* one byte more than allowed has come */
            return collect_overflow(c);
        x->cap = smaller((uint64_t)x->cap * 2, (uint64_t)x->collect_max + 1);
        x->buffer = xrealloc(x->buffer, x->cap + 1);
        return STEP_NEXT;
    }
    enum http_step step = body_write(c);
    if (step != STEP_NEXT || c->phase != PHASE_BODY)
        return step;
    if (buffers_wanted(c->server)) {
        body_release(x); /* behind those who have waited longer */
        return STEP_BUFFER;
    }
    return work_waits(c->server) ? STEP_YIELD : STEP_NEXT;
}

/* The socket has nothing just now. */
static enum http_step body_wait(struct http_connection *c)
{
    struct http_exchange *x = c->x;
    if (x->collecting || (x->fill > 0 && buffer_may_rest(x)))
        return STEP_READ;
    enum http_step step = body_write(c);
    if (step != STEP_NEXT || c->phase != PHASE_BODY)
        return step;
    body_release(x);
    return STEP_READ;
}

/* A buffer to receive into; false: there is none just now. */
static bool body_prepare(struct http_connection *c)
{
    struct http_exchange *x = c->x;
    if (x->cap)
        return true;
    if (x->collecting) {
        x->cap = smaller(HTTP_INPUT_FIRST, (uint64_t)x->collect_max + 1);
        x->buffer = xmalloc(x->cap + 1);
        return true;
    }
    if (!x->buffer)
        x->buffer = buffer_take(c->server);
    if (!x->buffer)
        return false;
    /* One that buffer_give left here is taken up too. */
    x->cap = HTTP_BUFFER_SIZE - (size_t)((x->sink.place + x->moved) % HTTP_BUFFER_ALIGN);
    return true;
}

/* "100 Continue" goes out only now, when the handler wants the body (RFC 9110 10.1.1). */
static bool body_invite(struct http_connection *c)
{
    static const char CONTINUE[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct http_exchange *x = c->x;
    if (!x->head.expect_continue || x->continue_sent || x->body_done || input_pending(&c->in))
        return true;
    struct iovec iov = {(void *)CONTINUE, sizeof CONTINUE - 1};
    x->continue_sent = true;
    return io_send(c, &iov, 1, false) == (ssize_t)iov.iov_len; /* an empty socket buffer takes 25 bytes */
}

enum http_step body_step(struct http_connection *c)
{
    struct http_exchange *x = c->x;
    if (!body_invite(c))
        return STEP_CLOSE;
    if (x->body_done) {
        (void)body_prepare(c); /* collecting: an empty body is an empty string */
        return body_end(c);
    }
    if (!body_prepare(c))
        return STEP_BUFFER;

    switch (fill_buffer(c)) {
    case BODY_AGAIN:
        return body_wait(c);
    case BODY_GONE:
        return STEP_CLOSE;
    case BODY_BROKEN:
        return body_broken(c);
    case BODY_END:
        return body_end(c);
    case BODY_MORE:
        break;
    }
    return body_full(c);
}
