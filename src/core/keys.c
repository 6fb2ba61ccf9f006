/* Keeping, reading and changing the keys of links. Part of airlock-core. A key must never be logged, answered or
 * written unwrapped. */
#include "core/keys.h"

#include <stdio.h>
#include <string.h>

#include "core/audit.h"
#include "core/link.h"
#include "core/time.h"
#include "model/policy.h"

#define LIVE_MAX 2
#define WRAPPED_SIZE (SAS_KEY_SIZE + WRAP_OVERHEAD)

struct link_key {
    int64_t number;
    char kid[SAS_KID_MAX + 1]; /* k1, k2, … */
    int64_t retires;           /* 0: it signs */
    unsigned char bytes[SAS_KEY_SIZE];
};

struct link_keys {
    unsigned char wrap[WRAP_KEY_SIZE];
    struct link_key live[LIVE_MAX]; /* the newest first */
    size_t count;
};

struct link_keys *link_keys_new(const unsigned char master[static SAS_KEY_SIZE])
{
    static const char PURPOSE[] = "wrap keys of links";
    struct link_keys *keys = xcalloc(1, sizeof *keys);

    hkdf_sha256(master, SAS_KEY_SIZE, PURPOSE, sizeof PURPOSE - 1, keys->wrap, sizeof keys->wrap);
    return keys;
}

void link_keys_free(struct link_keys *keys)
{
    if (!keys)
        return;
    secret_wipe(keys, sizeof *keys);
    free(keys);
}

static void key_name(int64_t number, char ret_kid[static SAS_KID_MAX + 1])
{
    (void)snprintf(ret_kid, SAS_KID_MAX + 1, "k%u", (unsigned)(number % 10000000));
}

static int key_refuse(const char *kid, struct error *err)
{
    return error_set(err, E_CONFIG,
                     "The key of links %s cannot be unwrapped: secrets.sas_key_file is not the file this database was "
                     "used with. Put that file back. If it is lost, run: sqlite3 DATABASE 'DELETE FROM sas_key' and "
                     "start again; every link that was handed out is then dead",
                     kid);
}

static int key_read(const struct link_keys *keys, const struct db_rows *row, struct link_key *ret, struct error *err)
{
    unsigned char wrapped[WRAPPED_SIZE];

    ret->number = db_int(row, 0);
    ret->retires = db_int(row, 2);
    key_name(ret->number, ret->kid);
    if (!hex_decode(db_text(row, 1), wrapped, sizeof wrapped) ||
        !secret_unwrap(keys->wrap, ret->kid, wrapped, sizeof wrapped, ret->bytes))
        return key_refuse(ret->kid, err);
    return 0;
}

int link_keys_load(struct core *core, struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    struct link_keys fresh = {.count = 0};
    int r = db_select(core->db, Q_SAS_KEY_LIST, NO_ARGS, &rows, err);

    while (r == 0 && (r = db_rows_next(rows, err)) == 1 && fresh.count < LIVE_MAX)
        r = key_read(core->link_keys, rows, &fresh.live[fresh.count++], err);
    if (r >= 0) {
        memcpy(core->link_keys->live, fresh.live, sizeof fresh.live);
        core->link_keys->count = fresh.count;
    }
    secret_wipe(&fresh, sizeof fresh);
    return r < 0 ? r : 0;
}

/* A new key in the database. It signs once the keys are loaded again. */
static int key_make(struct core *core, int64_t now, char ret_kid[static SAS_KID_MAX + 1], struct error *err)
{
    int64_t number = core->link_keys->count > 0 ? core->link_keys->live[0].number + 1 : 1;
    unsigned char bytes[SAS_KEY_SIZE], wrapped[WRAPPED_SIZE];
    char text[2 * WRAPPED_SIZE + 1];

    key_name(number, ret_kid);
    random_fill(bytes, sizeof bytes);
    secret_wrap(core->link_keys->wrap, ret_kid, bytes, sizeof bytes, wrapped);
    secret_wipe(bytes, sizeof bytes);
    hex_encode(wrapped, sizeof wrapped, text);
    int r = db_exec(core->db, Q_SAS_KEY_ADD, ARGS(DB_I(number), DB_T(text), DB_I(now)), err);
    return r < 0 ? r : 0;
}

