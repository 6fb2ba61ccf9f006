/* The HTTP client under everything: one handle a thread, TLS always verified, no redirect ever followed (a token must
 * not travel to where an answer points), every wait and every answer bounded. */
#ifndef AIRLOCK_CLI_WEB_H
#define AIRLOCK_CLI_WEB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#define WEB_ANSWER_MAX ((size_t)64 * 1024 * 1024)
#define WEB_HEADERS_MAX 12

struct web;
struct web *web_new(void); /* ends the process when libcurl cannot start */
void web_free(struct web *web);
static inline void cleanup_web_(struct web **web)
{
    web_free(*web);
}
#define AUTO_WEB CLEANUP(cleanup_web_)

/* Where the body of a 2xx answer goes instead of into memory. */
struct web_sink {
    int fd;
    uint64_t offset;
    uint64_t len; /* more than this is a protocol error */
    uint64_t got; /* filled in */
};

/* Who hears the body of a 2xx answer as it comes, where that has no end. */
struct web_listener {
    bool (*hear)(void *ctx, const char *bytes, size_t len); /* false: it was enough */
    void *ctx;
    int64_t until_ms;   /* monotonic: then it was enough, whether anything came or not */
    int64_t silence_ms; /* for so long not a byte: E_UNAVAILABLE */
    int64_t heard_ms;   /* filled in: when the last one came */
    bool enough;        /* filled in */
};

struct web_request {
    const char *method;
    const char *url;
    const char *bearer;                   /* token, or NULL */
    const char *headers[WEB_HEADERS_MAX]; /* "Name: value", then NULL */
    const void *body;                     /* NULL: none */
    size_t body_len;
    bool transfer;                 /* file bytes: a minimum rate instead of a total time limit */
    struct web_sink *sink;         /* NULL: into the answer's body */
    struct web_listener *listener; /* NULL: the same; without a total time limit, but its own */
    _Atomic uint64_t *moved;       /* counts file bytes while they move, taken back when the try fails; or NULL */
};

/* Fixed-size header values; "" when absent or too long. */
struct web_answer {
    int status;
    struct str body;
    char content_type[128];
    char etag[128];
    char content_range[96];
    char content_md5[32];
    char error_code[64]; /* x-ms-error-code */
    char link[4096];
    char retry_after[32];
};
#define WEB_ANSWER_INIT ((struct web_answer){.body = STR_INIT(WEB_ANSWER_MAX)})
static inline void cleanup_answer_(struct web_answer *answer)
{
    str_done(&answer->body);
}
#define AUTO_ANSWER CLEANUP(cleanup_answer_)

/* 0 whenever an HTTP answer came, whatever its status, and when a listener had enough (perhaps before one did: status
 * 0). E_UNAVAILABLE: none came, another try may succeed. E_CONFIG: the certificate is not trusted. E_IO, E_NO_SPACE: the
 * sink cannot be written. E_PROTOCOL, E_LIMIT: the answer is not usable. */
int web_send(struct web *web, const struct web_request *request, struct web_answer *answer, struct error *err) MUST_USE;

/* Seconds of a Retry-After header, at most max; fallback when there is none. */
uint64_t web_retry_after(const struct web_answer *answer, uint64_t fallback, uint64_t max);
/* Whether the same request may be sent again after this status: 408, 429, 500, 502, 503, 504. */
bool web_status_is_passing(int status);

#endif
