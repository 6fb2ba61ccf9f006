/* How many connections each client address has, so that one client cannot take them all. Loop and workers, under the
 * server's lock. Never sees a header: the address is the socket's. */
#include <arpa/inet.h>
#include <assert.h>
#include <string.h>
#include <sys/random.h>

#include "http/internal.h"

struct http_address {
    unsigned char key[16];
    unsigned count;
    LIST_ENTRY(http_address) link;
};

LIST_HEAD(http_address_list, http_address);

struct http_addresses {
    unsigned max_each; /* 0: no cap */
    size_t mask;
    uint64_t seed; /* so that nobody can choose addresses that share a bucket */
    struct http_address_list buckets[];
};

struct http_addresses *http_addresses_new(unsigned max_each, unsigned max_connections)
{
    size_t buckets = 16;
    while (buckets < max_connections)
        buckets *= 2;
    struct http_addresses *a = xcalloc(1, sizeof *a + buckets * sizeof a->buckets[0]);
    a->max_each = max_each;
    a->mask = buckets - 1;
    if (getrandom(&a->seed, sizeof a->seed, 0) != sizeof a->seed)
        a->seed = (uintptr_t)a; /* cannot happen for 8 bytes; worse, but works */
    return a;
}

void http_addresses_free(struct http_addresses *a)
{
    if (!a)
        return;
    for (size_t i = 0; i <= a->mask; i++)
        assert(LIST_EMPTY(&a->buckets[i])); /* every connection has left */
    free(a);
}

/* IPv4, as it stands inside IPv6. IPv6: its /64, which one client owns as a whole. */
bool http_address_key(const struct sockaddr_storage *peer, unsigned char key[static HTTP_ADDRESS_KEY_SIZE])
{
    memset(key, 0, HTTP_ADDRESS_KEY_SIZE);
    if (peer->ss_family == AF_INET) {
        memset(key + 10, 0xff, 2);
        memcpy(key + 12, &((const struct sockaddr_in *)peer)->sin_addr, 4);
        return true;
    }
    if (peer->ss_family != AF_INET6)
        return false;
    const struct in6_addr *in6 = &((const struct sockaddr_in6 *)peer)->sin6_addr;
    memcpy(key, in6->s6_addr, IN6_IS_ADDR_V4MAPPED(in6) ? 16 : 8);
    return true;
}

static struct http_address_list *address_bucket(struct http_addresses *a, const unsigned char key[static 16])
{
    uint64_t half[2];
    memcpy(half, key, sizeof half);
    uint64_t hash = a->seed;
    for (size_t i = 0; i < 2; i++) { /* the finalizer of MurmurHash3 */
        hash ^= half[i];
        hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdULL;
        hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53ULL;
        hash ^= hash >> 33;
    }
    return &a->buckets[hash & a->mask];
}

static struct http_address *address_find(struct http_address_list *bucket, const unsigned char key[static 16])
{
    struct http_address *address;
    LIST_FOREACH(address, bucket, link)
        if (memcmp(address->key, key, sizeof address->key) == 0)
            return address;
    return NULL;
}

bool http_addresses_enter(struct http_addresses *a, const struct sockaddr_storage *peer, struct http_address **ret)
{
    unsigned char key[HTTP_ADDRESS_KEY_SIZE];
    if (a->max_each == 0 || !http_address_key(peer, key)) {
        *ret = NULL;
        return true;
    }
    struct http_address_list *bucket = address_bucket(a, key);
    struct http_address *address = address_find(bucket, key);
    if (!address) {
        address = xcalloc(1, sizeof *address);
        memcpy(address->key, key, sizeof key);
        LIST_INSERT_HEAD(bucket, address, link);
    }
    if (address->count >= a->max_each)
        return false;
    address->count++;
    *ret = address;
    return true;
}

void http_addresses_leave(struct http_address *address)
{
    if (!address || --address->count > 0)
        return;
    LIST_REMOVE(address, link);
    free(address);
}

void http_address_format(const struct sockaddr_storage *peer, char out[static INET6_ADDRSTRLEN])
{
    out[0] = '\0';
    if (peer->ss_family == AF_INET) {
        (void)inet_ntop(AF_INET, &((const struct sockaddr_in *)peer)->sin_addr, out,
                        INET6_ADDRSTRLEN); /* always fits */
    } else if (peer->ss_family == AF_INET6) {
        const struct in6_addr *in6 = &((const struct sockaddr_in6 *)peer)->sin6_addr;
        bool mapped = IN6_IS_ADDR_V4MAPPED(in6);
        (void)inet_ntop(mapped ? AF_INET : AF_INET6, mapped ? in6->s6_addr + 12 : in6->s6_addr, out, INET6_ADDRSTRLEN);
    }
}
