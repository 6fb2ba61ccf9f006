/* The identity provider's published keys: which count, since when, and what happens when a token names another one. */
#ifndef AIRLOCK_CORE_PROVIDER_KEYS_H
#define AIRLOCK_CORE_PROVIDER_KEYS_H

#include "core/core.h"

#define PROVIDER_KEYS_ASK_MS 30000 /* between two requests to look at the provider again */

/* What an earlier run has seen of this issuer. */
int provider_keys_start(struct core *core, struct error *err) MUST_USE;
/* A transaction was undone: what the database has of this issuer counts, and nothing else. */
int provider_keys_reload(struct core *core, struct error *err) MUST_USE;
void provider_keys_done(struct core *core);

/* A publication by the process that knows: its keys count from here on and no others do. Unchanged keys are only dated
 * anew; a change is audited and forgets every remembered token. E_FORBIDDEN when it is about another issuer. */
int provider_keys_take(struct core *core, struct call *call, struct error *err) MUST_USE;

/* E_UNAVAILABLE while there are none, or when those of another provider are older than auth.keys_max_age. */
int provider_keys_ready(const struct core *core, int64_t now, struct error *err) MUST_USE;

/* A token named a key that is not in the set. Asks for a fresh look, seldom, and only where another process fetches. */
void provider_keys_missed(struct core *core);

call_handler jwks_publish;

#endif
