/* The table of secrets. Runs in airlock-idp; holds no secret in clear. */
#include "idp/secrets.h"

#include <string.h>

#include "base/str.h"

struct secrets *secrets_new(void (*content_free)(void *content))
{
    struct secrets *secrets = xcalloc(1, sizeof *secrets);
    pthread_mutex_init(&secrets->lock, NULL);
    secrets->content_free = content_free;
    return secrets;
}

void secret_end(struct secrets *secrets, struct secret *secret)
{
    secrets->content_free(secret->content);
    *secret = (struct secret){0};
}

void secrets_free(struct secrets *secrets)
{
    if (!secrets)
        return;
    for (size_t i = 0; i < SECRETS_MAX; i++)
        if (*secrets->rows[i].oid)
            secret_end(secrets, &secrets->rows[i]);
    pthread_mutex_destroy(&secrets->lock);
    free(secrets);
}

static struct secret *older(struct secret *a, struct secret *b)
{
    return a && a->expires <= b->expires ? a : b;
}

/* A free place for one more of this person; whatever must give way for it has ended. */
static struct secret *secrets_place(struct secrets *secrets, const char *oid, int64_t now)
{
    struct secret *free_place = NULL, *oldest = NULL, *oldest_own = NULL;
    unsigned own = 0;

    for (size_t i = 0; i < SECRETS_MAX; i++) {
        struct secret *row = &secrets->rows[i];
        if (*row->oid && row->expires <= now)
            secret_end(secrets, row);
        if (!*row->oid) {
            free_place = row;
            continue;
        }
        oldest = older(oldest, row);
        if (strcmp(row->oid, oid) == 0) {
            own++;
            oldest_own = older(oldest_own, row);
        }
    }
    struct secret *place = own >= SECRETS_PER_PERSON ? oldest_own : free_place ? free_place : oldest;
    if (*place->oid)
        secret_end(secrets, place);
    return place;
}

void secret_add(struct secrets *secrets, const char *oid, void *content_stolen, int64_t now, int64_t expires,
                char ret_secret[static SECRET_SIZE])
{
    unsigned char random[SHA256_SIZE];
    AUTO_STR struct str text = STR_INIT(SECRET_SIZE);
    struct secret *place = secrets_place(secrets, oid, now);

    random_fill(random, sizeof random);
    base64url_append(&text, random, sizeof random);
    sha256(text.p, text.len, place->digest);
    (void)str_copy(place->oid, sizeof place->oid, oid); /* a UUID */
    place->expires = expires;
    place->content = content_stolen;
    (void)str_copy(ret_secret, SECRET_SIZE, str_text(&text));
    secret_wipe(random, sizeof random);
    secret_wipe(text.p, text.len);
}

/* The comparison is of digests, so its timing tells nothing about a secret. */
struct secret *secret_find(struct secrets *secrets, const char *secret, int64_t now)
{
    unsigned char digest[SHA256_SIZE];

    sha256(secret, strlen(secret), digest);
    for (size_t i = 0; i < SECRETS_MAX; i++) {
        struct secret *row = &secrets->rows[i];
        if (*row->oid && row->expires > now && memcmp(row->digest, digest, sizeof digest) == 0)
            return row;
    }
    return NULL;
}
