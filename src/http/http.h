/* The HTTP/1.1 server under airlock-api, airlock-blob and airlock-idp: one epoll loop per process, a fixed set of
 * worker threads, strict parsing, total deadlines.
 *
 * Life of an exchange: the loop accepts, reads and parses the head (sockets never block a thread), then a worker calls
 * the handler. The handler answers at once (http_reply*), or accepts the body with a sink; only then is "100 Continue"
 * sent, so that a refusal always precedes the body. Sink callbacks and file pumps run on workers while the socket is
 * ready and give the connection back to the loop when it would block; at any moment one thread owns a connection. An
 * answer without an end (http_stream_begin) waits without a worker and gets its bytes from any thread.
 * Sources: RFC 9110, RFC 9112. */
#ifndef AIRLOCK_HTTP_HTTP_H
#define AIRLOCK_HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bucket.h"
#include "base/error.h"
#include "base/network.h"
#include "base/str.h"

#define HTTP_TARGET_MAX (16 * 1024)     /* bytes of the request target */
#define HTTP_HEAD_MAX (32 * 1024)       /* bytes of request line and header block together, target included */
#define HTTP_HEADERS_MAX 100

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_PUT, HTTP_POST, HTTP_DELETE, HTTP_PATCH, HTTP_OPTIONS, HTTP_OTHER };

/* A header as received: value trimmed of surrounding spaces; name compared without case. Not NUL-free by accident:
 * the parser refuses NUL. Both are NUL-terminated inside the head buffer. */
struct http_header {
    const char *name;
    const char *value;
};

struct http_head {
    enum http_method method;
    const char *method_text;
    const char *path;       /* the target (origin form, or "*" for OPTIONS) up to '?', still percent-encoded */
    const char *query; /* after '?', still encoded; "" when there is none. May hold a SAS signature: never log it */
    const char *host;
    bool minor_zero;        /* HTTP/1.0 */
    bool keep_alive;
    bool chunked;
    bool has_length;
    uint64_t content_length; /* 0 when absent */
    bool expect_continue;
    size_t header_count;
    struct http_header headers[HTTP_HEADERS_MAX];
};

/* --- The parser, by itself (fuzzed, compared with other parsers). Defined in http/parser.c and fields.c. --- */

/* Tries to parse a head at the start of buf[0..len). The buffer is changed (NULs are written behind tokens) only when a
 * head is complete, and the head points into it. Returns 1 and the head's size when complete, 0 when more bytes are
 * needed, a negative E_ code to be answered with the status in *ret_status (400, 414, 417, 431, 501, 505) and close.
 * *ret_head is undefined unless 1 was returned. Each finished line is judged at once, before the head is complete. */
int http_parse_head(char *buf, size_t len, struct http_head *ret_head, size_t *ret_head_size, int *ret_status,
                    struct error *err) MUST_USE;

/* First value of a header, or NULL. */
const char *http_header(const struct http_head *head, const char *name);
/* Number of times a header stands in the head: handlers refuse doubles of headers that mean one thing. */
size_t http_header_count(const struct http_head *head, const char *name);

/* Percent-decodes text (len bytes) once into out. '+' stays '+'. false: a bad escape, a NUL, or too long. */
bool http_decode(const char *text, size_t len, char *out, size_t out_size);
/* The form-urlencoded variant for application/x-www-form-urlencoded bodies: '+' is a space. */
bool http_decode_form(const char *text, size_t len, char *out, size_t out_size);

/* Query (or form) parameters, decoded. Kept in order; doubles are kept and visible through http_params_count. */
struct http_param {
    char *name;
    char *value;
};
struct http_params {
    size_t count;
    struct http_param *items;
};
/* At most max parameters; E_BAD_REQUEST for a bad escape. form: '+' is a space. */
int http_params_parse(const char *text, size_t max, bool form, struct http_params *ret, struct error *err) MUST_USE;
void http_params_done(struct http_params *params);
const char *http_params_get(const struct http_params *params, const char *name); /* first, or NULL */
size_t http_params_count(const struct http_params *params, const char *name);

/* --- The server --- */

struct http_server;
struct http_exchange;

