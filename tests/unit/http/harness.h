/* A real server on loopback with a small handler, and a blocking client that sends raw bytes: for the tests of
 * src/http. */
#ifndef AIRLOCK_TESTS_HTTP_HARNESS_H
#define AIRLOCK_TESTS_HTTP_HARNESS_H

#include <pthread.h>
#include <stdatomic.h>

#include "http/internal.h"

/* What the handler answers:
 *   GET /hello           200 "hello"
 *   GET /silent          nothing: a mistake of the handler
 *   GET /large           200 and LARGE bytes of memory
 *   GET /file            200, FILE_SIZE bytes in three pieces (HEAD: the length alone)
 *   GET /broken-file     announces FILE_SIZE, fails after the first piece
 *   GET /work            after WORK_STEPS steps of WORK_STEP_US, 200 "worked"
 *   GET /bytes           200, BYTES_SIZE bytes of memory in pieces of BYTES_PIECE (HEAD: the same source, never read)
 *   GET /short-bytes     announces BYTES_SIZE, the source ends after the first piece
 *   GET /broken-bytes    the source fails after the first piece
 *   GET /stream          an answer without an end, under f->limits (one request at a time): fixture_say writes to it
 *   PUT /count           takes the body; 201 and "BYTES PIECES LARGEST-PIECE"
 *   PUT /picky           takes the body; its first piece is answered 409
 *   PUT /refuse          403 before the body
 *   PUT /slow-disk       as /count, each piece taking 50 ms
 *   POST /collect        collects at most COLLECT_MAX bytes, answers them; 413 over it
 *   anything else        404 */
#define LARGE ((size_t)8 * 1024 * 1024)
#define FILE_PIECE ((size_t)300 * 1024)
#define FILE_SIZE (3 * FILE_PIECE)
#define BYTES_PIECE ((size_t)512 * 1024)
#define BYTES_SIZE (16 * BYTES_PIECE)
#define COLLECT_MAX 20000
#define STREAMS_MAX 256
#define WORK_STEPS 50
#define WORK_STEP_US 4000

struct fixture {
    struct http_server *server;
    pthread_t thread;
    int listen_fd;
    uint16_t port;
    int file_fd;
    void (*refusal)(struct http_exchange *x, int status, const char *detail); /* may be set before fixture_start */

    const struct http_certificate *certificate; /* may be set before fixture_start, for TLS; used by it alone */

    const char *address; /* that the handler must see; NULL: loopback's. May be set before fixture_start */

    pthread_mutex_t lock; /* the registry of transfers, as a program has one */
    struct http_exchange *transfer;

    struct http_stream_limits limits; /* may be set before fixture_start */
    struct http_exchange *streams[STREAMS_MAX];

    atomic_int handled, finished, aborted, destroyed, done, steps, reads, opened;
    atomic_ullong sent;
};

/* Settings with short deadlines; change what the test is about before fixture_start. */
struct http_settings fixture_settings(void);
void fixture_start(struct fixture *f, const struct http_settings *settings);
/* Stops, waits for the end of http_server_run and frees. */
void fixture_stop(struct fixture *f, unsigned grace_ms);
/* Calls http_exchange_abort on the transfer that runs; false: none does. */
bool fixture_abort(struct fixture *f);
/* Writes to the stream with that number, counted from 0 in the order of their requests. false: it is over. */
bool fixture_say(struct fixture *f, size_t stream, const void *bytes, size_t len);
void fixture_end(struct fixture *f, size_t stream);

int client_open(const struct fixture *f);
void client_send(int fd, const char *text);
void client_send_len(int fd, const void *bytes, size_t len); /* stops early when the server has closed */
/* One answer: its status, or 0 when the connection ended first, or -1 after 15 s. The body goes to ret_body (may be
 * NULL, for HEAD too). */
int client_answer(int fd, bool head_only, struct str *ret_body);
/* Whether the server closes within the time (reading away what comes). */
bool client_closed(int fd, int within_ms);
/* Everything until the end. */
void client_drain(int fd, struct str *ret_all);
/* One request on a connection of its own. */
int client_ask(const struct fixture *f, const char *request, struct str *ret_body);

void wait_for(atomic_int *counter, int value);       /* fails after 10 s, or when it is more */
void wait_for_least(atomic_int *counter, int value); /* of a counter that goes on by itself */
unsigned char file_byte(size_t at);            /* of what /file and /bytes send */

#endif
