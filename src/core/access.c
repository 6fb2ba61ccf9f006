/* Judging a link in use. Part of airlock-core. Nothing is told about a request before the signature was checked. */
#include <string.h>

#include "base/clock.h"
#include "core/audit.h"
#include "core/keys.h"
#include "core/link.h"
#include "core/link_use.h"
#include "core/place.h"
#include "core/users.h"

#define SAS_PAIRS_MAX 32

void access_done(struct access *a)
{
    request_done(&a->request);
}

static enum zone zone_of_peer(enum peer peer)
{
    return peer == PEER_BLOB_EXTERNAL ? ZONE_EXTERNAL : peer == PEER_BLOB_CORE ? ZONE_CORE : ZONE_WORKSPACE;
}

static int access_refuse(struct error *err)
{
    return error_set(err, E_SAS, "Signature did not match, or the link is no longer valid");
}

static int access_read_sas(const struct call *call, struct sas_fields *ret, struct error *err)
{
    struct sas_pair pairs[SAS_PAIRS_MAX];
    size_t count = 0, i;
    const json_t *item;

    json_array_foreach(json_object_get(call->in, "sas"), i, item)
    {
        const char *name = json_string_value(json_array_get(item, 0));
        const char *value = json_string_value(json_array_get(item, 1));
        if (count == SAS_PAIRS_MAX || !name || !value)
            return access_refuse(err);
        pairs[count++] = (struct sas_pair){name, value};
    }
    return sas_parse(pairs, count, ret, err);
}

/* The networks of the workspace that the account's name tells. An account of no workspace has none either. */
static int access_check_network(struct core *core, const struct call *call, const char *digits, struct access *a,
                                struct error *err)
{
    AUTO_WORKSPACE struct workspace w = {0};
    int r = workspace_load_by_digits(core, digits, &w, err);

    if (r == E_NOT_FOUND || (r == 0 && !workspace_admits(&w, call->address)))
        return error_set(err, E_ZONE, "This account does not answer to addresses outside its workspace's networks");
    if (r == 0)
        (void)str_copy(a->workspace, sizeof a->workspace, w.id);
    return r;
}

/* What an address may reach at all, whatever its link says. The zone is the listener's. */
static int access_check_place(struct core *core, const struct call *call, const char *account, struct access *a,
                              struct error *err)
{
    const char *suffix;

    if (!account_by_name(account, &a->account, &suffix))
        return access_refuse(err);
    if (account_facts(a->account)->zone != a->zone)
        return error_set(err, E_ZONE, "This account does not answer in this network");
    return a->zone == ZONE_WORKSPACE ? access_check_network(core, call, suffix, a, err) : 0;
}

/* A frame that ends an upload: its link was judged when the head came, and all but its time is judged again. */
static int64_t access_grace_s(enum message message)
{
    return message == MESSAGE_BLOB_PUT || message == MESSAGE_BLOCK_PUT || message == MESSAGE_BLOCK_COMMIT
               ? TRANSFER_GRACE_S
               : 0;
}

/* Signature under the generation the database names now: older links fail here. A container that is not there costs the
 * same work as one that is, so that time does not tell which ids exist. */
static int access_check_signature(struct core *core, struct call *call, const char *account, struct access *a,
                                  struct error *err)
{
    static const unsigned char NO_KEY[SAS_KEY_SIZE];
    const char *container = json_text(call->in, "container");
    struct sas_id id;
    unsigned char key[SAS_KEY_SIZE];
    int r = sas_id_parse(a->sas.si, &id, err);

    if (r != 0 || !uuid_is_v4(container))
        return r ? r : access_refuse(err);
    bool is_there = request_load_by_id(core, container, &a->request, NULL) == 0;
    const unsigned char *root = link_keys_find(core->link_keys, id.kid, call->now, access_grace_s(call->message));
    sas_key_derive(root ? root : NO_KEY, account, container, id.generation, key);
    r = sas_verify(key, &a->sas, account, container, err);
    secret_wipe(key, sizeof key);
    if (r != 0)
        return r;
    if (!root || !is_there || id.generation != (uint64_t)a->request.generation)
        return access_refuse(err);
    if (*a->workspace && strcmp(a->workspace, a->request.workspace) != 0)
        return access_refuse(err);
    (void)str_copy(call->link_id, sizeof call->link_id, id.link_id);
    (void)str_copy(call->request, sizeof call->request, a->request.id);
    (void)str_copy(call->workspace, sizeof call->workspace, a->request.workspace);
    return 0;
}

/* What a person was given ends with the account, at once and also when it comes back. Accounts end by the second: a
 * link of that very second counts as older. */
