/* Notices: mails to people, as deliveries to the endpoint "mail". */
#ifndef AIRLOCK_CORE_NOTICES_H
#define AIRLOCK_CORE_NOTICES_H

#include "core/events.h"
#include "core/request.h"

/* The request has come from a status to another (from; STATUS_NONE: it is new), and event is the row that tells so (kind
 * notification): whoever is to hear of it by mail gets a delivery. In the transaction of the change. */
int notices_add(struct core *core, const struct call *call, const struct request *req, enum status from,
                int64_t event_id, struct error *err) MUST_USE;
/* What airlock-notify is to send: {"to", "template", "data"}, the caller's; *ret_mail stays NULL where nothing is to be
 * sent any more. */
int notice_render(struct core *core, const struct call *call, const struct delivery *delivery, json_t **ret_mail,
                  struct error *err) MUST_USE;
/* It was sent; its delivery is about to leave. */
int notice_sent(struct core *core, const struct call *call, const struct delivery *delivery, struct error *err) MUST_USE;

#endif
