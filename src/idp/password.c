/* argon2id behind a gate. Runs in airlock-idp; never writes or logs a secret. */
#include "idp/password.h"

#include <argon2.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/num.h"
#include "base/str.h"

#define HASH_BYTES 32
#define SALT_BYTES 16
#define ENCODED_MAX 256
#define COST_FACTOR_MAX 16 /* how much dearer than ours a hash in the accounts file may be */

struct password_gate {
    pthread_mutex_t lock;
    pthread_cond_t left;
    unsigned running;
    unsigned waiting;
    unsigned max_waiting;
    unsigned wait_ms;
    char *nobody; /* the hash that stands in for people who do not exist */
};

int password_hash(const char *secret, char **ret_encoded, struct error *err)
{
    unsigned char salt[SALT_BYTES];
    char encoded[ENCODED_MAX];

    if (*secret == '\0' || strlen(secret) > PASSWORD_MAX)
        return error_set_field(err, E_INVALID, "password", "A password has 1 to %d bytes", PASSWORD_MAX);
    random_fill(salt, sizeof salt);
    int r = argon2id_hash_encoded(PASSWORD_PASSES, PASSWORD_MEMORY_KIB, 1, secret, strlen(secret), salt, sizeof salt,
                                  HASH_BYTES, encoded, sizeof encoded);
    if (r != ARGON2_OK)
        return error_set(err, E_UNAVAILABLE, "The password could not be hashed: %s", argon2_error_message(r));
    *ret_encoded = xstrdup(encoded);
    return 0;
}

/* Reads "name=NUMBER" at *at and steps over it and the separator behind. */
static bool take_cost(const char **at, const char *name, char separator, uint64_t max)
{
    uint64_t value;
    size_t name_len = strlen(name);
    const char *end = strchr(*at, separator);

    if (!end || strncmp(*at, name, name_len) != 0 ||
        !num_parse_len(*at + name_len, (size_t)(end - *at) - name_len, 1, max, &value))
        return false;
    *at = end + 1;
    return true;
}

bool password_hash_is_known(const char *encoded)
{
    static const char PREFIX[] = "$argon2id$v=19$";
    const char *at = encoded + sizeof PREFIX - 1;

    return strlen(encoded) < ENCODED_MAX && str_starts(encoded, PREFIX) &&
           take_cost(&at, "m=", ',', PASSWORD_MEMORY_KIB * COST_FACTOR_MAX) &&
           take_cost(&at, "t=", ',', PASSWORD_PASSES * COST_FACTOR_MAX) && take_cost(&at, "p=", '$', COST_FACTOR_MAX);
}

int password_gate_new(unsigned max_waiting, unsigned wait_ms, struct password_gate **ret, struct error *err)
{
    unsigned char random[SALT_BYTES];
    char secret[2 * sizeof random + 1];
    char *nobody;
    pthread_condattr_t attr;

    random_fill(random, sizeof random);
    hex_encode(random, sizeof random, secret);
    int r = password_hash(secret, &nobody, err);
    if (r != 0)
        return r;
    struct password_gate *gate = xcalloc(1, sizeof *gate);
    *gate = (struct password_gate){.max_waiting = max_waiting, .wait_ms = wait_ms, .nobody = nobody};
    pthread_mutex_init(&gate->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&gate->left, &attr);
    pthread_condattr_destroy(&attr);
    *ret = gate;
    return 0;
}

void password_gate_free(struct password_gate *gate)
{
    if (!gate)
        return;
    pthread_cond_destroy(&gate->left);
    pthread_mutex_destroy(&gate->lock);
    free(gate->nobody);
    free(gate);
}

/* With the lock held: waits for a free place. */
static bool gate_wait(struct password_gate *gate)
{
    int64_t until_ms = clock_mono_ms() + gate->wait_ms;
    struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    bool in_time = true;

    if (gate->waiting >= gate->max_waiting)
        return false;
    gate->waiting++;
    while (gate->running >= PASSWORD_AT_ONCE && in_time)
        in_time = pthread_cond_timedwait(&gate->left, &gate->lock, &until) == 0;
    gate->waiting--;
    return gate->running < PASSWORD_AT_ONCE;
}

static bool gate_enter(struct password_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    bool ok = gate->running < PASSWORD_AT_ONCE || gate_wait(gate);
    if (ok)
        gate->running++;
    pthread_mutex_unlock(&gate->lock);
    return ok;
}

static void gate_leave(struct password_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->running--;
    pthread_cond_signal(&gate->left);
    pthread_mutex_unlock(&gate->lock);
}

int password_check(struct password_gate *gate, const char *encoded, const char *secret, bool *ret_fits,
                   struct error *err)
{
    bool exists = encoded && *encoded;
    size_t len = strnlen(secret, PASSWORD_MAX + 1);

    if (!gate_enter(gate))
        return error_set(err, E_UNAVAILABLE, "Too many people are signing in just now; try again in a moment");
    int r = argon2id_verify(exists ? encoded : gate->nobody, secret, len > PASSWORD_MAX ? 0 : len);
    gate_leave(gate);
    if (r != ARGON2_OK && r != ARGON2_VERIFY_MISMATCH)
        return error_set(err, E_UNAVAILABLE, "The password could not be checked: %s", argon2_error_message(r));
    *ret_fits = exists && r == ARGON2_OK && len <= PASSWORD_MAX;
    return 0;
}
