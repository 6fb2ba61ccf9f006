/* Device authorization grants (RFC 8628): a program without a browser shows a short code, a person types it elsewhere
 * and says yes or no, and the program, which keeps asking, learns of it once. Kept in memory, codes as digests; a
 * restart forgets them. Thread-safe. Times are monotonic. */
#ifndef AIRLOCK_IDP_DEVICE_H
#define AIRLOCK_IDP_DEVICE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/json.h"

#define DEVICE_LIFETIME_S 900
#define DEVICE_INTERVAL_S 5 /* between two questions of the program; 5 more each time it does not wait */
#define DEVICES_MAX 4096
#define USER_CODE_LETTERS 8
#define USER_CODE_SIZE (USER_CODE_LETTERS + 2) /* "BCDF-GHJK" with the NUL */
#define DEVICE_ID_SIZE 65                      /* names a grant to us alone: the digest of its user code, as hex */

struct device_store;
/* per_address: how many grants one address may have open, so that nobody fills the store. */
struct device_store *device_store_new(unsigned per_address);
void device_store_free(struct device_store *store);

/* Makes a grant for asked, an object with at least "client_id" and "scope" (borrowed: a reference is kept; not to be
 * changed any more). *ret_device_code is the caller's. E_RATE when the address has too many open, E_UNAVAILABLE when
 * everybody together has. */
int device_begin(struct device_store *store, json_t *asked, const char *address, int64_t now_ms, char **ret_device_code,
                 char ret_user_code[static USER_CODE_SIZE], struct error *err) MUST_USE;

/* What a person typed, in the form that was shown: letter case, spaces and hyphens do not matter. False when it can be
 * no code. */
bool user_code_read(const char *typed, char out[static USER_CODE_SIZE]);

/* An undecided grant by what a person typed. *ret_asked is the caller's. E_NOT_FOUND for a code that is unknown,
 * expired or decided, all alike. */
int device_find(struct device_store *store, const char *user_code, int64_t now_ms, char ret_id[static DEVICE_ID_SIZE],
                json_t **ret_asked, struct error *err) MUST_USE;
/* The same by the id that device_find gave. */
int device_find_id(struct device_store *store, const char *id, int64_t now_ms, json_t **ret_asked,
                   struct error *err) MUST_USE;
/* A person speaks: from now on nobody else is heard, and the program still waits, until one of the two below says how
 * it ended. E_NOT_FOUND as above: one word counts. */
int device_hold(struct device_store *store, const char *id, int64_t now_ms, struct error *err) MUST_USE;
/* The word itself, which cannot fail. result is what the program's question will be answered with (borrowed: a
 * reference is kept), NULL for no. */
void device_decide(struct device_store *store, const char *id, json_t *result);
void device_release(struct device_store *store, const char *id); /* nothing was said */

enum device_state {
    DEVICE_UNKNOWN, /* no such code, another client's, or answered before */
    DEVICE_PENDING,
    DEVICE_TOO_FAST,
    DEVICE_EXPIRED,
    DEVICE_DENIED,
    DEVICE_APPROVED, /* once; *ret_result is the caller's */
};
enum device_state device_poll(struct device_store *store, const char *device_code, const char *client_id,
                              int64_t now_ms, json_t **ret_result);

#endif
