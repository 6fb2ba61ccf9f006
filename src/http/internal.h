/* The inside of the HTTP server: what its own files share, and nobody else includes (but its tests).
 *
 * Threads. The loop thread (the caller of http_server_run) accepts, reads heads, discards input nobody wants, and
 * enforces deadlines. Workers run handlers, receive bodies and send replies. Sockets never block anyone.
 *
 * Ownership. `place` says who may touch a connection; it, the queues, the table of connections and the buffer pool
 * change only under server->lock. Everything else in a connection belongs to its present owner. No callback of the
 * program ever runs under the lock.
 *
 *              +--- head complete, or refused ---> QUEUED ---> WORKER --- reply sent ---> LOOP
 *   LOOP ------+                                     ^            |
 *                                 socket ready, cut  |            +--- would block ---> PARKED
 *                                 buffer given, cut  +------------+--- no buffer -----> BUFFER
 *
 * A stream (stream.c) parks as well, and whoever writes to it resumes it as a ready socket does.
 *
 * Descriptors are armed EPOLLONESHOT: an event is a hand-over. A connection may still be armed when a worker closes it
 * (after a cut), so its event may be in the batch the loop is reading: structs are freed by the loop, between batches.
 */
#ifndef AIRLOCK_HTTP_INTERNAL_H
#define AIRLOCK_HTTP_INTERNAL_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "http/http.h"

#define HTTP_INPUT_FIRST 4096 /* first size of an input buffer; it doubles up to HTTP_HEAD_MAX */
#define HTTP_DRAIN_MAX \
    ((size_t)64 * 1024) /* an unwanted body up to this is read away; a longer one costs the connection */
/* Bytes and time that a closing connection may still send, so that the client reads our reply before it sees a reset.
 * The time is what bounds an ordinary client; a refused upload comes fast. */
#define HTTP_LINGER_MAX ((size_t)64 * 1024 * 1024)
#define HTTP_LINGER_MS 1000
#define HTTP_GRACE_MS 10000                    /* body transfers: credit at the start, before the minimum rate counts */
#define HTTP_CREDIT_MS 60000                   /* and the most that a fast start can save up */
#define HTTP_TICK_MS 100                       /* deadlines are exact to this */
#define HTTP_SLICE ((uint64_t)4 * 1024 * 1024) /* bytes of a file one turn of a worker sends while others wait */
#define HTTP_REPLY_HEADERS_MAX ((size_t)16 * 1024)
#define HTTP_EXTENSION_MAX 256               /* bytes of extensions of one chunk */
#define HTTP_TRAILER_MAX 8192                /* bytes of all trailers */
#define HTTP_PROXY_HEADER_MAX ((size_t)2048) /* bytes of a PROXY header with all that follows its addresses */

/* fields.c: the second half of http_parse_head. Sets what the fields mean; refuses as that does. */
int http_head_understand(struct http_head *head, int *ret_status, struct error *err) MUST_USE;

/* --- chunked.c: the decoder of chunked bodies (RFC 9112 7.1), by itself --- */

enum http_chunked_state {
    CHUNKED_SIZE,
    CHUNKED_EXTENSION,
    CHUNKED_SIZE_LF,
    CHUNKED_DATA,
    CHUNKED_DATA_CR,
    CHUNKED_DATA_LF,
    CHUNKED_TRAILER,
    CHUNKED_TRAILER_NAME,
    CHUNKED_TRAILER_VALUE,
    CHUNKED_TRAILER_LF,
    CHUNKED_END_LF,
    CHUNKED_END
};

/* All zero is the state before the first byte. */
struct http_chunked {
    enum http_chunked_state state;
    uint64_t left;      /* of the chunk being read */
    unsigned digits;    /* of its size */
    unsigned extension; /* bytes of its extensions */
    unsigned trailer;   /* bytes of trailers, all together */
};

