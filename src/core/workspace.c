/* Workspaces: reading, listing, creating, changing. Part of airlock-core. */
#include "core/workspace.h"

#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/network.h"
#include "core/audit.h"
#include "core/claims.h"
#include "core/gates.h"
#include "core/overlap.h"
#include "model/validate.h"

#define DIGITS_TRIES 100
#define GROUP_WORKSPACES_MAX (64 * 1024)

void workspace_done(struct workspace *w)
{
    free(w->display_name);
    free(w->description);
    free(w->networks);
    free(w->gates);
    *w = (struct workspace){0};
}

static void workspace_read(const struct db_rows *row, struct workspace *w)
{
    (void)str_copy(w->id, sizeof w->id, db_text(row, 0)); /* written by us: fits */
    (void)str_copy(w->client_id, sizeof w->client_id, db_text(row, 1));
    (void)str_copy(w->digits, sizeof w->digits, db_text(row, 2));
    w->display_name = xstrdup(db_text(row, 3));
    w->description = xstrdup(db_text(row, 4));
    w->enable_airlock = db_int(row, 5) != 0;
    w->networks = xstrdup(db_text(row, 6));
    w->policy = (struct policy){.max_files = db_int(row, 7),
                                .max_bytes = db_int(row, 8),
                                .link_lifetime_s = db_int(row, 9),
                                .max_bytes_per_user = db_int(row, 10),
                                .max_bytes_per_workspace = db_int(row, 11)};
    w->version = db_int(row, 12);
    w->created = db_int(row, 13);
    w->updated = db_int(row, 14);
    w->policy.approvals = db_int(row, 15);
    w->gates = xstrdup(db_text(row, 16));
    w->policy.notice_link_s = db_int(row, 17);
}

static int workspace_find(struct core *core, enum db_query query, const char *key, struct workspace *ret,
                          struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int r = db_first(core->db, query, ARGS(DB_T(key)), &row, err);

    if (r == 0)
        return error_set(err, E_NOT_FOUND, "Workspace does not exist");
    if (r < 0)
        return r;
    workspace_read(row, ret);
    return 0;
}

int workspace_load(struct core *core, const char *id, struct workspace *ret, struct error *err)
{
    return workspace_find(core, Q_WORKSPACE_GET, id, ret, err);
}

int workspace_load_by_client(struct core *core, const char *client_id, struct workspace *ret, struct error *err)
{
    return workspace_find(core, Q_WORKSPACE_BY_CLIENT, client_id, ret, err);
}

int workspace_load_by_digits(struct core *core, const char *digits, struct workspace *ret, struct error *err)
{
    return workspace_find(core, Q_WORKSPACE_BY_DIGITS, digits, ret, err);
}

bool workspace_admits(const struct workspace *w, const char *address)
{
    AUTO_JSON json_t *networks = json_loads(w->networks, 0, NULL);
    size_t i;
    const json_t *item;
    json_array_foreach(networks, i, item)
    {
        struct network network;
        if (network_parse(json_string_value(item), &network, NULL) == 0 && network_contains_text(&network, address))
            return true;
    }
    return false;
}

/* What clients ask a token for, with /.default or /user_impersonation behind it; the caller's. */
static char *workspace_scope_id(const struct core *core, const struct workspace *w)
{
    const char *client = core->config.one_audience ? core->config.core_client_id : w->client_id;
    return strstr(client, "://") ? xstrdup(client) : xasprintf("api://%s", client);
}

