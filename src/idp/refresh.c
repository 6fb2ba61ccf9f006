/* The table of families and its journal. Runs in airlock-idp; holds no token in clear. */
#include "idp/refresh.h"

#include <pthread.h>
#include <string.h>

#include "base/crypto.h"
#include "base/str.h"
#include "idp/journal.h"

#define FAMILY_BYTES 16
#define SECRET_BYTES SHA256_SIZE
#define TOKEN_BYTES (FAMILY_BYTES + SECRET_BYTES)

/* Records of the journal. */
#define OP_BEGIN "begin"
#define OP_TURN "turn"
#define OP_END "end"

/* A token is the base64url of the family's secret and its own. Who knows the first has held a token of the family, so a
 * token with a known family and another digest than the live one can only be a spent one. */
struct family {
    bool live;
    unsigned char key[SHA256_SIZE];     /* digest of the family's secret */
    unsigned char current[SHA256_SIZE]; /* digest of the live token */
    unsigned char spent[SHA256_SIZE];   /* of the one before */
    int64_t repeat_until_ms;            /* monotonic; 0 after a restart */
    char *oid;
    char *client_id;
    char *session;
    char *scope;
    int64_t auth_time_s;
    int64_t expires_s;
};

struct refresh_store {
    pthread_mutex_t lock;
    struct journal *journal;
    unsigned char chain_key[SHA256_SIZE]; /* makes successors; new at each start */
    struct family families[REFRESH_FAMILIES_MAX];
};

/* --- Families, with the lock held --- */

static void family_clear(struct family *family)
{
    free(family->oid);
    free(family->client_id);
    free(family->session);
    free(family->scope);
    *family = (struct family){0};
}

static void family_tell(const struct family *family, struct refresh_grant *ret)
{
    *ret = (struct refresh_grant){.auth_time_s = family->auth_time_s, .expires_s = family->expires_s};
    (void)str_copy(ret->oid, sizeof ret->oid, family->oid); /* all fitted when they came in */
    (void)str_copy(ret->client_id, sizeof ret->client_id, family->client_id);
    (void)str_copy(ret->session, sizeof ret->session, family->session);
    (void)str_copy(ret->scope, sizeof ret->scope, family->scope);
}

static struct family *store_find(struct refresh_store *store, const unsigned char *key)
{
    for (size_t i = 0; i < REFRESH_FAMILIES_MAX; i++)
        if (store->families[i].live && memcmp(store->families[i].key, key, SHA256_SIZE) == 0)
            return &store->families[i];
    return NULL;
}

static struct family *store_free_place(struct refresh_store *store)
{
    for (size_t i = 0; i < REFRESH_FAMILIES_MAX; i++)
        if (!store->families[i].live)
            return &store->families[i];
    return NULL;
}

/* --- The journal --- */

static json_t *record_of(const char *op, const struct family *family)
{
    char key[SHA256_HEX_SIZE];
    hex_encode(family->key, sizeof family->key, key);
    return json_pack("{s:s, s:s}", "op", op, "family", key);
}

static json_t *record_turn(const struct family *family, const unsigned char *current)
{
    char digest[SHA256_HEX_SIZE];
    json_t *record = record_of(OP_TURN, family);
    hex_encode(current, SHA256_SIZE, digest);
    json_object_set_new(record, "token", json_string(digest));
    return record;
}

static json_t *record_begin(const struct family *family)
{
    char digest[SHA256_HEX_SIZE];
    json_t *record = record_of(OP_BEGIN, family);
    hex_encode(family->current, SHA256_SIZE, digest);
    json_object_set_new(record, "token", json_string(digest));
    json_object_set_new(record, "oid", json_string(family->oid));
    json_object_set_new(record, "client", json_string(family->client_id));
    json_object_set_new(record, "session", json_string(family->session));
    json_object_set_new(record, "scope", json_string(family->scope));
    json_object_set_new(record, "signed_in", json_integer(family->auth_time_s));
    json_object_set_new(record, "expires", json_integer(family->expires_s));
    return record;
}

static int families_dump(void *ctx, struct journal *journal, struct error *err)
{
    const struct refresh_store *store = ctx;
    int r = 0;
    for (size_t i = 0; i < REFRESH_FAMILIES_MAX && r == 0; i++) {
        AUTO_JSON json_t *record = store->families[i].live ? record_begin(&store->families[i]) : NULL;
        r = record ? journal_put(journal, record, err) : 0;
    }
    return r;
}

