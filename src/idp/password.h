/* Passwords and client secrets by argon2id (RFC 9106), checked by a bounded number of threads at once: each check takes
 * memory and processor time on purpose, and nobody outside may choose how much of it is in use. */
#ifndef AIRLOCK_IDP_PASSWORD_H
#define AIRLOCK_IDP_PASSWORD_H

#include <stdbool.h>

#include "base/error.h"

#define PASSWORD_MAX 1024 /* bytes */
#define PASSWORD_MEMORY_KIB (19 * 1024)
#define PASSWORD_PASSES 2
#define PASSWORD_AT_ONCE 2

struct password_gate;

/* At most PASSWORD_AT_ONCE checks run; up to max_waiting callers wait for wait_ms at most, the others are refused. */
int password_gate_new(unsigned max_waiting, unsigned wait_ms, struct password_gate **ret, struct error *err) MUST_USE;
void password_gate_free(struct password_gate *gate);

/* The encoded hash ("$argon2id$…") of a secret; the caller's. */
int password_hash(const char *secret, char **ret_encoded, struct error *err) MUST_USE;
bool password_hash_is_known(const char *encoded); /* of a form and cost that password_check takes */

/* *ret_fits tells whether secret is behind encoded. encoded NULL or "": there is no such person; takes as long, and
 * never fits. E_UNAVAILABLE when too many checks are waiting. Any thread. */
int password_check(struct password_gate *gate, const char *encoded, const char *secret, bool *ret_fits,
                   struct error *err) MUST_USE;

#endif
