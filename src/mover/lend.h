/* Lends files of requests to airlock-gate, one read-only descriptor at a time: what object.open of ipc/messages.md asks
 * for. A thread of its own, so that no long job keeps the gate waiting. Nothing is lent but sealed files that wait for
 * their review, and drafts. Part of airlock-mover. */
#ifndef AIRLOCK_MOVER_LEND_H
#define AIRLOCK_MOVER_LEND_H

#include "base/json.h"
#include "store/store.h"

#define LEND_COPY_MS 20000 /* how long the pieces of a draft may take to be put together: less than the gate waits */
#define LEND_PIECES_MAX 100000

struct lender;

/* Starts the thread. store is borrowed. Ends the process when there can be no thread. */
struct lender *lender_new(struct store *store);
/* A new channel to the gate, which replaces the one before; takes the descriptor over. */
void lender_attach(struct lender *lender, int fd);

/* The one step that it is made of. The descriptor is the caller's. E_INVALID for a question out of form or for a place
 * that is not lent from; E_NOT_FOUND; E_STALE when the file has another size; E_NO_SPACE; E_TOO_LARGE when putting the
 * pieces together takes too long. */
int lend_open(struct store *store, const json_t *question, struct error *err) MUST_USE;

#endif
