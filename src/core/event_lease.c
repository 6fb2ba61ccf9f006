/* airlock-notify's deliveries: handed out under leases, endpoint by endpoint in turns, tried again later or given up.
 * Part of airlock-core. */
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "core/audit.h"
#include "core/events.h"
#include "core/notices.h"

#define LEASE_US (60 * SECOND_US)
#define LEASE_MAX 64                  /* deliveries at once */
#define LOOKS_MAX 256                 /* at what is due, in one transaction */
#define LEASE_BYTES (4 * 1024 * 1024) /* of bodies at once: a frame has 16 MiB, and escaping may double them */
#define RETRY_US SECOND_US            /* the first, give or take a half; then doubled, give or take a quarter */
#define RETRY_MAX_US (3600 * SECOND_US)
#define LEASES_MAX 1000 /* of one delivery, whatever became of them: one that kills its worker must end, too */
#define DETAIL_MAX 300

/* Columns of DELIVERY_NEXT and DELIVERY_LEASED. */
static void delivery_read(const struct db_rows *row, struct delivery *ret)
{
    *ret = (struct delivery){.id = db_int(row, 0),
                             .event = db_int(row, 1),
                             .endpoint = db_text(row, 2),
                             .subject = db_text(row, 3),
                             .detail = db_text(row, 4),
                             .leases = db_int(row, 5),
                             .attempts = db_int(row, 6),
                             .request = db_text(row, 7),
                             .workspace = db_text(row, 8),
                             .version = db_int(row, 9),
                             .kind = db_text(row, 10),
                             .sequence = db_int(row, 11),
                             .at = db_int(row, 12),
                             .document = db_text(row, 13)};
}

/* Given up: it waits for an operator, who is told. */
static int delivery_bury(struct core *core, const struct call *call, const struct delivery *d, const char *why,
                         struct error *err)
{
    struct call about;
    AUTO_FREE char *message = event_message_id(d);

    call_about(call, d->workspace, d->request, &about);
    log_alarm("the event %s could not be told to %s and is given up: %s", message, d->endpoint, why);
    int r = db_exec(core->db, Q_DELIVERY_END, ARGS(DB_I(d->id), DB_T("dead"), DB_T(why)), err);
    return r < 0 ? r
                 : audit_add(core, &about, "event.dead", "",
                             json_pack("{s:I, s:s, s:s, s:I, s:s}", "delivery", (json_int_t)d->id, "event", message,
                                       "endpoint", d->endpoint, "attempts", (json_int_t)d->attempts, "detail", why),
                             err);
}

/* --- Tries that failed --- */

/* Between a - a / part and a + a / part. */
static int64_t jitter(int64_t a, int64_t part)
{
    uint64_t bits;
    random_fill(&bits, sizeof bits);
    return a - a / part + (int64_t)(bits % (uint64_t)(2 * (a / part) + 1));
}

/* Until the next try after so many that failed. */
static int64_t retry_us(int64_t failed)
{
    int64_t delay = RETRY_US;

    for (int64_t i = 1; i < failed && delay < RETRY_MAX_US; i++)
        delay *= 2;
    delay = jitter(delay, failed <= 1 ? 2 : 4);
    return delay < RETRY_MAX_US ? delay : RETRY_MAX_US;
}

static int take_failed(struct core *core, const struct call *call, const struct delivery *d, const char *why,
                       struct error *err)
{
    if (d->attempts >= core->config.event_attempts_max)
        return delivery_bury(core, call, d, why, err);
    int64_t delay = retry_us(d->attempts);
    log_debug("%s did not take an event at try %lld, the next is in %lld s: %s", d->endpoint, (long long)d->attempts,
              (long long)(delay / SECOND_US), why);
    int r = db_exec(core->db, Q_DELIVERY_AGAIN, ARGS(DB_I(d->id), DB_I(call->now + delay), DB_T(why)), err);
    return r < 0 ? r : 0;
}

/* --- Leases --- */

/* The same at every try, and of no other notice. */
static json_t *notice_id(const struct delivery *d)
{
    AUTO_FREE char *text = xasprintf("%lld\n%s\n%s", (long long)d->event, d->subject, d->detail);
    char digest[SHA256_HEX_SIZE];

    sha256_hex(text, strlen(text), digest);
    AUTO_FREE char *id = xasprintf("%s.%.32s", d->request, digest);
    return json_string(id);
}

