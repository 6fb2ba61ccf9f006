/* Who is told of a status by mail, when, and again. Part of airlock-core: it queues, airlock-notify sends. What is said
 * stands in notice_mail.c; that nobody is told is on record, too. */
#include "core/notices.h"

#include <string.h>

#include "core/audit.h"

#define REMINDER "reminder"
#define LATER "later" /* detail of a delivery to a receiver */
#define NO_ADDRESS "the person has no mail address"

static const struct rule REMINDED = {.whom = NOTIFY_MANAGERS, .channel = RULE_MAIL, .template = REMINDER};

/* --- Details --- */

static char *detail_write(const char *template, unsigned whom, int64_t round)
{
    AUTO_JSON json_t *detail = json_pack("{s:s, s:s}", "template", template, "role", rule_whom_name(whom));
    if (round)
        json_object_set_new(detail, "round", json_integer((json_int_t)round));
    return json_dumps(detail, JSON_COMPACT);
}

static void detail_read(const json_t *detail, struct notice_detail *ret)
{
    *ret = (struct notice_detail){.template = json_text(detail, "template"), .round = json_int(detail, "round")};
    (void)rule_whom_by_name(json_text(detail, "role"), &ret->whom); /* written by us */
}

/* On record: the person hears nothing of it. */
static int audit_skipped(struct core *core, const struct call *call, const char *subject, const char *why,
                         struct error *err)
{
    return audit_add(core, call, "notice.skipped", "", json_pack("{s:s, s:s}", "to", subject, "detail", why), err);
}

/* --- Queueing --- */

static int skip(struct core *core, const struct call *call, int64_t event, const char *subject, const char *detail,
                struct error *err)
{
    int r = db_exec(core->db, Q_DELIVERY_ADD_SKIPPED,
                    ARGS(DB_I(event), DB_T(RULE_MAIL), DB_T(subject), DB_T(detail), DB_I(call->now), DB_T(NO_ADDRESS)), err);
    return r <= 0 ? r : audit_skipped(core, call, subject, NO_ADDRESS, err);
}

static int queue_now(struct core *core, const struct call *call, int64_t event, const struct notice *notice,
                     int64_t round, struct error *err)
{
    const struct rule *rule = notice->rule;

    if (!notice->has_person)
        return delivery_add(core, event, rule->channel, "", "", call->now, err);
    AUTO_FREE char *detail = detail_write(rule->template, rule->whom, round);
    if (notice->outcome == NOTICE_IS_NO_ADDRESS)
        return round ? 0 : skip(core, call, event, notice->who.subject, detail, err);
    return delivery_add(core, event, RULE_MAIL, notice->who.subject, detail, call->now, err);
}

static int queue_later(struct core *core, const struct call *call, int64_t event, const struct rule *rule,
                       struct error *err)
{
    bool is_mail = strcmp(rule->channel, RULE_MAIL) == 0;
    AUTO_FREE char *detail = is_mail ? detail_write(rule->template, rule->whom, 0) : xstrdup(LATER);
    return delivery_add(core, event, rule->channel, "", detail, call->now + rule->delay_s * SECOND_US, err);
}

/* round: of a reminder, or 0. */
static int plan_carry_out(struct core *core, const struct call *call, int64_t event, const struct notice_plan *plan,
                          int64_t round, struct error *err)
{
    int r = 0;

    for (size_t i = 0; i < plan->count && r == 0; i++) {
        const struct notice *notice = &plan->items[i];
        switch (notice->outcome) {
        case NOTICE_IS_NOW:
        case NOTICE_IS_NO_ADDRESS:
            r = queue_now(core, call, event, notice, round, err);
            break;
        case NOTICE_IS_LATER:
            r = queue_later(core, call, event, notice->rule, err);
            break;
        case NOTICE_IS_DIGEST:
            r = digest_add(core, call, event, notice->who.subject, err);
            break;
        default: /* nobody is told */
            break;
        }
    }
    return r;
}

/* The next look at a request that waits for a review. */
static int remind_later(struct core *core, const struct call *call, int64_t event, int64_t round, struct error *err)
{
    const struct endpoint *mail = endpoints_find(&core->endpoints, RULE_MAIL);

    if (!mail || core->config.review_reminder_s == 0)
        return 0;
    AUTO_FREE char *detail = detail_write(REMINDED.template, REMINDED.whom, round);
    return delivery_add(core, event, mail->name, "", detail, call->now + core->config.review_reminder_s * SECOND_US, err);
}

int notices_add(struct core *core, const struct call *call, const struct request *req, int64_t event_id,
                struct error *err)
{
    AUTO_PLAN struct notice_plan plan = {0};
    int r = notice_plan_make(core, req, &plan, err);

    if (r == 0)
        r = plan_carry_out(core, call, event_id, &plan, 0, err);
    if (r == 0 && req->status == STATUS_IN_REVIEW)
        r = remind_later(core, call, event_id, 1, err);
    return r;
}

/* --- What is due --- */

int notice_is_current(struct core *core, const struct delivery *delivery, bool *ret, struct error *err)
{
    AUTO_REQUEST struct request req = {0};
    int r = request_load_by_id(core, delivery->request, &req, err);

    *ret = r == 0 && req.version == delivery->version;
    return r;
}

