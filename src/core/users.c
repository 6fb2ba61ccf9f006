/* Accounts and TRE roles. Part of airlock-core; no secret passes here but in the answer to who ordered it, and none is
 * recorded. */
#include "core/users.h"

#include <string.h>

#include "core/audit.h"
#include "core/events.h"
#include "core/peers.h"
#include "core/relay.h"
#include "core/workspace.h"

#define PAGE_DEFAULT 100
#define PAGE_MAX 500
#define NAME_MAX_BYTES 128
#define EMAIL_MAX_BYTES 254

/* --- Who is known --- */

int user_check(struct core *core, const char *subject, int64_t given_s, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;

    if (!core->config.idp_enabled)
        return 0;
    int r = db_first(core->db, Q_PERSON_STATE, ARGS(DB_T(subject)), &row, err);
    if (r <= 0)
        return r;
    if (db_int(row, 0) != 0 || given_s < db_int(row, 1))
        return error_set(err, E_UNAUTHENTICATED, "This account is disabled, or was signed out: log in again");
    return 0;
}

int user_put(struct core *core, const json_t *account, struct error *err)
{
    const char *oid = json_text(account, "oid");

    if (!*oid || strlen(oid) >= SUBJECT_MAX)
        return 0;
    int r = db_exec(core->db, Q_PERSON_ACCOUNT,
                    ARGS(DB_T(oid), DB_T(json_text(account, "name")), DB_T(json_text(account, "email")),
                         DB_T(json_flag(account, "is_service") ? "service" : "person"),
                         DB_T(json_text(account, "client_id")), DB_I(json_flag(account, "disabled") ? 1 : 0)),
                    err);
    return r < 0 ? r : 0;
}

static int need_provider(const struct core *core, struct error *err)
{
    if (core->config.idp_enabled)
        return 0;
    return error_set(err, E_DISABLED,
                     "Accounts live at the configured identity provider (idp.enabled is false): change them there");
}

/* --- The list --- */

static json_t *tre_roles(struct core *core, const char *subject, struct error *err)
{
    unsigned roles = 0;
    json_t *list = NULL;

    if (roles_load(core, "", subject, &roles, err) == 0) {
        list = json_array();
        for (unsigned bit = 1; bit && bit <= roles; bit <<= 1)
            if (roles & bit)
                json_array_append_new(list, json_string(role_name((enum role)bit)));
    }
    return list;
}

static json_t *user_render(const struct db_rows *row)
{
    return json_pack("{s:s, s:s, s:s, s:b, s:b, s:s}", "id", db_text(row, 0), "name", db_text(row, 1), "email",
                     db_text(row, 2), "is_service", strcmp(db_text(row, 3), "service") == 0, "disabled",
                     db_int(row, 5) != 0, "client_id", db_text(row, 4));
}

/* The rows are read to their end before others are asked for. */
static int users_read(struct core *core, const char *after, int64_t limit, json_t *users, bool *ret_more,
                      struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    int r = db_select(core->db, Q_PERSON_ACCOUNTS, ARGS(DB_T(after), DB_I(limit + 1)), &rows, err);

    if (r != 0)
        return r;
    while ((r = db_rows_next(rows, err)) == 1) {
        if ((int64_t)json_array_size(users) == limit) {
            *ret_more = true;
            return 0;
        }
        json_array_append_new(users, user_render(rows));
    }
    return r;
}

int admin_user_list(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_JSON json_t *users = json_array();
    const char *after = "";
    int64_t limit = PAGE_DEFAULT;
    bool more = false;
    size_t i;
    json_t *user;
    int r = need_provider(core, err);

    if (r == 0)
        r = json_get_int(call->in, "limit", PAGE_DEFAULT, 1, PAGE_MAX, &limit, err);
    if (r == 0)
        r = json_get_string(call->in, "cursor", "", SUBJECT_MAX, &after, err);
    if (r == 0)
        r = users_read(core, after, limit, users, &more, err);
    if (r != 0)
        return r;
    json_array_foreach(users, i, user)
    {
        json_t *roles = tre_roles(core, json_text(user, "id"), err);
        if (!roles)
            return err->code;
        json_object_set_new(user, "roles", roles);
    }
    *ret_ok = json_pack("{s:O}", "users", users);
    if (more)
        json_object_set_new(*ret_ok, "nextCursor",
                            json_string(json_text(json_array_get(users, json_array_size(users) - 1), "id")));
    return 0;
}