struct http_settings {
    const char *name;               /* of the process, for the Server header: "airlock" */
    int listen_fd;                  /* borrowed: airlockd keeps a copy, a restart refuses nobody */
    unsigned workers;               /* threads that run handlers, sinks and pumps */
    unsigned max_connections;
    unsigned max_per_address;       /* connections of one client address (IPv6: one /64); 0: no cap */
    struct bucket_rule pace;        /* requests of one client address (the same); count 0: no limit. Who asks too often
                                       gets 429 with a true Retry-After through the refusal function; each answer of 401
                                       counts as HTTP_PACE_REFUSED_COST requests */
    unsigned head_deadline_ms;      /* from the first byte (or accept) to the end of the head, in total */
    unsigned idle_deadline_ms;      /* between exchanges on a kept-alive connection */
    unsigned min_body_rate;         /* bytes per second, up and down, averaged after a grace of 10 s; 0: off. Only time
                                       in which the client keeps us waiting counts */
    /* Connections from these networks must begin with a PROXY protocol v2 header, which names their client: its address
     * is what http_exchange_address and max_per_address then mean. Borrowed for the server's life. From anywhere else
     * such a header is a malformed request. No header inside a request ever changes an address. */
    const struct network *proxies;
    size_t proxy_count;
    unsigned buffers;               /* body buffers of HTTP_BUFFER_SIZE in the pool */
    /* On a worker thread; must reply or accept a body before returning. */
    void (*handler)(struct http_exchange *x, void *ctx);
    void *ctx;
};
#define HTTP_BUFFER_SIZE (512 * 1024)
#define HTTP_PACE_REFUSED_COST 10

/* The server owns its threads: _run starts the workers (after the caller has confined itself) and joins them; it
 * returns after http_server_stop and the end (or abort after grace_ms) of all exchanges. watch: other descriptors the
 * same loop serves (channels, control socket): see http_server_watch. */
int http_server_new(const struct http_settings *settings, struct http_server **ret, struct error *err) MUST_USE;
/* Calls fn on the loop thread whenever fd is readable or at its end. Used for the control socket and channel to core.
 * Both: before http_server_run, or on the loop thread (inside a watch function); unwatch before closing fd. */
int http_server_watch(struct http_server *s, int fd, void (*fn)(int fd, void *ctx), void *ctx,
                      struct error *err) MUST_USE;
void http_server_unwatch(struct http_server *s, int fd);
/* From now on new connections are under TLS with this certificate; those that are open go on as they began. PEM texts:
 * the server's certificate and its chain, and the private key. E_CONFIG when they cannot be used; then nothing has
 * changed. Before http_server_run, or (once there is TLS) on the loop thread. The program ignores SIGPIPE. */
struct http_certificate {
    const char *chain;
    size_t chain_len;
    const char *key;
    size_t key_len;
};
int http_server_set_certificate(struct http_server *s, const struct http_certificate *pair, struct error *err) MUST_USE;
void http_server_run(struct http_server *s);
/* Any thread, not a signal handler (watch a signalfd): no new connections, finish what runs, return. */
void http_server_stop(struct http_server *s, unsigned grace_ms);
void http_server_free(struct http_server *s);

/* --- An exchange, as handlers see it (worker threads) --- */

const struct http_head *http_exchange_head(const struct http_exchange *x);
const char *http_exchange_address(const struct http_exchange *x); /* the client's numeric address, without port */
bool http_exchange_tls(const struct http_exchange *x);            /* by TLS of our own */
/* A free slot for the handler's own state; destroy (may be NULL) is called exactly once when the exchange ends. */
void http_exchange_set_state(struct http_exchange *x, void *state, void (*destroy)(void *state));
void *http_exchange_state(const struct http_exchange *x);

/* Ends the exchange from any thread: the connection is shut down, a sink's aborted() runs. For revoked transfers.
 * x must be kept alive by the caller: only for code that holds the transfer in a registry which destroy removes. */
void http_exchange_abort(struct http_exchange *x);

