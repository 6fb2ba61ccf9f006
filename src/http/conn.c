/* A connection's life outside an exchange: opened and capped, heads read, unwanted input discarded, closed. Loop, but
 * for the functions marked worker. Never calls the program's handler: workers do. */
#include <assert.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "http/internal.h"

/* --- Input --- */

size_t input_pending(const struct http_input *in)
{
    return in->len - in->pos;
}

void input_done(struct http_input *in)
{
    free(in->p);
    *in = (struct http_input){0};
}

void input_consume(struct http_input *in, size_t len)
{
    in->pos += len;
    in->seen = 0;
    if (in->pos == in->len)
        input_done(in); /* an idle connection holds no memory but its struct */
}

/* Puts the pending bytes at the start. */
static void input_align(struct http_input *in)
{
    if (in->pos == 0)
        return;
    memmove(in->p, in->p + in->pos, input_pending(in));
    in->len -= in->pos;
    in->pos = 0;
}

ssize_t input_receive(struct http_connection *c)
{
    struct http_input *in = &c->in;
    input_align(in);
    if (in->len == in->cap) {
        assert(in->cap < HTTP_HEAD_MAX); /* a full input is a refused head */
        in->cap = in->cap ? in->cap * 2 : HTTP_INPUT_FIRST;
        in->p = xrealloc(in->p, in->cap);
    }
    ssize_t n = io_receive(c, in->p + in->len, in->cap - in->len);
    if (n > 0)
        in->len += (size_t)n;
    else if (in->len == 0)
        input_done(in);
    return n;
}

/* --- Heads --- */

/* The exchange keeps the memory its head points into; what came behind the head becomes the new input. */
static void head_taken(struct http_connection *c, const struct http_head *head, size_t size)
{
    struct http_exchange *x = exchange_new(c);
    struct http_input rest = {0};
    size_t behind = c->in.len - size;

    if (behind) {
        rest.cap = HTTP_INPUT_FIRST;
        while (rest.cap < behind)
            rest.cap *= 2;
        rest.p = xmalloc(rest.cap);
        rest.len = behind;
        memcpy(rest.p, c->in.p + size, behind);
    }
    x->head = *head;
    x->head_memory = c->in.p;
    x->body_left = head->content_length;
    x->body_done = !head->chunked && head->content_length == 0;
    c->in = rest;
    c->fresh = false;
    c->phase = PHASE_HANDLE;
}

/* The layer itself answers, on a worker, and the connection ends. */
static void conn_refuse(struct http_connection *c, int status, const char *detail)
{
    struct http_exchange *x = exchange_new(c);
    x->refuse_status = status;
    x->refuse_detail = xstrdup(detail);
    c->phase = PHASE_REFUSE;
}

/* Tries to read a head from the input. true: the phase has changed, a worker is wanted. */
static bool conn_parse(struct http_connection *c)
{
    struct http_input *in = &c->in;
    /* A byte at a time must not cost a parse each: nothing new can be said before another line has ended, or the line
     * is too long. */
    bool first = in->seen == 0;
    bool line_ended = memchr(in->p + in->seen, '\n', in->len - in->seen) != NULL;
    in->seen = in->len;
    if (!first && !line_ended && in->len < HTTP_HEAD_MAX)
        return false;

    struct http_head head;
    struct error err;
    size_t size = 0;
    int status = 0;
    int rc = http_parse_head(in->p, in->len, &head, &size, &status, &err);
    if (rc == 1)
        head_taken(c, &head, size);
    else if (rc < 0)
        conn_refuse(c, status, err.detail);
    return rc != 0;
}

/* Worker: after an exchange, the next head may be here already. */
enum http_step conn_next_head(struct http_connection *c)
{
    input_align(&c->in);
    if (input_pending(&c->in) == 0 && io_pending(c) && input_receive(c) == IO_END)
        return STEP_CLOSE;
    if (input_pending(&c->in) == 0 || !conn_parse(c))
        return STEP_LOOP;
    return work_waits(c->server) ? STEP_YIELD : STEP_NEXT;
}

