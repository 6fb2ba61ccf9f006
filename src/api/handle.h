/* The HTTP side of airlock-api: exchanges in, frames to core, answers out. Runs on the server's workers. */
#ifndef AIRLOCK_API_HANDLE_H
#define AIRLOCK_API_HANDLE_H

#include "api/feed.h"
#include "http/http.h"
#include "ipc/client.h"
#include "model/cloud_event.h"

#define API_BODY_MAX ((size_t)256 * 1024)

/* What every exchange shares; must outlive the server. */
struct api {
    struct ipc_client *core; /* borrowed */
    struct feed *feed;
    const char *version;
    char *openapi; /* the description, rendered once, and so */
    char *event_schemas;
    char *event_schema[CLOUD_EVENT_COUNT];
    bool is_https; /* people reach the API by https: say so for the future (HSTS) */
};

/* streams_max: of events, of all people together. */
void api_init(struct api *api, struct ipc_client *core, const char *version, const char *public_url,
              unsigned streams_max);
/* After the server has ended and while core can still answer. */
void api_done(struct api *api);

/* For struct http_settings; ctx is the struct api. */
void api_handle(struct http_exchange *x, void *ctx);
/* For http_server_set_refusal. */
void api_refuse(struct http_exchange *x, int status, const char *detail);

#endif
