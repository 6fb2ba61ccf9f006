/* Failures by key, in a table of fixed size. Runs in airlock-idp. */
#include "idp/throttle.h"

#include <ctype.h>
#include <pthread.h>
#include <string.h>

#include "base/slots.h"
#include "base/str.h"

struct throttle_entry {
    unsigned failures;
    int64_t last_ms;
    int64_t blocked_until_ms;
};

struct throttle {
    pthread_mutex_t lock;
    struct throttle_rule rule;
    struct slots *entries;
};

static int64_t entry_worth(const void *entry)
{
    return ((const struct throttle_entry *)entry)->failures;
}

struct throttle *throttle_new(const struct throttle_rule *rule)
{
    struct throttle *t = xcalloc(1, sizeof *t);
    pthread_mutex_init(&t->lock, NULL);
    t->rule = *rule;
    t->entries = slots_new(sizeof(struct throttle_entry), entry_worth);
    return t;
}

void throttle_free(struct throttle *t)
{
    if (!t)
        return;
    slots_free(t->entries);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

/* Names differ only by case for a person, so they do for the throttle. */
static char *key_of(const char *name)
{
    char *lower = xstrdup(name);
    for (char *c = lower; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return lower;
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

int64_t throttle_wait_ms(struct throttle *t, const char *name, int64_t now_ms)
{
    AUTO_FREE char *key = key_of(name);
    pthread_mutex_lock(&t->lock);
    const struct throttle_entry *entry = slots_find(t->entries, key, strlen(key));
    int64_t wait = entry && entry->blocked_until_ms > now_ms ? entry->blocked_until_ms - now_ms : 0;
    pthread_mutex_unlock(&t->lock);
    return wait;
}

int64_t throttle_failed(struct throttle *t, const char *name, int64_t now_ms)
{
    AUTO_FREE char *key = key_of(name);
    pthread_mutex_lock(&t->lock);
    struct throttle_entry *entry = slots_make(t->entries, key, strlen(key));
    if (entry->failures == 0)
        entry->last_ms = now_ms;
    entry_fade(&t->rule, entry, now_ms);
    entry->failures++;
    int64_t wait = delay_for(&t->rule, entry->failures);
    entry->blocked_until_ms = now_ms + wait;
    pthread_mutex_unlock(&t->lock);
    return wait;
}

void throttle_forget(struct throttle *t, const char *name)
{
    AUTO_FREE char *key = key_of(name);
    pthread_mutex_lock(&t->lock);
    slots_drop(t->entries, key, strlen(key));
    pthread_mutex_unlock(&t->lock);
}
