/* Events as CloudEvents 1.0, the same at every try. Part of airlock-core. */
#include <string.h>

#include "base/clock.h"
#include "core/events.h"
#include "core/webhook.h"

#define STRUCTURED_TYPE "application/cloudevents+json; charset=utf-8"
#define DATA_TYPE "application/json"

char *event_message_id(const struct delivery *delivery)
{
    return xasprintf("%s.%lld.%s", delivery->request, (long long)delivery->version, delivery->kind);
}

/* The context attributes in the order of the specification, each a text. */
static json_t *attributes(const struct core *core, const struct delivery *delivery)
{
    char time[CLOCK_TEXT_MAX];
    AUTO_FREE char *id = event_message_id(delivery);
    AUTO_FREE char *source = xasprintf("/airlock/%s", core->config.tre_id);
    AUTO_FREE char *type = xasprintf("airlock.%s.v1", delivery->kind);
    AUTO_FREE char *schema = xasprintf("%s/api/events/schemas/%s.v1.json", core->config.api_url, delivery->kind);
    AUTO_FREE char *sequence = xasprintf("%010lld", (long long)delivery->sequence);

    clock_format_iso(delivery->at, time);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "specversion", "1.0", "id", id, "source", source,
                     "type", type, "subject", delivery->request, "time", time, "dataschema", schema, "sequence",
                     sequence);
}

char *event_message_structured(const struct core *core, const struct delivery *delivery)
{
    AUTO_JSON json_t *event = attributes(core, delivery);

    json_object_set_new(event, "datacontenttype", json_string(DATA_TYPE));
    json_object_set_new(event, "data", json_loads(delivery->document, 0, NULL));
    return json_dumps(event, JSON_COMPACT);
}

/* Binary mode: the attributes are headers, the body is the data. All of them are printable ASCII without % and ". */
static void add_attribute_headers(const struct core *core, const struct delivery *delivery, json_t *headers)
{
    AUTO_JSON json_t *all = attributes(core, delivery);
    const char *name;
    json_t *value;

    json_object_foreach(all, name, value)
    {
        AUTO_FREE char *header = xasprintf("ce-%s", name);
        json_array_append_new(headers, json_pack("[s,O]", header, value));
    }
}

void event_message_webhook(const struct core *core, const struct delivery *delivery, const struct endpoint *endpoint,
                           int64_t now, json_t *out)
{
    bool binary = core->config.webhook_binary;
    AUTO_FREE char *id = event_message_id(delivery);
    AUTO_FREE char *body = binary ? xstrdup(delivery->document) : event_message_structured(core, delivery);
    json_t *headers = webhook_headers(&endpoint->keys, binary ? DATA_TYPE : STRUCTURED_TYPE, id, now, body);

    if (binary)
        add_attribute_headers(core, delivery, headers);
    json_object_set_new(out, "message", json_string(id));
    json_object_set_new(out, "url", json_string(endpoint->url));
    json_object_set_new(out, "headers", headers);
    json_object_set_new(out, "body", json_string(body));
}

void event_message_broker(const struct core *core, const struct delivery *delivery, json_t *out)
{
    AUTO_FREE char *id = event_message_id(delivery);
    AUTO_FREE char *body = event_message_structured(core, delivery);
    AUTO_FREE char *key = xasprintf("airlock.%s.%s", delivery->kind, delivery->workspace);

    json_object_set_new(out, "message", json_string(id));
    json_object_set_new(out, "routing_key", json_string(key));
    json_object_set_new(out, "content_type", json_string(STRUCTURED_TYPE));
    json_object_set_new(out, "body", json_string(body));
}