/* Consumes framing and copies payload, until in is used up, out is full or the body has ended. Returns 1 at the end of
 * the body, 0 before it, E_PROTOCOL or E_LIMIT when the framing is broken (the decoder must not be used again). */
int http_chunked_read(struct http_chunked *c, const char *in, size_t in_len, size_t *ret_used, char *out, size_t room,
                      size_t *ret_out, struct error *err) MUST_USE;
/* Payload bytes that follow without any framing, and the note that they were taken straight from the socket. */
uint64_t http_chunked_direct(const struct http_chunked *c);
void http_chunked_skip(struct http_chunked *c, uint64_t taken);

/* --- addresses.c: how many connections each client address has --- */

struct http_addresses;
struct http_address;

struct http_addresses *http_addresses_new(unsigned max_each, unsigned max_connections);
void http_addresses_free(struct http_addresses *a);
/* Counts one more connection of a peer (IPv6 by its /64; others than IP are not counted: *ret is NULL). false: it has
 * as many as it may. Under the server's lock. */
bool http_addresses_enter(struct http_addresses *a, const struct sockaddr_storage *peer, struct http_address **ret);
void http_addresses_leave(struct http_address *address); /* NULL is not counted */
/* The numeric form without port; "" for a peer that is not IP. IPv4 in IPv6 is shown as IPv4. */
#define HTTP_ADDRESS_KEY_SIZE 16
/* What is one client: an IPv4 address, or an IPv6 /64. false: neither. */
bool http_address_key(const struct sockaddr_storage *peer, unsigned char key[static HTTP_ADDRESS_KEY_SIZE]);
void http_address_format(const struct sockaddr_storage *peer, char out[static INET6_ADDRSTRLEN]);

/* --- proxy.c: the header by which a proxy names its client, by itself --- */

/* *peer is the proxy's address. 1: the header is whole, *ret_size bytes of it, and *peer is the client's where it names
 * one. 0: *ret_size bytes in all are wanted. E_PROTOCOL when it is no such header, or too long. */
int http_proxy_parse(const char *bytes, size_t len, size_t *ret_size, struct sockaddr_storage *peer);
bool http_is_proxy(const struct http_settings *settings, const struct sockaddr_storage *peer);

/* --- The server, its connections and their exchanges --- */

enum http_poll_kind { POLL_LISTENER, POLL_WAKE, POLL_WATCH, POLL_CONNECTION };

enum http_place { PLACE_LOOP, PLACE_PARKED, PLACE_BUFFER, PLACE_QUEUED, PLACE_WORKER, PLACE_DEAD };

enum http_phase {
    PHASE_PROXY,     /* loop: reading the header by which a proxy names its client */
    PHASE_HANDSHAKE, /* TLS: the loop waits for the client, a worker computes */
    PHASE_HEAD,      /* loop: reading a head, or idle before one */
    PHASE_HANDLE,    /* worker: the handler is to be called */
    PHASE_REFUSE,    /* worker: the layer itself refuses */
    PHASE_WORK,      /* worker: the program's own long work, step by step */
    PHASE_BODY,      /* worker: receiving the body that the handler accepted */
    PHASE_REPLY,     /* worker: sending */
    PHASE_STREAM,    /* worker: sending what was written to a stream; parked between */
    PHASE_DRAIN,     /* loop: reading away the rest of a small unwanted body; the connection lives on */
    PHASE_LINGER,    /* loop: our side is shut, input is discarded until the client has closed */
    PHASE_COUNT
};

/* What a worker does next with the connection whose step it ran. */
enum http_step {
    STEP_NEXT,   /* another step at once */
    STEP_READ,   /* park until readable */
    STEP_WRITE,  /* park until writable */
    STEP_STREAM, /* park until there is something to send, or the client goes */
    STEP_BUFFER, /* wait for a body buffer */
    STEP_YIELD,  /* let waiting connections have the worker */
    STEP_LOOP,   /* hand back to the loop */
    STEP_CLOSE
};

