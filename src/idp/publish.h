/* Tells core who signs tokens and which people there are, at each new connection and each change, until core has
 * taken it. */
#ifndef AIRLOCK_IDP_PUBLISH_H
#define AIRLOCK_IDP_PUBLISH_H

#include "idp/idp.h"
#include "ipc/client.h"

struct publisher;

/* Has a thread of its own, because a question to core waits and the loop must not. What is told is idp_publication of
 * that moment. The publisher lives as long as the process. */
int publisher_start(struct ipc_client *core, struct idp *idp, struct publisher **ret, struct error *err) MUST_USE;
void publisher_wake(struct publisher *publisher); /* there is a new connection, or other people; any thread */

#endif
