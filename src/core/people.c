/* People and their roles in a workspace. Part of airlock-core. */
#include <string.h>

#include "core/audit.h"
#include "core/claims.h"
#include "core/events.h"
#include "core/workspace.h"

#define SEEN_AGAIN_US DAY_US /* a member who comes daily is written once a day */
#define SEEN_COUNTS_US (30 * DAY_US)

static const enum role WORKSPACE_ROLES[] = {ROLE_OWNER, ROLE_RESEARCHER, ROLE_MANAGER};

static int roles_read(struct core *core, enum db_query query, const char *workspace, const char *subject,
                      unsigned *ret_roles, int64_t *ret_seen, struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    unsigned roles = 0;
    int64_t seen = 0;
    int r = db_select(core->db, query, ARGS(DB_T(workspace), DB_T(subject)), &rows, err);

    if (r != 0)
        return r;
    while ((r = db_rows_next(rows, err)) == 1) {
        enum role role;
        if (role_by_name(db_text(rows, 0), &role))
            roles |= role;
        if (ret_seen)
            seen = db_int(rows, 1);
    }
    if (r != 0)
        return r;
    *ret_roles = roles;
    if (ret_seen)
        *ret_seen = seen;
    return 0;
}

int roles_load(struct core *core, const char *workspace, const char *subject, unsigned *ret_roles, struct error *err)
{
    return roles_read(core, Q_ASSIGNMENT_ROLES, workspace, subject, ret_roles, NULL, err);
}

int member_roles(struct core *core, const char *workspace, const char *subject, unsigned *ret_roles, struct error *err)
{
    return roles_read(core, Q_MEMBER_ROLES, workspace, subject, ret_roles, NULL, err);
}

int member_load(struct core *core, const struct call *call, const char *workspace, unsigned *ret_roles,
                struct error *err)
{
    unsigned roles = 0;
    int r = member_roles(core, workspace, call->who.subject, &roles, err);

    if (r == 0)
        *ret_roles = roles | claims_group_roles(&core->config, call->claims, workspace);
    return r;
}

int member_mail_roles(struct core *core, const char *workspace, const char *subject, unsigned *ret_roles,
                      struct error *err)
{
    return roles_read(core, Q_NOTICE_ROLES, workspace, subject, ret_roles, NULL, err);
}

/* What is remembered of a token's roles until the person comes again. */
struct memory {
    enum db_query roles, add, forget;
};
static const struct memory CLAIMED = {Q_SEEN_ROLES, Q_SEEN_ROLE_ADD, Q_SEEN_ROLES_FORGET};
static const struct memory OF_GROUPS = {Q_GROUP_SEEN, Q_GROUP_SEEN_ADD, Q_GROUP_SEEN_FORGET};

static int memory_write(struct core *core, const struct call *call, const char *workspace, const struct memory *memory,
                        unsigned roles, struct error *err)
{
    const char *subject = call->who.subject;
    int r = db_exec(core->db, memory->forget, ARGS(DB_T(workspace), DB_T(subject)), err);

    for (unsigned bit = 1; bit <= roles && bit && r >= 0; bit <<= 1)
        if (roles & bit)
            r = db_exec(core->db, memory->add,
                        ARGS(DB_T(workspace), DB_T(subject), DB_T(role_name((enum role)bit)), DB_I(call->now)), err);
    return r < 0 ? r : person_saw(core, &call->who, err);
}

static int memory_saw(struct core *core, const struct call *call, const char *workspace, const struct memory *memory,
                      unsigned roles, struct error *err)
{
    unsigned before = 0;
    int64_t seen = 0;
    int r = roles_read(core, memory->roles, workspace, call->who.subject, &before, &seen, err);

    if (r != 0 || (before == roles && (roles == 0 || call->now - seen < SEEN_AGAIN_US)))
        return r;
    return memory_write(core, call, workspace, memory, roles, err);
}

int member_saw(struct core *core, const struct call *call, const char *workspace, struct error *err)
{
    return memory_saw(core, call, workspace, &CLAIMED, call->who.roles, err);
}

int member_saw_groups(struct core *core, const struct call *call, const char *workspace, struct error *err)
{
    unsigned roles = claims_group_roles(&core->config, call->claims, workspace) & ROLE_WORKSPACE_ALL;
    return memory_saw(core, call, workspace, &OF_GROUPS, roles, err);
}

int members_prune(struct core *core, int64_t now, struct error *err)
{
    int64_t before =
        core->config.roles_from_claim ? now - SEEN_COUNTS_US : now + 1; /* elsewhere nobody counts as seen */
    int r = db_exec(core->db, Q_SEEN_ROLES_PRUNE, ARGS(DB_I(before)), err);
    if (r >= 0)
        r = db_exec(core->db, Q_GROUP_SEEN_PRUNE, ARGS(DB_I(now - SEEN_COUNTS_US)), err);
    return r < 0 ? r : 0;
}

int person_put(struct core *core, const char *subject, const char *name, const char *email, struct error *err)
{
    int r = db_exec(core->db, Q_PERSON_PUT, ARGS(DB_T(subject), DB_T(name), DB_T(email)), err);
    return r < 0 ? r : 0;
}

