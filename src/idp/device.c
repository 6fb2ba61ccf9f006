/* The table of device grants. Runs in airlock-idp; holds no code in clear. */
#include "idp/device.h"

#include <ctype.h>
#include <pthread.h>
#include <string.h>

#include "base/crypto.h"
#include "base/str.h"

#define DEVICE_CODE_BYTES 32
#define EARLY_MS 500 /* a program that counts seconds may be this early */
#define INTERVAL_MAX_S 60

/* No vowels, so no words; nothing that looks like something else (RFC 8628 §6.1). 20 letters: 8 of them are 34 bits. */
static const char ALPHABET[] = "BCDFGHJKLMNPQRSTVWXZ";

enum device_step { STEP_FREE, STEP_OPEN, STEP_HELD, STEP_APPROVED, STEP_DENIED, STEP_ANSWERED };

struct device {
    enum device_step step;
    unsigned char device_digest[SHA256_SIZE];
    unsigned char user_digest[SHA256_SIZE];
    unsigned char address_digest[SHA256_SIZE];
    int64_t expires_ms;
    int64_t asked_ms; /* when the program asked last; 0: never */
    int64_t interval_ms;
    json_t *asked;
    json_t *result;
};

struct device_store {
    pthread_mutex_t lock;
    unsigned per_address;
    struct device devices[DEVICES_MAX];
};

struct device_store *device_store_new(unsigned per_address)
{
    struct device_store *store = xcalloc(1, sizeof *store);
    pthread_mutex_init(&store->lock, NULL);
    store->per_address = per_address;
    return store;
}

static void device_clear(struct device *device)
{
    json_decref(device->asked);
    json_decref(device->result);
    *device = (struct device){0};
}

