/* Directories that no row of core's names: a late worker's, a crash's, or all newer ones after somebody restored an old
 * database. They are found by walking, and core is asked. What holds anything is not removed but put aside, as
 * ZONE/lost/USE+ACCOUNT+REQUEST.TOKEN+SECONDS or delivery/lost/WORKSPACE+REQUEST+SECONDS, and removed days later. */
#ifndef AIRLOCK_MOVER_TIDY_H
#define AIRLOCK_MOVER_TIDY_H

#include "base/error.h"
#include "base/json.h"
#include "store/store.h"

#define TIDY_EVERY_MS (3600 * 1000)
#define TIDY_AGE_S 600 /* younger ones may belong to something that core is about to record */
#define TIDY_BATCH 500 /* directories of one question */

struct tidy {
    /* Which of these (an array of texts, stolen) does core not know? *ret_unknown is the caller's. */
    int (*unknown)(void *ctx, json_t *dirs, json_t **ret_unknown, struct error *err);
    /* dir was unknown and now lies aside; NULL: it was removed, because it was empty, expired or nothing is kept. */
    void (*lost)(void *ctx, const char *dir, const char *aside);
    void *ctx;
    int64_t before_s;      /* what changed later, in seconds since 1970, is not touched */
    bool keep_lost;        /* put aside; otherwise remove at once */
    int64_t lost_before_s; /* what was put aside before that is removed */
    int64_t now_s;
};

/* Puts aside what core does not know, removes what lies under private names and what has lain aside long enough. No
 * job may run meanwhile. */
int tidy_run(struct store *store, const struct tidy *tidy, struct error *err) MUST_USE;

#endif
