/* Refresh tokens (RFC 6749 §6) with rotation and detection of reuse (RFC 9700 §4.14.2). A sign-in with offline_access
 * begins a family; each use gives the next token and spends the one before. A spent token that comes again ends the
 * family, because either it or its successor is in the wrong hands. Only digests are kept, in a journal beside the
 * accounts: a spent token stays spent through restarts and kills at any moment. Thread-safe.
 *
 * One repetition is allowed: within REFRESH_REPEAT_MS the token that was spent last gives its very same successor
 * again, while that one is unused. So an answer that was lost on the way costs no sign-in, programs that share a token
 * and refresh it at the same time agree on the next, and still there is never more than one live token: a thief who is
 * that fast shares it with its owner, and the first refresh of either exposes the other. A restart forgets the
 * allowance. */
#ifndef AIRLOCK_IDP_REFRESH_H
#define AIRLOCK_IDP_REFRESH_H

#include <stdbool.h>

#include "base/crypto.h"
#include "base/error.h"

#define REFRESH_REPEAT_MS 10000
#define REFRESH_FAMILIES_MAX 8192
#define REFRESH_PER_PERSON 32 /* one more ends the person's oldest */
#define REFRESH_TEXT_SIZE 129 /* of an id, with the NUL */
#define REFRESH_SCOPE_SIZE 1025

/* What a family was given for. */
struct refresh_grant {
    char oid[REFRESH_TEXT_SIZE];
    char client_id[REFRESH_TEXT_SIZE];
    char session[REFRESH_TEXT_SIZE]; /* the browser session it came from */
    char scope[REFRESH_SCOPE_SIZE];
    int64_t auth_time_s; /* when the person signed in */
    int64_t expires_s;   /* absolute: no use moves it */
};

struct refresh_now {
    int64_t s;  /* wall clock, for the life of a family */
    int64_t ms; /* monotonic, for the repetition */
};

struct refresh_store;

/* Reads or makes the journal (see journal.h for path). *ret_forgotten: it was damaged, so every token in it is dead. */
int refresh_store_open(const char *path, int64_t now_s, struct refresh_store **ret, bool *ret_forgotten,
                       struct error *err) MUST_USE;
void refresh_store_close(struct refresh_store *store);

/* Everything below that returns 0 is durable. E_IO, and nothing is changed, when the disk does not take it; then the
 * caller must not answer with a token. */

/* A new family's first token, the caller's. E_UNAVAILABLE when there are too many. */
int refresh_begin(struct refresh_store *store, const struct refresh_grant *grant, int64_t now_s, char **ret_token,
                  struct error *err) MUST_USE;

/* Is the token good for this client? Changes nothing when it is. E_INVALID: unknown, expired, another client's.
 * E_STALE: it was spent; its family, told in *ret, is dead now. */
int refresh_check(struct refresh_store *store, const char *token, const char *client_id, struct refresh_now now,
                  struct refresh_grant *ret, struct error *err) MUST_USE;
/* The same, spends it, and gives its successor, the caller's. */
int refresh_turn(struct refresh_store *store, const char *token, const char *client_id, struct refresh_now now,
                 char **ret_next, struct refresh_grant *ret, struct error *err) MUST_USE;

/* Ends the family of a token, spent or not (RFC 7009). E_NOT_FOUND: there is none. E_INVALID: another client's. */
int refresh_revoke(struct refresh_store *store, const char *token, const char *client_id, struct refresh_grant *ret,
                   struct error *err) MUST_USE;
/* What names the family of a token, here and nowhere else; "" for no token of ours. It opens nothing. */
void refresh_family_of(const char *token, char ret_family[static SHA256_HEX_SIZE]);
/* Ends a family by that name; 0 also when it has ended before. */
int refresh_end_family(struct refresh_store *store, const char *family, struct error *err) MUST_USE;
/* Ends every family of a person's browser session. */
int refresh_end_session(struct refresh_store *store, const char *oid, const char *session, unsigned *ret_ended,
                        struct error *err) MUST_USE;

#endif
