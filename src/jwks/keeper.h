/* The steps of one look at the provider: its discovery document, then its keys; and what core is told. Knows libcurl
 * and core only through its fetcher and its publish function. Part of airlock-jwks. */
#ifndef AIRLOCK_JWKS_KEEPER_H
#define AIRLOCK_JWKS_KEEPER_H

#include "jwks/fetch.h"
#include "jwks/schedule.h"

/* Tells core; the publication is {"issuer","keys"[,"token_endpoint"]} and stolen. */
typedef int keeper_publish_fn(void *ctx, json_t *publication_stolen, struct error *err);

struct keeper {
    const char *issuer;
    const char *keys_url; /* auth.jwks_url; "": what discovery says */
    struct fetcher *fetcher;
    struct schedule schedule;
    bool has_discovery; /* the fetch under way is the second one */
    json_t *discovery;
    json_t *publication; /* what core was told last, or is to be told */
    bool is_told;
    int64_t tell_ms; /* not before, when it is not */
    keeper_publish_fn *publish;
    void *ctx;
};

/* Begins what is due, and tells core what it has not taken yet. */
void keeper_start_due(struct keeper *keeper, int64_t now_ms);
/* Takes what has arrived. */
void keeper_take(struct keeper *keeper, int64_t now_ms);
/* Core has a new channel, and may have lost its memory: told again what was told last. */
void keeper_tell_again(struct keeper *keeper);
void keeper_done(struct keeper *keeper);

#endif