/* 1: *out says what is to be sent; 0: there is nothing to send, and the delivery is over. */
static int delivery_render(struct core *core, const struct call *call, const struct delivery *d,
                           const struct endpoint *endpoint, json_t *out, struct error *err)
{
    AUTO_JSON json_t *mail = NULL;
    bool is_due = true;
    int r = endpoint->kind != ENDPOINT_MAIL && *d->detail ? notice_is_current(core, d, &is_due, err) : 0;

    if (r != 0)
        return r;
    if (!is_due) {
        r = db_exec(core->db, Q_DELIVERY_DONE, ARGS(DB_I(d->id)), err);
        return r < 0 ? r : 0;
    }
    switch (endpoint->kind) {
    case ENDPOINT_WEBHOOK:
        event_message_webhook(core, d, endpoint, call->now, out);
        return 1;
    case ENDPOINT_BROKER:
        event_message_broker(core, d, out);
        return 1;
    case ENDPOINT_MAIL:
        break;
    }
    r = notice_render(core, call, d, &mail, err);
    if (r == 0 && !mail)
        r = db_exec(core->db, Q_DELIVERY_DONE_UNSENT, ARGS(DB_I(d->id)), err);
    if (r < 0 || !mail)
        return r < 0 ? r : 0;
    json_object_update(out, mail);
    json_object_set_new(out, "message", notice_id(d));
    return 1;
}

/* As of delivery_render. What cannot be rendered is a try that failed, and holds up no other. */
static int delivery_render_apart(struct core *core, const struct call *call, struct delivery *d,
                                 const struct endpoint *endpoint, json_t *out, struct error *err)
{
    struct error why = {0};
    int r = db_savepoint(core->db, err);

    if (r != 0)
        return r;
    int done = delivery_render(core, call, d, endpoint, out, &why);
    if (done >= 0)
        return (r = db_release(core->db, err)) ? r : done;
    if (!db_in_transaction(core->db) || why.code == E_NO_SPACE || why.code == E_IO)
        return error_set(err, why.code, "%s", why.detail);
    log_error("what %s is to be told of the request %s cannot be put together: %s", d->endpoint, d->request, why.detail);
    r = db_rollback_to(core->db, err);
    d->attempts++; /* as the lease has it */
    return r ? r : take_failed(core, call, d, why.detail, err);
}

static int64_t token_new(void)
{
    uint64_t bits;
    random_fill(&bits, sizeof bits);
    return (int64_t)(bits >> 12) | 1; /* exact in every reader of JSON, and never 0 */
}

static int delivery_take(struct core *core, const struct call *call, struct delivery *d,
                         const struct endpoint *endpoint, json_t *ret_list, struct error *err)
{
    int64_t token = token_new(), until = call->now + LEASE_US;

    if (d->attempts >= core->config.event_attempts_max || d->leases >= LEASES_MAX)
        return delivery_bury(core, call, d, "its tries ended without a word", err);
    AUTO_JSON json_t *out = json_pack("{s:I, s:I, s:s, s:s}", "id", (json_int_t)d->id, "token", (json_int_t)token,
                                      "endpoint", d->endpoint, "kind", endpoint_kind_name(endpoint->kind));
    int r = db_exec(core->db, Q_DELIVERY_LEASE, ARGS(DB_I(d->id), DB_I(token), DB_I(until)), err);
    if (r >= 0)
        r = delivery_render_apart(core, call, d, endpoint, out, err);
    if (r == 1)
        json_array_append(ret_list, out);
    return r < 0 ? r : 0;
}

/* What is due at one endpoint, one look-up each: each look sees what the one before has leased. Dates that came to nothing
 * take nobody's place; of those that concern people one is enough, since they may be many: airlock-notify is woken. */
