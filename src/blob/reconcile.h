/* Object files that a crash left behind: written, but never counted by core. airlock-blob only.
 *
 * The list is taken before the process serves, so it holds nothing that a running upload is making; what core does not
 * know of it will never be asked for and is unlinked. Core alone decides: without its answer everything stays. */
#ifndef AIRLOCK_BLOB_RECONCILE_H
#define AIRLOCK_BLOB_RECONCILE_H

#include "ipc/client.h"
#include "store/store.h"

struct reconcile;

/* Lists the object files below draft/ACCOUNT/CONTAINER; zones without draft accounts have none. */
int reconcile_new(struct store *store, struct ipc_client *core, struct reconcile **ret, struct error *err) MUST_USE;
/* Asks and unlinks on a thread of its own, which ends with that and frees everything. */
void reconcile_start(struct reconcile *reconcile_stolen);

#endif