static int access_check_holder(struct core *core, const char *subject, int64_t created, struct error *err)
{
    int r = user_check(core, subject, created / 1000000 - 1, err);
    return r == E_UNAUTHENTICATED
               ? error_set(err, E_SAS, "The account of whoever asked for this link is disabled, or was signed out")
               : r;
}

/* A link that was mailed is a secret in many hands' way: whoever uses it first is the only one. */
static int access_check_first(const struct call *call, const struct db_rows *row, struct access *a, struct error *err)
{
    const char *first = db_text(row, 6);

    a->is_unbound = !db_is_null(row, 6) && *first == '\0';
    if (*first && strcmp(first, call->address) != 0)
        return error_set(err, E_SAS, "This link came by mail and was used from another address: ask for one of your own");
    return 0;
}

static int access_bind(struct core *core, const struct call *call, const struct access *a, struct error *err)
{
    int r = a->is_unbound ? db_exec(core->db, Q_LINK_BIND, ARGS(DB_T(call->link_id), DB_T(call->address)), err) : 0;
    return r < 0 ? r : 0;
}

/* The mint record must be there and say the same. */
static int access_check_record(struct core *core, const struct call *call, struct access *a, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int r = db_first(core->db, Q_LINK_GET, ARGS(DB_T(call->link_id)), &row, err);

    if (r < 0)
        return r;
    if (r == 0 || strcmp(db_text(row, 0), a->request.id) != 0 || db_int(row, 1) != a->request.generation)
        return access_refuse(err);
    (void)str_copy(a->subject, sizeof a->subject, db_text(row, 2));
    r = access_check_holder(core, a->subject, db_int(row, 5), err);
    if (r == 0)
        r = access_check_first(call, row, a, err);
    return r ? r : permission_parse(db_text(row, 3), &a->permissions, err);
}

/* The request's status gates the operation by itself, whatever a link says. */
static int access_check_status(const struct access *a, unsigned needed, struct error *err)
{
    unsigned open = 0;
    const char *letters = status_facts(a->request.status)->link_permissions;

    if (status_account(a->request.status, a->request.type) != a->account || !*letters)
        return access_refuse(err);
    int r = permission_parse(letters, &open, err);
    if (r == 0 && needed && !(open & needed))
        return error_set(err, E_SAS_PERMISSION, "The request's status does not allow this operation");
    return r;
}

static int access_check_terms(const struct call *call, const struct access *a, unsigned needed, int64_t grace_s,
                              struct error *err)
{
    bool is_tls = strcmp(json_text(call->in, "scheme"), "https") == 0;
    int r = sas_check_time(&a->sas, call->now / 1000000, grace_s, err);
    if (r == 0)
        r = sas_check_address(&a->sas, call->address, err);
    if (r == 0)
        r = sas_check_protocol(&a->sas, is_tls, err);
    if (r == 0 && needed)
        r = sas_check_permission(&a->sas, needed, err);
    return r;
}

int access_check(struct core *core, struct call *call, unsigned needed, struct access *ret, struct error *err)
{
    AUTO_ACCESS struct access a = {.zone = zone_of_peer(call->from)};
    const char *account = json_text(call->in, "account");
    int r = access_read_sas(call, &a.sas, err);

    if (r == 0)
        r = access_check_place(core, call, account, &a, err);
    if (r == E_ZONE) /* for the audit, which names the link that was tried in the wrong place */
        (void)access_check_signature(core, call, account, &a, NULL);
    if (r == 0)
        r = access_check_signature(core, call, account, &a, err);
    if (r == 0)
        r = access_check_record(core, call, &a, err);
    if (r == 0)
        r = access_check_terms(call, &a, needed, access_grace_s(call->message), err);
    if (r == 0)
        r = access_check_status(&a, needed, err);
    if (r == 0)
        r = access_bind(core, call, &a, err);
    if (r != 0)
        return r;
    *ret = a;
    a = (struct access){0};
    return 0;
}

int64_t access_left_ms(const struct access *a, int64_t now)
{
    int64_t end_s;
    if (!clock_parse_sas(a->sas.se, &end_s))
        return 0; /* sas_check_time has read it before */
    return (end_s + TRANSFER_GRACE_S) * 1000 - now / 1000;
}

int blob_access(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_ACCESS struct access a = {0};
    char permissions[PERMISSION_TEXT_MAX];
    int r = access_check(core, call, 0, &a, err);

    if (r == 0)
        r = link_use_record(core, call, &a, "look", err);
    if (r != 0)
        return r;
    permission_format(a.permissions, permissions);
    AUTO_FREE char *etag = xasprintf("0x8D%012llX", (unsigned long long)a.request.updated);
    *ret_ok = json_pack("{s:s, s:I, s:s, s:I}", "permissions", permissions, "generation",
                        (json_int_t)a.request.generation, "etag", etag, "modified", (json_int_t)a.request.updated);
    return 0;
}
