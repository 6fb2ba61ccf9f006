/* POSTs by libcurl, several at once, without blocking: TLS verified, no redirect, no proxy, CALLER_TIMEOUT_S seconds,
 * CALLER_ANSWER_MAX bytes of an answer, a new connection each, and only to addresses that reach.h allows. Part of
 * airlock-notify; the only code of it that makes connections. */
#ifndef AIRLOCK_NOTIFY_CALLER_H
#define AIRLOCK_NOTIFY_CALLER_H

#include "base/json.h"
#include "notify/reach.h"

#define CALLER_CALLS_MAX 16 /* at once: a slow receiver delays nobody else */
#define CALLER_TIMEOUT_S 10
#define CALLER_ANSWER_MAX (64 * 1024) /* bytes */

struct caller;

struct caller_config {
    const char *ca_file; /* "": the machine's authorities; read at once, so that no file is needed later */
    struct reach reach;
    int64_t timeout_ms;         /* 0: CALLER_TIMEOUT_S */
    const char *const *resolve; /* NULL, or for tests "HOST:PORT:ADDRESS" texts and NULL: what a resolver would say */
};

/* Of each call: what became of it. detail: why it failed. */
typedef void caller_done_fn(void *ctx, int64_t id, int64_t token, bool delivered, const char *detail);

/* E_CONFIG, E_UNAVAILABLE. */
int caller_new(const struct caller_config *config, caller_done_fn *done, void *ctx, struct caller **ret,
               struct error *err) MUST_USE;
void caller_free(struct caller *caller);

bool caller_has_room(const struct caller *caller);
/* Begins a call as call.lease describes it (borrowed); a call that cannot even begin is done at once. */
void caller_begin(struct caller *caller, const json_t *call);
/* Waits for what is under way and for the descriptors (-1 is passed over), at most timeout_ms; sets readable[i]; tells
 * of the calls that ended. */
void caller_wait(struct caller *caller, const int *fds, bool *readable, size_t count, int timeout_ms);

#endif
