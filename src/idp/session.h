/* Browser sessions: who signed in here within the last hours, so that a next token takes a click and no password. Kept
 * in memory, the cookie's secret as a digest; a restart ends them all. Thread-safe. */
#ifndef AIRLOCK_IDP_SESSION_H
#define AIRLOCK_IDP_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/uuid.h"

#define SESSION_LIFETIME_S (8 * 3600)
#define SESSIONS_MAX 4096      /* one more ends the oldest */
#define SESSION_SECRET_SIZE 65 /* 32 random bytes as hex, with the NUL */
#define SESSION_ID_SIZE 33     /* public: stands in id tokens as "sid", and opens nothing */

struct session {
    char oid[UUID_TEXT_SIZE];
    char id[SESSION_ID_SIZE];
    int64_t auth_time_s; /* when the password was given */
};

struct session_store;
struct session_store *session_store_new(void);
void session_store_free(struct session_store *store);

void session_add(struct session_store *store, const char *oid, int64_t auth_time_s,
                 char ret_secret[static SESSION_SECRET_SIZE], struct session *ret);
bool session_by_secret(struct session_store *store, const char *secret, int64_t now_s, struct session *ret);
void session_remove(struct session_store *store, const char *id);

#endif
