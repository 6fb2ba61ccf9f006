/* The table of sessions. Runs in airlock-idp. */
#include "idp/session.h"

#include <string.h>

#include "base/str.h"

struct secrets *session_store_new(void)
{
    return secrets_new(free);
}

void session_add(struct secrets *sessions, const char *oid, int64_t auth_time_s, char ret_secret[static SECRET_SIZE],
                 struct session *ret)
{
    unsigned char random[SESSION_ID_SIZE / 2];
    struct session *session = xcalloc(1, sizeof *session);

    random_fill(random, sizeof random);
    hex_encode(random, sizeof random, session->id);
    (void)str_copy(session->oid, sizeof session->oid, oid); /* a UUID */
    session->auth_time_s = auth_time_s;
    *ret = *session;
    pthread_mutex_lock(&sessions->lock);
    secret_add(sessions, oid, session, auth_time_s, auth_time_s + SESSION_LIFETIME_S, ret_secret);
    pthread_mutex_unlock(&sessions->lock);
}

bool session_by_secret(struct secrets *sessions, const char *secret, int64_t now_s, struct session *ret)
{
    pthread_mutex_lock(&sessions->lock);
    const struct secret *row = secret_find(sessions, secret, now_s);
    if (row)
        *ret = *(const struct session *)row->content;
    pthread_mutex_unlock(&sessions->lock);
    return row != NULL;
}

void session_remove(struct secrets *sessions, const char *id)
{
    pthread_mutex_lock(&sessions->lock);
    for (size_t i = 0; i < SECRETS_MAX; i++) {
        const struct session *session = sessions->rows[i].content;
        if (session && strcmp(session->id, id) == 0)
            secret_end(sessions, &sessions->rows[i]);
    }
    pthread_mutex_unlock(&sessions->lock);
}
