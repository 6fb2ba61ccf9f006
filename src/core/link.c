/* Minting links. Part of airlock-core, the only process with the keys. */
#include "core/link.h"

#include <string.h>

#include "core/audit.h"
#include "core/drain.h"
#include "core/keys.h"
#include "core/place.h"

#define PRUNE_AFTER_US (INT64_C(24) * 3600 * 1000000)
#define MINUTE_US 60000000
#define ACCOUNT_MARK "{account}"

/* What the caller asked for, within what they may have. */
static int link_permissions(const struct call *call, const struct request *req, unsigned *ret, struct error *err)
{
    struct actor actor = request_actor(req, call);
    const char *text;
    unsigned most = 0;
    int r = authz_link(req->status, req->type, &actor, &most, err);

    if (r == 0)
        r = json_get_string(call->in, "permissions", NULL, 32, &text, err);
    if (r != 0)
        return r;
    *ret = most;
    if (!text)
        return 0;
    r = permission_parse(text, ret, err);
    if (r == 0 && (*ret & ~most)) {
        char allowed[PERMISSION_TEXT_MAX];
        permission_format(most, allowed);
        return error_set_field(err, E_FORBIDDEN, "permissions", "In status %s you may have %s",
                               status_name(req->status), allowed);
    }
    return r;
}

/* Whose the link is, and whether it opens to one address only. */
struct holder {
    const char *subject;
    bool one_address;
};

static int link_store(struct core *core, const struct call *call, const struct request *req,
                      const struct holder *holder, const struct sas_mint *mint, struct error *err)
{
    char permissions[PERMISSION_TEXT_MAX];
    permission_format(mint->permissions, permissions);
    int r = db_exec(core->db, Q_LINK_ADD,
                    ARGS(DB_T(mint->id.link_id), DB_T(req->id), DB_I(req->generation), DB_T(holder->subject),
                         DB_T(permissions), DB_I(call->now), DB_I(mint->expires * 1000000),
                         DB_T(holder->one_address ? "" : NULL)),
                    err);
    if (r < 0)
        return r;
    return audit_add(core, call, "link", holder->subject,
                     json_pack("{s:s, s:s, s:I, s:s, s:I, s:b}", "id", mint->id.link_id, "permissions", permissions,
                               "expires", (json_int_t)mint->expires, "account", mint->account, "generation",
                               (json_int_t)req->generation, "mailed", holder->one_address),
                     err);
}

void link_append_container(struct str *url, const char *base, const char *account, const char *container)
{
    const char *mark = strstr(base, ACCOUNT_MARK);

    if (mark)
        str_printf(url, "%.*s%s%s/%s", (int)(mark - base), base, account, mark + strlen(ACCOUNT_MARK), container);
    else
        str_printf(url, "%s/%s/%s", base, account, container);
}

static int link_mint(struct core *core, const struct call *call, const struct request *req,
                     const struct holder *holder, unsigned permissions, int64_t lifetime_s, struct str *url,
                     struct error *err)
{
    unsigned char key[SAS_KEY_SIZE];
    char account[ACCOUNT_NAME_MAX + 1], request[UUID_TEXT_SIZE];
    const char *kid;
    enum zone zone;
    int64_t token;

    if (!place_read(req->dir, &zone, account, request, &token))
        return error_set(err, E_INTERNAL, "The request's place cannot be read");
    const char *base = core->config.blob_url[zone];
    struct sas_mint mint = {.account = account,
                            .container = req->id,
                            .id = {.generation = (uint64_t)req->generation},
                            .permissions = permissions,
                            .now = call->now / 1000000,
                            .expires = call->now / 1000000 + lifetime_s,
                            .allow_http = str_starts(base, "http://")};
    const unsigned char *root = link_keys_signing(core->link_keys, &kid);
    (void)str_copy(mint.id.kid, sizeof mint.id.kid, kid);
    sas_link_id_new(mint.id.link_id);
    sas_key_derive(root, account, req->id, mint.id.generation, key);
    link_append_container(url, base, account, req->id);
    str_append_char(url, '?');
    int r = sas_mint(key, &mint, url, err);
    secret_wipe(key, sizeof key);
    return r ? r : link_store(core, call, req, holder, &mint, err);
}

