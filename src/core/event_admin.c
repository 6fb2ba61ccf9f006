/* Deliveries for administrators: what waits and what is dead, replay and drop, and numbers for monitoring. Part of
 * airlock-core. */
#include <string.h>

#include "base/num.h"
#include "core/audit.h"
#include "core/events.h"

#define PAGE_DEFAULT 100
#define PAGE_MAX 1000
#define CURSOR_MAX 120
#define CHANGE_MAX 5000 /* deliveries that one call changes: core answers others meanwhile */

/* In the order of the list. */
static const char *const STATES[] = {"dead", "open", "skipped"};

static bool state_by_name(const char *name, size_t *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(STATES); i++)
        if (strcmp(STATES[i], name) == 0) {
            *ret = i;
            return true;
        }
    return false;
}

/* --- The list --- */

/* What is asked for, and behind which row the page begins: rows are ordered by endpoint, state, age. */
struct page {
    const char *only_endpoint; /* "": all */
    const char *only_state;
    int64_t limit;
    char endpoint[WEBHOOK_NAME_MAX + 1];
    size_t state;
    uint64_t created, id;
    json_t *list; /* of the answer */
    char next[CURSOR_MAX];
};

/* "ENDPOINT:STATE:CREATED:ID" */
static int cursor_read(const char *cursor, struct page *page, struct error *err)
{
    AUTO_FREE char *copy = xstrdup(cursor);
    char *rest = copy;
    const char *endpoint = strsep(&rest, ":");
    const char *state = rest ? strsep(&rest, ":") : "";
    const char *created = rest ? strsep(&rest, ":") : "";

    if (*cursor == '\0' ||
        (rest && str_copy(page->endpoint, sizeof page->endpoint, endpoint) && state_by_name(state, &page->state) &&
         num_parse(created, 0, INT64_MAX, &page->created) && num_parse(rest, 0, INT64_MAX, &page->id)))
        return 0;
    return error_set_field(err, E_INVALID, "cursor", "The cursor is not one that this server gave");
}

static int page_read(const struct call *call, struct page *ret, struct error *err)
{
    const char *cursor = "";
    size_t state;
    int r = json_get_int(call->in, "limit", PAGE_DEFAULT, 1, PAGE_MAX, &ret->limit, err);

    if (r == 0)
        r = json_get_string(call->in, "endpoint", "", WEBHOOK_NAME_MAX, &ret->only_endpoint, err);
    if (r == 0)
        r = json_get_string(call->in, "state", "", CURSOR_MAX, &ret->only_state, err);
    if (r == 0)
        r = json_get_string(call->in, "cursor", "", CURSOR_MAX - 1, &cursor, err);
    if (r == 0 && *ret->only_state && !state_by_name(ret->only_state, &state))
        r = error_set_field(err, E_INVALID, "state", "state must be open, dead or skipped");
    return r ? r : cursor_read(cursor, ret, err);
}

/* Columns of DELIVERY_LIST: id, created, next_try, lease_until, attempts, error, request, workspace, version, kind,
 * sequence. */
static json_t *row_render(const struct call *call, const struct page *page, const struct db_rows *row)
{
    const struct delivery d = {.request = db_text(row, 6), .version = db_int(row, 8), .kind = db_text(row, 9)};
    AUTO_FREE char *event = event_message_id(&d);

    return json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:f, s:b, s:s, s:f}", "id",
                     (json_int_t)db_int(row, 0), "endpoint", page->endpoint, "state", STATES[page->state], "event",
                     event, "kind", db_text(row, 9), "request", db_text(row, 6), "workspace", db_text(row, 7),
                     "sequence", (json_int_t)db_int(row, 10), "attempts", (json_int_t)db_int(row, 4), "nextTry",
                     (double)db_int(row, 2) / 1e6, "leased", db_int(row, 3) > call->now, "error", db_text(row, 5),
                     "createdWhen", (double)db_int(row, 1) / 1e6);
}

/* Rows of one endpoint in one state, as far as there is room. 1: the page is full, and there is more. */
static int page_add_state(struct core *core, const struct call *call, struct page *page, struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    int64_t room = page->limit - (int64_t)json_array_size(page->list);
    int r = db_select(
        core->db, Q_DELIVERY_LIST,
        ARGS(DB_T(page->endpoint), DB_T(STATES[page->state]), DB_I(page->created), DB_I(page->id), DB_I(room + 1)),
        &rows, err);

    while (r == 0 && (r = db_rows_next(rows, err)) == 1) {
        if (room-- == 0) {
            (void)snprintf(page->next, sizeof page->next, "%s:%s:%llu:%llu", page->endpoint, STATES[page->state],
                           (unsigned long long)page->created, (unsigned long long)page->id);
            return 1;
        }
        page->id = (uint64_t)db_int(rows, 0);
        page->created = (uint64_t)db_int(rows, 1);
        json_array_append_new(page->list, row_render(call, page, rows));
        r = 0;
    }
    return r;
}

