/* Receivers of events and the keys of webhooks. Part of airlock-core, before its confinement. */
#include "core/endpoints.h"

#include <string.h>

#include "base/str.h"
#include "core/webhook.h"

static const char *const KINDS[] = {
    [ENDPOINT_WEBHOOK] = "webhook", [ENDPOINT_BROKER] = "broker", [ENDPOINT_MAIL] = "mail"};

const char *endpoint_kind_name(enum endpoint_kind kind)
{
    return KINDS[kind];
}

const struct endpoint *endpoints_find(const struct endpoints *endpoints, const char *name)
{
    for (size_t i = 0; i < endpoints->count; i++)
        if (strcmp(endpoints->items[i].name, name) == 0)
            return &endpoints->items[i];
    return NULL;
}

/* There are never more than fit: each setting has its bound. */
static struct endpoint *endpoint_new(struct endpoints *endpoints, enum endpoint_kind kind, const char *name)
{
    struct endpoint *endpoint = &endpoints->items[endpoints->count++];

    *endpoint = (struct endpoint){.kind = kind};
    (void)str_copy(endpoint->name, sizeof endpoint->name, name);
    return endpoint;
}

/* The receiver of the whole TRE. */
static int read_webhook(const struct child *child, struct endpoints *ret, struct error *err)
{
    const char *url = child_setting(child, "events.webhook_url");

    if (*url == '\0')
        return 0;
    struct endpoint *endpoint = endpoint_new(ret, ENDPOINT_WEBHOOK, KINDS[ENDPOINT_WEBHOOK]);
    (void)str_copy(endpoint->url, sizeof endpoint->url, url); /* the setting's form measured it */
    int r = cloud_event_kinds_parse(child_setting(child, "events.webhook_types"), " ", &endpoint->kinds, err);
    return r ? r : webhook_keys_read(child_setting(child, "events.webhook_secret_file"), &endpoint->keys, err);
}

static int read_webhooks(const struct child *child, struct endpoints *ret, struct error *err)
{
    const char *dir = child_setting(child, "events.webhook_secrets");
    struct webhooks webhooks;
    int r = webhooks_parse(child_setting(child, "events.webhooks"), &webhooks, err);

    for (size_t i = 0; r == 0 && i < webhooks.count; i++) {
        const struct webhook *from = &webhooks.items[i];
        struct endpoint *endpoint = endpoint_new(ret, ENDPOINT_WEBHOOK, from->name);
        AUTO_FREE char *path = xasprintf("%s/%s.key", dir, from->name);
        endpoint->kinds = from->kinds;
        (void)str_copy(endpoint->workspace, sizeof endpoint->workspace, from->workspace); /* arrays of the same sizes */
        (void)str_copy(endpoint->url, sizeof endpoint->url, from->url);
        r = webhook_keys_read(path, &endpoint->keys, err);
    }
    return r;
}

static int read_broker(const struct child *child, struct endpoints *ret, struct error *err)
{
    if (*child_setting(child, "events.broker_url") == '\0')
        return 0;
    struct endpoint *endpoint = endpoint_new(ret, ENDPOINT_BROKER, KINDS[ENDPOINT_BROKER]);
    return cloud_event_kinds_parse(child_setting(child, "events.broker_types"), " ", &endpoint->kinds, err);
}

int endpoints_read(const struct child *child, struct endpoints *ret, struct error *err)
{
    int r;

    *ret = (struct endpoints){0};
    r = read_webhook(child, ret, err);
    if (r == 0)
        r = read_webhooks(child, ret, err);
    if (r == 0)
        r = read_broker(child, ret, err);
    if (r == 0 && *child_setting(child, "mail.smtp_url"))
        (void)endpoint_new(ret, ENDPOINT_MAIL, KINDS[ENDPOINT_MAIL]);
    return r;
}

void endpoints_wipe(struct endpoints *endpoints)
{
    secret_wipe(endpoints, sizeof *endpoints);
}
