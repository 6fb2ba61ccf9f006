/* Answers without an end. Any thread of the program writes; a worker sends what was written, in chunks, and parks the
 * connection in between. Never waits for a client: one that does not read is cut, by bytes or by time. Never reads what
 * the client sends: it is thrown away, and too much of it ends the connection. */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "http/internal.h"

#define CHUNK_FRAME_MAX ((size_t)32) /* size line, CR LF behind the bytes, and the last chunk */
#define UNWANTED_PIECE ((size_t)4096)
#define SOCKET_BYTES ((size_t)64 * 1024) /* that the kernel may keep for a client that does not read */

void http_stream_begin(struct http_exchange *x, int status, const char *content_type,
                       const struct http_stream_limits *limits)
{
    assert(!x->sink_open && x->body_done && x->head.method == HTTP_GET);
    int64_t now = clock_mono_ms();
    struct http_stream *stream = xcalloc(1, sizeof *stream);
    *stream = (struct http_stream){.limits = *limits,
                                   .end_at = now + limits->life_ms,
                                   .beat_at = now + limits->heartbeat_ms,
                                   .stall_at = now + limits->stall_ms,
                                   .chunked = !x->head.minor_zero,
                                   .waiting = STR_INIT(limits->waiting_max)};
    x->conn->discard_left = HTTP_DRAIN_MAX;
    io_bound(x->conn, SOCKET_BYTES, limits->stall_ms);
    stream->ended = stream->over = !reply_stream_head(x, status, content_type);
    stream->moved = x->moved;
    stream->unsent = x->out_len;
    x->stream = stream;
}

void stream_free(struct http_stream *stream)
{
    if (!stream)
        return;
    str_done(&stream->waiting);
    free(stream);
}

/* --- The program's side --- */

bool http_stream_write(struct http_exchange *x, const void *bytes, size_t len)
{
    struct http_connection *c = x->conn;
    struct http_server *s = c->server;
    struct http_stream *stream = x->stream;

    pthread_mutex_lock(&s->lock);
    bool taken = !stream->ended && !c->cut;
    if (taken && stream->unsent + stream->waiting.len + len > stream->limits.waiting_max) {
        taken = false;
        conn_cut_locked(c);
    } else if (taken) {
        str_append_len(&stream->waiting, bytes, len);
        if (c->place == PLACE_PARKED && stream->unsent == 0)
            conn_resume_locked(c);
    }
    pthread_mutex_unlock(&s->lock);
    return taken;
}

size_t http_stream_waiting(struct http_exchange *x)
{
    struct http_server *s = x->conn->server;

    pthread_mutex_lock(&s->lock);
    size_t waiting = x->stream->unsent + x->stream->waiting.len;
    pthread_mutex_unlock(&s->lock);
    return waiting;
}

void http_stream_end(struct http_exchange *x)
{
    struct http_connection *c = x->conn;
    struct http_server *s = c->server;

    pthread_mutex_lock(&s->lock);
    x->stream->ended = true;
    if (c->place == PLACE_PARKED)
        conn_resume_locked(c);
    pthread_mutex_unlock(&s->lock);
}

/* --- The server's side, as the owner of the connection --- */

bool stream_wants_end(const struct http_connection *c)
{
    return c->x->stream && c->server->stopping;
}

/* The handler has returned: what it was shown is not needed while the stream lasts. */
static void forget_head(struct http_exchange *x)
{
    free(TAKE_PTR(x->head_memory));
    x->head = (struct http_head){.method = HTTP_GET, .method_text = "", .path = "", .query = "", .host = ""};
}

/* Throws away what the client sends. false: it has gone, or does not stop. */
static bool stream_listen(struct http_connection *c)
{
    char piece[UNWANTED_PIECE];

    input_done(&c->in);
    for (;;) {
        ssize_t n = io_receive(c, piece, sizeof piece);
        if (n == IO_AGAIN)
            return true;
        if (n == IO_END || (size_t)n >= c->discard_left)
            return false;
        c->discard_left -= (size_t)n;
    }
}

