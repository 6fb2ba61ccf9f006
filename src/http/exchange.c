/* One request and its answer: what handlers see of it (workers), and its end. The handler's state is destroyed, a sink
 * told of its end and a source done exactly once, here. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "http/internal.h"

struct http_exchange *exchange_new(struct http_connection *c)
{
    struct http_exchange *x = xcalloc(1, sizeof *x);
    x->conn = c;
    x->headers = STR_INIT(HTTP_REPLY_HEADERS_MAX);
    /* A refused head is never looked into; what stands here is for refusal functions that look at it nevertheless. */
    x->head = (struct http_head){.method = HTTP_OTHER, .method_text = "", .path = "", .query = "", .host = ""};
    c->x = x;
    return x;
}

void exchange_free(struct http_exchange *x)
{
    if (x->sink_open && !x->collecting)
        x->sink.aborted(x, x->sink.ctx);
    body_release(x);
    if (x->source_kind == SOURCE_FILE)
        x->file_source.done(x->file_source.ctx, x->source_sent);
    if (x->source_kind == SOURCE_BYTES)
        x->byte_source.done(x->byte_source.ctx, x->source_sent);
    if (x->state_destroy)
        x->state_destroy(x->state);
    x->conn->x = NULL;
    stream_free(x->stream);
    str_done(&x->headers);
    free(x->out);
    free(x->refuse_detail);
    free(x->head_memory);
    free(x);
}

const struct http_head *http_exchange_head(const struct http_exchange *x)
{
    return &x->head;
}

const char *http_exchange_address(const struct http_exchange *x)
{
    return x->conn->address_text;
}

bool http_exchange_tls(const struct http_exchange *x)
{
    return x->conn->tls;
}

void http_exchange_set_state(struct http_exchange *x, void *state, void (*destroy)(void *state))
{
    x->state = state;
    x->state_destroy = destroy;
}

void *http_exchange_state(const struct http_exchange *x)
{
    return x->state;
}

void http_exchange_abort(struct http_exchange *x)
{
    struct http_server *s = x->conn->server;
    pthread_mutex_lock(&s->lock);
    conn_cut_locked(x->conn);
    pthread_mutex_unlock(&s->lock);
}

void http_accept_body(struct http_exchange *x, const struct http_sink *sink)
{
    assert(!x->sink_open && !x->replied);
    x->sink = *sink;
    x->sink_open = true;
}

void http_work(struct http_exchange *x, int (*step)(struct http_exchange *x, void *ctx), void *ctx)
{
    assert(!x->sink_open && !x->replied && x->body_done);
    x->work = step;
    x->work_ctx = ctx;
}

void http_collect_body(struct http_exchange *x, size_t max, void (*fn)(struct http_exchange *x, char *body, size_t len),
                       void (*too_large)(struct http_exchange *x))
{
    assert(!x->sink_open && !x->replied);
    if (x->head.has_length && x->head.content_length > max) {
        too_large(x);
        return;
    }
    x->collecting = true;
    x->collect_max = max;
    x->collect_done = fn;
    x->collect_too_large = too_large;
    x->sink_open = true;
}

static void header_line(struct http_exchange *x, const char *name, const char *value)
{
    assert(!x->replied && !strpbrk(name, "\r\n") && !strpbrk(value, "\r\n"));
    str_append(&x->headers, name);
    str_append(&x->headers, ": ");
    str_append(&x->headers, value);
    str_append(&x->headers, "\r\n");
}

void http_header_add(struct http_exchange *x, const char *name, const char *value)
{
    header_line(x, name, value);
}

void http_header_addf(struct http_exchange *x, const char *name, const char *fmt, ...)
{
    va_list args;
    char *value = NULL;
    va_start(args, fmt);
    int len = vasprintf(&value, fmt, args);
    va_end(args);
    if (len < 0)
        abort(); /* as xmalloc */
    header_line(x, name, value);
    free(value);
}

/* After the handler, finish or another callback that had to reply. One that did not is a mistake of the program, and
 * the client is told so rather than left waiting. */
enum http_step exchange_answered(struct http_connection *c)
{
    if (!c->x->replied)
        http_reply_empty(c->x, 500);
    c->phase = c->x->stream ? PHASE_STREAM : PHASE_REPLY;
    return STEP_NEXT;
}

static void refuse_plainly(struct http_exchange *x, int status, const char *detail)
{
    char text[sizeof((struct error *)NULL)->detail + 2];
    int len = snprintf(text, sizeof text, "%s\n", detail);
    http_reply(x, status, "text/plain; charset=utf-8", text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1);
}

/* In the program's own form, where it has one. */
static void refuse(struct http_exchange *x, int status, const char *detail)
{
    const struct http_server *s = x->conn->server;
    (s->refusal ? s->refusal : refuse_plainly)(x, status, detail);
}

enum http_step exchange_handle(struct http_connection *c)
{
    struct http_server *s = c->server;
    struct http_exchange *x = c->x;
    struct error err = {0};

    if (pace_refuses(x, &err))
        refuse(x, 429, err.detail);
    else
        s->settings.handler(x, s->settings.ctx);
    if (x->work) {
        c->phase = PHASE_WORK;
        return STEP_NEXT;
    }
    if (!x->sink_open)
        return exchange_answered(c);
    c->phase = PHASE_BODY;
    rate_start(x, false);
    return STEP_NEXT;
}

enum http_step exchange_work(struct http_connection *c)
{
    if (c->x->work(c->x, c->x->work_ctx) == 0)
        return exchange_answered(c);
    return work_waits(c->server) ? STEP_YIELD : STEP_NEXT;
}

enum http_step exchange_refuse(struct http_connection *c)
{
    refuse(c->x, c->x->refuse_status, c->x->refuse_detail);
    return exchange_answered(c);
}
