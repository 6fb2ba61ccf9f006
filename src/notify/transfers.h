/* Transfers of libcurl behind one descriptor, so that they share a loop with anything else. Part of airlock-notify. */
#ifndef AIRLOCK_NOTIFY_TRANSFERS_H
#define AIRLOCK_NOTIFY_TRANSFERS_H

#include <curl/curl.h>

#include "base/error.h"

struct transfers;

/* Called from transfers_turn when easy has ended; it is no longer part of the transfers. */
typedef void transfers_ended_fn(void *ctx, CURL *easy, CURLcode result);

/* connections: that are kept open for the next transfer to the same server. E_UNAVAILABLE. */
int transfers_new(long connections, transfers_ended_fn *ended, void *ctx, struct transfers **ret,
                  struct error *err) MUST_USE;
void transfers_free(struct transfers *transfers); /* after the last transfer was dropped; NULL is fine */

/* Begins it. E_UNAVAILABLE. */
int transfers_add(struct transfers *transfers, CURL *easy, struct error *err) MUST_USE;
void transfers_drop(struct transfers *transfers, CURL *easy);

/* Readable when transfers_turn has something to do. */
int transfers_fd(const struct transfers *transfers);
/* Moves all of them on, without waiting. */
void transfers_turn(struct transfers *transfers);

#endif