/* Writes one record down for good. A long journal is made short first, so that it never ends in its limit. */
static int store_note(struct refresh_store *store, json_t *record_stolen, struct error *err)
{
    AUTO_JSON json_t *record = record_stolen;
    int r = journal_is_long(store->journal) ? journal_compact(store->journal, families_dump, store, err) : 0;
    return r ? r : journal_append(store->journal, record, err);
}

static int family_end(struct refresh_store *store, struct family *family, struct error *err)
{
    int r = store_note(store, record_of(OP_END, family), err);
    if (r == 0)
        family_clear(family);
    return r;
}

static int apply_begin(struct refresh_store *store, const json_t *record, const unsigned char *key,
                       const unsigned char *digest, struct error *err)
{
    struct family *family = store_find(store, key) ? NULL : store_free_place(store);
    if (!family)
        return error_set(err, E_INVALID, "The journal has a family twice, or too many");
    *family = (struct family){
        .live = true,
        .oid = xstrdup(json_text(record, "oid")),
        .client_id = xstrdup(json_text(record, "client")),
        .session = xstrdup(json_text(record, "session")),
        .scope = xstrdup(json_text(record, "scope")),
        .auth_time_s = json_int(record, "signed_in"),
        .expires_s = json_int(record, "expires"),
    };
    memcpy(family->key, key, SHA256_SIZE);
    memcpy(family->current, digest, SHA256_SIZE);
    return 0;
}

/* A record of the journal at start. */
static int family_apply(void *ctx, const json_t *record, struct error *err)
{
    struct refresh_store *store = ctx;
    unsigned char key[SHA256_SIZE], digest[SHA256_SIZE];
    const char *op = json_text(record, "op");
    bool has_digest = hex_decode(json_text(record, "token"), digest, sizeof digest);

    if (!hex_decode(json_text(record, "family"), key, sizeof key) || (!has_digest && strcmp(op, OP_END) != 0))
        return error_set(err, E_INVALID, "The journal has a record without a family or a token");
    if (strcmp(op, OP_BEGIN) == 0)
        return apply_begin(store, record, key, digest, err);
    struct family *family = store_find(store, key);
    if (!family)
        return error_set(err, E_INVALID, "The journal speaks of a family that did not begin");
    if (has_digest)
        memcpy(family->current, digest, sizeof digest);
    else
        family_clear(family);
    return 0;
}

static void store_forget(struct refresh_store *store)
{
    for (size_t i = 0; i < REFRESH_FAMILIES_MAX; i++)
        family_clear(&store->families[i]);
}

static void store_drop_expired(struct refresh_store *store, int64_t now_s)
{
    for (size_t i = 0; i < REFRESH_FAMILIES_MAX; i++)
        if (store->families[i].live && store->families[i].expires_s <= now_s)
            family_clear(&store->families[i]); /* not written down: the time says the same after a restart */
}

int refresh_store_open(const char *path, int64_t now_s, struct refresh_store **ret, bool *ret_forgotten,
                       struct error *err)
{
    struct refresh_store *store = xcalloc(1, sizeof *store);

    pthread_mutex_init(&store->lock, NULL);
    random_fill(store->chain_key, sizeof store->chain_key);
    int r = journal_open(path, family_apply, store, &store->journal, err);
    *ret_forgotten = r == E_INVALID;
    if (r == E_INVALID) {
        store_forget(store);
        r = 0;
    }
    store_drop_expired(store, now_s);
    if (r == 0)
        r = journal_compact(store->journal, families_dump, store, err);
    if (r == 0)
        *ret = store;
    else
        refresh_store_close(store);
    return r;
}

