/* POSTs by libcurl, several at once, without blocking: TLS verified, no redirect, no proxy, CALLER_TIMEOUT_S seconds,
 * CALLER_ANSWER_MAX bytes of an answer, a new connection each, and only to addresses that their terms allow. Part of
 * airlock-notify. */
#ifndef AIRLOCK_NOTIFY_CALLER_H
#define AIRLOCK_NOTIFY_CALLER_H

#include "base/json.h"
#include "notify/terms.h"

#define CALLER_POSTS_MAX 160 /* at once; whoever begins them has less room: calls.h and rooms.h */
#define CALLER_TIMEOUT_S 10
#define CALLER_ANSWER_MAX (64 * 1024) /* bytes */

struct caller;

struct caller_config {
    int64_t timeout_ms;         /* 0: CALLER_TIMEOUT_S */
    const char *const *resolve; /* NULL, or for tests "HOST:PORT:ADDRESS" texts and NULL: what a resolver would say */
};

/* What became of a post. */
struct caller_answer {
    bool taken;         /* a status of 200 to 299 */
    bool reached;       /* somebody answered, whatever it was */
    int64_t pause_s;    /* the answer asks for no other post for so long; 0: it does not */
    const char *detail; /* why it was not taken; borrowed */
};

typedef void caller_done_fn(void *ctx, const struct caller_answer *answer);

/* Borrowed, but for terms only until caller_begin returns. */
struct caller_post {
    const struct terms *terms; /* outlive the caller */
    const char *url, *body;
    const json_t *headers; /* [[name, value]…] */
    caller_done_fn *done;  /* called once */
    void *ctx;
};

/* E_UNAVAILABLE. */
int caller_new(const struct caller_config *config, struct caller **ret, struct error *err) MUST_USE;
void caller_free(struct caller *caller);

/* A post that cannot even begin is done at once. */
void caller_begin(struct caller *caller, const struct caller_post *post);
/* Waits for what is under way and for the descriptors (-1 is passed over), at most timeout_ms; sets readable[i]; tells
 * of the posts that ended. */
void caller_wait(struct caller *caller, const int *fds, bool *readable, size_t count, int timeout_ms);

#endif
