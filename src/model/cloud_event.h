/* The kinds of events that are told to the outside: CloudEvents of a request, and lists of kinds in settings. Pure; any
 * process. (What happens to a request in the state machine is enum event, model/flow.h.) */
#ifndef AIRLOCK_MODEL_CLOUD_EVENT_H
#define AIRLOCK_MODEL_CLOUD_EVENT_H

#include <stdbool.h>

#include "base/error.h"

enum cloud_event {
#define X(name, kind, what) CLOUD_EVENT_##name,
#include "model/cloud_event.def"
#undef X
    CLOUD_EVENT_COUNT
};

#define CLOUD_EVENT_ALL ((1U << CLOUD_EVENT_COUNT) - 1)

const char *cloud_event_name(enum cloud_event kind); /* "status_changed" */
const char *cloud_event_what(enum cloud_event kind); /* a sentence */
bool cloud_event_by_name(const char *name, enum cloud_event *ret);

/* Names with one of the separators between, as bits 1 << enum cloud_event; "" is all of them. E_INVALID with a sentence
 * that goes on after a setting's name. */
int cloud_event_kinds_parse(const char *text, const char *separators, unsigned *ret_kinds, struct error *err) MUST_USE;

#endif