static json_t *workspace_render(const struct core *core, const struct workspace *w)
{
    AUTO_FREE char *scope = workspace_scope_id(core, w);
    AUTO_FREE char *path = xasprintf("/workspaces/%s", w->id);
    AUTO_FREE char *etag = xasprintf("\"%lld\"", (long long)w->version);
    json_t *policy = json_object();
    for (int row = 0; row < POLICY_COUNT; row++)
        json_object_set_new(policy, policy_facts((enum policy_row)row)->name,
                            json_integer(policy_get(&w->policy, (enum policy_row)row)));
    json_t *properties = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:o, s:o}", "display_name",
                                   w->display_name, "description", w->description, "overview", w->description,
                                   "scope_id", scope, "client_id", w->client_id, "tre_id", core->config.tre_id,
                                   "workspace_id", w->id, "enable_airlock", w->enable_airlock, "create_aad_groups", 0,
                                   "networks", json_loads(w->networks, 0, NULL), "policy", policy);
    json_object_set_new(properties, "gates", json_loads(w->gates, 0, NULL));
    return json_pack("{s:s, s:s, s:s, s:o, s:[], s:b, s:s, s:s, s:s, s:s, s:I, s:{}, s:f, s:s}", "id", w->id,
                     "templateName", "airlock-workspace", "templateVersion", "1.0.0", "properties", properties,
                     "availableUpgrades", "isEnabled", 1, "resourceType", "workspace", "deploymentStatus", "deployed",
                     "_etag", etag, "resourcePath", path, "resourceVersion", (json_int_t)w->version, "user",
                     "updatedWhen", (double)w->updated / 1e6, "workspaceURL", "");
}

int workspace_list(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    AUTO_STR struct str of_groups = STR_INIT(GROUP_WORKSPACES_MAX);

    claims_group_workspaces(&core->config, call->claims, &of_groups);
    int r = db_select(
        core->db, Q_WORKSPACE_LIST,
        ARGS(DB_I((call->who.roles & ROLE_TRE_ADMIN) != 0), DB_T(call->who.subject), DB_T(str_text(&of_groups))), &rows,
        err);
    if (r != 0)
        return r;
    AUTO_JSON json_t *list = json_array();
    while ((r = db_rows_next(rows, err)) == 1) {
        AUTO_WORKSPACE struct workspace w = {0};
        workspace_read(rows, &w);
        json_array_append_new(list, workspace_render(core, &w));
    }
    if (r == 0)
        *ret_ok = json_pack("{s:O}", "workspaces", list);
    return r;
}

/* A core token opens a workspace's description to TRE administrators and to the workspace's members. */
static int workspace_visible(struct core *core, struct call *call, struct workspace *ret, struct error *err)
{
    unsigned member = 0;
    int r = workspace_load(core, call->workspace, ret, err);

    if (r != 0 || !call->who.is_core_token || (call->who.roles & ROLE_TRE_ADMIN))
        return r;
    r = member_load(core, call, call->workspace, &member, err);
    if (r == 0 && member == 0)
        return error_set(err, E_NOT_FOUND, "Workspace does not exist");
    return r;
}

int workspace_get(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_WORKSPACE struct workspace w = {0};
    int r = workspace_visible(core, call, &w, err);
    if (r == 0)
        *ret_ok = json_pack("{s:o}", "workspace", workspace_render(core, &w));
    return r;
}

int workspace_scope(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_WORKSPACE struct workspace w = {0};
    int r = workspace_visible(core, call, &w, err);
    if (r != 0)
        return r;
    AUTO_FREE char *scope = workspace_scope_id(core, &w);
    *ret_ok = json_pack("{s:{s:s}}", "workspaceAuth", "scopeId", scope);
    return 0;
}

/* Eight digits no other workspace has: from the id, then drawn again while they are taken. */
static int workspace_draw_digits(struct core *core, const char *id, char ret[static ACCOUNT_WORKSPACE_DIGITS + 1],
                                 struct error *err)
{
    (void)snprintf(ret, ACCOUNT_WORKSPACE_DIGITS + 1, "%.8s", id);
    for (int i = 0; i < DIGITS_TRIES; i++) {
        AUTO_ROWS struct db_rows *row = NULL;
        int r = db_first(core->db, Q_WORKSPACE_DIGITS_TAKEN, ARGS(DB_T(ret)), &row, err);
        if (r <= 0)
            return r;
        unsigned char bytes[ACCOUNT_WORKSPACE_DIGITS / 2];
        random_fill(bytes, sizeof bytes);
        hex_encode(bytes, sizeof bytes, ret);
    }
    return error_set(err, E_INTERNAL, "No free account digits were found");
}

