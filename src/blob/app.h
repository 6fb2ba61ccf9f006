/* What every request of airlock-blob shares: made once in main.c, then only read. */
#ifndef AIRLOCK_BLOB_APP_H
#define AIRLOCK_BLOB_APP_H

#include "blob/cors.h"
#include "blob/transfers.h"
#include "http/http.h"
#include "ipc/client.h"
#include "store/store.h"

struct app {
    struct store *store; /* this zone's root */
    struct ipc_client *core;
    struct transfers *transfers;
    struct cors *cors;
    const char *public_url; /* how links of this zone begin; may hold "{account}" */
    bool behind_proxy; /* TLS ends in front of us: clients speak https */
};

/* http_settings.handler; ctx is the app. */
void app_handle(struct http_exchange *x, void *ctx);

#endif