int link_keys_start(struct core *core, struct error *err)
{
    char kid[SAS_KID_MAX + 1];
    int r = link_keys_load(core, err);

    if (r != 0 || core->link_keys->count > 0)
        return r;
    r = db_begin(core->db, err);
    if (r == 0)
        r = key_make(core, core_now(core), kid, err);
    if (r == 0)
        r = db_commit(core->db, err);
    return r ? r : link_keys_load(core, err);
}

int link_keys_expire(struct core *core, int64_t now, struct error *err)
{
    int r = db_exec(core->db, Q_SAS_KEY_DROP, ARGS(DB_I(now - TRANSFER_GRACE_US)), err);
    return r > 0 ? link_keys_load(core, err) : r;
}

const unsigned char *link_keys_signing(const struct link_keys *keys, const char **ret_kid)
{
    *ret_kid = keys->live[0].kid;
    return keys->live[0].bytes;
}

const unsigned char *link_keys_find(const struct link_keys *keys, const char *kid, int64_t now, int64_t grace_s)
{
    for (size_t i = 0; i < keys->count; i++) {
        const struct link_key *key = &keys->live[i];
        if (strcmp(key->kid, kid) == 0)
            return key->retires == 0 || now < key->retires + grace_s * SECOND_US ? key->bytes : NULL;
    }
    return NULL;
}

/* --- Rotation --- */

/* The longest life that a link which lives now can have been given. */
static int longest_life(struct core *core, int64_t *ret_s, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int r = db_first(core->db, Q_WORKSPACE_LONGEST_LINK, NO_ARGS, &row, err);

    if (r < 0)
        return r;
    int64_t life = core->config.policy_default[POLICY_LINK_LIFETIME];
    *ret_s = r == 1 && db_int(row, 0) > life ? db_int(row, 0) : life;
    return 0;
}

/* What signed until now: verifies for an overlap, or is gone with every link and transfer it allowed. An older one that
 * still verified is gone in either case: two keys are the most. */
static int keys_retire(struct core *core, struct call *call, bool at_once, int64_t *ret_until, struct error *err)
{
    int64_t life_s = 0;
    int r = longest_life(core, &life_s, err);

    if (r != 0)
        return r;
    *ret_until = at_once ? call->now : call->now + life_s * SECOND_US;
    if (at_once) {
        r = db_exec(core->db, Q_SAS_KEY_DROP_ALL, NO_ARGS, err);
        return r < 0 ? r : links_end_all(core, call, err);
    }
    r = db_exec(core->db, Q_SAS_KEY_DROP, ARGS(DB_I(INT64_MAX)), err);
    if (r >= 0)
        r = db_exec(core->db, Q_SAS_KEY_RETIRE, ARGS(DB_I(*ret_until)), err);
    return r < 0 ? r : 0;
}

static int keys_rotate(struct core *core, struct call *call, bool at_once, json_t **ret_ok, struct error *err)
{
    char kid[SAS_KID_MAX + 1];
    int64_t until = 0;
    int r = keys_retire(core, call, at_once, &until, err);

    if (r == 0)
        r = key_make(core, call->now, kid, err);
    if (r == 0)
        r = audit_add(
            core, call, "keys.rotated", "",
            json_pack("{s:s, s:b, s:I}", "key", kid, "now", at_once, "olderEnd", (json_int_t)(until / SECOND_US)), err);
    if (r == 0)
        r = link_keys_load(core, err); /* last: whatever fails before it leaves the memory as the database will be */
    if (r == 0)
        *ret_ok = json_pack("{s:s, s:f}", "keyId", kid, "olderEndWhen", (double)until / 1e6);
    return r;
}

int admin_rotate_keys(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    bool at_once = false;
    int r = json_get_bool(call->in, "now", false, &at_once, err);
    return r ? r : keys_rotate(core, call, at_once, ret_ok, err);
}
