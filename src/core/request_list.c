/* Lists of requests, page by page. Part of airlock-core. */
#include <string.h>

#include "base/num.h"
#include "core/request.h"
#include "model/validate.h"

#define PAGE_DEFAULT 500
#define PAGE_MAX 1000
#define CURSOR_MAX 2048
#define LAST_CHARACTER "\xf4\x8f\xbf\xbf"
#define PAGE_BYTES_MAX (4 << 20) /* a longer list goes on with a cursor: an answer must fit a frame */

/* Whose requests: $1 of the queries. */
enum list_of { LIST_OF_WORKSPACE, LIST_OF_PERSON, LIST_OF_MANAGER, LIST_OF_COUNT };

/* The orders and their queries, down and up. */
static const struct order {
    const char *name;
    bool is_number; /* the key is a time; otherwise a text */
    enum db_query queries[LIST_OF_COUNT][2];
} ORDERS[] = {
#define WAYS(scope, key) {Q_REQUESTS_OF_##scope##_DOWN_##key, Q_REQUESTS_OF_##scope##_UP_##key}
#define ORDER(name, is_number, key) {name, is_number, {WAYS(WORKSPACE, key), WAYS(PERSON, key), WAYS(MANAGER, key)}}
    ORDER("createdWhen", true, CREATED), ORDER("updatedWhen", true, UPDATED), ORDER("title", false, TITLE),
    ORDER("status", false, STATUS),      ORDER("type", false, TYPE),          ORDER("createdBy", false, CREATOR),
};

/* What to list; texts are "" when not asked for. */
struct listing {
    enum list_of of;
    const char *owner; /* the workspace, the person, the manager */
    const char *creator;
    const char *type;
    const char *status;
    const struct order *order;
    bool ascending;
    int64_t limit;
    char *cursor_key;
    char *cursor_id;
};

static void listing_done(struct listing *l)
{
    free(l->cursor_key);
    free(l->cursor_id);
}

static int listing_read_order(const json_t *in, struct listing *ret, struct error *err)
{
    const char *name;
    int r = json_get_string(in, "order_by", "createdWhen", 40, &name, err);
    if (r == 0)
        r = json_get_bool(in, "order_ascending", true, &ret->ascending, err);
    if (r == 0)
        r = json_get_int(in, "limit", PAGE_DEFAULT, 1, PAGE_MAX, &ret->limit, err);
    if (r != 0)
        return r;
    for (size_t i = 0; i < ARRAY_LEN(ORDERS); i++)
        if (strcmp(ORDERS[i].name, name) == 0) {
            ret->order = &ORDERS[i];
            return 0;
        }
    return error_set_field(err, E_INVALID, "order_by",
                           "order_by must be createdWhen, updatedWhen, title, status, type or createdBy");
}

static int listing_read_filters(const json_t *in, struct listing *ret, struct error *err)
{
    enum request_type type;
    enum status status;
    int r = json_get_string(in, "type", "", 40, &ret->type, err);
    if (r == 0)
        r = json_get_string(in, "status", "", 40, &ret->status, err);
    if (r == 0)
        r = json_get_string(in, "creator_user_id", "", SUBJECT_MAX, &ret->creator, err);
    if (r != 0)
        return r;
    if (*ret->type && !request_type_by_name(ret->type, &type))
        return error_set_field(err, E_INVALID, "type", "type must be import or export");
    if (*ret->status && !status_by_name(ret->status, &status))
        return error_set_field(err, E_INVALID, "status", "\"%.40s\" is not a status", ret->status);
    return 0;
}

/* A cursor is base64url of the last row's ["sort key","id"]. */
static int listing_read_cursor(const json_t *in, struct listing *ret, struct error *err)
{
    const char *text;
    unsigned char raw[CURSOR_MAX];
    size_t len = 0;
    int r = json_get_string(in, "cursor", "", CURSOR_MAX, &text, err);

    ret->cursor_key = xstrdup("");
    ret->cursor_id = xstrdup("");
    if (r != 0 || !*text)
        return r;
    AUTO_JSON json_t *pair = base64url_decode(text, strlen(text), raw, sizeof raw, &len)
                                 ? json_loadb((const char *)raw, len, 0, NULL)
                                 : NULL;
    const char *key = json_string_value(json_array_get(pair, 0));
    const char *id = json_string_value(json_array_get(pair, 1));
    if (!key || !id)
        return error_set_field(err, E_INVALID, "cursor", "The cursor is not one that this server gave");
    free(ret->cursor_key);
    free(ret->cursor_id);
    ret->cursor_key = xstrdup(key);
    ret->cursor_id = xstrdup(id);
    return 0;
}

