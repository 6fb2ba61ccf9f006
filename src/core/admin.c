/* The audit log for administrators, health, and the public facts of this installation. Part of airlock-core. */
#include "core/admin.h"

#include "base/num.h"
#include "core/provider_keys.h"

#define PAGE_DEFAULT 500
#define PAGE_MAX 1000

static json_t *audit_row(const struct db_rows *row)
{
    json_t *entry = json_pack("{s:I, s:f, s:s, s:s, s:s, s:o}", "id", (json_int_t)db_int(row, 0), "at",
                              (double)db_int(row, 1) / 1e6, "kind", db_text(row, 2), "subject", db_text(row, 5),
                              "address", db_text(row, 6), "detail", json_loads(db_text(row, 7), 0, NULL));
    if (!db_is_null(row, 3))
        json_object_set_new(entry, "workspace", json_string(db_text(row, 3)));
    if (!db_is_null(row, 4))
        json_object_set_new(entry, "request", json_string(db_text(row, 4)));
    return entry;
}

int admin_audit(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    AUTO_JSON json_t *entries = json_array();
    const char *cursor = "", *request = "";
    int64_t limit = PAGE_DEFAULT, last = 0;
    uint64_t after = 0;
    int r = json_get_int(call->in, "limit", PAGE_DEFAULT, 1, PAGE_MAX, &limit, err);
    if (r == 0)
        r = json_get_string(call->in, "request", "", UUID_TEXT_SIZE, &request, err);
    if (r == 0)
        r = json_get_string(call->in, "cursor", "", 20, &cursor, err);
    if (r == 0 && *cursor && !num_parse(cursor, 0, INT64_MAX, &after))
        return error_set_field(err, E_INVALID, "cursor", "The cursor is not one that this server gave");
    if (r == 0)
        r = db_select(core->db, Q_AUDIT_LIST, ARGS(DB_I(after), DB_T(request), DB_I(limit + 1)), &rows, err);
    while (r == 0 && (r = db_rows_next(rows, err)) == 1 && (int64_t)json_array_size(entries) < limit) {
        last = db_int(rows, 0);
        json_array_append_new(entries, audit_row(rows));
        r = 0;
    }
    if (r < 0)
        return r;
    *ret_ok = json_pack("{s:O}", "entries", entries);
    if (r == 1) {
        AUTO_FREE char *next = xasprintf("%lld", (long long)last);
        json_object_set_new(*ret_ok, "nextCursor", json_string(next));
    }
    return 0;
}

int core_health(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    bool database = db_first(core->db, Q_WORKSPACE_COUNT, NO_ARGS, &row, err) == 1;
    struct error why = {0};
    bool identity = provider_keys_ready(core, call->now, &why) == 0;
    *ret_ok = json_pack("{s:[{s:s,s:s,s:s},{s:s,s:s,s:s}], s:b}", "services", "service", "Database", "status",
                        database ? "OK" : "Not OK", "message", database ? "" : "The database does not answer",
                        "service", "Identity provider", "status", identity ? "OK" : "Not OK", "message", why.detail,
                        "ready", database && identity);
    return 0;
}

int core_metadata(struct core *core, struct call *call UNUSED, json_t **ret_ok, struct error *err UNUSED)
{
    const struct core_config *c = &core->config;
    AUTO_FREE char *root = xasprintf("api://%s/user_impersonation", c->core_client_id);
    AUTO_FREE char *scope = *c->api_scope ? xstrdup(c->api_scope) : xasprintf("api://%s/.default", c->core_client_id);
    AUTO_FREE char *token = c->idp_enabled ? xasprintf("%s/%s/oauth2/v2.0/token", c->idp_url, c->tenant)
                                           : xstrdup(core->keys.token_endpoint ? core->keys.token_endpoint : "");
    *ret_ok = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "api_client_id", c->core_client_id,
                        "api_root_scope", root, "api_scope", scope, "aad_tenant_id", c->tenant, "issuer", c->issuer,
                        "token_endpoint", token, "api_resource", c->api_resource, "audiences",
                        c->one_audience ? "one" : "per_workspace", "cli_client_id", c->cli_client_id);
    return 0;
}
