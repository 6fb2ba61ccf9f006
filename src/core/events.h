/* Events: what is told of a request, one row for each (request, version, kind), written in the transaction that makes
 * it true, with one delivery for each receiver that wants it. Delivery never holds up, undoes or loses a change. */
#ifndef AIRLOCK_CORE_EVENTS_H
#define AIRLOCK_CORE_EVENTS_H

#include "core/endpoints.h"
#include "core/request.h"
#include "model/flow.h"
#include "model/gate.h"

/* One event to one receiver, and the event. Texts are borrowed from the row that they were read from. */
struct delivery {
    int64_t id;
    int64_t event;
    const char *endpoint;
    const char *subject; /* the person of a mail, or "" */
    const char *detail;  /* JSON of the rule behind a notice, or "" */
    int64_t leases;
    int64_t attempts;
    const char *request, *workspace;
    int64_t version;
    const char *kind;
    int64_t sequence;
    int64_t at;
    const char *document; /* JSON, the event's data */
};

/* events.c: what is written */

/* The request has come to a status, from another or the same (from; STATUS_NONE: it is new): systems hear of it, and,
 * where the status is another one now, people. */
int events_add_status(struct core *core, const struct call *call, const struct request *req, enum status from,
                      struct error *err) MUST_USE;
/* A step that airlock does by itself has ended; version: the one in which it ran. A status that followed from it is the
 * request's already. */
int events_add_step(struct core *core, const struct call *call, const struct request *req, enum job_kind step,
                    int64_t version, struct error *err) MUST_USE;
/* The gates have come to a verdict, in that version. gates: as a report has them. */
int events_add_scan(struct core *core, const struct call *call, const struct request *req, int64_t version,
                    enum verdict verdict, const json_t *gates, struct error *err) MUST_USE;
/* The sealed files have arrived where the request's row says they are. */
int events_add_arrival(struct core *core, const struct call *call, const struct request *req,
                       struct error *err) MUST_USE;
/* The request's files have been removed. */
int events_add_deletion(struct core *core, const struct call *call, const struct request *req,
                        struct error *err) MUST_USE;
/* A delivery of the event to the endpoint, from that time on, which counts as its birth; subject and detail may be "".
 * Said twice is said once. airlock-notify is woken. */
int delivery_add(struct core *core, int64_t event, const char *endpoint, const char *subject, const char *detail,
                 int64_t from_us, struct error *err) MUST_USE;

/* event_keep.c: what leaves again */

/* At the start: deliveries to receivers that no setting names any more are dead. */
int events_start(struct core *core, struct error *err) MUST_USE;
/* Drops what is too old, a bounded piece of it at a time, and tells the log of receivers that are far behind. */
int events_keep(struct core *core, int64_t now, struct error *err) MUST_USE;

/* event_message.c: how it looks outside */

/* The event's id, the same at every try and in every form. The caller's. */
char *event_message_id(const struct delivery *delivery);
/* The CloudEvent in structured mode; the caller's. */
char *event_message_structured(const struct core *core, const struct delivery *delivery);
/* What airlock-notify is told of a leased delivery besides its id, token and endpoint, set into *out. */
void event_message_webhook(const struct core *core, const struct delivery *delivery, const struct endpoint *endpoint,
                           int64_t now, json_t *out);
void event_message_broker(const struct core *core, const struct delivery *delivery, json_t *out);

/* event_lease.c: airlock-notify's side */

/* airlock-notify is gone: its leases end, and were no tries. */
int events_release_all(struct core *core, struct error *err) MUST_USE;

call_handler event_lease, event_result;

/* event_feed.c: people's live feed, which airlock-api reads for them */

/* Whoever follows reads on after the commit: there are events, or somebody may see less than before. */
void event_feed_look(struct core *core);
/* After such a commit: airlock-api hears of it while it follows any. */
void event_feed_tell(struct core *core);

call_handler event_read;

/* event_admin.c */

call_handler admin_events, admin_events_replay, admin_events_drop, admin_metrics;

#endif