static char *networks_text(const struct workspace_input *input)
{
    AUTO_JSON json_t *list = json_array();
    for (size_t i = 0; i < input->network_count; i++) {
        char text[NETWORK_TEXT_MAX];
        network_format(&input->networks[i], text);
        json_array_append_new(list, json_string(text));
    }
    return json_dumps(list, JSON_COMPACT);
}

static int64_t policy_choice(const struct core *core, const struct workspace_input *input, enum policy_row row)
{
    if (input->policy_given & (1U << row))
        return policy_get(&input->policy, row);
    return core->config.policy_default[row];
}

/* Each audience is just one workspace's, or the core application's. */
static int workspace_check_client(struct core *core, const char *id, const char *client_id, struct error *err)
{
    AUTO_WORKSPACE struct workspace other = {0};

    if (strcmp(audience_client(client_id), core->config.core_client_id) == 0 ||
        claims_is_core_audience(&core->config, client_id))
        return error_set_field(err, E_INVALID, "client_id", "This is the core application's, not a workspace's");
    int r = workspace_load_by_client(core, client_id, &other, NULL);
    if (r == 0 && strcmp(other.id, id) != 0)
        return error_set_field(err, E_EXISTS, "client_id", "Another workspace has this client id");
    return r == E_NOT_FOUND ? 0 : r;
}

int workspace_insert(struct core *core, const struct call *call, const char *id, const char *client_id,
                     const struct workspace_input *input, char ret_id[static UUID_TEXT_SIZE], struct error *err)
{
    char new_id[UUID_TEXT_SIZE], new_client[UUID_TEXT_SIZE], digits[ACCOUNT_WORKSPACE_DIGITS + 1];
    uuid_new(new_id);
    uuid_new(new_client);
    if (!id)
        id = new_id;
    if (!client_id)
        client_id = input->client_id ? input->client_id : new_client;
    AUTO_FREE char *networks = networks_text(input);
    AUTO_FREE char *gates = gates_merge("{}", input->gates);
    int r = workspace_check_client(core, id, client_id, err);
    if (r == 0)
        r = gates_check_names(core, input->gates, err);
    if (r == 0)
        r = workspace_draw_digits(core, id, digits, err);
    if (r != 0)
        return r;
    r = db_exec(core->db, Q_WORKSPACE_INSERT,
                ARGS(DB_T(id), DB_T(client_id), DB_T(digits), DB_T(input->display_name),
                     DB_T(input->description ? input->description : ""), DB_I(input->enable_airlock), DB_T(networks),
                     DB_I(policy_choice(core, input, POLICY_MAX_FILES)),
                     DB_I(policy_choice(core, input, POLICY_MAX_BYTES)),
                     DB_I(policy_choice(core, input, POLICY_LINK_LIFETIME)),
                     DB_I(policy_choice(core, input, POLICY_MAX_BYTES_PER_USER)),
                     DB_I(policy_choice(core, input, POLICY_MAX_BYTES_PER_WORKSPACE)), DB_I(call->now),
                     DB_I(policy_choice(core, input, POLICY_APPROVALS)), DB_T(gates),
                     DB_I(policy_choice(core, input, POLICY_NOTICE_LINK))),
                err);
    if (r < 0)
        return r;
    (void)str_copy(ret_id, UUID_TEXT_SIZE, id);
    return audit_add(core, call, "workspace.created", "",
                     json_pack("{s:s, s:s}", "workspace", id, "display_name", input->display_name), err);
}

