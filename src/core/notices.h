/* Notices: mails to people, as deliveries to the endpoint "mail", and what rules send to a receiver of its own. A delivery
 * that names no person is a date: when it is due, whoever is concerned then gets one each. */
#ifndef AIRLOCK_CORE_NOTICES_H
#define AIRLOCK_CORE_NOTICES_H

#include "core/events.h"
#include "core/notice_plan.h"

/* What a delivery's detail says. Texts are borrowed from it. */
struct notice_detail {
    const char *template;
    unsigned whom;  /* as which of a rule's people */
    int64_t round;  /* of a reminder, from 1; 0: none is */
};

/* notices.c */

/* The request has come to another status, and event is the row that tells so (kind notification): whoever is to hear of
 * it gets a delivery. In the transaction of the change. */
int notices_add(struct core *core, const struct call *call, const struct request *req, int64_t event_id,
                struct error *err) MUST_USE;
/* Is the request still in the version that the event tells of? */
int notice_is_current(struct core *core, const struct delivery *delivery, bool *ret, struct error *err) MUST_USE;
/* What airlock-notify is to send: {"to", "template", "data"}, the caller's; *ret_mail stays NULL where nothing is to be
 * sent any more. */
int notice_render(struct core *core, const struct call *call, const struct delivery *delivery, json_t **ret_mail,
                  struct error *err) MUST_USE;
/* It was sent; its delivery is about to leave. */
int notice_sent(struct core *core, const struct call *call, const struct delivery *delivery, struct error *err) MUST_USE;

/* notice_digest.c: one mail for all */

/* The event stands in the person's next summary. */
int digest_add(struct core *core, const struct call *call, int64_t event_id, const char *subject,
               struct error *err) MUST_USE;
bool digest_is(const struct delivery *delivery);
/* As of notice_render; who: the person. */
int digest_render(struct core *core, const struct delivery *delivery, const struct recipient *who, json_t **ret_mail,
                  struct error *err) MUST_USE;

/* notice_mail.c: what a mail says */

/* The values of model/notice.def and of the request; the caller's. */
int notice_mail(struct core *core, const struct call *call, const struct delivery *delivery, const struct request *req,
                const struct notice_detail *detail, const struct recipient *who, json_t **ret_mail,
                struct error *err) MUST_USE;
/* "2026-11-27 07:15 UTC"; the caller's. */
char *notice_time(int64_t us);
/* Where people look at a request; the caller's. */
char *notice_portal_url(const struct core *core, const char *workspace, const char *request);
/* {"to", "template", "data"}; data is stolen. */
json_t *notice_pack(const struct recipient *who, const char *template, json_t *data_stolen);

/* notice_admin.c */

call_handler admin_rules_test, caller_notices, caller_set_notices;

#endif
