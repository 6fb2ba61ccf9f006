/* Token buckets as virtual scheduling (the generic cell rate algorithm of ITU-T I.371): of each bucket only the moment
 * is kept at which it will be full again. Any process. */
#include "base/bucket.h"

#include <pthread.h>

#include "base/slots.h"
#include "base/str.h"

#define NS_PER_S INT64_C(1000000000)

struct bucket {
    int64_t full_at_ns;
};

struct buckets {
    pthread_mutex_t lock;
    int64_t token_ns; /* how long one token takes to come */
    int64_t depth_ns; /* how long an empty bucket takes to be full */
    struct slots *slots;
};

static int64_t bucket_worth(const void *record)
{
    return ((const struct bucket *)record)->full_at_ns;
}

struct buckets *buckets_new(const struct bucket_rule *rule)
{
    if (rule->count == 0)
        return NULL;
    struct buckets *b = xcalloc(1, sizeof *b);
    pthread_mutex_init(&b->lock, NULL);
    b->token_ns = rule->per_s * NS_PER_S / rule->count;
    b->depth_ns = rule->burst * b->token_ns;
    b->slots = slots_new(sizeof(struct bucket), bucket_worth);
    return b;
}

void buckets_free(struct buckets *b)
{
    if (!b)
        return;
    slots_free(b->slots);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

/* When the bucket would be full again if n tokens were taken now. */
static int64_t full_after(const struct buckets *b, const struct bucket *bucket, unsigned n, int64_t now_ns)
{
    int64_t from = bucket && bucket->full_at_ns > now_ns ? bucket->full_at_ns : now_ns;
    return from + n * b->token_ns;
}

static int64_t wait_us(const struct buckets *b, int64_t full_ns, int64_t now_ns)
{
    int64_t short_ns = full_ns - now_ns - b->depth_ns;
    return short_ns <= 0 ? 0 : (short_ns + 999) / 1000;
}

int64_t buckets_wait_us(struct buckets *b, const void *key, size_t len, unsigned n, int64_t now_us)
{
    int64_t now_ns = now_us * 1000;

    if (!b)
        return 0;
    pthread_mutex_lock(&b->lock);
    int64_t wait = wait_us(b, full_after(b, slots_find(b->slots, key, len), n, now_ns), now_ns);
    pthread_mutex_unlock(&b->lock);
    return wait;
}

int64_t buckets_take(struct buckets *b, const void *key, size_t len, unsigned n, int64_t now_us)
{
    int64_t now_ns = now_us * 1000;

    if (!b)
        return 0;
    pthread_mutex_lock(&b->lock);
    struct bucket *bucket = slots_make(b->slots, key, len);
    int64_t full_ns = full_after(b, bucket, n, now_ns);
    int64_t wait = wait_us(b, full_ns, now_ns);
    if (wait == 0)
        bucket->full_at_ns = full_ns;
    pthread_mutex_unlock(&b->lock);
    return wait;
}

void buckets_charge(struct buckets *b, const void *key, size_t len, unsigned n, int64_t now_us)
{
    int64_t now_ns = now_us * 1000;

    if (!b)
        return;
    pthread_mutex_lock(&b->lock);
    struct bucket *bucket = slots_make(b->slots, key, len);
    int64_t full_ns = full_after(b, bucket, n, now_ns), most_ns = now_ns + b->depth_ns + n * b->token_ns;
    bucket->full_at_ns = full_ns < most_ns ? full_ns : most_ns;
    pthread_mutex_unlock(&b->lock);
}

unsigned bucket_retry_after_s(int64_t wait)
{
    return wait <= 1000000 ? 1 : (unsigned)((wait + 999999) / 1000000);
}

int bucket_refuse(int64_t wait, const char *what, struct error *err)
{
    unsigned seconds = bucket_retry_after_s(wait);
    int r = error_set(err, E_RATE, "Too many %s: nothing was done. Try again in %u s", what, seconds);

    if (err)
        err->retry_after_s = seconds;
    return r;
}
