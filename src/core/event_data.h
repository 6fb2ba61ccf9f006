/* The data of each kind of event, as model/cloud_event_field.def describes it. */
#ifndef AIRLOCK_CORE_EVENT_DATA_H
#define AIRLOCK_CORE_EVENT_DATA_H

#include "core/request.h"
#include "model/flow.h"
#include "model/gate.h"

/* The fields that every event has, set into document. */
void event_data_common(const struct request *req, int64_t version, int64_t sequence, json_t *document);

/* Documents without them; the caller's. */
json_t *event_data_status(const struct request *req, enum status from);
int event_data_step(struct core *core, const struct request *req, enum job_kind step, int64_t version, json_t **ret,
                    struct error *err) MUST_USE;
json_t *event_data_scan(const struct request *req, enum verdict verdict, const json_t *gates);
int event_data_arrival(struct core *core, const struct request *req, json_t **ret, struct error *err) MUST_USE;
int event_data_deletion(struct core *core, const struct request *req, json_t **ret, struct error *err) MUST_USE;
int event_data_notification(struct core *core, const struct request *req, json_t **ret, struct error *err) MUST_USE;

#endif