/* Makes x->out of the bytes: one chunk, and the end behind it where the stream is over. */
static void stream_frame(struct http_exchange *x, const char *bytes, size_t len)
{
    const struct http_stream *stream = x->stream;
    struct str out = STR_INIT(len + CHUNK_FRAME_MAX);

    if (len > 0 && stream->chunked)
        str_printf(&out, "%zx\r\n", len);
    if (len > 0)
        str_append_len(&out, bytes, len);
    if (len > 0 && stream->chunked)
        str_append(&out, "\r\n");
    if (stream->over && stream->chunked)
        str_append(&out, "0\r\n\r\n");
    assert(!out.overflow);
    free(x->out);
    x->out = out.p;
    x->out_len = out.len;
    x->out_pos = 0;
}

/* All before is sent: takes what there is to send next. false: nothing. */
static bool stream_take(struct http_exchange *x, int64_t now)
{
    struct http_server *s = x->conn->server;
    struct http_stream *stream = x->stream;

    if (stream->over)
        return false;
    pthread_mutex_lock(&s->lock);
    if (now >= stream->end_at || s->stopping)
        stream->ended = true;
    stream->over = stream->ended;
    AUTO_STR struct str taken = stream->waiting;
    stream->waiting = STR_INIT(stream->limits.waiting_max);
    stream->unsent = taken.len;
    pthread_mutex_unlock(&s->lock);

    bool beats = taken.len == 0 && !stream->over && now >= stream->beat_at;
    const char *bytes = beats ? stream->limits.heartbeat : str_text(&taken);
    size_t len = beats ? strlen(bytes) : taken.len;
    stream_frame(x, bytes, len);
    if (x->out_len == 0)
        return false;
    stream->beat_at = now + stream->limits.heartbeat_ms;
    stream->stall_at = now + stream->limits.stall_ms;
    return true;
}

/* Whether the client has taken nothing for too long. */
static bool stream_stalls(struct http_exchange *x, int64_t now)
{
    struct http_stream *stream = x->stream;
    if (x->moved != stream->moved)
        stream->stall_at = now + stream->limits.stall_ms;
    stream->moved = x->moved;
    return now >= stream->stall_at;
}

enum http_step stream_step(struct http_connection *c)
{
    struct http_exchange *x = c->x;
    int64_t now = clock_mono_ms();
    enum http_step step;

    forget_head(x);
    if (!stream_listen(c)) /* before sending: what TLS waits for is then what the send waits for, if it has to */
        return STEP_CLOSE;
    do
        step = send_rest(c);
    while (step == STEP_NEXT && stream_take(x, now));
    if (step == STEP_CLOSE || (step == STEP_WRITE && stream_stalls(x, now)))
        return STEP_CLOSE;
    if (step == STEP_NEXT && x->stream->over) {
        c->phase = PHASE_REPLY; /* which has nothing left to send, and closes */
        return STEP_NEXT;
    }
    return STEP_STREAM;
}

bool stream_park(struct http_connection *c)
{
    struct http_server *s = c->server;
    struct http_exchange *x = c->x;
    struct http_stream *stream = x->stream;
    size_t left = x->out_len - x->out_pos;
    int64_t next = stream->beat_at < stream->end_at ? stream->beat_at : stream->end_at;

    x->parked_at_ms = clock_mono_ms();
    pthread_mutex_lock(&s->lock);
    stream->unsent = left;
    bool news = left == 0 && (stream->waiting.len > 0 || stream->ended);
    bool parked = !c->cut && !news;
    if (parked) {
        c->place = PLACE_PARKED;
        c->deadline_ms = left > 0 ? stream->stall_at : next;
        conn_arm(c, left > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
    }
    pthread_mutex_unlock(&s->lock);
    return parked;
}