int request_link(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_REQUEST struct request req = {0};
    AUTO_WORKSPACE struct workspace w = {0};
    AUTO_STR struct str url = STR_INIT(4096);
    unsigned permissions = 0;
    int64_t lifetime_s = 0;
    int r = request_for_call(core, call, &req, err);

    if (r == 0)
        r = workspace_load(core, call->workspace, &w, err);
    if (r == 0)
        r = link_permissions(call, &req, &permissions, err);
    if (r == 0)
        r = json_get_int(call->in, "expiresIn", w.policy.link_lifetime_s, 1, w.policy.link_lifetime_s, &lifetime_s,
                         err);
    if (r == 0)
        r = link_mint(core, call, &req, &(struct holder){.subject = call->who.subject}, permissions, lifetime_s, &url,
                      err);
    if (r == 0)
        *ret_ok = json_pack("{s:s}", "containerUrl", str_text(&url));
    return r;
}

int link_for_notice(struct core *core, const struct call *call, const struct request *req, int64_t seconds,
                    struct str *url, struct error *err)
{
    struct call about;
    struct actor requestor = {.is_requestor = true};
    unsigned permissions = 0;
    int r = member_roles(core, req->workspace, req->creator, &requestor.roles, err);

    if (r != 0 || requestor.roles == 0)
        return r;
    r = authz_link(req->status, req->type, &requestor, &permissions, err);
    call_about(call, req->workspace, req->id, &about);
    return r ? r
             : link_mint(core, &about, req, &(struct holder){.subject = req->creator, .one_address = true}, permissions,
                         seconds, url, err);
}

/* Every link and transfer of the request ends: what it has of older generations is drained after the commit. */
static int links_end(struct core *core, const struct call *call, const char *request, const char *dir,
                     int64_t generation, struct error *err)
{
    int r = db_exec(core->db, Q_REQUEST_RAISE_GENERATION, ARGS(DB_T(request)), err);

    if (r >= 0)
        r = db_exec(core->db, Q_BLOCK_EMPTY_ALL, ARGS(DB_T(request)), err); /* blocks die with their generation */
    if (r >= 0)
        r = drain_add(core, request, dir, generation + 1, err);
    if (r < 0)
        return r;
    return audit_add(core, call, "link.revoked", "", json_pack("{s:I}", "generation", (json_int_t)generation + 1), err);
}

int request_link_revoke_all(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_REQUEST struct request req = {0};
    int r = request_for_call(core, call, &req, err);

    if (r != 0)
        return r;
    struct actor actor = request_actor(&req, call);
    r = authz_link_end(&actor, err);
    if (r == 0)
        r = links_end(core, call, req.id, req.dir, req.generation, err);
    return r ? r : request_envelope(core, call, req.id, ret_ok, err);
}

int links_end_all(struct core *core, struct call *call, struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    struct call each = *call;
    int r = db_select(core->db, Q_LINK_LIVE_REQUESTS, ARGS(DB_I(call->now - TRANSFER_GRACE_US)), &rows, err);

    while (r == 0 && (r = db_rows_next(rows, err)) == 1) {
        (void)str_copy(each.request, sizeof each.request, db_text(rows, 0)); /* written by us: they fit */
        (void)str_copy(each.workspace, sizeof each.workspace, db_text(rows, 1));
        r = links_end(core, &each, each.request, db_text(rows, 2), db_int(rows, 3), err);
    }
    return r;
}

int links_prune(struct core *core, int64_t now, struct error *err)
{
    int r = db_exec(core->db, Q_LINK_PRUNE, ARGS(DB_I(now - PRUNE_AFTER_US)), err);
    /* A download's row waits until no transfer can add to it: a link's longest life, the grace, and a day. */
    if (r >= 0)
        r = db_exec(core->db, Q_USE_PRUNE, ARGS(DB_I((now - 3 * PRUNE_AFTER_US) / MINUTE_US)), err);
    return r < 0 ? r : 0;
}

int link_note_leak(struct core *core, struct call *call, const struct error *why, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;

    if (why->code != E_SAS_PROTOCOL || !*call->link_id)
        return 0;
    int r = db_first(core->db, Q_LINK_LEAKED, ARGS(DB_T(call->link_id), DB_I(call->now)), &row, err);
    return r == 1 ? audit_add(core, call, "link.leaked", db_text(row, 0), json_object(), err) : r;
}
