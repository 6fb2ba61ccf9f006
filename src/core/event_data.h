/* The data of each kind of event, as model/cloud_event_field.def describes it. */
#ifndef AIRLOCK_CORE_EVENT_DATA_H
#define AIRLOCK_CORE_EVENT_DATA_H

#include "core/request.h"

/* The fields that every event has, set into document. */
void event_data_common(const struct request *req, int64_t version, int64_t sequence, json_t *document);

/* Documents without them; the caller's. */
json_t *event_data_status(const struct request *req, enum status from);
int event_data_notification(struct core *core, const struct request *req, json_t **ret, struct error *err) MUST_USE;

#endif
