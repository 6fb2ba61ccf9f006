/* One HTTP exchange by libcurl. Must never log a URL's query: it may be a link's signature. */
#include "cli/web.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/num.h"
#include "cli/url.h"

#define CONNECT_TIMEOUT_S 15L
#define CALL_TIMEOUT_S 60L
#define SLOW_BYTES_PER_S 1024L
#define SLOW_TIME_S 60L
#define TRANSFER_BUFFER (512L * 1024)

struct web {
    CURL *curl;
    char problem[CURL_ERROR_SIZE];
};

/* What the callbacks of one exchange share. */
struct exchange {
    CURL *curl;
    const struct web_request *request;
    struct web_answer *answer;
    uint64_t counted; /* bytes added to request->moved by this try */
    int code;         /* of a failure inside a callback */
    struct error err;
};

static const struct {
    const char *name;
    size_t offset;
    size_t size;
} KEPT_HEADERS[] = {
#define AT(field) offsetof(struct web_answer, field), sizeof(((struct web_answer *)0)->field)
    {"content-type", AT(content_type)},   {"etag", AT(etag)},
    {"content-range", AT(content_range)}, {"content-md5", AT(content_md5)},
    {"x-ms-error-code", AT(error_code)},  {"link", AT(link)},
    {"retry-after", AT(retry_after)},
#undef AT
};

struct web *web_new(void)
{
    struct web *web = xcalloc(1, sizeof *web);

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(web->curl = curl_easy_init())) {
        (void)fputs("airlock: the HTTP library cannot start\n", stderr);
        abort();
    }
    return web;
}

void web_free(struct web *web)
{
    if (!web)
        return;
    curl_easy_cleanup(web->curl);
    free(web);
}

static size_t on_header(char *line, size_t size, size_t count, void *context)
{
    struct exchange *x = context;
    size_t len = size * count;
    const char *colon = memchr(line, ':', len);

    if (len > 5 && memcmp(line, "HTTP/", 5) == 0) { /* a new head after "100 Continue": forget the last one */
        for (size_t i = 0; i < ARRAY_LEN(KEPT_HEADERS); i++)
            *((char *)x->answer + KEPT_HEADERS[i].offset) = '\0';
        return len;
    }
    if (!colon)
        return len;
    for (size_t i = 0; i < ARRAY_LEN(KEPT_HEADERS); i++) {
        size_t name_len = strlen(KEPT_HEADERS[i].name);
        if (name_len != (size_t)(colon - line) || strncasecmp(line, KEPT_HEADERS[i].name, name_len) != 0)
            continue;
        const char *from = colon + 1;
        const char *end = line + len;
        while (from < end && (*from == ' ' || *from == '\t'))
            from++;
        while (end > from && strchr(" \t\r\n", end[-1]))
            end--;
        AUTO_FREE char *value = xstrndup(from, (size_t)(end - from));
        (void)str_copy((char *)x->answer + KEPT_HEADERS[i].offset, KEPT_HEADERS[i].size,
                       value); /* too long counts as absent */
    }
    return len;
}

static void count_moved(struct exchange *x, uint64_t total)
{
    if (!x->request->moved || total <= x->counted)
        return;
    atomic_fetch_add(x->request->moved, total - x->counted);
    x->counted = total;
}

static size_t sink_write(struct exchange *x, const char *bytes, size_t len)
{
    struct web_sink *sink = x->request->sink;

    if (len > sink->len - sink->got) {
        x->code = error_set(&x->err, E_PROTOCOL, "The server sent more bytes than were asked for");
        return 0;
    }
    x->code = file_pwrite_all(sink->fd, bytes, len, sink->offset + sink->got, &x->err);
    if (x->code)
        return 0;
    sink->got += len;
    count_moved(x, sink->got);
    return len;
}

/* 0, which ends the exchange, once it is enough. */
static size_t listener_hear(struct exchange *x, const char *bytes, size_t len)
{
    struct web_listener *listener = x->request->listener;

    listener->heard_ms = clock_mono_ms();
    listener->enough = !listener->hear(listener->ctx, bytes, len);
    return listener->enough ? 0 : len;
}

/* At least once a second. Not 0 ends the exchange. */
static int listener_look(struct exchange *x)
{
    struct web_listener *listener = x->request->listener;
    int64_t now = clock_mono_ms();

    if (now >= listener->until_ms)
        listener->enough = true;
    else if (now - listener->heard_ms > listener->silence_ms)
        x->code = error_set(&x->err, E_UNAVAILABLE, "The server has said nothing for %lld seconds",
                            (long long)listener->silence_ms / 1000);
    return listener->enough || x->code != 0;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct exchange *x = context;
    size_t len = size * count;
    long status = 0;

    (void)curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &status);
    if (x->request->sink && status / 100 == 2)
        return sink_write(x, bytes, len);
    if (x->request->listener && status / 100 == 2)
        return listener_hear(x, bytes, len);
    str_append_len(&x->answer->body, bytes, len);
    if (!x->answer->body.overflow)
        return len;
    x->code = error_set(&x->err, E_LIMIT, "The server's answer is larger than %zu MiB", WEB_ANSWER_MAX >> 20);
    return 0;
}