/* --- Orders --- */

/* One line of text without what a terminal or a page could be fooled by. */
static int check_text(const char *text, const char *field, size_t max, struct error *err)
{
    bool plain = *text != ' ' && *text != '\0' && strlen(text) <= max && text[strlen(text) - 1] != ' ';
    for (const char *c = text; *c; c++)
        plain = plain && (unsigned char)*c >= ' ' && *c != 0x7F;
    if (plain)
        return 0;
    return error_set_field(err, E_INVALID, field,
                           "\"%s\" must have 1 to %zu bytes, without control characters or spaces at its ends", field,
                           max);
}

static int read_new_user(const json_t *in, json_t **ret_order, struct error *err)
{
    const char *name = "", *email = "";
    bool is_service = false, tre_admin = false;
    int r = json_need_string(in, "name", NAME_MAX_BYTES, &name, err);

    if (r == 0)
        r = check_text(name, "name", NAME_MAX_BYTES, err);
    if (r == 0)
        r = json_get_string(in, "email", "", EMAIL_MAX_BYTES, &email, err);
    if (r == 0)
        r = json_get_bool(in, "is_service", false, &is_service, err);
    if (r == 0)
        r = json_get_bool(in, "tre_admin", false, &tre_admin, err);
    if (r == 0 && (*email || !is_service))
        r = check_text(email, "email", EMAIL_MAX_BYTES, err);
    if (r == 0 && *email && !strchr(email, '@'))
        r = error_set_field(err, E_INVALID, "email", "\"email\" must be a mail address");
    if (r == 0)
        *ret_order = json_pack("{s:s, s:s, s:s, s:b, s:b}", "action", "add", "name", name, "email", email, "is_service",
                               is_service, "tre_admin", tre_admin);
    return r;
}

/* Nothing was recorded or sent yet: better not to begin what nobody can do. */
static int need_channel(struct core *core, struct error *err)
{
    if (core->peers && peers_channel(core, PEER_IDP))
        return 0;
    return error_set(err, E_UNAVAILABLE, "airlock-idp is not there just now; nothing was done, try again");
}

/* On record before it is sent; the question is answered when airlock-idp has done it. */
static int order(struct core *core, struct call *call, json_t *order_stolen, struct error *err)
{
    AUTO_JSON json_t *order = order_stolen;
    int r = audit_add(core, call, "account.order", "", json_deep_copy(order), err);
    return r ? r : relay_add(core, call, TAKE_PTR(order), err);
}

int admin_user_add(struct core *core, struct call *call, json_t **ret_ok UNUSED, struct error *err)
{
    json_t *wanted = NULL;
    int r = need_provider(core, err);

    if (r == 0)
        r = read_new_user(call->in, &wanted, err);
    if (r == 0 && (r = need_channel(core, err)) != 0)
        json_decref(wanted);
    return r ? r : order(core, call, wanted, err);
}

/* Somebody must be left who can undo it. */
static int check_not_last_admin(struct core *core, const char *subject, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int r = db_first(core->db, Q_ADMIN_BUT, ARGS(DB_T(subject)), &row, err);

    if (r == 0)
        return error_set(err, E_CONFLICT, "This is the last TREAdmin: make somebody else one first");
    return r < 0 ? r : 0;
}

