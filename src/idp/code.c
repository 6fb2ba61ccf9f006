/* The table of open codes. Runs in airlock-idp; holds no code in clear. */
#include "idp/code.h"

#include <pthread.h>
#include <string.h>

#include "base/crypto.h"
#include "base/str.h"

#define CODE_BYTES 32
#define CHALLENGE_LEN 43
#define VERIFIER_MIN 43 /* RFC 7636 §4.1 */
#define VERIFIER_MAX 128

struct code_entry {
    unsigned char digest[SHA256_SIZE];
    int64_t expires_ms;
    json_t *grant; /* NULL: spent */
    bool taken;    /* the place is in use until it expires */
};

struct code_store {
    pthread_mutex_t lock;
    struct code_entry entries[CODES_MAX];
};

struct code_store *code_store_new(void)
{
    struct code_store *store = xcalloc(1, sizeof *store);
    pthread_mutex_init(&store->lock, NULL);
    return store;
}

void code_store_free(struct code_store *store)
{
    if (!store)
        return;
    for (size_t i = 0; i < CODES_MAX; i++)
        json_decref(store->entries[i].grant);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

/* With the lock held: a free place, after dropping what has expired; NULL when there is none. */
static struct code_entry *store_place(struct code_store *store, int64_t now_ms)
{
    struct code_entry *place = NULL;
    for (size_t i = 0; i < CODES_MAX; i++) {
        struct code_entry *entry = &store->entries[i];
        if (entry->taken && entry->expires_ms <= now_ms) {
            json_decref(entry->grant);
            *entry = (struct code_entry){0};
        }
        if (!entry->taken)
            place = entry;
    }
    return place;
}

int code_issue(struct code_store *store, json_t *grant, int64_t now_ms, char **ret_code, struct error *err)
{
    unsigned char random[CODE_BYTES];
    AUTO_STR struct str code = STR_INIT(2 * CODE_BYTES);

    random_fill(random, sizeof random);
    base64url_append(&code, random, sizeof random);
    pthread_mutex_lock(&store->lock);
    struct code_entry *place = store_place(store, now_ms);
    if (place) {
        *place =
            (struct code_entry){.expires_ms = now_ms + CODE_LIFETIME_MS, .grant = json_incref(grant), .taken = true};
        sha256(code.p, code.len, place->digest);
    }
    pthread_mutex_unlock(&store->lock);
    if (!place)
        return error_set(err, E_UNAVAILABLE, "Too many sign-ins are under way; try again in a minute");
    *ret_code = TAKE_PTR(code.p);
    return 0;
}

/* With the lock held. The comparison is of digests, so its timing tells nothing about a code. */
static struct code_entry *store_find(struct code_store *store, const char *code, int64_t now_ms)
{
    unsigned char digest[SHA256_SIZE];
    sha256(code, strlen(code), digest);
    for (size_t i = 0; i < CODES_MAX; i++) {
        struct code_entry *entry = &store->entries[i];
        if (entry->taken && entry->expires_ms > now_ms && memcmp(entry->digest, digest, sizeof digest) == 0)
            return entry;
    }
    return NULL;
}

static bool proof_fits(const struct code_proof *proof, const json_t *grant)
{
    return strcmp(proof->client_id, json_text(grant, "client_id")) == 0 &&
           strcmp(proof->redirect_uri, json_text(grant, "redirect_uri")) == 0 &&
           verifier_fits(proof->verifier, json_text(grant, "code_challenge"));
}

int code_redeem(struct code_store *store, const struct code_proof *proof, int64_t now_ms, json_t **ret_grant,
                struct error *err)
{
    AUTO_JSON json_t *grant = NULL;
    pthread_mutex_lock(&store->lock);
    struct code_entry *entry = store_find(store, proof->code, now_ms);
    if (entry)
        grant = TAKE_PTR(entry->grant);
    pthread_mutex_unlock(&store->lock);

    if (entry && !grant)
        return error_set(err, E_STALE, "The code was used before");
    if (!grant || !proof_fits(proof, grant))
        return error_set(err, E_INVALID,
                         "The code is unknown, expired, or belongs to another client, redirect or verifier");
    *ret_grant = TAKE_PTR(grant);
    return 0;
}

bool challenge_is_valid(const char *challenge)
{
    unsigned char digest[SHA256_SIZE];
    size_t len;
    return strlen(challenge) == CHALLENGE_LEN &&
           base64url_decode(challenge, CHALLENGE_LEN, digest, sizeof digest, &len) && len == sizeof digest;
}

static bool verifier_is_valid(const char *verifier)
{
    static const char UNRESERVED[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    size_t len = strnlen(verifier, VERIFIER_MAX + 1);
    return len >= VERIFIER_MIN && len <= VERIFIER_MAX && verifier[strspn(verifier, UNRESERVED)] == '\0';
}

bool verifier_fits(const char *verifier, const char *challenge)
{
    unsigned char digest[SHA256_SIZE], wanted[SHA256_SIZE];
    size_t len;

    if (!verifier_is_valid(verifier) || strlen(challenge) != CHALLENGE_LEN ||
        !base64url_decode(challenge, CHALLENGE_LEN, wanted, sizeof wanted, &len) || len != sizeof wanted)
        return false;
    sha256(verifier, strlen(verifier), digest);
    return equal_constant_time(digest, wanted, sizeof digest);
}
