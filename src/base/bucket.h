/* Token buckets: how often each of many keys may do something. A bucket holds `burst` tokens and gets `count` of them
 * every `per_s` seconds; what costs n takes n of them. One table of fixed size holds the buckets of one rule; when it
 * overflows, the fullest bucket is forgotten, which is the one that held nobody back. Thread-safe; any process. */
#ifndef AIRLOCK_BASE_BUCKET_H
#define AIRLOCK_BASE_BUCKET_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define BUCKET_COUNT_MAX 1000000 /* of count and burst */

struct bucket_rule {
    int64_t count; /* 0: no limit */
    int64_t per_s; /* 1 … 3600 */
    int64_t burst; /* at least 1 */
};

struct buckets;
struct buckets *buckets_new(const struct bucket_rule *rule);
void buckets_free(struct buckets *buckets);

/* All times are monotonic microseconds. Waits are 0, or the time until the key's bucket would hold n tokens if nobody
 * else took any: who waits so long gets through. NULL for buckets is no limit. */
int64_t buckets_wait_us(struct buckets *buckets, const void *key, size_t len, unsigned n, int64_t now_us);
/* Takes n tokens when they are there (0), or nothing (the wait). n is at most burst. */
int64_t buckets_take(struct buckets *buckets, const void *key, size_t len, unsigned n, int64_t now_us);
/* Takes n tokens also when they are not there: the key is in debt, of n at most, until they have come. */
void buckets_charge(struct buckets *buckets, const void *key, size_t len, unsigned n, int64_t now_us);

/* What Retry-After says: whole seconds, never too few, at least one. */
unsigned bucket_retry_after_s(int64_t wait_us);
/* E_RATE with that; what: "requests", "links to this request", … */
int bucket_refuse(int64_t wait_us, const char *what, struct error *err);

#endif