static int page_add_endpoint(struct core *core, const struct call *call, struct page *page, struct error *err)
{
    int r = 0;

    for (; r == 0 && page->state < ARRAY_LEN(STATES); page->state++, page->created = page->id = 0) {
        if (*page->only_state && strcmp(page->only_state, STATES[page->state]) != 0)
            continue;
        r = page_add_state(core, call, page, err);
        if (r != 0)
            return r;
    }
    page->state = 0;
    return 0;
}

/* The next endpoint that has deliveries; 0: none. */
static int page_next_endpoint(struct core *core, struct page *page, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int r = db_first(core->db, Q_DELIVERY_NEXT_ENDPOINT, ARGS(DB_T(page->endpoint)), &row, err);

    if (r == 1)
        (void)str_copy(page->endpoint, sizeof page->endpoint, db_text(row, 0)); /* written by us: it fits */
    return r;
}

static int page_fill(struct core *core, const struct call *call, struct page *page, struct error *err)
{
    int r = 1;

    if (*page->only_endpoint) {
        (void)str_copy(page->endpoint, sizeof page->endpoint, page->only_endpoint); /* it was measured */
        return page_add_endpoint(core, call, page, err);
    }
    if (*page->endpoint == '\0')
        r = page_next_endpoint(core, page, err);
    while (r == 1) {
        r = page_add_endpoint(core, call, page, err);
        if (r != 0)
            return r;
        r = page_next_endpoint(core, page, err);
    }
    return r;
}

int admin_events(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_JSON json_t *list = json_array();
    struct page page = {.list = list};
    int r = page_read(call, &page, err);

    if (r == 0)
        r = page_fill(core, call, &page, err);
    if (r < 0)
        return r;
    *ret_ok = json_pack("{s:O}", "deliveries", list);
    if (*page.next)
        json_object_set_new(*ret_ok, "nextCursor", json_string(page.next));
    return 0;
}

/* --- Replay and drop --- */

/* Which deliveries a change is about: one, or the dead ones of one endpoint or of all. */
struct selection {
    int64_t id;
    const char *endpoint;
    bool all;
};

static int selection_read(const struct call *call, struct selection *ret, struct error *err)
{
    int r = json_get_int(call->in, "delivery", 0, 1, INT64_MAX, &ret->id, err);

    if (r == 0)
        r = json_get_string(call->in, "endpoint", "", WEBHOOK_NAME_MAX, &ret->endpoint, err);
    if (r == 0)
        r = json_get_bool(call->in, "all", false, &ret->all, err);
    if (r == 0 && (ret->id != 0) + (*ret->endpoint != '\0') + ret->all != 1)
        r = error_set_field(err, E_INVALID, "id",
                            "Say which: the id of a delivery, an endpoint, or all of them, and only one of these");
    return r;
}

/* What is done, to one delivery or to a piece of an endpoint's dead ones; the number of them. */
struct change {
    const char *audit;
    enum db_query one, many;
    bool needs_endpoint; /* only to receivers that there are */
};

static const struct change REPLAY = {"event.replayed", Q_DELIVERY_REPLAY, Q_DELIVERY_REPLAY_SOME, true};
static const struct change DROP = {"event.dropped", Q_DELIVERY_DROP, Q_DELIVERY_DROP_SOME, false};

static int check_endpoint(const struct core *core, const struct change *change, const char *endpoint, struct error *err)
{
    if (!change->needs_endpoint || endpoints_find(&core->endpoints, endpoint))
        return 0;
    return error_set_field(err, E_CONFLICT, "endpoint",
                           "No setting names the receiver %.40s: its events can only be dropped", endpoint);
}

static int change_one(struct core *core, const struct call *call, const struct change *change, int64_t id,
                      struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int r = db_first(core->db, Q_DELIVERY_GET, ARGS(DB_I(id)), &row, err);

    if (r == 0)
        return error_set_field(err, E_NOT_FOUND, "id", "There is no delivery with this id; it may have been taken");
    if (r == 1)
        r = check_endpoint(core, change, db_text(row, 0), err);
    if (r == 0)
        r = change->needs_endpoint ? db_exec(core->db, change->one, ARGS(DB_I(id), DB_I(call->now)), err)
                                   : db_exec(core->db, change->one, ARGS(DB_I(id)), err);
    return r;
}