/* Worker: the costly part of TLS. What comes before the first head is not idling: the deadline stays. */
enum http_step conn_handshake(struct http_connection *c)
{
    switch (tls_handshake(c)) {
    case TLS_DONE:
        c->phase = PHASE_HEAD;
        return STEP_NEXT;
    case TLS_AGAIN:
        return STEP_LOOP;
    case TLS_PLAIN_HTTP:
        conn_refuse(c, 400, "This port speaks TLS: use https");
        return STEP_NEXT;
    case TLS_FAILED:
        break;
    }
    return STEP_CLOSE;
}

/* When the loop has had enough of a connection that is about to be its own. */
int64_t conn_loop_deadline(struct http_connection *c)
{
    const struct http_settings *settings = &c->server->settings;
    c->idle = c->phase == PHASE_HEAD && input_pending(&c->in) == 0;
    if (c->phase == PHASE_LINGER)
        return clock_mono_ms() + HTTP_LINGER_MS;
    if (c->fresh) {
        c->idle = false;
        return c->deadline_ms;
    }
    return clock_mono_ms() + (c->idle ? settings->idle_deadline_ms : settings->head_deadline_ms);
}

static void conn_read_head(struct http_connection *c)
{
    ssize_t n = input_receive(c);
    if (n == IO_END) {
        conn_close(c);
        return;
    }
    if (n > 0 && c->idle) {
        c->idle = false;
        c->deadline_ms = clock_mono_ms() + c->server->settings.head_deadline_ms;
    }
    if (n > 0 && conn_parse(c))
        conn_enqueue(c);
    else
        conn_arm(c, EPOLLIN);
}

/* Counts the client in whom a proxy has named, unless it has as many connections as it may. */
static bool conn_named(struct http_connection *c)
{
    struct http_server *s = c->server;
    pthread_mutex_lock(&s->lock);
    bool within = http_addresses_enter(s->addresses, &c->peer, &c->address);
    pthread_mutex_unlock(&s->lock);
    http_address_format(&c->peer, c->address_text);
    return within;
}

/* Takes exactly the header, so that what comes behind it is TLS's or the parser's. */
static void conn_read_proxy(struct http_connection *c)
{
    struct http_input *in = &c->in;
    size_t size;
    int rc;

    while ((rc = http_proxy_parse(in->p, in->len, &size, &c->peer)) == 0) {
        in->p = xrealloc(in->p, size);
        ssize_t n = io_receive(c, in->p + in->len, size - in->len);
        if (n == IO_AGAIN) {
            conn_arm(c, EPOLLIN);
            return;
        }
        if (n == IO_END)
            break;
        in->len += (size_t)n;
    }
    input_done(in);
    if (rc != 1 || !conn_named(c)) {
        conn_close(c);
        return;
    }
    c->phase = c->server->tls ? PHASE_HANDSHAKE : PHASE_HEAD;
    conn_arm(c, EPOLLIN);
}

/* Reads away a body nobody wants, or what a client still sends after our last reply. */
static void conn_discard(struct http_connection *c)
{
    size_t most = c->discard_left < HTTP_DRAIN_MAX ? c->discard_left : HTTP_DRAIN_MAX;
    ssize_t n = io_receive(c, c->server->scratch, most);
    if (n == IO_END) {
        conn_close(c);
        return;
    }
    c->discard_left -= n > 0 ? (size_t)n : 0;
    if (c->discard_left == 0 && c->phase == PHASE_LINGER) {
        conn_close(c);
        return;
    }
    if (c->discard_left == 0) {
        c->phase = PHASE_HEAD;
        c->deadline_ms = conn_loop_deadline(c);
    }
    conn_arm(c, EPOLLIN);
}

void conn_loop_step(struct http_connection *c)
{
    switch (c->phase) {
    case PHASE_PROXY:
        conn_read_proxy(c);
        break;
    case PHASE_HANDSHAKE:
        conn_enqueue(c);
        break;
    case PHASE_HEAD:
        conn_read_head(c);
        break;
    default:
        conn_discard(c);
    }
}