static int endpoint_take(struct core *core, const struct call *call, const struct endpoint *endpoint, size_t max,
                         json_t *ret_list, struct error *err)
{
    size_t bytes = 0, queued = core->effects.count;

    for (size_t i = 0; i < LOOKS_MAX && json_array_size(ret_list) < max && bytes < LEASE_BYTES; i++) {
        AUTO_ROWS struct db_rows *row = NULL;
        struct delivery d;
        int r = db_first(core->db, Q_DELIVERY_NEXT, ARGS(DB_T(endpoint->name), DB_I(call->now)), &row, err);
        if (r != 1)
            return r;
        delivery_read(row, &d);
        if (*d.subject == '\0' && endpoint->kind == ENDPOINT_MAIL && core->effects.count > queued)
            return 0;
        bytes += strlen(d.document);
        r = delivery_take(core, call, &d, endpoint, ret_list, err);
        if (r != 0)
            return r;
    }
    return 0;
}

static bool is_busy(const json_t *busy, const char *name)
{
    size_t i;
    const json_t *item;

    json_array_foreach(busy, i, item)
    {
        const char *text = json_string_value(item);
        if (text && strcmp(text, name) == 0)
            return true;
    }
    return false;
}

int event_lease(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    struct endpoints *endpoints = &core->endpoints;
    const json_t *busy = json_object_get(call->in, "busy");
    int64_t max = json_int(call->in, "max");
    AUTO_JSON json_t *list = json_array();

    max = max < 1 ? 1 : max > LEASE_MAX ? LEASE_MAX : max;
    for (size_t i = 0; i < endpoints->count && json_array_size(list) == 0; i++) {
        const struct endpoint *endpoint = &endpoints->items[endpoints->turn % endpoints->count];
        endpoints->turn = (endpoints->turn + 1) % endpoints->count;
        int r = is_busy(busy, endpoint->name) ? 0 : endpoint_take(core, call, endpoint, (size_t)max, list, err);
        if (r != 0)
            return r;
    }
    *ret_ok = json_pack("{s:O}", "deliveries", list);
    return 0;
}

/* --- Results --- */

/* A long text is cut, between two characters. */
static void detail_copy(const char *text, char ret[static DETAIL_MAX])
{
    size_t len = strlen(text);

    if (len >= DETAIL_MAX) {
        len = DETAIL_MAX - 1;
        while (len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80)
            len--;
    }
    memcpy(ret, text, len);
    ret[len] = '\0';
}

static int take_delivered(struct core *core, const struct call *call, const struct delivery *d, struct error *err)
{
    const struct endpoint *endpoint = endpoints_find(&core->endpoints, d->endpoint);
    int r = endpoint && endpoint->kind == ENDPOINT_MAIL ? notice_sent(core, call, d, err) : 0;

    if (r == 0)
        r = db_exec(core->db, Q_DELIVERY_DONE, ARGS(DB_I(d->id)), err);
    return r < 0 ? r : 0;
}

/* A lease that is over is none: whoever has the delivery now reports of it. */
static int result_take(struct core *core, const struct call *call, const json_t *result, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    struct delivery d;
    char why[DETAIL_MAX];
    const char *outcome = json_text(result, "outcome");
    int r = db_first(core->db, Q_DELIVERY_LEASED, ARGS(DB_I(json_int(result, "id")), DB_I(json_int(result, "token"))),
                     &row, err);

    if (r != 1)
        return r;
    delivery_read(row, &d);
    detail_copy(json_text(result, "detail"), why);
    if (strcmp(outcome, "delivered") == 0)
        return take_delivered(core, call, &d, err);
    if (strcmp(outcome, "failed") == 0)
        return take_failed(core, call, &d, why, err);
    if (strcmp(outcome, "refused") == 0)
        return delivery_bury(core, call, &d, why, err);
    return error_set(err, E_PROTOCOL, "The outcome %.40s does not belong to a delivery", outcome);
}

int event_result(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    const json_t *results = json_object_get(call->in, "results");
    size_t i;
    const json_t *result;

    json_array_foreach(results, i, result)
    {
        int r = result_take(core, call, result, err);
        if (r != 0)
            return r;
    }
    *ret_ok = json_object();
    return 0;
}

int events_release_all(struct core *core, struct error *err)
{
    int r = db_exec(core->db, Q_DELIVERY_RELEASE_ALL, ARGS(DB_I(clock_now_us())), err);
    return r < 0 ? r : 0;
}
