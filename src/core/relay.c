/* Open orders and the questions behind them. Part of airlock-core. Answers carry secrets in clear: they are held only
 * between two frames, and wiped. */
#include "core/relay.h"

#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "core/peers.h"

struct relay {
    int64_t id; /* 0: the place is free */
    int64_t question;
    enum peer from;      /* 0: nobody waits any more */
    int64_t deadline_ms; /* 0: not sent, its transaction is open */
    json_t *order;
    json_t *ok; /* the answer, or */
    struct error why;
    bool answered;
};

struct relays {
    struct relay items[RELAYS_MAX];
    int64_t last_id;
};

/* As with drains: an answer to an earlier life of ours must not fit a relay of this one. */
struct relays *relays_new(void)
{
    struct relays *relays = xcalloc(1, sizeof *relays);
    uint32_t number;

    random_fill(&number, sizeof number);
    relays->last_id = (int64_t)number << 20;
    return relays;
}

static void wipe(const json_t *ok)
{
    static const char *const SECRET[] = {"password", "client_secret"};
    for (size_t i = 0; i < ARRAY_LEN(SECRET); i++) {
        const json_t *text = json_object_get(ok, SECRET[i]);
        if (json_is_string(text))
            secret_wipe((char *)json_string_value(text), json_string_length(text)); /* ours alone */
    }
}

static void relay_clear(struct relay *relay)
{
    wipe(relay->ok);
    json_decref(relay->ok);
    json_decref(relay->order);
    *relay = (struct relay){0};
}

void relays_free(struct relays *relays)
{
    if (!relays)
        return;
    for (size_t i = 0; i < RELAYS_MAX; i++)
        relay_clear(&relays->items[i]);
    free(relays);
}

static struct relay *relay_find(const struct core *core, int64_t id)
{
    for (size_t i = 0; id != 0 && i < RELAYS_MAX; i++)
        if (core->relays->items[i].id == id)
            return &core->relays->items[i];
    return NULL;
}

static struct relay *relay_place(struct core *core)
{
    for (size_t i = 0; i < RELAYS_MAX; i++)
        if (core->relays->items[i].id == 0)
            return &core->relays->items[i];
    return NULL;
}

int relay_add(struct core *core, struct call *call, json_t *order_stolen, struct error *err)
{
    AUTO_JSON json_t *order = order_stolen;
    struct relay *relay = relay_place(core);

    if (!relay)
        return error_set(err, E_UNAVAILABLE, "Too many changes of accounts are under way; nothing was done");
    int64_t id = ++core->relays->last_id;
    json_object_set_new(order, "op", json_string(message_op(MESSAGE_ACCOUNT_ORDER)));
    json_object_set_new(order, "relay", json_integer(id));
    *relay =
        (struct relay){.id = id, .question = json_int(call->in, "id"), .from = call->from, .order = TAKE_PTR(order)};
    effect_add(core, &(struct effect){.kind = EFFECT_RELAY, .generation = id});
    call->late = true;
    return 0;
}

const json_t *relay_order(const struct core *core, int64_t id)
{
    const struct relay *relay = relay_find(core, id);
    return relay ? relay->order : NULL;
}

void relay_answer(struct core *core, int64_t id, json_t *ok_stolen, const struct error *why)
{
    struct relay *relay = relay_find(core, id);

    if (!relay) {
        wipe(ok_stolen);
        json_decref(ok_stolen);
        return;
    }
    wipe(relay->ok); /* of an earlier try, whose transaction was undone */
    json_decref(relay->ok);
    relay->ok = ok_stolen;
    relay->why = why ? *why : (struct error){0};
    relay->answered = true;
    effect_add(core, &(struct effect){.kind = EFFECT_RELAY_DONE, .generation = id});
}

void relay_finish(struct core *core, int64_t id)
{
    struct relay *relay = relay_find(core, id);

    if (!relay)
        return;
    if (relay->from && relay->question > 0) {
        AUTO_JSON json_t *answer = relay->ok ? message_answer(relay->question, json_incref(relay->ok))
                                             : message_refusal(relay->question, &relay->why);
        (void)peers_send(core, relay->from, answer); /* gone with its channel otherwise: the record has the outcome */
    }
    relay = relay_find(core, id); /* the channel may have been lost just now */
    if (relay)
        relay_clear(relay);
}

static void relay_fail(struct core *core, struct relay *relay)
{
    log_warning("airlock-idp did not say what came of an order about an account");
    wipe(relay->ok);
    json_decref(relay->ok);
    relay->ok = NULL;
    (void)error_set(&relay->why, E_UNKNOWN,
                    "airlock-idp did not say whether it was done. Look at the list of users; it is safe to repeat");
    relay_finish(core, relay->id);
}

void relay_send(struct core *core, int64_t id)
{
    struct relay *relay = relay_find(core, id);

    if (!relay)
        return;
    relay->deadline_ms = clock_mono_ms() + RELAY_MS;
    if (!peers_send(core, PEER_IDP, relay->order) && relay_find(core, id))
        relay_fail(core, relay);
}

void relays_sweep(struct core *core)
{
    for (size_t i = 0; i < RELAYS_MAX; i++)
        if (core->relays->items[i].id != 0 && core->relays->items[i].deadline_ms == 0)
            relay_clear(&core->relays->items[i]);
}

void relays_peer_lost(struct core *core, enum peer peer)
{
    for (size_t i = 0; i < RELAYS_MAX; i++) {
        struct relay *relay = &core->relays->items[i];
        if (relay->id == 0 || relay->deadline_ms == 0)
            continue;
        if (relay->from == peer)
            relay->from = 0; /* its successor counts its own questions */
        if (peer == PEER_IDP)
            relay_fail(core, relay);
    }
}

int relays_check(struct core *core, int64_t now_ms)
{
    int64_t next = -1;

    for (size_t i = 0; i < RELAYS_MAX; i++) {
        struct relay *relay = &core->relays->items[i];
        if (relay->id == 0 || relay->deadline_ms == 0)
            continue;
        if (relay->deadline_ms <= now_ms)
            relay_fail(core, relay);
        else if (next < 0 || relay->deadline_ms - now_ms < next)
            next = relay->deadline_ms - now_ms;
    }
    return (int)next;
}
