/* Events and deliveries that leave again, and receivers that are behind. Part of airlock-core's housekeeping. */
#include <string.h>

#include "base/log.h"
#include "core/audit.h"
#include "core/events.h"
#include "core/time.h"

#define DEAD_US (90 * DAY_US)
#define SKIPPED_US (7 * DAY_US)
#define PRUNE_IDS 2000 /* that one look goes through */
#define PRUNE_MAX 1000 /* deliveries that one look ends or removes */
#define LATE_US INT64_C(900000000)
#define LATE_AGAIN_US INT64_C(900000000)
#define NO_SETTING "no setting names it"
#define TOO_OLD "it has waited for events.max_days"

/* They are dead already; an operator is told. */
static int tell_given_up(struct core *core, const char *endpoint, int count, const char *why, struct error *err)
{
    struct call call = {.from = PEER_CORE, .now = core_now(core), .address = ""};

    log_alarm("%d events for %s are given up: %s", count, endpoint, why);
    return audit_add(core, &call, "event.dead", "",
                     json_pack("{s:s, s:i, s:s}", "endpoint", endpoint, "count", count, "detail", why), err);
}

static int orphan(struct core *core, const char *endpoint, struct error *err)
{
    int count = db_exec(core->db, Q_DELIVERY_ORPHAN, ARGS(DB_T(endpoint), DB_T(NO_SETTING)), err);

    return count <= 0 ? count : tell_given_up(core, endpoint, count, NO_SETTING, err);
}

/* Where many wait for a receiver that is not there, few of them are tried: without an end by age they would only grow
 * in number. */
static int give_up_old(struct core *core, const char *endpoint, int64_t now, struct error *err)
{
    int64_t before = now - core->config.event_days_max * DAY_US;
    int count = db_exec(core->db, Q_DELIVERY_GIVE_UP,
                        ARGS(DB_T(endpoint), DB_I(before), DB_I(now), DB_T(TOO_OLD), DB_I(PRUNE_MAX)), err);

    core->events_keep_more |= count == PRUNE_MAX;
    return count <= 0 ? count : tell_given_up(core, endpoint, count, TOO_OLD, err);
}

/* Every receiver that has deliveries, known or not, with one look-up each. */
static int each_endpoint(struct core *core, int64_t now,
                         int (*fn)(struct core *, const char *, int64_t, struct error *), struct error *err)
{
    char name[WEBHOOK_NAME_MAX + 1] = "";
    int r = 1;

    while (r == 1) {
        AUTO_ROWS struct db_rows *row = NULL;
        r = db_first(core->db, Q_DELIVERY_NEXT_ENDPOINT, ARGS(DB_T(name)), &row, err);
        if (r != 1)
            return r;
        (void)str_copy(name, sizeof name, db_text(row, 0)); /* written by us: it fits */
        int done = fn(core, name, now, err);
        r = done < 0 ? done : 1;
    }
    return r;
}

static int end_unnamed(struct core *core, const char *endpoint, int64_t now UNUSED, struct error *err)
{
    return endpoints_find(&core->endpoints, endpoint) ? 0 : orphan(core, endpoint, err);
}

int events_start(struct core *core, struct error *err)
{
    int r = db_begin(core->db, err);

    if (r == 0)
        r = each_endpoint(core, 0, end_unnamed, err);
    if (r == 0)
        r = db_commit(core->db, err);
    if (r != 0)
        db_rollback(core->db);
    return r;
}

static int prune_deliveries(struct core *core, const char *endpoint, const char *state, int64_t before,
                            struct error *err)
{
    int count =
        db_exec(core->db, Q_DELIVERY_PRUNE, ARGS(DB_T(endpoint), DB_T(state), DB_I(before), DB_I(PRUNE_MAX)), err);

    core->events_keep_more |= count == PRUNE_MAX;
    return count < 0 ? count : 0;
}

static int keep_deliveries(struct core *core, const char *endpoint, int64_t now, struct error *err)
{
    int r = give_up_old(core, endpoint, now, err);
    if (r == 0)
        r = prune_deliveries(core, endpoint, "dead", now - DEAD_US, err);
    return r ? r : prune_deliveries(core, endpoint, "skipped", now - SKIPPED_US, err);
}

/* From where the last look ended, and from the start again behind the last old one: events that wait for a receiver are
 * passed over, but not looked at all at once. */
static int prune_events(struct core *core, int64_t now, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int64_t before = now - core->config.event_keep_days * DAY_US;
    int r = db_first(core->db, Q_EVENT_FIRST_AFTER, ARGS(DB_I(core->events_pruned)), &row, err);

    if (r < 0)
        return r;
    if (r == 0 || db_int(row, 1) >= before) {
        core->events_pruned = 0;
        return 0;
    }
    int64_t first = db_int(row, 0);
    core->events_pruned = first + PRUNE_IDS - 1;
    int count = db_exec(core->db, Q_EVENT_PRUNE, ARGS(DB_I(first), DB_I(first + PRUNE_IDS), DB_I(before)), err);
    core->events_keep_more |= count > 0;
    return count < 0 ? count : 0;
}

/* In the log, again and again while it lasts. */
static int tell_late(struct core *core, int64_t now, struct error *err)
{
    if (now - core->events_late_told < LATE_AGAIN_US)
        return 0;
    for (size_t i = 0; i < core->endpoints.count; i++) {
        const char *name = core->endpoints.items[i].name;
        AUTO_ROWS struct db_rows *row = NULL;
        int r = db_first(core->db, Q_DELIVERY_OLDEST, ARGS(DB_T(name)), &row, err);
        if (r < 0)
            return r;
        if (r == 0 || db_is_null(row, 0) || now - db_int(row, 0) < LATE_US)
            continue;
        log_alarm("events for %s have been waiting for %lld minutes", name,
                  (long long)((now - db_int(row, 0)) / 60000000));
        core->events_late_told = now;
    }
    return 0;
}

int events_keep(struct core *core, int64_t now, struct error *err)
{
    core->events_keep_more = false;
    int r = each_endpoint(core, now, keep_deliveries, err);
    if (r == 0)
        r = prune_events(core, now, err);
    return r ? r : tell_late(core, now, err);
}
