/* A set-associative table. Pure memory; any process. */
#include "base/slots.h"

#include <string.h>

#include "base/crypto.h"

#define DIGEST_SIZE 16 /* of a SHA-256: what is kept of a key */
#define SECRET_SIZE 32

struct slot {
    unsigned char digest[DIGEST_SIZE];
    bool taken;
};

struct slots {
    unsigned char secret[SECRET_SIZE];
    size_t record_size;
    int64_t (*worth)(const void *record);
    struct slot slots[SLOTS_SETS * SLOTS_WAYS];
    unsigned char *records; /* one each slot, in the same order */
};

struct slots *slots_new(size_t record_size, int64_t (*worth)(const void *record))
{
    struct slots *t = xcalloc(1, sizeof *t);

    random_fill(t->secret, sizeof t->secret);
    t->record_size = record_size;
    t->worth = worth;
    t->records = xcalloc(ARRAY_LEN(t->slots), record_size);
    return t;
}

void slots_free(struct slots *t)
{
    if (!t)
        return;
    free(t->records);
    free(t);
}

static void *record_at(const struct slots *t, size_t index)
{
    return t->records + index * t->record_size;
}

/* The first slot of the key's place; digest: what is kept of the key. */
static size_t place_of(const struct slots *t, const void *key, size_t len, unsigned char digest[static DIGEST_SIZE])
{
    unsigned char mac[SHA256_SIZE];

    hmac_sha256(t->secret, sizeof t->secret, key, len, mac);
    memcpy(digest, mac, DIGEST_SIZE);
    return (mac[DIGEST_SIZE] | (size_t)mac[DIGEST_SIZE + 1] << 8) % SLOTS_SETS * SLOTS_WAYS;
}

/* The slot with the digest; ARRAY_LEN(t->slots) when there is none. */
static size_t slot_find(const struct slots *t, size_t place, const unsigned char digest[static DIGEST_SIZE])
{
    for (size_t i = place; i < place + SLOTS_WAYS; i++)
        if (t->slots[i].taken && memcmp(t->slots[i].digest, digest, DIGEST_SIZE) == 0)
            return i;
    return ARRAY_LEN(t->slots);
}

/* A free slot of the place, or the one whose record is worth least. */
static size_t slot_weakest(const struct slots *t, size_t place)
{
    size_t weakest = place;

    for (size_t i = place; i < place + SLOTS_WAYS; i++) {
        if (!t->slots[i].taken)
            return i;
        if (t->worth(record_at(t, i)) < t->worth(record_at(t, weakest)))
            weakest = i;
    }
    return weakest;
}

void *slots_find(struct slots *t, const void *key, size_t len)
{
    unsigned char digest[DIGEST_SIZE];
    size_t place = place_of(t, key, len, digest);
    size_t i = slot_find(t, place, digest);
    return i < ARRAY_LEN(t->slots) ? record_at(t, i) : NULL;
}

void *slots_make(struct slots *t, const void *key, size_t len)
{
    unsigned char digest[DIGEST_SIZE];
    size_t place = place_of(t, key, len, digest);
    size_t i = slot_find(t, place, digest);

    if (i < ARRAY_LEN(t->slots))
        return record_at(t, i);
    i = slot_weakest(t, place);
    t->slots[i].taken = true;
    memcpy(t->slots[i].digest, digest, DIGEST_SIZE);
    memset(record_at(t, i), 0, t->record_size);
    return record_at(t, i);
}

void slots_drop(struct slots *t, const void *key, size_t len)
{
    unsigned char digest[DIGEST_SIZE];
    size_t i = slot_find(t, place_of(t, key, len, digest), digest);

    if (i < ARRAY_LEN(t->slots))
        t->slots[i].taken = false;
}
