/* What a request holds, and the quotas it counts for. Kept as counters by the same transactions that change blobs and
 * blocks, so that no upload costs a sum over what is there already. */
#ifndef AIRLOCK_CORE_USAGE_H
#define AIRLOCK_CORE_USAGE_H

#include "core/request.h"

/* Of one request; also what a change adds to it (negative: takes away). */
struct usage {
    int64_t files;
    int64_t bytes;        /* of the files as they would be submitted */
    int64_t staged_names; /* names with blocks that wait for their list */
    int64_t staged_bytes; /* places given to such blocks */
    int64_t text_bytes;   /* of names, headers and metadata: what lists and frames must carry */
    int64_t held;         /* bytes on the disk; the quotas of the person and of the workspace count these */
};

/* 0s when the request never held anything. */
int usage_load(struct core *core, const char *request, struct usage *ret, struct error *err) MUST_USE;
/* May the request grow by this? E_TOO_LARGE naming the limit and its numbers. What does not grow is not looked at, so
 * that whoever is over a limit that was lowered can still delete. */
int usage_check(struct core *core, const struct request *req, const struct usage *change, struct error *err) MUST_USE;
int usage_add(struct core *core, const struct request *req, const struct usage *change, struct error *err) MUST_USE;
/* The disk was tidied: from now on the request holds this much. */
int usage_set_held(struct core *core, const struct request *req, int64_t held, struct error *err) MUST_USE;

#endif