/* Adds a response header; before the reply. Name and value must not contain CR or LF (asserted). */
void http_header_add(struct http_exchange *x, const char *name, const char *value);
void http_header_addf(struct http_exchange *x, const char *name, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Whole answers. Content-Length, Date, Connection are added; for HEAD, 204 and 304 the body is left out (its length is
 * still announced for HEAD). An answer before the body was read closes the connection unless the body is small and
 * already here, so that bytes never desynchronise. */
void http_reply(struct http_exchange *x, int status, const char *content_type, const void *body, size_t len);
void http_reply_empty(struct http_exchange *x, int status);

/* A body streamed from files: next() is asked for pieces until it answers 0; total is announced as Content-Length.
 * next: 1 and a piece (fd stays owned by the source), 0 at the end, negative on an error (connection is cut, the client
 * sees a short body). done(ctx, sent) is called exactly once, with the bytes handed to the socket, whether complete or
 * not. */
struct http_file_source {
    int (*next)(void *ctx, int *ret_fd, uint64_t *ret_offset, uint64_t *ret_len);
    void (*done)(void *ctx, uint64_t sent);
    void *ctx;
};
/* For HEAD requests use http_reply_length. */
void http_reply_file(struct http_exchange *x, int status, const char *content_type, uint64_t total,
                     const struct http_file_source *source);
/* The same from memory: the bytes go from the source's memory to the socket without a copy, so they stay valid while a
 * slow client is waited for.
 * read: 1 and bytes (borrowed until the next read or done), 0 at the end, negative on an error. An end or an error
 * before total cuts the connection; bytes beyond total are not sent. done(ctx, sent) is called exactly once, with the
 * bytes handed to the socket. Both on a worker. */
struct http_byte_source {
    int (*read)(void *ctx, const void **ret_bytes, size_t *ret_len);
    void (*done)(void *ctx, uint64_t sent);
    void *ctx;
};
/* For HEAD requests only the headers are sent, and read is never called. */
void http_reply_bytes(struct http_exchange *x, int status, const char *content_type, uint64_t total,
                      const struct http_byte_source *source);
/* Headers of a body of that length without the body (HEAD). */
void http_reply_length(struct http_exchange *x, int status, const char *content_type, uint64_t length);

/* --- Answers without an end: live updates --- */

/* What one may cost. Each limit is the stream's alone; the connection counts in max_connections and max_per_address. */
struct http_stream_limits {
    size_t waiting_max;      /* bytes that wait for the client, beside some 100 KiB of the kernel's: cut past that */
    unsigned stall_ms;       /* a client that takes nothing of what waits for it, or does not acknowledge it: cut */
    unsigned life_ms;        /* then the stream ends in good order */
    const char *heartbeat;   /* sent whenever nothing else was for heartbeat_ms. Borrowed for the server's life */
    unsigned heartbeat_ms;
};
/* Answers a GET with a head and no length: in chunks, or up to the end of the connection for HTTP/1.0. The connection
 * then waits without a worker, and closes after the stream: its client has gone, http_stream_end, a limit, or the stop
 * of the server. All of these end the exchange, which the destroy of its state tells. When this returns, the others may
 * be called; the head that the handler saw is gone once the handler has returned. What the client still sends is
 * thrown away. */
void http_stream_begin(struct http_exchange *x, int status, const char *content_type,
                       const struct http_stream_limits *limits);
/* All: any thread, for code that holds the exchange in a registry which destroy removes (as http_exchange_abort).
 * Bytes written together are sent together. false: it has ended, or the client has not read and is cut now. */
bool http_stream_write(struct http_exchange *x, const void *bytes, size_t len);
/* Bytes that were written and that the socket has not taken. */
size_t http_stream_waiting(struct http_exchange *x);
void http_stream_end(struct http_exchange *x); /* after what was written; may be called twice */

/* Accepts the request body. write(): pieces of up to HTTP_BUFFER_SIZE in order; all but the last are full buffers when
 * the pool is not short. It answers 0, or HTTP_BUFFER_KEPT (then bytes, the start of a pool buffer aligned to
 * HTTP_BUFFER_ALIGN, is the sink's until http_buffer_release, which must come before the exchange ends), or a negative
 * code: then it has already replied. finish(): the whole body (exactly Content-Length, or the last chunk) has been
 * written; must reply. aborted(): the client vanished, was too slow, broke the framing or was aborted; nothing can be
 * answered any more. Exactly one of finish/aborted is called, unless write() refused. */
struct http_sink {
    int (*write)(struct http_exchange *x, const void *bytes, size_t len, void *ctx);
    void (*finish)(struct http_exchange *x, void *ctx);
    void (*aborted)(struct http_exchange *x, void *ctx);
    void *ctx;
    uint64_t place; /* where the body goes in a file: pieces are cut so that they lie at multiples of HTTP_BUFFER_ALIGN
                       there, as far as that goes */
};
#define HTTP_BUFFER_KEPT 1
#define HTTP_BUFFER_ALIGN 4096u
/* Any thread. */
void http_buffer_release(struct http_exchange *x, void *buffer);
void http_accept_body(struct http_exchange *x, const struct http_sink *sink);

/* Long work of the server's own, such as copying a file, in steps of some milliseconds, so that other exchanges get
 * their turns: step is called on worker threads, one at a time, until it answers 0, and must have replied by then. A
 * request with a body cannot have it. An exchange that is cut gets no further step; its state is destroyed as ever. */
void http_work(struct http_exchange *x, int (*step)(struct http_exchange *x, void *ctx), void *ctx);

/* Collects a body of at most max bytes in memory, then calls fn (worker thread), which must reply. A larger body is
 * answered 413 through too_large (which must reply). body is NUL-terminated and freed after fn. */
void http_collect_body(struct http_exchange *x, size_t max, void (*fn)(struct http_exchange *x, char *body, size_t len),
                       void (*too_large)(struct http_exchange *x));

/* The refusals of the layer itself (bad head, head time-out, broken chunks, too many requests) have a plain body; a program may give its
 * own form (problem+json, Azure's XML). fn runs on a worker and must reply; after a bad head the exchange's head is
 * empty. Before http_server_run. A connection over a cap gets a fixed 503: no state is kept for it. */
void http_server_set_refusal(struct http_server *s,
                             void (*fn)(struct http_exchange *x, int status, const char *detail));

#endif
