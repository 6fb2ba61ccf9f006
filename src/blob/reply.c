/* Building answers. Runs in airlock-blob on worker threads. Must never echo a query or anything that is not plain text.
 */
#include "blob/reply.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define CLIENT_REQUEST_ID_MAX 1024
#define ERROR_BODY_MAX 8192
#define XML_TYPE "application/xml"

/* cors: NULL where there is no request that could name an origin. */
static void add_common(struct http_exchange *x, const struct http_head *head, const char *request_id,
                       const struct cors *cors)
{
    const char *version = http_header(head, "x-ms-version");
    const char *client_id = http_header(head, "x-ms-client-request-id");

    http_header_add(x, "x-ms-request-id", request_id);
    http_header_add(x, "x-ms-version", version && request_is_version(version) ? version : REPLY_VERSION);
    if (client_id && *client_id && strlen(client_id) <= CLIENT_REQUEST_ID_MAX && request_is_plain(client_id))
        http_header_add(x, "x-ms-client-request-id", client_id);
    /* A blob is somebody's bytes: a browser must not guess a type for it, run it, or hand on the link it came from. */
    http_header_add(x, "X-Content-Type-Options", "nosniff");
    http_header_add(x, "Content-Security-Policy", "sandbox; default-src 'none'");
    http_header_add(x, "Referrer-Policy", "no-referrer");
    if (cors)
        cors_add_headers(cors, head, x);
}

void reply_add_common(struct request *rq)
{
    add_common(rq->x, rq->head, rq->id, rq->app->cors);
}

void reply_add_no_store(struct request *rq)
{
    http_header_add(rq->x, "Cache-Control", "no-store");
}

static void add_error_headers(struct http_exchange *x, const struct azure_facts *facts)
{
    http_header_add(x, "x-ms-error-code", facts->code);
    if (facts->http == 401)
        http_header_add(x, "WWW-Authenticate", "SharedAccessSignature realm=\"airlock\"");
    if (facts->http == 405)
        http_header_add(x, "Allow", "GET, HEAD, PUT, DELETE");
    if (facts->http == 503)
        http_header_add(x, "Retry-After", "1");
}

static void send_error(struct http_exchange *x, const struct http_head *head, const char *request_id,
                       const struct cors *cors, enum azure_code code, const char *detail)
{
    const struct azure_facts *facts = azure_facts(code);
    AUTO_STR struct str body = STR_INIT(ERROR_BODY_MAX);

    add_common(x, head, request_id, cors);
    http_header_add(x, "Cache-Control", "no-store");
    add_error_headers(x, facts);
    if (head->method == HTTP_HEAD || facts->http == 304) {
        http_reply_empty(x, facts->http);
        return;
    }
    azure_render(code, request_id, detail, &body);
    http_reply(x, facts->http, XML_TYPE, str_text(&body), body.len);
}

void reply_azure(struct request *rq, enum azure_code code, const char *detail)
{
    send_error(rq->x, rq->head, rq->id, rq->app->cors, code, detail);
}

void reply_error(struct request *rq, const struct error *err)
{
    enum azure_code code = azure_from_error(err->code);

    if (azure_facts(code)->http >= 500)
        log_warning("request %s of %s ended in %s: %s", rq->id, rq->location.container, error_name(err->code),
                    err->detail);
    reply_azure(rq, code, err->detail);
}

void reply_empty(struct request *rq, int status)
{
    reply_add_common(rq);
    reply_add_no_store(rq);
    http_reply_empty(rq->x, status);
}

void reply_xml(struct request *rq, struct str *xml)
{
    if (xml->overflow) {
        struct error err = {0};
        (void)error_set(&err, E_INTERNAL, "an XML answer passed its limit");
        reply_error(rq, &err);
        return;
    }
    reply_add_common(rq);
    reply_add_no_store(rq);
    http_reply(rq->x, 200, XML_TYPE, str_text(xml), xml->len);
}

void reply_add_tags(struct request *rq, const json_t *ok)
{
    char modified[CLOCK_TEXT_MAX];
    const char *etag = json_text(ok, "etag");

    if (!*etag || !request_is_plain(etag))
        return;
    http_header_addf(rq->x, "ETag", "\"%s\"", etag);
    clock_format_http(json_int(ok, "modified"), modified);
    http_header_add(rq->x, "Last-Modified", modified);
}

void reply_refusal(struct http_exchange *x, int status, const char *detail)
{
    static const struct http_head NOTHING; /* the head may be what could not be read */
    char id[UUID_TEXT_SIZE];

    uuid_new(id);
    send_error(x, &NOTHING, id, NULL, azure_from_status(status), detail ? detail : "");
}