static int on_progress(void *context, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
    struct exchange *x = context;
    (void)down_total;
    (void)down;
    (void)up_total;
    if (!x->request->sink && up > 0)
        count_moved(x, (uint64_t)up);
    return x->request->listener ? listener_look(x) : 0;
}

static struct curl_slist *header_list(const struct web_request *request)
{
    struct curl_slist *list = NULL;

    if (request->bearer) {
        AUTO_FREE char *line = xasprintf("Authorization: Bearer %s", request->bearer);
        list = curl_slist_append(list, line);
    }
    for (size_t i = 0; i < WEB_HEADERS_MAX && request->headers[i]; i++)
        list = curl_slist_append(list, request->headers[i]);
    return list;
}

/* libcurl's own setters cannot fail for known options and valid values, but for lack of memory. */
static void set_limits(CURL *curl, const struct web_request *request)
{
    const char *authority = getenv("AIRLOCK_CA_FILE");

    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, request->transfer || request->listener ? 0L : CALL_TIMEOUT_S);
    (void)curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, SLOW_BYTES_PER_S);
    (void)curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, request->transfer ? SLOW_TIME_S : 0L);
    (void)curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, TRANSFER_BUFFER);
    (void)curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, TRANSFER_BUFFER);
    if (authority && *authority)
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO, authority);
    if (url_is_loopback(request->url))
        (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
}

static void set_exchange(struct web *web, struct exchange *x, struct curl_slist *headers)
{
    CURL *curl = web->curl;
    const struct web_request *request = x->request;

    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, web->problem);
    (void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "airlock-cli");
    (void)curl_easy_setopt(curl, CURLOPT_URL, request->url);
    (void)curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L); /* a blob's name may hold ".." */
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, x);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, x);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFODATA, x);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROGRESS, request->moved || request->listener ? 0L : 1L);
    if (request->body) {
        (void)curl_easy_setopt(curl, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
    } else if (strcmp(request->method, "HEAD") == 0) {
        (void)curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    }
    (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
}

/* Says what a failed exchange means to a person, with the host and never the query. */
static int exchange_failed(const struct web *web, CURLcode result, const struct exchange *x, struct error *err)
{
    AUTO_STR struct str origin = STR_INIT(URL_MAX);
    const char *why = *web->problem ? web->problem : curl_easy_strerror(result);

    if (x->code) {
        if (err)
            *err = x->err;
        return x->code;
    }
    url_append_origin(&origin, x->request->url);
    if (result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CACERT_BADFILE)
        return error_set(err, E_CONFIG,
                         "The certificate of %s is not trusted (%s); AIRLOCK_CA_FILE may name another authority",
                         str_text(&origin), why);
    if (result == CURLE_COULDNT_CONNECT || result == CURLE_COULDNT_RESOLVE_HOST)
        return error_set(err, E_UNAVAILABLE, "%s cannot be reached (%s)", str_text(&origin), why);
    return error_set(err, E_UNAVAILABLE, "The exchange with %s broke off (%s)", str_text(&origin), why);
}

int web_send(struct web *web, const struct web_request *request, struct web_answer *answer, struct error *err)
{
    struct exchange x = {.curl = web->curl, .request = request, .answer = answer};
    long status = 0;

    str_done(&answer->body);
    *answer = WEB_ANSWER_INIT;
    if (request->sink)
        request->sink->got = 0;
    if (request->listener) {
        request->listener->heard_ms = clock_mono_ms();
        request->listener->enough = false;
    }
    web->problem[0] = '\0';
    curl_easy_reset(web->curl); /* keeps the connection */
    struct curl_slist *headers = header_list(request);
    set_limits(web->curl, request);
    set_exchange(web, &x, headers);
    CURLcode result = curl_easy_perform(web->curl);
    (void)curl_easy_getinfo(web->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    answer->status = (int)status;
    bool failed = result != CURLE_OK || status / 100 != 2;
    if (failed && request->moved)
        atomic_fetch_sub(request->moved, x.counted);
    if (result == CURLE_OK || (request->listener && request->listener->enough))
        return 0;
    return exchange_failed(web, result, &x, err);
}

uint64_t web_retry_after(const struct web_answer *answer, uint64_t fallback, uint64_t max)
{
    uint64_t seconds;

    if (!num_parse(answer->retry_after, 0, UINT32_MAX, &seconds))
        return fallback < max ? fallback : max;
    return seconds < max ? seconds : max;
}

bool web_status_is_passing(int status)
{
    return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}
