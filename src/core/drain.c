/* Ending transfers of older generations. Part of airlock-core. */
#include "core/drain.h"

#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "core/peers.h"
#include "core/place.h"

struct drain {
    struct drain *next;
    int64_t id;
    enum peer peer;
    char request[UUID_TEXT_SIZE];
    char account[ACCOUNT_NAME_MAX + 1];
    int64_t generation;
    int64_t deadline_ms; /* 0 while the process has no channel */
};

struct drains {
    struct drain *first;
    int64_t last_id;
};

struct drains *drains_new(void)
{
    return xcalloc(1, sizeof(struct drains));
}

void drains_free(struct drains *drains)
{
    if (!drains)
        return;
    while (drains->first) {
        struct drain *d = drains->first;
        drains->first = d->next;
        free(d);
    }
    free(drains);
}

static enum peer peer_of_zone(enum zone zone)
{
    return zone == ZONE_EXTERNAL ? PEER_BLOB_EXTERNAL : zone == ZONE_CORE ? PEER_BLOB_CORE : PEER_BLOB_WORKSPACE;
}

static void drain_tell(struct core *core, struct drain *d)
{
    AUTO_JSON json_t *message = json_pack("{s:s, s:I, s:s, s:s, s:I}", "op", message_op(MESSAGE_BLOB_DRAIN), "drain",
                                          (json_int_t)d->id, "account", d->account, "container", d->request,
                                          "generation", (json_int_t)d->generation);
    d->deadline_ms = peers_send(core, d->peer, message) ? clock_mono_ms() + DRAIN_MS : 0;
}

void drain_begin(struct core *core, const struct effect *effect)
{
    struct drain *d = xcalloc(1, sizeof *d);
    enum zone zone;
    int64_t token;

    if (!place_read(effect->dir, &zone, d->account, d->request, &token)) {
        free(d);
        return;
    }
    d->id = ++core->drains->last_id;
    d->peer = peer_of_zone(zone);
    d->generation = effect->generation;
    d->next = core->drains->first;
    core->drains->first = d;
    drain_tell(core, d);
}

/* A late answer to a question of an earlier life must not be taken for one of ours: no two lives count from the same
 * number. */
static int64_t first_id(void)
{
    uint32_t number;
    random_fill(&number, sizeof number);
    return (int64_t)number << 20;
}

static bool drain_is_waited_for(const struct core *core, const char *request, int64_t generation)
{
    for (const struct drain *d = core->drains->first; d; d = d->next)
        if (d->generation == generation && strcmp(d->request, request) == 0)
            return true;
    return false;
}

int drains_recover(struct core *core, struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    bool is_start = core->drains->last_id == 0;
    int r = db_select(core->db, Q_DRAIN_LIST, NO_ARGS, &rows, err);

    if (r != 0)
        return r;
    if (is_start)
        core->drains->last_id = first_id();
    while ((r = db_rows_next(rows, err)) == 1) {
        struct effect effect = {.kind = EFFECT_DRAIN, .generation = db_int(rows, 2)};
        (void)str_copy(effect.request, sizeof effect.request, db_text(rows, 0));
        (void)str_copy(effect.dir, sizeof effect.dir, db_text(rows, 1));
        if (is_start || !drain_is_waited_for(core, effect.request, effect.generation))
            drain_begin(core, &effect);
    }
    return r;
}

int drain_add(struct core *core, const char *request, const char *dir, int64_t generation, struct error *err)
{
    struct effect effect = {.kind = EFFECT_DRAIN, .generation = generation};
    int r = db_exec(core->db, Q_DRAIN_ADD, ARGS(DB_T(request), DB_I(generation), DB_T(dir)), err);

    if (r < 0)
        return r;
    (void)str_copy(effect.request, sizeof effect.request, request);
    (void)str_copy(effect.dir, sizeof effect.dir, dir);
    effect_add(core, &effect);
    return 0;
}

void drains_resend(struct core *core, enum peer peer)
{
    for (struct drain *d = core->drains->first; d; d = d->next)
        if (d->peer == peer)
            drain_tell(core, d);
}

/* One restart ends all its transfers; its next channel starts a new term for what it was asked. */
static void drain_restart(struct core *core, enum peer peer)
{
    log_warning("%s did not end its transfers in time: restarting it", peer_name(peer));
    for (struct drain *d = core->drains->first; d; d = d->next)
        if (d->peer == peer)
            d->deadline_ms = 0;
    child_ask_restart(core->child, peer);
}

int drains_check(struct core *core, int64_t now_ms)
{
    int64_t next = -1;

    for (struct drain *d = core->drains->first; d; d = d->next) {
        if (d->deadline_ms == 0)
            continue;
        if (d->deadline_ms <= now_ms) {
            drain_restart(core, d->peer);
            continue;
        }
        if (next < 0 || d->deadline_ms - now_ms < next)
            next = d->deadline_ms - now_ms;
    }
    return (int)next;
}

int blob_drained(struct core *core, struct call *call, json_t **ret_ok UNUSED, struct error *err)
{
    for (struct drain **at = &core->drains->first; *at; at = &(*at)->next) {
        struct drain *d = *at;
        if (d->id != json_int(call->in, "drain") || d->peer != call->from)
            continue;
        int r = db_exec(core->db, Q_JOB_SET_DRAINED, ARGS(DB_T(d->request), DB_I(d->generation)), err);
        if (r > 0)
            effect_add(core, &(struct effect){.kind = EFFECT_WAKE_WORKERS});
        if (r >= 0)
            r = db_exec(core->db, Q_DRAIN_DONE, ARGS(DB_T(d->request), DB_I(d->generation)), err);
        if (r < 0)
            return r;
        *at = d->next;
        free(d);
        return 0;
    }
    return 0; /* an answer to a drain of an earlier life of ours */
}