enum http_source_kind { SOURCE_NONE, SOURCE_FILE, SOURCE_BYTES };

enum http_after { AFTER_KEEP, AFTER_DRAIN, AFTER_CLOSE, AFTER_LINGER };

TAILQ_HEAD(http_queue, http_connection);

/* Bytes received and not yet understood: [pos, len). */
struct http_input {
    char *p;
    size_t pos, len, cap;
    size_t seen; /* up to here no line is unread: no need to parse before another line feed */
};

struct http_exchange {
    struct http_connection *conn;
    struct http_head head;
    char *head_memory; /* what head points into */
    void *state;
    void (*state_destroy)(void *state);
    int refuse_status; /* PHASE_REFUSE */
    char *refuse_detail;

    int (*work)(struct http_exchange *x, void *ctx); /* PHASE_WORK */
    void *work_ctx;

    /* The request's body. */
    uint64_t body_left; /* with a known length */
    struct http_chunked chunked;
    struct http_sink sink;
    size_t collect_max;
    void (*collect_done)(struct http_exchange *x, char *body, size_t len);
    void (*collect_too_large)(struct http_exchange *x);
    char *buffer; /* a pool buffer, or a growing one when collecting */
    size_t fill, cap;
    bool body_done; /* all of it was received, or there is none */
    bool continue_sent;
    bool sink_open; /* accepted; neither finish, aborted nor a refusing write has been called */
    bool collecting;
    bool resting; /* a pool buffer stays with this parked transfer (counted in server->resting) */

    /* The reply. */
    bool replied;
    bool sending; /* which way the rate below is measured */
    enum http_after after;
    struct str headers; /* added by the handler, each with its CRLF */
    char *out;          /* what the socket did not take at once: [out_pos, out_len) */
    size_t out_pos, out_len;

    /* The streamed part of a reply. */
    enum http_source_kind source_kind;
    struct http_file_source file_source;
    struct http_byte_source byte_source;
    uint64_t source_left, source_sent;
    int piece_fd;            /* of a file; borrowed */
    const char *piece_bytes; /* of memory; borrowed */
    uint64_t piece_offset, piece_left;

    struct http_stream *stream; /* a reply without an end; NULL: none */

    /* The minimum rate: time that the client may still keep us waiting; bytes earn more. */
    int64_t budget_us;
    int64_t parked_at_ms;
    uint64_t moved, credited;
};

/* The part of a reply that has no end. Times are monotonic ms. */
struct http_stream {
    struct http_stream_limits limits;
    int64_t end_at, beat_at, stall_at;
    uint64_t moved; /* of the exchange, when stall_at was set */
    bool chunked;
    bool over; /* the end is among the bytes being sent */

    struct str waiting; /* from here on under server->lock: written, and not yet taken to be sent */
    size_t unsent;      /* taken, and not yet the kernel's */
    bool ended;
};

struct http_connection {
    enum http_poll_kind kind; /* first: what an epoll event points at */
    enum http_place place;
    enum http_phase phase;
    struct http_server *server;
    int fd;
    size_t index; /* in server->connections */
    TAILQ_ENTRY(http_connection) link;
    int64_t deadline_ms; /* monotonic; looked at while LOOP or PARKED */
    atomic_bool cut;     /* the exchange must end: aborted, too slow, or the server stops */
    bool idle;           /* between exchanges, not a byte of the next head yet */
    bool fresh;          /* no head was complete yet: the deadline counts from accept, TLS handshake included */
    bool tls_broken;     /* nothing more can be read or written */
    uint32_t tls_waits;  /* EPOLL bit: what the last read or write that said IO_AGAIN waits for; 0: it did not */
    struct ssl_st *tls;  /* NULL: plain, not begun, or ended */
    struct http_input in;
    size_t discard_left;
    struct http_address *address;
    struct sockaddr_storage peer;
    struct http_exchange *x; /* from the complete head to the end of the reply */
    char address_text[INET6_ADDRSTRLEN];
};

