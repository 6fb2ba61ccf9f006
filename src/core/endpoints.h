/* The receivers of events, from the settings: who is told what, and how. */
#ifndef AIRLOCK_CORE_ENDPOINTS_H
#define AIRLOCK_CORE_ENDPOINTS_H

#include "ipc/child.h"
#include "model/cloud_event.h"
#include "model/webhook.h"

#define ENDPOINTS_MAX (WEBHOOKS_MAX + 3)

enum endpoint_kind { ENDPOINT_WEBHOOK, ENDPOINT_BROKER, ENDPOINT_MAIL };

struct endpoint {
    enum endpoint_kind kind;
    char name[WEBHOOK_NAME_MAX + 1];
    char workspace[UUID_TEXT_SIZE];   /* "": all of them */
    unsigned kinds;                   /* bits 1 << enum cloud_event of what it gets; mail gets what the rules say: none */
    char url[WEBHOOK_URL_MAX + 1];    /* of a webhook */
    struct webhook_keys keys;         /* of a webhook */
};

struct endpoints {
    size_t count;
    struct endpoint items[ENDPOINTS_MAX];
    size_t turn; /* who is looked at first when the next deliveries are leased */
};

const char *endpoint_kind_name(enum endpoint_kind kind); /* "webhook", "broker", "mail" */
const struct endpoint *endpoints_find(const struct endpoints *endpoints, const char *name);

/* All that the settings name, with the keys in their files: before the process is confined. endpoints_wipe, also after
 * an error. E_CONFIG. */
int endpoints_read(const struct child *child, struct endpoints *ret, struct error *err) MUST_USE;
void endpoints_wipe(struct endpoints *endpoints);

#endif
