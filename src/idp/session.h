/* Browser sessions: who signed in here within the last hours, so that a next token takes a click and no password. Kept
 * in memory as secrets.h says; a restart ends them all. Thread-safe. */
#ifndef AIRLOCK_IDP_SESSION_H
#define AIRLOCK_IDP_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "idp/secrets.h"

#define SESSION_LIFETIME_S (8 * 3600)
#define SESSION_ID_SIZE 33 /* public: stands in id tokens as "sid", and opens nothing */

struct session {
    char oid[UUID_TEXT_SIZE];
    char id[SESSION_ID_SIZE];
    int64_t auth_time_s; /* when the password was given */
};

struct secrets *session_store_new(void);

void session_add(struct secrets *sessions, const char *oid, int64_t auth_time_s, char ret_secret[static SECRET_SIZE],
                 struct session *ret);
bool session_by_secret(struct secrets *sessions, const char *secret, int64_t now_s, struct session *ret);
void session_remove(struct secrets *sessions, const char *id);

#endif
