/* Core's orders about accounts: taken from its channel, done one after the other by a thread of its own, and reported
 * back. Core has authorised and recorded each order before it comes here. */
#ifndef AIRLOCK_IDP_ORDERS_H
#define AIRLOCK_IDP_ORDERS_H

#include "idp/idp.h"

#define ORDERS_MAX 64 /* waiting at once; core has no more of them open */

/* Reports one order: fields {"relay","action","outcome",…} (stolen), as ipc/messages.md has account.done. */
typedef int orders_done_fn(void *ctx, json_t *fields, struct error *err);

struct orders;
/* The thread lives as long as the process. done and changed are called by it; changed when there are other accounts. */
int orders_start(struct idp *idp, orders_done_fn *done, void (*changed)(void *ctx), void *ctx, struct orders **ret,
                 struct error *err) MUST_USE;
/* Takes an order (borrowed). Loop thread; never waits. What does not fit is dropped: core hears nothing and says so. */
void orders_take(struct orders *orders, const json_t *message);

/* Does one order and says what came of it, the fields of account.done; the caller's, and to be wiped by
 * orders_wipe. */
json_t *orders_do(struct idp *idp, const json_t *order);
void orders_wipe(json_t *fields);

#endif
