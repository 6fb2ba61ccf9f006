/* A table of random secrets that were handed out, each for one person and a time: authorization codes, and the cookies
 * of sessions. Kept in memory as digests; a restart forgets them. A person has at most SECRETS_PER_PERSON, one more
 * ends the person's oldest: so nobody fills the table alone or pushes others out. In a full table the oldest of all
 * gives way. */
#ifndef AIRLOCK_IDP_SECRETS_H
#define AIRLOCK_IDP_SECRETS_H

#include <pthread.h>

#include "base/crypto.h"
#include "base/uuid.h"

#define SECRETS_MAX 4096
#define SECRETS_PER_PERSON 32
#define SECRET_SIZE 44 /* base64url of 32 random bytes, with the NUL */

struct secret {
    unsigned char digest[SHA256_SIZE];
    char oid[UUID_TEXT_SIZE]; /* whose it is; "": the place is free */
    int64_t expires;          /* in the unit of the table's owner; the lower, the older */
    void *content;            /* what it stands for */
};

struct secrets {
    pthread_mutex_t lock; /* for the owner to hold around all that follows */
    void (*content_free)(void *content);
    struct secret rows[SECRETS_MAX];
};

struct secrets *secrets_new(void (*content_free)(void *content));
void secrets_free(struct secrets *secrets);

/* Draws a secret for content (stolen). */
void secret_add(struct secrets *secrets, const char *oid, void *content_stolen, int64_t now, int64_t expires,
                char ret_secret[static SECRET_SIZE]);
/* The live row of a secret, borrowed; NULL: there is none. */
struct secret *secret_find(struct secrets *secrets, const char *secret, int64_t now);
void secret_end(struct secrets *secrets, struct secret *secret);

#endif
