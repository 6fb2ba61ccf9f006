/* A set-associative table of failures. Runs in airlock-idp. */
#include "idp/throttle.h"

#include <ctype.h>
#include <pthread.h>
#include <string.h>

#include "base/crypto.h"
#include "base/str.h"

#define BUCKETS 1024
#define WAYS 4 /* keys that share a bucket; the one with the fewest failures gives way */

struct throttle_entry {
    unsigned char digest[SHA256_SIZE];
    unsigned failures;
    int64_t last_ms;
    int64_t blocked_until_ms;
};

struct throttle {
    pthread_mutex_t lock;
    struct throttle_rule rule;
    struct throttle_entry entries[BUCKETS][WAYS];
};

struct throttle *throttle_new(const struct throttle_rule *rule)
{
    struct throttle *t = xcalloc(1, sizeof *t);
    pthread_mutex_init(&t->lock, NULL);
    t->rule = *rule;
    return t;
}

void throttle_free(struct throttle *t)
{
    if (!t)
        return;
    pthread_mutex_destroy(&t->lock);
    free(t);
}

/* Names differ only by case for a person, so they do for the throttle. */
static void digest_of(const char *key, unsigned char out[static SHA256_SIZE])
{
    AUTO_FREE char *lower = xstrdup(key);
    for (char *c = lower; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    sha256(lower, strlen(lower), out);
}

static struct throttle_entry *bucket_of(struct throttle *t, const unsigned char *digest)
{
    return t->entries[(digest[0] | (unsigned)digest[1] << 8) % BUCKETS];
}

static struct throttle_entry *entry_find(struct throttle *t, const unsigned char *digest)
{
    struct throttle_entry *bucket = bucket_of(t, digest);
    for (size_t i = 0; i < WAYS; i++)
        if (bucket[i].failures && memcmp(bucket[i].digest, digest, SHA256_SIZE) == 0)
            return &bucket[i];
    return NULL;
}

static struct throttle_entry *entry_make(struct throttle *t, const unsigned char *digest, int64_t now_ms)
{
    struct throttle_entry *bucket = bucket_of(t, digest), *weakest = bucket;
    for (size_t i = 1; i < WAYS; i++)
        if (bucket[i].failures < weakest->failures)
            weakest = &bucket[i];
    *weakest = (struct throttle_entry){.last_ms = now_ms};
    memcpy(weakest->digest, digest, SHA256_SIZE);
    return weakest;
}

static void entry_fade(const struct throttle_rule *rule, struct throttle_entry *entry, int64_t now_ms)
{
    int64_t faded = (now_ms - entry->last_ms) / rule->fade_ms;
    if (faded <= 0)
        return;
    entry->failures = faded >= entry->failures ? 0 : entry->failures - (unsigned)faded;
    entry->last_ms += faded * rule->fade_ms;
}

static int64_t delay_for(const struct throttle_rule *rule, unsigned failures)
{
    if (failures <= rule->free)
        return 0;
    unsigned doublings = failures - rule->free - 1;
    int64_t delay = doublings < 20 ? rule->first_ms << doublings : rule->max_ms;
    return delay < rule->max_ms ? delay : rule->max_ms;
}

int64_t throttle_wait_ms(struct throttle *t, const char *key, int64_t now_ms)
{
    unsigned char digest[SHA256_SIZE];
    digest_of(key, digest);
    pthread_mutex_lock(&t->lock);
    const struct throttle_entry *entry = entry_find(t, digest);
    int64_t wait = entry && entry->blocked_until_ms > now_ms ? entry->blocked_until_ms - now_ms : 0;
    pthread_mutex_unlock(&t->lock);
    return wait;
}

int64_t throttle_failed(struct throttle *t, const char *key, int64_t now_ms)
{
    unsigned char digest[SHA256_SIZE];
    digest_of(key, digest);
    pthread_mutex_lock(&t->lock);
    struct throttle_entry *entry = entry_find(t, digest);
    if (!entry)
        entry = entry_make(t, digest, now_ms);
    entry_fade(&t->rule, entry, now_ms);
    entry->failures++;
    int64_t wait = delay_for(&t->rule, entry->failures);
    entry->blocked_until_ms = now_ms + wait;
    pthread_mutex_unlock(&t->lock);
    return wait;
}

void throttle_forget(struct throttle *t, const char *key)
{
    unsigned char digest[SHA256_SIZE];
    digest_of(key, digest);
    pthread_mutex_lock(&t->lock);
    struct throttle_entry *entry = entry_find(t, digest);
    if (entry)
        *entry = (struct throttle_entry){0};
    pthread_mutex_unlock(&t->lock);
}