int person_saw(struct core *core, const struct principal *who, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int r = db_first(core->db, Q_PERSON_GET, ARGS(DB_T(who->subject)), &row, err);

    if (r < 0)
        return r;
    const char *known = r == 1 ? db_text(row, 2) : "", *email = *who->email ? who->email : known;
    if (r == 1 && strcmp(db_text(row, 1), who->name) == 0 && strcmp(known, email) == 0) /* NOLINT: never NULL */
        return 0;
    return person_put(core, who->subject, who->name, email, err);
}

static json_t *role_render(enum role role)
{
    return json_pack("{s:s, s:s, s:s}", "id", role_name(role), "value", role_name(role), "displayName",
                     role_display_name(role));
}

static json_t *person_render(const char *subject, const char *name, const char *email)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "id", subject, "displayName", name, "userPrincipalName", email, "email",
                     email);
}

int workspace_users(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    AUTO_JSON json_t *users = json_array();
    json_t *user = NULL;
    int r = db_select(core->db, Q_ASSIGNMENT_MEMBERS, ARGS(DB_T(call->workspace)), &rows, err);

    if (r != 0)
        return r;
    while ((r = db_rows_next(rows, err)) == 1) {
        enum role role;
        if (!user || strcmp(json_text(user, "id"), db_text(rows, 0)) != 0) { /* rows come grouped by subject */
            user = person_render(db_text(rows, 0), db_text(rows, 2), db_text(rows, 3));
            json_object_set_new(user, "roles", json_array());
            json_array_append_new(users, user);
        }
        if (role_by_name(db_text(rows, 1), &role))
            json_array_append_new(json_object_get(user, "roles"), role_render(role));
    }
    if (r == 0)
        *ret_ok = json_pack("{s:O}", "users", users);
    return r;
}

int workspace_roles(struct core *core UNUSED, struct call *call UNUSED, json_t **ret_ok, struct error *err UNUSED)
{
    json_t *roles = json_array();
    for (size_t i = 0; i < ARRAY_LEN(WORKSPACE_ROLES); i++)
        json_array_append_new(roles, role_render(WORKSPACE_ROLES[i]));
    *ret_ok = json_pack("{s:o}", "roles", roles);
    return 0;
}

static int need_workspace(struct core *core, const struct call *call, struct error *err)
{
    AUTO_WORKSPACE struct workspace w = {0};
    return workspace_load(core, call->workspace, &w, err);
}

int workspace_assignable(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    AUTO_JSON json_t *people = json_array();
    int r = need_workspace(core, call, err);

    if (r == 0)
        r = db_select(core->db, Q_PERSON_LIST, NO_ARGS, &rows, err);
    if (r != 0)
        return r;
    while ((r = db_rows_next(rows, err)) == 1)
        json_array_append_new(people, person_render(db_text(rows, 0), db_text(rows, 1), db_text(rows, 2)));
    if (r == 0)
        *ret_ok = json_pack("{s:O}", "assignable_users", people);
    return r;
}

int role_assign(struct core *core, const struct call *call, const char *workspace, const char *subject, enum role role,
                bool add, struct error *err)
{
    int r = db_exec(core->db, add ? Q_ASSIGNMENT_ADD : Q_ASSIGNMENT_REMOVE,
                    ARGS(DB_T(workspace), DB_T(subject), DB_T(role_name(role))), err);
    if (r <= 0)
        return r; /* it was so already */
    if (!add)
        event_feed_look(core);
    return audit_add(core, call, add ? "role.assigned" : "role.removed", "",
                     json_pack("{s:s, s:s, s:s}", "workspace", workspace, "subject", subject, "role", role_name(role)),
                     err);
}

static int people_check_known(struct core *core, const char *subject, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int r = db_first(core->db, Q_PERSON_GET, ARGS(DB_T(subject)), &row, err);
    if (r != 0)
        return r < 0 ? r : 0;
    if (!core->config.idp_enabled && *subject && strlen(subject) < SUBJECT_MAX)
        return person_put(core, subject, subject, "", err); /* another provider knows who that is */
    return error_set_field(err, E_INVALID, "user_ids", "Nobody with the id \"%.100s\" is known", subject);
}

static int people_change(struct core *core, struct call *call, bool add, json_t **ret_ok, struct error *err)
{
    const json_t *ids = json_object_get(call->in, "user_ids");
    const char *role_id = json_text(call->in, "role_id");
    enum role role;
    size_t i;
    const json_t *id;
    int r = need_workspace(core, call, err);

    if (r != 0)
        return r;
    if (!role_by_name(role_id, &role) || !(role & ROLE_WORKSPACE_ALL))
        return error_set_field(err, E_INVALID, "role_id",
                               "role_id must be WorkspaceOwner, WorkspaceResearcher or AirlockManager");
    if (json_array_size(ids) == 0 || json_array_size(ids) > 100)
        return error_set_field(err, E_INVALID, "user_ids", "user_ids must be a list of 1 to 100 ids");
    json_array_foreach(ids, i, id)
    {
        const char *subject = json_string_value(id);
        r = subject ? 0 : error_set_field(err, E_INVALID, "user_ids", "user_ids must be a list of texts");
        if (r == 0 && add)
            r = people_check_known(core, subject, err);
        if (r == 0)
            r = role_assign(core, call, call->workspace, subject, role, add, err);
        if (r != 0)
            return r;
    }
    *ret_ok = json_pack("{s:O, s:s}", "user_ids", ids, "role_id", role_id);
    return 0;
}

int people_assign(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    return people_change(core, call, true, ret_ok, err);
}

int people_remove(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    return people_change(core, call, false, ret_ok, err);
}