static int workspace_answer(struct core *core, const char *id, json_t **ret_ok, struct error *err)
{
    AUTO_WORKSPACE struct workspace w = {0};
    int r = workspace_load(core, id, &w, err);
    if (r == 0)
        *ret_ok = json_pack("{s:o}", "workspace", workspace_render(core, &w));
    return r;
}

int workspace_create(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    struct workspace_input input;
    char id[UUID_TEXT_SIZE];
    int r = validate_workspace_create(json_object_get(call->in, "body"), &input, err);

    if (r == 0)
        r = workspace_insert(core, call, NULL, NULL, &input, id, err);
    if (r == 0)
        r = overlap_warn(core, id, err);
    return r < 0 ? r : workspace_answer(core, id, ret_ok, err);
}

/* Puts what the patch names over what is there. */
static int workspace_store(struct core *core, const struct call *call, const struct workspace *w,
                           const struct workspace_input *input, struct error *err)
{
    AUTO_FREE char *networks = input->has_networks ? networks_text(input) : xstrdup(w->networks);
    AUTO_FREE char *gates = gates_merge(w->gates, input->gates);
    int64_t policy[POLICY_COUNT];
    for (int row = 0; row < POLICY_COUNT; row++)
        policy[row] =
            policy_get((input->policy_given & (1U << row)) ? &input->policy : &w->policy, (enum policy_row)row);
    int r = gates_check_names(core, input->gates, err);
    if (r != 0)
        return r;
    r = db_exec(core->db, Q_WORKSPACE_UPDATE,
                    ARGS(DB_T(w->id), DB_T(input->display_name ? input->display_name : w->display_name),
                         DB_T(input->description ? input->description : w->description),
                         DB_I(input->has_enable_airlock ? input->enable_airlock : w->enable_airlock), DB_T(networks),
                         DB_I(policy[POLICY_MAX_FILES]), DB_I(policy[POLICY_MAX_BYTES]),
                         DB_I(policy[POLICY_LINK_LIFETIME]), DB_I(policy[POLICY_MAX_BYTES_PER_USER]),
                         DB_I(policy[POLICY_MAX_BYTES_PER_WORKSPACE]), DB_I(call->now), DB_I(w->version),
                         DB_I(policy[POLICY_APPROVALS]), DB_T(gates), DB_I(policy[POLICY_NOTICE_LINK])),
                    err);
    if (r < 0)
        return r;
    return r == 1 ? 0 : error_set(err, E_CONFLICT, "The workspace was changed by someone else; read it again");
}

/* Tokens for the application before are none of the workspace's from here on. */
static int workspace_set_client(struct core *core, const char *id, const char *client_id, struct error *err)
{
    int r = workspace_check_client(core, id, client_id, err);

    if (r == 0)
        r = db_exec(core->db, Q_WORKSPACE_SET_CLIENT, ARGS(DB_T(id), DB_T(client_id)), err);
    return r < 0 ? r : 0;
}

int workspace_update(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_WORKSPACE struct workspace w = {0};
    struct workspace_input input;
    const char *etag = json_text(call->in, "etag");
    const json_t *body = json_object_get(call->in, "body");
    int r = workspace_load(core, call->workspace, &w, err);

    if (r == 0)
        r = validate_workspace_patch(body, &input, err);
    if (r != 0)
        return r;
    AUTO_FREE char *present = xasprintf("\"%lld\"", (long long)w.version);
    if (strcmp(etag, "*") != 0 && strcmp(etag, present) != 0)
        return error_set(err, E_CONFLICT, "The workspace has changed since (its _etag is %s); read it again", present);
    r = workspace_store(core, call, &w, &input, err);
    if (r == 0 && input.client_id)
        r = workspace_set_client(core, w.id, input.client_id, err);
    if (r == 0)
        r = audit_add(core, call, "workspace.changed", "", json_pack("{s:O}", "body", body), err);
    if (r == 0 && input.has_networks)
        r = overlap_warn(core, w.id, err);
    return r < 0 ? r : workspace_answer(core, w.id, ret_ok, err);
}
