/* The live feed: what is told of requests, to people who may see them, in the order of the events' ids. Part of
 * airlock-core. The caller and their roles are judged with every read, so that whoever loses a role reads no further;
 * nothing is kept of who follows what. */
#include <string.h>

#include "base/clock.h"
#include "core/events.h"
#include "core/peers.h"

#define READ_MAX 100            /* events of one answer */
#define READ_BYTES (256 * 1024) /* of them together, the last one beyond: so much waits for a slow client */
#define READ_IDS 2000           /* that one read goes through, whether they are for the caller or not */
#define LISTENING_MS 45000      /* airlock-api reads every 15 s for whoever follows */

void event_feed_look(struct core *core)
{
    effect_add(core, &(struct effect){.kind = EFFECT_NEWS});
}

void event_feed_tell(struct core *core)
{
    if (core->feed_read_mono_ms == 0 || clock_mono_ms() - core->feed_read_mono_ms > LISTENING_MS)
        return;
    AUTO_JSON json_t *message = json_pack("{s:s}", "op", message_op(MESSAGE_EVENT_NEWS));
    (void)peers_send(core, PEER_API, message); /* who has no channel reads by itself when it has one */
}

static int newest_event(struct core *core, int64_t *ret, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int r = db_first(core->db, Q_EVENT_NEWEST, NULL, 0, &row, err);

    if (r < 0)
        return r;
    *ret = r == 1 ? db_int(row, 0) : 0;
    return 0;
}

/* Whether nothing after that event can have left: ids have no gaps of their own, and who is young enough stays. */
static int is_kept(struct core *core, const struct call *call, int64_t after, bool *ret, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int r = db_first(core->db, Q_EVENT_FIRST_AFTER, ARGS(DB_I(after)), &row, err);

    if (r < 0)
        return r;
    *ret =
        r == 0 || (db_int(row, 0) == after + 1 && db_int(row, 1) >= call->now - core->config.event_keep_days * DAY_US);
    return 0;
}

/* What one read answers. */
struct feed {
    int64_t next;
    int64_t newest;
    bool reset;
    size_t bytes;
    json_t *events;
};

/* From where to read. Without a place, with one whose successors have left, or one that never was, from the end. */
static int feed_begin(struct core *core, const struct call *call, struct feed *feed, struct error *err)
{
    int64_t after;
    bool kept = true;
    int r = json_get_int(call->in, "after", -1, 0, INT64_MAX - READ_IDS, &after, err);

    if (r == 0)
        r = newest_event(core, &feed->newest, err);
    if (r == 0 && after >= 0)
        r = is_kept(core, call, after, &kept, err);
    if (r != 0)
        return r;
    feed->reset = !kept || after > feed->newest;
    feed->next = after < 0 || feed->reset ? feed->newest : after;
    return 0;
}

static bool sees_all(const struct call *call)
{
    return call->who.is_core_token && (call->who.roles & ROLE_TRE_ADMIN);
}

/* A draft is nobody's business yet but its requestor's. */
static bool is_shown(const struct call *call, const struct db_rows *row)
{
    AUTO_JSON json_t *document = json_loads(db_text(row, 7), 0, NULL);

    return sees_all(call) || strcmp(db_text(row, 8), call->who.subject) == 0 ||
           strcmp(json_text(document, "status"), status_name(STATUS_DRAFT)) != 0;
}

static void feed_add(const struct core *core, const struct db_rows *row, struct feed *feed)
{
    const struct delivery about = {.request = db_text(row, 2),
                                   .workspace = db_text(row, 3),
                                   .version = db_int(row, 4),
                                   .kind = db_text(row, 1),
                                   .sequence = db_int(row, 5),
                                   .at = db_int(row, 6),
                                   .document = db_text(row, 7)};
    AUTO_FREE char *event = event_message_structured(core, &about);

    json_array_append_new(feed->events, json_pack("{s:I, s:s, s:s}", "id", (json_int_t)db_int(row, 0), "kind",
                                                  about.kind, "event", event));
    feed->bytes += strlen(event);
}

static int feed_select(struct core *core, const struct call *call, const struct feed *feed, int64_t limit,
                       struct db_rows **ret_rows, struct error *err)
{
    bool in_workspace = call->message == MESSAGE_EVENT_READ_IN_WORKSPACE;
    enum db_query query = in_workspace ? Q_FEED_OF_WORKSPACE : sees_all(call) ? Q_FEED_OF_ALL : Q_FEED_OF_PERSON;
    const char *whose = in_workspace ? call->workspace : call->who.subject;

    return db_select(core->db, query, ARGS(DB_T(whose), DB_I(feed->next), DB_I(feed->next + READ_IDS), DB_I(limit)),
                     ret_rows, err);
}

/* Moves feed->next behind what was read: the last event where the answer is full, else the whole stretch. */
static int feed_fill(struct core *core, const struct call *call, struct feed *feed, struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    int64_t end = feed->next + READ_IDS < feed->newest ? feed->next + READ_IDS : feed->newest;
    int64_t limit, last = 0, count = 0;
    int r = json_get_int(call->in, "limit", READ_MAX, 1, READ_MAX, &limit, err);

    if (r == 0)
        r = feed_select(core, call, feed, limit, &rows, err);
    while (r >= 0 && feed->bytes < READ_BYTES && (r = db_rows_next(rows, err)) == 1) {
        last = db_int(rows, 0);
        count++;
        if (is_shown(call, rows))
            feed_add(core, rows, feed);
    }
    if (r < 0)
        return r;
    feed->next = count == limit || feed->bytes >= READ_BYTES ? last : end;
    return 0;
}

int event_read(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_JSON json_t *events = json_array();
    struct feed feed = {.events = events};
    int r = feed_begin(core, call, &feed, err);

    if (r == 0)
        r = feed_fill(core, call, &feed, err);
    if (r != 0)
        return r;
    core->feed_read_mono_ms = clock_mono_ms();
    *ret_ok = json_pack("{s:O, s:I, s:b, s:b, s:s, s:I}", "events", events, "next", (json_int_t)feed.next, "more",
                        feed.next < feed.newest, "reset", feed.reset, "subject", call->who.subject, "expiresS",
                        (json_int_t)json_int(call->claims, "exp"));
    return 0;
}
