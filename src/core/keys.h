/* The keys that links are signed with: at most two, the newest signs, the one before it still verifies for a while.
 * They are kept in the database, each wrapped by AES-256-GCM under a key that is derived from the master secret of
 * secrets.sas_key_file, with the key's id bound in. Unwrapped they are in airlock-core's memory and nowhere else, and
 * are wiped there when they are dropped. */
#ifndef AIRLOCK_CORE_KEYS_H
#define AIRLOCK_CORE_KEYS_H

#include "core/core.h"

/* Derives what it needs: the caller wipes the master. */
struct link_keys *link_keys_new(const unsigned char master[static SAS_KEY_SIZE]);
void link_keys_free(struct link_keys *keys);

/* At start: reads the keys, and makes the first one in a database that has none. E_CONFIG with what to do when the
 * master secret is not the one they were wrapped with. */
int link_keys_start(struct core *core, struct error *err) MUST_USE;
/* Reads them again, inside a transaction or after one was undone: memory then says what the database says. */
int link_keys_load(struct core *core, struct error *err) MUST_USE;
/* Forgets what has retired so long ago that nothing signed by it can still be under way. */
int link_keys_expire(struct core *core, int64_t now, struct error *err) MUST_USE;

/* The key that signs; *ret_kid is its id. Borrowed until the keys change. */
const unsigned char *link_keys_signing(const struct link_keys *keys, const char **ret_kid);
/* The key with that id, while it signs or verifies (grace_s longer for what began in time); else NULL. */
const unsigned char *link_keys_find(const struct link_keys *keys, const char *kid, int64_t now, int64_t grace_s);

call_handler admin_rotate_keys;

#endif