void conn_overdue(struct http_connection *c)
{
    if (c->phase != PHASE_HEAD || input_pending(&c->in) == 0) {
        conn_close(c); /* idle, never spoke, or does not stop speaking */
        return;
    }
    conn_refuse(c, 408, "The request head did not arrive in time");
    conn_enqueue(c);
}

/* --- Opening and closing --- */

/* Lock held. The connection that has idled longest, if any idles. */
static struct http_connection *conn_idlest(const struct http_server *s)
{
    struct http_connection *idlest = NULL;
    for (unsigned i = 0; i < s->connection_count; i++) {
        struct http_connection *c = s->connections[i];
        if (c->place == PLACE_LOOP && c->idle && (!idlest || c->deadline_ms < idlest->deadline_ms))
            idlest = c;
    }
    return idlest;
}

/* A full server gives up an idle connection for a new one. Returns whether there is room now. */
static bool conn_make_room(struct http_server *s)
{
    pthread_mutex_lock(&s->lock);
    bool full = s->connection_count >= s->settings.max_connections;
    struct http_connection *idlest = full ? conn_idlest(s) : NULL;
    pthread_mutex_unlock(&s->lock);
    if (idlest)
        conn_close(idlest);
    return !full || idlest;
}

/* Counts the connection in. false: its address has as many as it may. A proxy's own address has no cap. */
static bool conn_register(struct http_connection *c)
{
    struct http_server *s = c->server;
    pthread_mutex_lock(&s->lock);
    bool within = c->phase == PHASE_PROXY || http_addresses_enter(s->addresses, &c->peer, &c->address);
    if (within) {
        c->index = s->connection_count;
        s->connections[s->connection_count++] = c;
    }
    pthread_mutex_unlock(&s->lock);
    return within;
}

/* Over a cap: no state is kept for such a client, so the answer is a fixed one and goes out if it can. */
static void conn_turn_away(struct http_connection *c)
{
    static const char BUSY[] =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Length: 21\r\nRetry-After: 1\r\nConnection: close\r\n\r\nToo many connections\n";
    struct iovec iov = {(void *)BUSY, sizeof BUSY - 1};
    if (!c->server->tls)
        (void)io_send(c, &iov, 1, false); /* a courtesy: the connection closes either way */
    io_shut_write(c);
    io_close(c, true);
    free(c);
}

void conn_open(struct http_server *s, int fd, const struct sockaddr_storage *peer)
{
    struct http_connection *c = xcalloc(1, sizeof *c);
    c->kind = POLL_CONNECTION;
    c->place = PLACE_LOOP;
    c->server = s;
    c->fd = fd;
    c->peer = *peer;
    c->fresh = true;
    c->phase = s->tls ? PHASE_HANDSHAKE : PHASE_HEAD;
    if (http_is_proxy(&s->settings, peer))
        c->phase = PHASE_PROXY;
    c->deadline_ms = clock_mono_ms() + s->settings.head_deadline_ms;
    http_address_format(peer, c->address_text);
    if (!conn_make_room(s) || !conn_register(c)) {
        conn_turn_away(c);
        return;
    }
    struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.ptr = c};
    if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        conn_close(c); /* the kernel's own limit on watches */
}

/* Either thread, as the owner. The struct stays until the loop has read its batch of events. */
void conn_close(struct http_connection *c)
{
    struct http_server *s = c->server;
    bool orderly = !c->x && !c->cut;
    if (c->x)
        exchange_free(c->x);
    input_done(&c->in);

    pthread_mutex_lock(&s->lock);
    c->place = PLACE_DEAD;
    s->connections[c->index] = s->connections[--s->connection_count];
    s->connections[c->index]->index = c->index;
    http_addresses_leave(c->address);
    pthread_mutex_unlock(&s->lock);

    io_close(c, orderly); /* out of the table, so nobody else can still use the number; ends its watch too */

    pthread_mutex_lock(&s->lock);
    TAILQ_INSERT_TAIL(&s->dead, c, link);
    bool last = s->connection_count == 0 && s->stopping;
    pthread_mutex_unlock(&s->lock);
    if (last)
        server_wake(s);
}
