/* The form of events' data, from its table: JSON Schemas, examples, and the rows for documentation. Pure; any process.
 */
#ifndef AIRLOCK_MODEL_CLOUD_EVENT_SCHEMA_H
#define AIRLOCK_MODEL_CLOUD_EVENT_SCHEMA_H

#include "base/json.h"
#include "model/cloud_event.h"

#define CLOUD_EVENT_ANY CLOUD_EVENT_COUNT

enum cloud_event_form {
    EVENT_FORM_TEXT,
    EVENT_FORM_UUID,
    EVENT_FORM_DIGEST,
    EVENT_FORM_DIRECTION,
    EVENT_FORM_STATUS,
    EVENT_FORM_STATUS_OR_NULL,
    EVENT_FORM_STEP,
    EVENT_FORM_VERDICT,
    EVENT_FORM_SCAN_TYPE,
    EVENT_FORM_COUNT,
    EVENT_FORM_NUMBER,
    EVENT_FORM_FLAG,
    EVENT_FORM_LIST_OF_TEXT,
    EVENT_FORM_OBJECT, /* what is in it are rows of their own */
    EVENT_FORM_LIST,   /* of objects, likewise */
};

enum event_presence { EVENT_ALWAYS, EVENT_SOMETIMES, EVENT_PERSONAL };

struct cloud_event_field {
    enum cloud_event kind; /* or CLOUD_EVENT_ANY */
    const char *path;
    enum cloud_event_form form;
    enum event_presence presence;
    const char *what;
    const char *example; /* JSON; "" of objects and lists */
};

const struct cloud_event_field *cloud_event_fields(size_t *ret_count);
const char *cloud_event_form_name(enum cloud_event_form form); /* for people */

/* The JSON Schema (2020-12) of a kind's data; base: how the API is reached, for its $id. The caller's. */
json_t *cloud_event_schema(enum cloud_event kind, const char *base);
/* "status_changed.v1.json": as the schema is asked for. The caller's. */
char *cloud_event_schema_name(enum cloud_event kind);
/* Data of a kind, without what names people. The caller's. */
json_t *cloud_event_example(enum cloud_event kind);

#endif
