/* Lists of requests, page by page. Part of airlock-core. */
#include <string.h>

#include "core/caller.h"
#include "core/request.h"

#define PAGE_DEFAULT 500
#define PAGE_MAX 1000
#define CURSOR_MAX 2048
#define PAGE_BYTES_MAX (4 << 20) /* a longer list goes on with a cursor: an answer must fit a frame */

static const char *const ORDERS[] = {"createdWhen", "updatedWhen", "title", "status", "type", "createdBy"};

/* What to list; texts are "" when not asked for. */
struct listing {
    const char *workspace;
    const char *creator;
    const char *type;
    const char *status;
    const char *manager; /* only workspaces where this subject is Airlock Manager */
    const char *order;
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
    int r = json_get_string(in, "order_by", "createdWhen", 40, &ret->order, err);
    if (r == 0)
        r = json_get_bool(in, "order_ascending", true, &ret->ascending, err);
    if (r == 0)
        r = json_get_int(in, "limit", PAGE_DEFAULT, 1, PAGE_MAX, &ret->limit, err);
    if (r != 0)
        return r;
    for (size_t i = 0; i < ARRAY_LEN(ORDERS); i++)
        if (strcmp(ORDERS[i], ret->order) == 0)
            return 0;
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

static int listing_run(struct core *core, const struct call *call, const struct listing *l, bool with_actions,
                       json_t *ret_list, json_t **ret_cursor, struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    AUTO_FREE char *last_key = NULL;
    char last_id[UUID_TEXT_SIZE] = "";
    size_t bytes = 0;
    int r = db_select(core->db, l->ascending ? Q_REQUEST_LIST_UP : Q_REQUEST_LIST_DOWN,
                      ARGS(DB_T(l->workspace), DB_T(l->creator), DB_T(l->type), DB_T(l->status), DB_T(l->manager),
                           DB_T(l->order), DB_T(l->cursor_key), DB_T(l->cursor_id), DB_I(l->limit + 1)),
                      &rows, err);
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
        last_key = xstrdup(db_text(rows, 20));
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
    CLEANUP(listing_done) struct listing l = {.manager = ""};
    int r = caller_workspace(core, call, ROLE_WORKSPACE_ALL, ROLE_TRE_ADMIN, err);

    if (r == 0)
        r = listing_read(call->in, &l, err);
    l.workspace = call->workspace;
    return r ? r : listing_answer(core, call, &l, "airlockRequests", true, ret_ok, err);
}

int request_list_all(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    CLEANUP(listing_done) struct listing l = {.workspace = "", .manager = ""};
    bool as_manager = false;
    int r = caller_core(core, call, err);

    if (r == 0)
        r = caller_need_role(call, ROLE_TRE_ALL, err);
    if (r == 0)
        r = listing_read(call->in, &l, err);
    if (r == 0)
        r = json_get_bool(call->in, "airlock_manager", false, &as_manager, err);
    if (as_manager)
        l.manager = call->who.subject;
    else
        l.creator = call->who.subject;
    return r ? r : listing_answer(core, call, &l, "requests", false, ret_ok, err);
}