static int find_user(struct core *core, struct call *call, const char **ret_subject, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int r = need_provider(core, err);

    if (r == 0)
        r = json_need_string(call->in, "user", SUBJECT_MAX - 1, ret_subject, err);
    if (r != 0)
        return r;
    r = db_first(core->db, Q_PERSON_IS_ACCOUNT, ARGS(DB_T(*ret_subject)), &row, err);
    if (r == 0)
        return error_set(err, E_NOT_FOUND, "There is no account with this id");
    return r < 0 ? r : 0;
}

/* Tokens that were given out count no more, whatever becomes of the order. */
static int end_tokens(struct core *core, const struct call *call, const char *subject, bool disable, struct error *err)
{
    int r = db_exec(core->db, disable ? Q_PERSON_DISABLE : Q_PERSON_END_TOKENS,
                    ARGS(DB_T(subject), DB_I(call->now / 1000000)), err);
    if (r < 0)
        return r;
    event_feed_look(core); /* their streams end */
    return 0;
}

static int is_admin(struct core *core, const char *subject, bool *ret, struct error *err)
{
    unsigned roles = 0;
    int r = roles_load(core, "", subject, &roles, err);
    *ret = (roles & ROLE_TRE_ADMIN) != 0;
    return r;
}

static int order_about(struct core *core, struct call *call, const char *action, const char *subject, struct error *err)
{
    return order(core, call, json_pack("{s:s, s:s}", "action", action, "subject", subject), err);
}

/* Takes effect here at once, so airlock-idp need not be there. */
int admin_user_disable(struct core *core, struct call *call, json_t **ret_ok UNUSED, struct error *err)
{
    const char *subject = "";
    bool admin = false;
    int r = find_user(core, call, &subject, err);

    if (r == 0)
        r = is_admin(core, subject, &admin, err);
    if (r == 0 && admin)
        r = check_not_last_admin(core, subject, err);
    if (r == 0)
        r = end_tokens(core, call, subject, true, err);
    return r ? r : order_about(core, call, "disable", subject, err);
}

int admin_user_enable(struct core *core, struct call *call, json_t **ret_ok UNUSED, struct error *err)
{
    const char *subject = "";
    int r = find_user(core, call, &subject, err);

    if (r == 0)
        r = need_channel(core, err);
    return r ? r : order_about(core, call, "enable", subject, err);
}

int admin_user_reset(struct core *core, struct call *call, json_t **ret_ok UNUSED, struct error *err)
{
    const char *subject = "";
    int r = find_user(core, call, &subject, err);

    if (r == 0)
        r = need_channel(core, err);
    if (r == 0)
        r = end_tokens(core, call, subject, false, err);
    return r ? r : order_about(core, call, "reset", subject, err);
}

/* --- What came of them --- */

static int take_added(struct core *core, struct call *call, const json_t *order, const char *oid, struct error *err)
{
    int r = role_assign(core, call, "", oid, ROLE_TRE_USER, true, err);
    if (r == 0 && json_flag(order, "tre_admin"))
        r = role_assign(core, call, "", oid, ROLE_TRE_ADMIN, true, err);
    return r;
}

/* order NULL: nobody waits for it any more; the record tells what happened, and roles can be given later. */
static int take_outcome(struct core *core, struct call *call, const json_t *order, const json_t *account,
                        struct error *err)
{
    const char *action = json_text(order ? order : call->in, "action"), *oid = json_text(account, "oid");
    int r = user_put(core, account, err);

    if (r == 0 && order && strcmp(action, "add") == 0)
        r = take_added(core, call, order, oid, err);
    if (r == 0 && order && strcmp(action, "enable") == 0) {
        int changed = db_exec(core->db, Q_PERSON_ENABLE, ARGS(DB_T(oid)), err);
        r = changed < 0 ? changed : 0;
    }
    return r;
}