/* Whoever has approved what others must approve, too, is not reminded of it. */
static int drop_reviewers(struct core *core, const struct request *req, struct notice_plan *plan, struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    int r = db_select(core->db, Q_REVIEW_LIST, ARGS(DB_T(req->id)), &rows, err);

    while (r == 0 && (r = db_rows_next(rows, err)) == 1) {
        AUTO_JSON json_t *reviewer = json_loads(db_text(rows, 1), 0, NULL);
        for (size_t i = 0; i < plan->count; i++)
            if (plan->items[i].has_person && strcmp(plan->items[i].who.subject, json_text(reviewer, "id")) == 0)
                plan->items[i].outcome = NOTICE_IS_TOLD;
        r = 0;
    }
    return r;
}

/* The date's rule. Of a rule of notify.rules also those that fall on the same moment, whose dates end with this one: who
 * has two roles gets one mail. */
static int rules_due(struct core *core, const struct delivery *d, bool is_reminder, struct rules *ret, struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    int r = db_select(core->db, Q_NOTICE_DATES, ARGS(DB_I(d->id)), &rows, err);

    while (r == 0 && ret->count < RULES_MAX && (r = db_rows_next(rows, err)) == 1) {
        AUTO_JSON json_t *said = json_loads(db_text(rows, 1), 0, NULL);
        struct notice_detail detail;
        bool is_this = db_int(rows, 0) == d->id;
        r = 0;
        detail_read(said, &detail);
        if (!is_this && (is_reminder || detail.round))
            continue;
        struct rule *rule = &ret->items[ret->count++];
        *rule = (struct rule){.whom = detail.whom, .channel = RULE_MAIL};
        (void)str_copy(rule->template, sizeof rule->template, detail.template); /* it came from a rule */
        if (!is_this && (r = db_exec(core->db, Q_DELIVERY_DONE, ARGS(DB_I(db_int(rows, 0))), err)) > 0)
            r = 0;
    }
    return r;
}

/* A date has come: those whom its rule means now are told, if the request has not moved on. */
static int spread(struct core *core, const struct call *call, const struct delivery *d,
                  const struct notice_detail *detail, const struct request *req, struct error *err)
{
    AUTO_PLAN struct notice_plan plan = {0};
    struct rules rules = {0};
    struct call about;

    if (detail->round && core->config.review_reminder_s == 0)
        return 0; /* nobody is reminded any more */
    call_about(call, d->workspace, d->request, &about);
    int r = rules_due(core, d, detail->round > 0, &rules, err);
    for (size_t i = 0; r == 0 && i < rules.count; i++)
        r = notice_plan_add(core, req, &rules.items[i], &plan, err);
    if (r == 0 && detail->round)
        r = drop_reviewers(core, req, &plan, err);
    if (r == 0)
        r = plan_carry_out(core, &about, d->event, &plan, detail->round, err);
    return r == 0 && detail->round ? remind_later(core, call, d->event, detail->round + 1, err) : r;
}

/* It stays on record for a while that nothing was sent. */
static int withhold(struct core *core, const struct call *call, const struct delivery *d, const char *why,
                    struct error *err)
{
    struct call about;
    int r = db_exec(core->db, Q_DELIVERY_END, ARGS(DB_I(d->id), DB_T("skipped"), DB_T(why)), err);

    call_about(call, d->workspace, d->request, &about);
    return r < 0 ? r : audit_skipped(core, &about, d->subject, why, err);
}

/* To one person, as they are now: what they may know changes while a mail waits. */
static int render_for(struct core *core, const struct call *call, const struct delivery *d,
                      const struct notice_detail *detail, const struct request *req, json_t **ret_mail,
                      struct error *err)
{
    AUTO_RECIPIENT struct recipient who = {0};
    bool is_digest = digest_is(d), is_meant = true;
    int r = recipient_load(core, d->subject, &who, err);

    if (r <= 0)
        return r < 0 ? r : withhold(core, call, d, "the person's account is disabled", err);
    r = is_digest ? 0 : recipient_is_meant(core, req, who.subject, detail->whom, &is_meant, err);
    if (r != 0)
        return r;
    if (!is_meant)
        return withhold(core, call, d, "the person has no such role there any more", err);
    if (*who.email == '\0')
        return withhold(core, call, d, NO_ADDRESS, err);
    return is_digest ? digest_render(core, d, &who, ret_mail, err)
                     : notice_mail(core, call, d, req, detail, &who, ret_mail, err);
}

int notice_render(struct core *core, const struct call *call, const struct delivery *delivery, json_t **ret_mail,
                  struct error *err)
{
    AUTO_REQUEST struct request req = {0};
    AUTO_JSON json_t *said = json_loads(delivery->detail, 0, NULL);
    struct notice_detail detail;
    bool is_date = *delivery->subject == '\0';
    int r = request_load_by_id(core, delivery->request, &req, err);

    if (r != 0)
        return r;
    detail_read(said, &detail);
    if ((is_date || detail.round) && req.version != delivery->version)
        return 0; /* the request has moved on */
    return is_date ? spread(core, call, delivery, &detail, &req, err)
                   : render_for(core, call, delivery, &detail, &req, ret_mail, err);
}

int notice_sent(struct core *core, const struct call *call, const struct delivery *delivery, struct error *err)
{
    AUTO_JSON json_t *said = json_loads(delivery->detail, 0, NULL);
    struct call about;

    call_about(call, delivery->workspace, delivery->request, &about);
    return audit_add(core, digest_is(delivery) ? call : &about, "notice.sent", "",
                     json_pack("{s:s, s:s}", "to", delivery->subject, "template", json_text(said, "template")), err);
}
