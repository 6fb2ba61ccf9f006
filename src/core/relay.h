/* Orders about accounts, which only airlock-idp may change: core authorises and records an order, relays it after the
 * commit, and answers whoever asked when airlock-idp has said what came of it. */
#ifndef AIRLOCK_CORE_RELAY_H
#define AIRLOCK_CORE_RELAY_H

#include "core/core.h"

#define RELAYS_MAX 64
#define RELAY_MS 10000 /* airlock-idp's time; then the outcome is unknown */

struct relays;
struct relays *relays_new(void);
void relays_free(struct relays *relays);

/* Keeps the call's question open and has order (stolen; "op" and "relay" are added) sent after the commit.
 * E_UNAVAILABLE when RELAYS_MAX are open: nothing was done. */
int relay_add(struct core *core, struct call *call, json_t *order_stolen, struct error *err) MUST_USE;
/* The order of an open relay, borrowed; NULL when it is over. */
const json_t *relay_order(const struct core *core, int64_t id);
/* Has the question answered after the commit: with ok (stolen), or with a refusal when it is NULL. */
void relay_answer(struct core *core, int64_t id, json_t *ok_stolen, const struct error *why);

/* The effects, after the commit. */
void relay_send(struct core *core, int64_t id);
void relay_finish(struct core *core, int64_t id);
/* Drops relays whose transaction was undone: after each batch's effects. */
void relays_sweep(struct core *core);

/* A channel ended: airlock-idp's leaves outcomes unknown, an asker's leaves nobody to answer. */
void relays_peer_lost(struct core *core, enum peer peer);
/* Ends those whose time is over. Milliseconds until the next, or -1. */
int relays_check(struct core *core, int64_t now_ms);

#endif