struct http_watch {
    enum http_poll_kind kind;
    int fd; /* -1: unwatched, freed between batches */
    void (*fn)(int fd, void *ctx);
    void *ctx;
    LIST_ENTRY(http_watch) link;
};

struct http_server {
    struct http_settings settings;
    void (*refusal)(struct http_exchange *x, int status, const char *detail);
    int epoll_fd, wake_fd;
    int reserve_fd; /* given up for a moment when descriptors have run out; a duplicate, the sandbox opens no file */
    enum http_poll_kind listener_kind, wake_kind;
    int64_t grace_ms; /* HTTP_GRACE_MS; tests shorten it */
    char *scratch;    /* the loop's, for input to be discarded: HTTP_DRAIN_MAX bytes */
    bool listening;   /* the listener is armed (loop thread) */
    int64_t listen_again_ms;
    LIST_HEAD(http_watch_list, http_watch) watches; /* loop thread */

    pthread_t *threads;
    unsigned thread_count;
    atomic_bool stopping;

    pthread_mutex_t lock; /* everything below */
    pthread_cond_t work_ready;
    struct http_queue work;    /* QUEUED */
    struct http_queue waiting; /* BUFFER */
    struct http_queue dead;    /* closed, to be freed by the loop */
    unsigned workers_idle;
    bool workers_called; /* one is being woken */
    bool workers_end;
    int64_t stop_at_ms;
    struct http_connection **connections;
    unsigned connection_count;
    struct http_addresses *addresses;
    struct buckets *paces;  /* has a lock of its own; NULL: no limit */
    struct ssl_ctx_st *tls; /* for new connections; NULL: plain HTTP. The loop may ask without the lock whether it is */
    void *free_buffers;     /* each holds the pointer to the next */
    unsigned buffers_made, resting;
};

/* pace.c: how often an address may ask. Workers. */
bool pace_refuses(struct http_exchange *x, struct error *err); /* true: too often; Retry-After is set */
void pace_credential_refused(struct http_exchange *x);

/* io.c: the only reads and writes of client sockets. Bytes moved, or IO_AGAIN, or IO_END (closed, broken). */
enum { IO_END = 0, IO_AGAIN = -1 };
ssize_t io_receive(struct http_connection *c, void *bytes, size_t len);
ssize_t io_send(struct http_connection *c, const struct iovec *iov, size_t count, bool more);
/* Bounds what the kernel keeps for a client that does not read, and how long it waits for one that has vanished. */
void io_bound(struct http_connection *c, size_t bytes, unsigned timeout_ms);
ssize_t io_send_file(struct http_connection *c, int fd, uint64_t *offset, size_t len);
void io_shut_write(struct http_connection *c);
uint64_t io_unacknowledged(const struct http_connection *c);
/* Whether input is here that no event will tell of. */
bool io_pending(const struct http_connection *c);
/* What to wait for, for a reader (EPOLLIN) or a writer (EPOLLOUT). */
uint32_t io_events(const struct http_connection *c, uint32_t events);
/* The end of the connection; orderly: the client may know that it is one. */
void io_close(struct http_connection *c, bool orderly);

/* tls.c: the same under TLS, for io.c; and what comes before the first byte. */
enum tls_handshake { TLS_DONE, TLS_AGAIN, TLS_FAILED, TLS_PLAIN_HTTP };
int tls_context_new(const struct http_certificate *pair, struct ssl_ctx_st **ret, struct error *err) MUST_USE;
void tls_context_free(struct ssl_ctx_st *context);
enum tls_handshake tls_handshake(struct http_connection *c); /* worker; failed: the connection is plain again */
ssize_t tls_receive(struct http_connection *c, void *bytes, size_t len);
ssize_t tls_send_pieces(struct http_connection *c, const struct iovec *iov, size_t count);
ssize_t tls_send_file(struct http_connection *c, int fd, uint64_t *offset, size_t len);
bool tls_pending(const struct http_connection *c);
uint32_t tls_events(const struct http_connection *c, uint32_t events);
void tls_end(struct http_connection *c, bool orderly); /* what follows on the connection is bare TCP */

