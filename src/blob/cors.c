/* Cross-origin rules and the preflight. Runs in airlock-blob on worker threads. Must never allow an origin that is not
 * configured, nor answer a preflight with what was not checked. */
#include "blob/cors.h"

#include <string.h>
#include <strings.h>

#include "blob/operations.h"
#include "blob/reply.h"

#define MAX_AGE_S "3600"

struct cors {
    size_t count;
    char *origins[CORS_ORIGINS_MAX];
};

/* What the operations understand. Headers: a name, or the beginning of names. */
static const char *const METHODS[] = {"GET", "HEAD", "PUT", "DELETE"};
static const char *const HEADERS[] = {"x-ms-*",        "if-*",   "content-*",       "range",
                                      "cache-control", "accept", "accept-language", "accept-encoding"};

#define EXPOSED                                                                                                 \
    "ETag, Last-Modified, Content-Length, Content-Range, Content-MD5, x-ms-request-id, x-ms-client-request-id, " \
    "x-ms-version, x-ms-error-code, x-ms-content-crc64, x-ms-blob-content-md5, x-ms-creation-time"

/* scheme://host[:port] */
static bool is_origin(const char *text)
{
    static const char *const SCHEMES[] = {"http://", "https://"};

    for (size_t i = 0; i < ARRAY_LEN(SCHEMES); i++)
        if (str_starts(text, SCHEMES[i])) {
            const char *host = text + strlen(SCHEMES[i]);
            return *host && !strpbrk(host, "/?#@*\\ \t") && request_is_plain(host);
        }
    return false;
}

static int cors_add(struct cors *cors, const char *origin, size_t len, struct error *err)
{
    AUTO_FREE char *text = xstrndup(origin, len);

    if (!is_origin(text))
        return error_set(err, E_CONFIG, "\"%s\" is no origin: http://HOST[:PORT] or https://HOST[:PORT]", text);
    if (cors->count == CORS_ORIGINS_MAX)
        return error_set(err, E_CONFIG, "More than %d origins are given", CORS_ORIGINS_MAX);
    cors->origins[cors->count++] = TAKE_PTR(text);
    return 0;
}

int cors_new(const char *public_url, const char *more, struct cors **ret, struct error *err)
{
    struct cors *cors = xcalloc(1, sizeof *cors);
    int r = cors_add(cors, public_url, strlen(public_url), err);

    for (more += strspn(more, " "); r == 0 && *more; more += strspn(more, " ")) {
        size_t len = strcspn(more, " ");
        r = cors_add(cors, more, len, err);
        more += len;
    }
    if (r < 0) {
        cors_free(cors);
        return r;
    }
    *ret = cors;
    return 0;
}

void cors_free(struct cors *cors)
{
    for (size_t i = 0; cors && i < cors->count; i++)
        free(cors->origins[i]);
    free(cors);
}

bool cors_allows_origin(const struct cors *cors, const char *origin)
{
    for (size_t i = 0; i < cors->count; i++)
        if (strcasecmp(cors->origins[i], origin) == 0)
            return true;
    return false;
}

static bool allows_method(const char *method)
{
    for (size_t i = 0; i < ARRAY_LEN(METHODS); i++)
        if (strcmp(METHODS[i], method) == 0)
            return true;
    return false;
}

static bool allows_header(const char *name, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(HEADERS); i++) {
        size_t head_len = strlen(HEADERS[i]);
        bool is_prefix = HEADERS[i][head_len - 1] == '*';
        head_len -= is_prefix;
        if ((is_prefix ? len > head_len : len == head_len) && strncasecmp(HEADERS[i], name, head_len) == 0)
            return true;
    }
    return false;
}

static bool allows_headers(const char *list)
{
    while (*list) {
        list += strspn(list, ", \t");
        size_t len = strcspn(list, ", \t");
        if (len > 0 && !allows_header(list, len))
            return false;
        list += len;
    }
    return true;
}

enum azure_code cors_check_preflight(const struct cors *cors, const char *origin, const char *method,
                                     const char *headers)
{
    if (!origin || !method)
        return AZURE_INVALID_HEADER_VALUE;
    if (!cors_allows_origin(cors, origin) || !allows_method(method) || (headers && !allows_headers(headers)))
        return AZURE_CORS_PREFLIGHT_FAILURE;
    return AZURE_OK;
}

void cors_add_headers(const struct cors *cors, const struct http_head *head, struct http_exchange *x)
{
    const char *origin = http_header(head, "Origin");

    http_header_add(x, "Vary", "Origin");
    if (!origin || !cors_allows_origin(cors, origin))
        return;
    http_header_add(x, "Access-Control-Allow-Origin", origin);
    if (head->method != HTTP_OPTIONS)
        http_header_add(x, "Access-Control-Expose-Headers", EXPOSED);
}

/* Asks for no link: it tells nothing about a container. */
void preflight(struct request *rq)
{
    const char *method = request_header(rq, "Access-Control-Request-Method");
    const char *headers = request_header(rq, "Access-Control-Request-Headers");
    enum azure_code code = cors_check_preflight(rq->app->cors, request_header(rq, "Origin"), method, headers);

    if (code != AZURE_OK) {
        reply_azure(rq, code, code == AZURE_INVALID_HEADER_VALUE ? "A required CORS header is not present." : "");
        return;
    }
    http_header_add(rq->x, "Access-Control-Allow-Methods", method);
    if (headers)
        http_header_add(rq->x, "Access-Control-Allow-Headers", headers);
    http_header_add(rq->x, "Access-Control-Max-Age", MAX_AGE_S);
    reply_empty(rq, 200);
}
