/* One mail for all that a person chose not to hear of at once. Part of airlock-core. What a summary tells is fixed when it
 * is first handed out, so that each try sends the same; what comes later stands in the next one. */
#include <string.h>

#include "core/notices.h"

#define DIGEST_DETAIL "{\"template\":\"digest\"}"
#define ITEMS_MAX 200 /* in one mail; it says how many there are */

bool digest_is(const struct delivery *delivery)
{
    return strcmp(delivery->detail, DIGEST_DETAIL) == 0;
}

/* The first moment behind now that is so many whole periods away from the time of day. */
static int64_t next_us(const struct core *core, int64_t now)
{
    int64_t every = core->config.digest_every_s * SECOND_US;
    int64_t since = (now - core->config.digest_at_s * SECOND_US) % every;
    return now - since + every;
}

/* The person's next summary; 0: there is none yet. */
static int find_open(struct core *core, const char *subject, int64_t now, int64_t *ret_id, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int r = db_first(core->db, Q_DIGEST_OPEN, ARGS(DB_T(subject), DB_T(RULE_MAIL), DB_T(DIGEST_DETAIL), DB_I(now)), &row,
                     err);

    if (r == 1)
        *ret_id = db_int(row, 0);
    return r;
}

int digest_add(struct core *core, const struct call *call, int64_t event_id, const char *subject, struct error *err)
{
    int64_t delivery = 0;
    int r = find_open(core, subject, call->now, &delivery, err);

    if (r == 0)
        r = delivery_add(core, event_id, RULE_MAIL, subject, DIGEST_DETAIL, next_us(core, call->now), err);
    if (r == 0)
        r = find_open(core, subject, call->now, &delivery, err);
    if (r != 1)
        return r; /* none: the event began a summary that is under way, or given up */
    r = db_exec(core->db, Q_DIGEST_ADD, ARGS(DB_I(delivery), DB_I(event_id)), err);
    return r < 0 ? r : 0;
}

/* Columns of DIGEST_ITEMS. */
static json_t *item_pack(const struct core *core, const struct db_rows *row)
{
    AUTO_JSON json_t *document = json_loads(db_text(row, 3), 0, NULL);
    const char *wire = json_text(document, "status");
    enum status status = STATUS_DRAFT;
    AUTO_FREE char *url = notice_portal_url(core, db_text(row, 1), db_text(row, 0));
    AUTO_FREE char *when = notice_time(db_int(row, 2));

    (void)status_by_name(wire, &status); /* written by us */
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "request_id", db_text(row, 0), "title",
                     db_text(row, 4), "workspace", db_text(row, 5), "workspace_id", db_text(row, 1), "direction",
                     json_text(document, "type"), "status", wire, "status_text", notice_status_words(status),
                     "portal_url", url, "when", when);
}

/* May the person still know of that request? */
static int is_concerned(struct core *core, const struct db_rows *row, const char *subject, bool *ret, struct error *err)
{
    unsigned roles = 0;
    bool is_own = strcmp(db_text(row, 6), subject) == 0;
    int r = is_own ? 0 : member_mail_roles(core, db_text(row, 1), subject, &roles, err);

    if (r == 0)
        *ret = is_own || roles != 0;
    return r;
}

static int items_read(struct core *core, const struct delivery *d, const char *subject, json_t *items,
                      int64_t *ret_count, struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    int r = db_select(core->db, Q_DIGEST_ITEMS, ARGS(DB_I(d->id)), &rows, err);

    *ret_count = 0;
    while (r == 0 && (r = db_rows_next(rows, err)) == 1) {
        bool tell = false;
        r = is_concerned(core, rows, subject, &tell, err);
        *ret_count += tell;
        if (r == 0 && tell && json_array_size(items) < ITEMS_MAX)
            json_array_append_new(items, item_pack(core, rows));
    }
    return r;
}

int digest_render(struct core *core, const struct delivery *delivery, const struct recipient *who, json_t **ret_mail,
                  struct error *err)
{
    AUTO_JSON json_t *items = json_array();
    int64_t count;
    int r = items_read(core, delivery, who->subject, items, &count, err);

    if (r != 0 || count == 0)
        return r;
    AUTO_FREE char *text = xasprintf("%lld", (long long)count);
    *ret_mail = notice_pack(who, "digest", json_pack("{s:s, s:O}", "count", text, "items", items));
    return 0;
}