/* buffer.c: the pool. */
char *buffer_take(struct http_server *s);              /* NULL when all are out */
void buffer_give(struct http_server *s, char *buffer); /* to the first in the waiting line, or to the pool */
bool buffer_wait(
    struct http_connection *c); /* true: c has a buffer and goes on; false: c waits and is no longer ours */
bool buffer_may_rest(struct http_exchange *x); /* whether a parked transfer may keep its partly filled buffer */
bool buffers_wanted(struct http_server *s);
void buffers_free(struct http_server *s);

/* worker.c: hand-overs. The _locked functions want server->lock held. */
void workers_start(struct http_server *s);
void workers_join(struct http_server *s);
void conn_enqueue_locked(struct http_connection *c);
void conn_resume_locked(struct http_connection *c); /* PARKED -> QUEUED */
void conn_cut_locked(struct http_connection *c);    /* ends its exchange, wherever it is */
void conn_enqueue(struct http_connection *c);
void conn_arm(struct http_connection *c, uint32_t events);
bool work_waits(struct http_server *s);

/* loop.c */
void server_wake(struct http_server *s);

/* conn.c: a connection's life. */
void conn_open(struct http_server *s, int fd, const struct sockaddr_storage *peer); /* takes fd */
void conn_close(struct http_connection *c);               /* ends the exchange, closes, buries */
void conn_loop_step(struct http_connection *c);           /* loop: its descriptor is readable */
void conn_overdue(struct http_connection *c);             /* loop: its deadline has passed */
enum http_step conn_handshake(struct http_connection *c); /* worker */
enum http_step conn_next_head(struct http_connection *c); /* worker: a pipelined head may be complete */
int64_t conn_loop_deadline(struct http_connection *c);    /* notes whether it idles, too */

/* rate.c: the minimum rate of transfers. */
void rate_start(struct http_exchange *x, bool sending);
void rate_waited(struct http_exchange *x, int64_t now_ms);
int64_t rate_deadline(struct http_exchange *x, int64_t now_ms);

/* exchange.c */
struct http_exchange *exchange_new(struct http_connection *c);
void exchange_free(struct http_exchange *x); /* aborted, done and destroy are called here */
enum http_step exchange_handle(struct http_connection *c);
enum http_step exchange_refuse(struct http_connection *c);
enum http_step exchange_work(struct http_connection *c);
enum http_step exchange_answered(struct http_connection *c); /* after a callback that had to reply */

/* stream.c */
enum http_step stream_step(struct http_connection *c);
bool stream_park(struct http_connection *c);            /* as STEP_READ's park: false: there is something to do */
bool stream_wants_end(const struct http_connection *c); /* lock held, PARKED: a stream, and the server stops */
void stream_free(struct http_stream *stream);

/* reply.c: sends the head of a stream, after which the connection closes. false: a 500 was sent instead. */
bool reply_stream_head(struct http_exchange *x, int status, const char *content_type);

/* body.c, send.c */
enum http_step body_step(struct http_connection *c);
void body_release(struct http_exchange *x);
enum http_step send_step(struct http_connection *c);
enum http_step send_rest(struct http_connection *c); /* STEP_NEXT: all of x->out is sent */
/* Hands bytes to the socket; what it does not take is copied and sent later. */
void send_now(struct http_exchange *x, const struct iovec *iov, size_t count, bool more);

void input_done(struct http_input *in);
void input_consume(struct http_input *in, size_t len);
size_t input_pending(const struct http_input *in);
/* One receive into the free room, growing up to HTTP_HEAD_MAX. As io_receive. */
ssize_t input_receive(struct http_connection *c);

#endif