static json_t *answer_for(struct core *core, const struct call *call, const json_t *account, struct error *err)
{
    json_t *roles = tre_roles(core, json_text(account, "oid"), err);
    if (!roles)
        return NULL;
    json_t *ok = json_pack("{s:{s:s, s:s, s:s, s:b, s:b, s:s, s:o}}", "user", "id", json_text(account, "oid"), "name",
                           json_text(account, "name"), "email", json_text(account, "email"), "is_service",
                           json_flag(account, "is_service"), "disabled", json_flag(account, "disabled"), "client_id",
                           json_text(account, "client_id"), "roles", roles);
    static const char *const SECRET[] = {"password", "client_secret"};
    for (size_t i = 0; i < ARRAY_LEN(SECRET); i++)
        if (*json_text(call->in, SECRET[i]))
            json_object_set(ok, SECRET[i], json_object_get(call->in, SECRET[i]));
    return ok;
}

static int audit_outcome(struct core *core, const struct call *call, const json_t *account, struct error *err)
{
    const char *oid = json_text(account, "oid");
    json_t *detail =
        json_pack("{s:s, s:s}", "action", json_text(call->in, "action"), "outcome", json_text(call->in, "outcome"));

    if (detail && *oid) {
        json_object_set_new(detail, "account", json_string(oid));
        json_object_set_new(detail, "name", json_string(json_text(account, "name")));
    }
    return audit_add(core, call, "account.done", "system:idp", detail, err);
}

int account_done(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    int64_t id = json_int(call->in, "relay");
    const json_t *order = relay_order(core, id), *account = json_object_get(call->in, "account");
    bool done = strcmp(json_text(call->in, "outcome"), "ok") == 0;
    struct error why = {0};
    json_t *ok = NULL;
    int r = audit_outcome(core, call, account, err);

    if (r == 0 && done)
        r = take_outcome(core, call, order, account, err);
    if (r == 0 && done && order && !(ok = answer_for(core, call, account, err)))
        r = err->code;
    if (r != 0)
        return r;
    if (!done)
        (void)error_set(&why, error_code_by_name(json_text(call->in, "outcome")), "%s", json_text(call->in, "detail"));
    relay_answer(core, id, ok, done ? NULL : &why);
    *ret_ok = json_object();
    return 0;
}

/* --- TRE roles --- */

static int change_role(struct core *core, struct call *call, const char *subject, enum role role, bool add,
                       struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    bool admin = false;
    int r = db_first(core->db, Q_PERSON_GET, ARGS(DB_T(subject)), &row, err);

    if (r == 0)
        return error_set_field(err, E_INVALID, "user_ids", "Nobody with the id \"%.100s\" is known", subject);
    r = r < 0 ? r : 0;
    if (r == 0 && !add && role == ROLE_TRE_ADMIN)
        r = is_admin(core, subject, &admin, err);
    if (r == 0 && admin)
        r = check_not_last_admin(core, subject, err);
    return r ? r : role_assign(core, call, "", subject, role, add, err);
}

static int change_roles(struct core *core, struct call *call, bool add, json_t **ret_ok, struct error *err)
{
    const json_t *ids = json_object_get(call->in, "user_ids"), *id;
    enum role role;
    size_t i;

    if (!role_by_name(json_text(call->in, "role_id"), &role) || !(role & ROLE_TRE_ALL))
        return error_set_field(err, E_INVALID, "role_id", "role_id must be TREUser or TREAdmin");
    if (json_array_size(ids) == 0 || json_array_size(ids) > 100)
        return error_set_field(err, E_INVALID, "user_ids", "user_ids must be a list of 1 to 100 ids");
    json_array_foreach(ids, i, id)
    {
        int r = json_is_string(id) ? change_role(core, call, json_string_value(id), role, add, err)
                                   : error_set_field(err, E_INVALID, "user_ids", "user_ids must be a list of texts");
        if (r != 0)
            return r;
    }
    *ret_ok = json_pack("{s:O, s:s}", "user_ids", ids, "role_id", role_name(role));
    return 0;
}

int admin_role_assign(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    return change_roles(core, call, true, ret_ok, err);
}

int admin_role_remove(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    return change_roles(core, call, false, ret_ok, err);
}