static int listing_read(const json_t *in, struct listing *ret, struct error *err)
{
    int r = listing_read_order(in, ret, err);
    if (r == 0)
        r = listing_read_filters(in, ret, err);
    return r ? r : listing_read_cursor(in, ret, err);
}

static json_t *cursor_after(const char *key, const char *id)
{
    AUTO_JSON json_t *pair = json_pack("[s,s]", key, id);
    AUTO_STR struct str raw = STR_INIT(CURSOR_MAX);
    AUTO_STR struct str text = STR_INIT(2 * CURSOR_MAX);
    json_append_value(&raw, pair);
    base64url_append(&text, str_text(&raw), raw.len);
    return json_string(str_text(&text));
}

/* The key that the page begins behind: the cursor's, or one that no row has. */
static int listing_key(const struct listing *l, const char *behind_all, struct db_value *ret, struct error *err)
{
    uint64_t number = l->ascending ? 0 : INT64_MAX;

    if (!l->order->is_number) {
        *ret = DB_T(*l->cursor_id ? l->cursor_key : l->ascending ? "" : behind_all);
        return 0;
    }
    if (*l->cursor_id && !num_parse(l->cursor_key, 0, INT64_MAX, &number))
        return error_set_field(err, E_INVALID, "cursor", "The cursor does not belong to this order");
    *ret = DB_I(number);
    return 0;
}

static int listing_select(struct core *core, const struct listing *l, struct db_rows **ret_rows, struct error *err)
{
    AUTO_STR struct str behind_all = STR_INIT((VALIDATE_TITLE_MAX + 1) * sizeof LAST_CHARACTER);
    struct db_value key;

    for (int i = 0; i <= VALIDATE_TITLE_MAX; i++) /* longer than the longest text, of the last character */
        str_append(&behind_all, LAST_CHARACTER);
    int r = listing_key(l, str_text(&behind_all), &key, err);
    return r ? r
             : db_select(core->db, l->order->queries[l->of][l->ascending],
                         ARGS(DB_T(l->owner), DB_T(l->creator), DB_T(l->type), DB_T(l->status), key, DB_T(l->cursor_id),
                              DB_I(l->limit + 1)),
                         ret_rows, err);
}

static int listing_run(struct core *core, const struct call *call, const struct listing *l, bool with_actions,
                       json_t *ret_list, json_t **ret_cursor, struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    AUTO_FREE char *last_key = NULL;
    char last_id[UUID_TEXT_SIZE] = "";
    size_t bytes = 0;
    int r = listing_select(core, l, &rows, err);

    if (r != 0)
        return r;
    while ((r = db_rows_next(rows, err)) == 1) {
        AUTO_REQUEST struct request req = {0};
        if ((int64_t)json_array_size(ret_list) == l->limit || bytes > PAGE_BYTES_MAX) {
            *ret_cursor = cursor_after(last_key ? last_key : "", last_id);
            return 0;
        }
        request_read(rows, &req);
        free(last_key);
        last_key = xstrdup(db_text(rows, 21));
        (void)str_copy(last_id, sizeof last_id, req.id);
        r = request_append(core, call, &req, with_actions, ret_list, err);
        if (r != 0)
            return r;
        bytes += json_dumpb(json_array_get(ret_list, json_array_size(ret_list) - 1), NULL, 0, JSON_COMPACT);
    }
    return r;
}

static int listing_answer(struct core *core, const struct call *call, const struct listing *l, const char *field,
                          bool with_actions, json_t **ret_ok, struct error *err)
{
    AUTO_JSON json_t *list = json_array();
    json_t *cursor = NULL;
    int r = listing_run(core, call, l, with_actions, list, &cursor, err);

    if (r != 0)
        return r;
    *ret_ok = json_pack("{s:O}", field, list);
    if (cursor)
        json_object_set_new(*ret_ok, "nextCursor", cursor);
    return 0;
}

int request_list(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    CLEANUP(listing_done) struct listing l = {.of = LIST_OF_WORKSPACE, .owner = call->workspace};
    int r = listing_read(call->in, &l, err);
    return r ? r : listing_answer(core, call, &l, "airlockRequests", true, ret_ok, err);
}

int request_list_all(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    CLEANUP(listing_done) struct listing l = {.owner = call->who.subject};
    bool as_manager = false;
    int r = listing_read(call->in, &l, err);

    if (r == 0)
        r = json_get_bool(call->in, "airlock_manager", false, &as_manager, err);
    l.of = as_manager ? LIST_OF_MANAGER : LIST_OF_PERSON;
    return r ? r : listing_answer(core, call, &l, "requests", false, ret_ok, err);
}