void device_store_free(struct device_store *store)
{
    if (!store)
        return;
    for (size_t i = 0; i < DEVICES_MAX; i++)
        device_clear(&store->devices[i]);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

/* --- Codes --- */

static void digest_of(const char *text, unsigned char out[static SHA256_SIZE])
{
    sha256(text, strlen(text), out);
}

/* Each letter alike: a byte that would favour the first ones is drawn again. */
static void user_code_draw(char out[static USER_CODE_SIZE])
{
    const unsigned letters = sizeof ALPHABET - 1, fair = 256 - 256 % letters;
    for (size_t at = 0; at < USER_CODE_SIZE - 1; at++) {
        unsigned char byte = 0;
        if (at == USER_CODE_LETTERS / 2) {
            out[at] = '-';
            continue;
        }
        do
            random_fill(&byte, 1);
        while (byte >= fair);
        out[at] = ALPHABET[byte % letters];
    }
    out[USER_CODE_SIZE - 1] = '\0';
}

bool user_code_read(const char *typed, char out[static USER_CODE_SIZE])
{
    size_t len = 0;
    for (const char *c = typed; *c; c++) {
        char letter = (char)toupper((unsigned char)*c);
        if (*c == ' ' || *c == '-')
            continue;
        if (len == USER_CODE_SIZE - 1 || !strchr(ALPHABET, letter))
            return false;
        if (len == USER_CODE_LETTERS / 2)
            out[len++] = '-';
        out[len++] = letter;
    }
    out[len] = '\0';
    return len == USER_CODE_SIZE - 1;
}

/* --- The table, with the lock held --- */

static bool device_is_open(const struct device *device, int64_t now_ms)
{
    return device->step == STEP_OPEN && device->expires_ms > now_ms;
}

/* A free place, or one whose time is over; NULL when there is none. What has expired stays as long as there is room, so
 * that its program can be told. */
static struct device *store_place(struct device_store *store, int64_t now_ms)
{
    struct device *over = NULL;
    for (size_t i = 0; i < DEVICES_MAX; i++) {
        struct device *device = &store->devices[i];
        if (device->step == STEP_FREE)
            return device;
        if (device->expires_ms <= now_ms && (!over || device->expires_ms < over->expires_ms))
            over = device;
    }
    return over;
}

static bool address_is_full(const struct device_store *store, const unsigned char *digest, int64_t now_ms)
{
    unsigned open = 0;
    for (size_t i = 0; i < DEVICES_MAX; i++)
        open += device_is_open(&store->devices[i], now_ms) &&
                memcmp(store->devices[i].address_digest, digest, SHA256_SIZE) == 0;
    return open >= store->per_address;
}

static struct device *store_find_user(struct device_store *store, const unsigned char *digest, int64_t now_ms)
{
    for (size_t i = 0; i < DEVICES_MAX; i++)
        if (device_is_open(&store->devices[i], now_ms) &&
            memcmp(store->devices[i].user_digest, digest, SHA256_SIZE) == 0)
            return &store->devices[i];
    return NULL;
}

static struct device *store_find_device(struct device_store *store, const unsigned char *digest)
{
    for (size_t i = 0; i < DEVICES_MAX; i++)
        if (store->devices[i].step != STEP_FREE && memcmp(store->devices[i].device_digest, digest, SHA256_SIZE) == 0)
            return &store->devices[i];
    return NULL;
}

/* --- The program's side --- */

static int store_add(struct device_store *store, const struct device *fresh, int64_t now_ms, struct error *err)
{
    if (address_is_full(store, fresh->address_digest, now_ms))
        return error_set(err, E_RATE, "Too many device codes of this address are open; use one or wait for its end");
    struct device *place = store_place(store, now_ms);
    if (!place)
        return error_set(err, E_UNAVAILABLE, "Too many device codes are open; try again in a few minutes");
    device_clear(place);
    *place = *fresh;
    json_incref(place->asked);
    return 0;
}

int device_begin(struct device_store *store, json_t *asked, const char *address, int64_t now_ms, char **ret_device_code,
                 char ret_user_code[static USER_CODE_SIZE], struct error *err)
{
    unsigned char random[DEVICE_CODE_BYTES];
    AUTO_STR struct str code = STR_INIT(2 * DEVICE_CODE_BYTES);
    struct device fresh = {
        .step = STEP_OPEN,
        .expires_ms = now_ms + 1000 * DEVICE_LIFETIME_S,
        .interval_ms = 1000 * DEVICE_INTERVAL_S,
        .asked = asked,
    };

    random_fill(random, sizeof random);
    base64url_append(&code, random, sizeof random);
    digest_of(str_text(&code), fresh.device_digest);
    digest_of(address, fresh.address_digest);
    pthread_mutex_lock(&store->lock);
    do { /* two open grants never share a code */
        user_code_draw(ret_user_code);
        digest_of(ret_user_code, fresh.user_digest);
    } while (store_find_user(store, fresh.user_digest, now_ms));
    int r = store_add(store, &fresh, now_ms, err);
    pthread_mutex_unlock(&store->lock);
    if (r == 0)
        *ret_device_code = TAKE_PTR(code.p);
    return r;
}

/* Did the program wait long enough? If not, it has to wait longer from now on (RFC 8628 §3.5). */
static bool device_is_patient(struct device *device, int64_t now_ms)
{
    bool patient = device->asked_ms == 0 || now_ms - device->asked_ms >= device->interval_ms - EARLY_MS;
    device->asked_ms = now_ms;
    if (!patient && device->interval_ms < 1000 * INTERVAL_MAX_S)
        device->interval_ms += 1000 * DEVICE_INTERVAL_S;
    return patient;
}

static enum device_state device_state_of(struct device *device, int64_t now_ms, json_t **ret_result)
{
    if (device->step == STEP_ANSWERED)
        return DEVICE_UNKNOWN;
    if (device->expires_ms <= now_ms)
        return DEVICE_EXPIRED;
    if (device->step == STEP_DENIED)
        return DEVICE_DENIED;
    if (!device_is_patient(device, now_ms))
        return DEVICE_TOO_FAST;
    if (device->step == STEP_OPEN || device->step == STEP_HELD)
        return DEVICE_PENDING;
    device->step = STEP_ANSWERED;
    *ret_result = TAKE_PTR(device->result);
    return DEVICE_APPROVED;
}

enum device_state device_poll(struct device_store *store, const char *device_code, const char *client_id,
                              int64_t now_ms, json_t **ret_result)
{
    unsigned char digest[SHA256_SIZE];
    enum device_state state = DEVICE_UNKNOWN;

    digest_of(device_code, digest);
    pthread_mutex_lock(&store->lock);
    struct device *device = store_find_device(store, digest);
    if (device && strcmp(json_text(device->asked, "client_id"), client_id) == 0)
        state = device_state_of(device, now_ms, ret_result);
    pthread_mutex_unlock(&store->lock);
    return state;
}

/* --- The person's side --- */

static int find(struct device_store *store, const unsigned char *digest, int64_t now_ms, json_t **ret_asked,
                struct error *err)
{
    pthread_mutex_lock(&store->lock);
    const struct device *device = store_find_user(store, digest, now_ms);
    if (device)
        *ret_asked = json_incref(device->asked);
    pthread_mutex_unlock(&store->lock);
    return device ? 0 : error_set(err, E_NOT_FOUND, "The code is wrong, too old, or was used already");
}

int device_find(struct device_store *store, const char *user_code, int64_t now_ms, char ret_id[static DEVICE_ID_SIZE],
                json_t **ret_asked, struct error *err)
{
    unsigned char digest[SHA256_SIZE];
    char code[USER_CODE_SIZE];

    if (!user_code_read(user_code, code))
        return error_set(err, E_NOT_FOUND, "The code is wrong, too old, or was used already");
    digest_of(code, digest);
    int r = find(store, digest, now_ms, ret_asked, err);
    if (r == 0)
        hex_encode(digest, sizeof digest, ret_id);
    return r;
}

int device_find_id(struct device_store *store, const char *id, int64_t now_ms, json_t **ret_asked, struct error *err)
{
    unsigned char digest[SHA256_SIZE];

    if (!hex_decode(id, digest, sizeof digest))
        return error_set(err, E_NOT_FOUND, "There is no such code");
    return find(store, digest, now_ms, ret_asked, err);
}

int device_hold(struct device_store *store, const char *id, int64_t now_ms, struct error *err)
{
    unsigned char digest[SHA256_SIZE];

    if (!hex_decode(id, digest, sizeof digest))
        return error_set(err, E_NOT_FOUND, "There is no such code");
    pthread_mutex_lock(&store->lock);
    struct device *device = store_find_user(store, digest, now_ms);
    if (device)
        device->step = STEP_HELD;
    pthread_mutex_unlock(&store->lock);
    return device ? 0 : error_set(err, E_NOT_FOUND, "The code is too old, or was used already");
}

/* Moves a held grant on. */
static void device_settle(struct device_store *store, const char *id, enum device_step step, json_t *result)
{
    unsigned char digest[SHA256_SIZE];

    if (!hex_decode(id, digest, sizeof digest))
        return;
    pthread_mutex_lock(&store->lock);
    for (size_t i = 0; i < DEVICES_MAX; i++) {
        struct device *device = &store->devices[i];
        if (device->step != STEP_HELD || memcmp(device->user_digest, digest, sizeof digest) != 0)
            continue;
        device->step = step;
        device->result = json_incref(result);
    }
    pthread_mutex_unlock(&store->lock);
}

void device_decide(struct device_store *store, const char *id, json_t *result)
{
    device_settle(store, id, result ? STEP_APPROVED : STEP_DENIED, result);
}

void device_release(struct device_store *store, const char *id)
{
    device_settle(store, id, STEP_OPEN, NULL);
}
