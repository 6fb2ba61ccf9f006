/* The table of sessions. Runs in airlock-idp. */
#include "idp/session.h"

#include <pthread.h>
#include <string.h>

#include "base/crypto.h"
#include "base/str.h"

struct entry {
    unsigned char digest[SHA256_SIZE];
    struct session session; /* without an oid: the place is free */
};

struct session_store {
    pthread_mutex_t lock;
    struct entry entries[SESSIONS_MAX];
};

struct session_store *session_store_new(void)
{
    struct session_store *store = xcalloc(1, sizeof *store);
    pthread_mutex_init(&store->lock, NULL);
    return store;
}

void session_store_free(struct session_store *store)
{
    if (!store)
        return;
    pthread_mutex_destroy(&store->lock);
    free(store);
}

/* A free place, or that of the oldest session. */
static struct entry *store_place(struct session_store *store)
{
    struct entry *oldest = store->entries;
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        struct entry *entry = &store->entries[i];
        if (!*entry->session.oid)
            return entry;
        if (entry->session.auth_time_s < oldest->session.auth_time_s)
            oldest = entry;
    }
    return oldest;
}

void session_add(struct session_store *store, const char *oid, int64_t auth_time_s,
                 char ret_secret[static SESSION_SECRET_SIZE], struct session *ret)
{
    unsigned char random[SESSION_SECRET_SIZE / 2];
    struct entry entry = {.session = {.auth_time_s = auth_time_s}};

    random_fill(random, sizeof random);
    hex_encode(random, sizeof random, ret_secret);
    sha256(ret_secret, strlen(ret_secret), entry.digest);
    random_fill(random, SESSION_ID_SIZE / 2);
    hex_encode(random, SESSION_ID_SIZE / 2, entry.session.id);
    (void)str_copy(entry.session.oid, sizeof entry.session.oid, oid); /* a UUID */
    pthread_mutex_lock(&store->lock);
    *store_place(store) = entry;
    pthread_mutex_unlock(&store->lock);
    *ret = entry.session;
}

bool session_by_secret(struct session_store *store, const char *secret, int64_t now_s, struct session *ret)
{
    unsigned char digest[SHA256_SIZE];
    bool found = false;

    sha256(secret, strlen(secret), digest);
    pthread_mutex_lock(&store->lock);
    for (size_t i = 0; i < SESSIONS_MAX && !found; i++) {
        const struct entry *entry = &store->entries[i];
        found = *entry->session.oid && entry->session.auth_time_s + SESSION_LIFETIME_S > now_s &&
                memcmp(entry->digest, digest, sizeof digest) == 0;
        if (found)
            *ret = entry->session;
    }
    pthread_mutex_unlock(&store->lock);
    return found;
}

void session_remove(struct session_store *store, const char *id)
{
    pthread_mutex_lock(&store->lock);
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        if (strcmp(store->entries[i].session.id, id) == 0)
            store->entries[i] = (struct entry){0};
    pthread_mutex_unlock(&store->lock);
}
