/* Tells core who signs tokens and which people there are, at each new connection, until core has taken it. */
#ifndef AIRLOCK_IDP_PUBLISH_H
#define AIRLOCK_IDP_PUBLISH_H

#include "base/json.h"
#include "ipc/client.h"

struct publisher;

/* Has a thread of its own, because a question to core waits and the loop must not. publication is what is told; it is
 * not changed any more. The publisher lives as long as the process. */
int publisher_start(struct ipc_client *core, json_t *publication_stolen, struct publisher **ret,
                    struct error *err) MUST_USE;
void publisher_wake(struct publisher *publisher); /* there is a new connection */

#endif