void refresh_store_close(struct refresh_store *store)
{
    if (!store)
        return;
    store_forget(store);
    journal_close(store->journal);
    secret_wipe(store->chain_key, sizeof store->chain_key);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

/* --- Tokens --- */

static char *token_text(const unsigned char bytes[static TOKEN_BYTES])
{
    AUTO_STR struct str text = STR_INIT(2 * TOKEN_BYTES);
    base64url_append(&text, bytes, TOKEN_BYTES);
    return TAKE_PTR(text.p);
}

/* The bytes of a token and the key of its family; false when it can be none of ours. */
static bool token_read(const char *token, unsigned char bytes[static TOKEN_BYTES],
                       unsigned char key[static SHA256_SIZE])
{
    size_t len;
    if (strnlen(token, 2 * TOKEN_BYTES) == 2 * TOKEN_BYTES ||
        !base64url_decode(token, strlen(token), bytes, TOKEN_BYTES, &len) || len != TOKEN_BYTES)
        return false;
    sha256(bytes, FAMILY_BYTES, key);
    return true;
}

/* The same token has the same successor for as long as this process lives. */
static char *token_next(const struct refresh_store *store, const unsigned char bytes[static TOKEN_BYTES],
                        unsigned char digest[static SHA256_SIZE])
{
    unsigned char next[TOKEN_BYTES];
    memcpy(next, bytes, FAMILY_BYTES);
    hmac_sha256(store->chain_key, sizeof store->chain_key, bytes, TOKEN_BYTES, next + FAMILY_BYTES);
    sha256(next, sizeof next, digest);
    char *text = token_text(next);
    secret_wipe(next, sizeof next);
    return text;
}

/* --- Beginning --- */

static struct family *oldest_of(struct refresh_store *store, const char *oid, unsigned *ret_count)
{
    struct family *oldest = NULL;
    *ret_count = 0;
    for (size_t i = 0; i < REFRESH_FAMILIES_MAX; i++) {
        struct family *family = &store->families[i];
        if (!family->live || strcmp(family->oid, oid) != 0)
            continue;
        ++*ret_count;
        if (!oldest || family->expires_s < oldest->expires_s)
            oldest = family;
    }
    return oldest;
}

static int store_make_room(struct refresh_store *store, const char *oid, int64_t now_s, struct error *err)
{
    unsigned count;

    store_drop_expired(store, now_s);
    struct family *oldest = oldest_of(store, oid, &count);
    return count >= REFRESH_PER_PERSON ? family_end(store, oldest, err) : 0;
}

static int store_begin(struct refresh_store *store, const struct refresh_grant *grant, int64_t now_s,
                       const unsigned char bytes[static TOKEN_BYTES], struct error *err)
{
    int r = store_make_room(store, grant->oid, now_s, err);
    struct family *family = store_free_place(store);

    if (r == 0 && !family)
        r = error_set(err, E_UNAVAILABLE, "Too many sign-ins are kept; try again later");
    if (r != 0)
        return r;
    *family = (struct family){
        .oid = xstrdup(grant->oid),
        .client_id = xstrdup(grant->client_id),
        .session = xstrdup(grant->session),
        .scope = xstrdup(grant->scope),
        .auth_time_s = grant->auth_time_s,
        .expires_s = grant->expires_s,
    };
    sha256(bytes, FAMILY_BYTES, family->key);
    sha256(bytes, TOKEN_BYTES, family->current);
    r = store_note(store, record_begin(family), err);
    if (r == 0)
        family->live = true;
    else
        family_clear(family);
    return r;
}

int refresh_begin(struct refresh_store *store, const struct refresh_grant *grant, int64_t now_s, char **ret_token,
                  struct error *err)
{
    unsigned char bytes[TOKEN_BYTES];

    random_fill(bytes, sizeof bytes);
    pthread_mutex_lock(&store->lock);
    int r = store_begin(store, grant, now_s, bytes, err);
    pthread_mutex_unlock(&store->lock);
    if (r == 0)
        *ret_token = token_text(bytes);
    secret_wipe(bytes, sizeof bytes);
    return r;
}

/* --- Using --- */

static int token_unknown(struct error *err)
{
    return error_set(err, E_INVALID, "The refresh token is unknown, expired, or belongs to another client");
}

/* The live family that the token is good for; *ret_repeats: it is the one spent last, and comes again in time. */
static int family_for(struct refresh_store *store, const unsigned char *bytes, const unsigned char *key,
                      const char *client_id, struct refresh_now now, struct family **ret, bool *ret_repeats,
                      struct refresh_grant *ret_grant, struct error *err)
{
    unsigned char digest[SHA256_SIZE];
    struct family *family = store_find(store, key);

    if (!family || family->expires_s <= now.s || strcmp(family->client_id, client_id) != 0)
        return token_unknown(err);
    sha256(bytes, TOKEN_BYTES, digest);
    family_tell(family, ret_grant);
    *ret_repeats = now.ms < family->repeat_until_ms && memcmp(digest, family->spent, sizeof digest) == 0;
    *ret = family;
    if (*ret_repeats || memcmp(digest, family->current, sizeof digest) == 0)
        return 0;
    int r = family_end(store, family, err);
    return r ? r : error_set(err, E_STALE, "The refresh token was used before; sign in again");
}

/* Spends the live token. One that repeats changes nothing: its successor is the live one already. */
static int family_turn(struct refresh_store *store, struct family *family, const unsigned char *next,
                       struct refresh_now now, struct error *err)
{
    int r = store_note(store, record_turn(family, next), err);
    if (r != 0)
        return r;
    memcpy(family->spent, family->current, SHA256_SIZE);
    memcpy(family->current, next, SHA256_SIZE);
    family->repeat_until_ms = now.ms + REFRESH_REPEAT_MS;
    return 0;
}

int refresh_check(struct refresh_store *store, const char *token, const char *client_id, struct refresh_now now,
                  struct refresh_grant *ret, struct error *err)
{
    unsigned char bytes[TOKEN_BYTES], key[SHA256_SIZE];
    struct family *family;
    bool repeats;

    if (!token_read(token, bytes, key))
        return token_unknown(err);
    pthread_mutex_lock(&store->lock);
    int r = family_for(store, bytes, key, client_id, now, &family, &repeats, ret, err);
    pthread_mutex_unlock(&store->lock);
    return r;
}

int refresh_turn(struct refresh_store *store, const char *token, const char *client_id, struct refresh_now now,
                 char **ret_next, struct refresh_grant *ret, struct error *err)
{
    unsigned char bytes[TOKEN_BYTES], key[SHA256_SIZE], next_digest[SHA256_SIZE];
    struct family *family;
    bool repeats;

    if (!token_read(token, bytes, key))
        return token_unknown(err);
    AUTO_FREE char *next = token_next(store, bytes, next_digest);
    pthread_mutex_lock(&store->lock);
    int r = family_for(store, bytes, key, client_id, now, &family, &repeats, ret, err);
    if (r == 0 && !repeats)
        r = family_turn(store, family, next_digest, now, err);
    pthread_mutex_unlock(&store->lock);
    secret_wipe(bytes, sizeof bytes);
    if (r == 0)
        *ret_next = TAKE_PTR(next);
    return r;
}

/* --- Ending --- */

int refresh_revoke(struct refresh_store *store, const char *token, const char *client_id, struct refresh_grant *ret,
                   struct error *err)
{
    unsigned char bytes[TOKEN_BYTES], key[SHA256_SIZE];
    int r;

    if (!token_read(token, bytes, key))
        return error_set(err, E_NOT_FOUND, "There is no such refresh token");
    pthread_mutex_lock(&store->lock);
    struct family *family = store_find(store, key);
    if (!family) {
        r = error_set(err, E_NOT_FOUND, "There is no such refresh token");
    } else if (strcmp(family->client_id, client_id) != 0) {
        r = error_set(err, E_INVALID, "The refresh token belongs to another client");
    } else {
        family_tell(family, ret);
        r = family_end(store, family, err);
    }
    pthread_mutex_unlock(&store->lock);
    return r;
}

void refresh_family_of(const char *token, char ret_family[static SHA256_HEX_SIZE])
{
    unsigned char bytes[TOKEN_BYTES], key[SHA256_SIZE];

    *ret_family = '\0';
    if (token_read(token, bytes, key))
        hex_encode(key, sizeof key, ret_family);
    secret_wipe(bytes, sizeof bytes);
}

int refresh_end_family(struct refresh_store *store, const char *family, struct error *err)
{
    unsigned char key[SHA256_SIZE];

    if (!hex_decode(family, key, sizeof key))
        return 0;
    pthread_mutex_lock(&store->lock);
    struct family *found = store_find(store, key);
    int r = found ? family_end(store, found, err) : 0;
    pthread_mutex_unlock(&store->lock);
    return r;
}

int refresh_end_session(struct refresh_store *store, const char *oid, const char *session, unsigned *ret_ended,
                        struct error *err)
{
    unsigned ended = 0;
    int r = 0;

    pthread_mutex_lock(&store->lock);
    for (size_t i = 0; i < REFRESH_FAMILIES_MAX && r == 0; i++) {
        struct family *family = &store->families[i];
        if (!family->live || strcmp(family->oid, oid) != 0 || strcmp(family->session, session) != 0)
            continue;
        r = family_end(store, family, err);
        ended += r == 0;
    }
    pthread_mutex_unlock(&store->lock);
    if (r == 0)
        *ret_ended = ended;
    return r;
}
