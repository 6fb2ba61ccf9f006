/* Directories that no row of core's names: a late worker's, a crash's. They are found by walking, and core is asked. */
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
    void *ctx;
    int64_t before_s; /* what changed later, in seconds since 1970, is not touched */
};

/* Removes what core does not know and what lies under private names; no job may run meanwhile. *ret_removed counts. */
int tidy_run(struct store *store, const struct tidy *tidy, size_t *ret_removed, struct error *err) MUST_USE;

#endif