static int change_some(struct core *core, const struct call *call, const struct change *change, const char *endpoint,
                       int64_t max, struct error *err)
{
    int r = check_endpoint(core, change, endpoint, err);

    if (r != 0)
        return r;
    return change->needs_endpoint
               ? db_exec(core->db, change->many, ARGS(DB_T(endpoint), DB_I(max), DB_I(call->now)), err)
               : db_exec(core->db, change->many, ARGS(DB_T(endpoint), DB_I(max)), err);
}

/* Of every endpoint that has deliveries, and that may be changed. */
static int change_all(struct core *core, const struct call *call, const struct change *change, struct error *err)
{
    struct page page = {0};
    int64_t count = 0;
    int r = 1;

    while (count < CHANGE_MAX && (r = page_next_endpoint(core, &page, err)) == 1) {
        if (check_endpoint(core, change, page.endpoint, NULL) != 0)
            continue;
        int done = change_some(core, call, change, page.endpoint, CHANGE_MAX - count, err);
        if (done < 0)
            return done;
        count += done;
    }
    return r < 0 ? r : (int)count;
}

static int change_run(struct core *core, struct call *call, const struct change *change, json_t **ret_ok,
                      struct error *err)
{
    struct selection which = {0};
    int count = selection_read(call, &which, err);

    if (count == 0)
        count = which.id    ? change_one(core, call, change, which.id, err)
                : which.all ? change_all(core, call, change, err)
                            : change_some(core, call, change, which.endpoint, CHANGE_MAX, err);
    if (count < 0)
        return count;
    int r = audit_add(core, call, change->audit, "",
                      json_pack("{s:I, s:s, s:i}", "delivery", (json_int_t)which.id, "endpoint",
                                which.all ? "*" : which.endpoint, "count", count),
                      err);
    *ret_ok = json_pack("{s:i, s:b}", "count", count, "more", count == CHANGE_MAX);
    return r;
}

int admin_events_replay(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    effect_add(core, &(struct effect){.kind = EFFECT_WAKE_NOTIFY});
    return change_run(core, call, &REPLAY, ret_ok, err);
}

int admin_events_drop(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    return change_run(core, call, &DROP, ret_ok, err);
}

/* --- Numbers --- */

static int count_state(struct core *core, const char *endpoint, const char *state, int64_t *ret, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int r = db_first(core->db, Q_DELIVERY_COUNT, ARGS(DB_T(endpoint), DB_T(state)), &row, err);

    if (r == 1)
        *ret = db_int(row, 0);
    return r < 0 ? r : 0;
}

static int add_numbers(struct core *core, const struct call *call, const char *endpoint, json_t *list,
                       struct error *err)
{
    AUTO_ROWS struct db_rows *oldest = NULL;
    int64_t open = 0, dead = 0;
    int r = db_first(core->db, Q_DELIVERY_OLDEST, ARGS(DB_T(endpoint)), &oldest, err);

    if (r >= 0)
        r = count_state(core, endpoint, "open", &open, err);
    if (r == 0)
        r = count_state(core, endpoint, "dead", &dead, err);
    if (r != 0)
        return r;
    double age = db_is_null(oldest, 0) ? 0 : (double)(call->now - db_int(oldest, 0)) / 1e6;
    age = age < 0 ? 0 : age; /* what is due later does not wait */
    json_array_append_new(list, json_pack("{s:s, s:f, s:I, s:I}", "endpoint", endpoint, "oldestUndeliveredSeconds", age,
                                          "open", (json_int_t)open, "dead", (json_int_t)dead));
    return 0;
}

int admin_metrics(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_JSON json_t *list = json_array();
    struct page page = {0};
    int r = 0;

    for (size_t i = 0; r == 0 && i < core->endpoints.count; i++)
        r = add_numbers(core, call, core->endpoints.items[i].name, list, err);
    while (r == 0 && (r = page_next_endpoint(core, &page, err)) == 1) /* those that no setting names any more */
        r = endpoints_find(&core->endpoints, page.endpoint) ? 0 : add_numbers(core, call, page.endpoint, list, err);
    if (r == 0)
        *ret_ok = json_pack("{s:O}", "endpoints", list);
    return r;
}
