/* The few threads of airlock-mover, and how the files of a job go through them: described, judged and counted on the
 * job's own thread and in the order of the files; read, hashed and sealed on any thread, many at once. So the first
 * file that is wrong is the one that is reported, however the threads were scheduled. */
#ifndef AIRLOCK_MOVER_POOL_H
#define AIRLOCK_MOVER_POOL_H

#include "mover/job.h"

#define POOL_THREADS_MAX 64
#define POOL_THREADS_AUTO 8 /* at most, when the number is left to the machine */

/* threads: 0 means one for each core, at most POOL_THREADS_AUTO. store: its root is used, with a tick of the pool's
 * own. To be called when the process is confined and its signals are blocked: threads inherit both. */
struct pool *pool_new(const struct store *store, unsigned threads);
void pool_free(struct pool *pool);

/* What is done to each file. An item is the caller's own memory for one file; only one thread at a time has it. */
struct pool_work {
    /* Job's thread, in order. file is borrowed until the call returns. *ret_item is freed by free. */
    int (*begin)(void *ctx, const json_t *file, void **ret_item, struct error *err);
    /* Any thread, in any order: the item and the pool's store, nothing else. The store's tick says when to stop. */
    int (*run)(struct store *store, void *item, struct error *err);
    /* Job's thread, in order, when all before ended well. 1: enough, the rest is not wanted. */
    int (*end)(void *ctx, void *item, struct error *err);
    void (*free)(void *item);
    void *ctx;
};

/* All files of the job, or all until one ends it. The job's own tick is called meanwhile; when it fails the threads
 * stop. No thread works on anything when this returns. 0, or the first failure in the order of the files. */
int pool_files(struct pool *pool, struct store *store, const struct lease *lease, const struct pool_work *work,
               struct error *err) MUST_USE;

/* One thing that may take long, on a thread of the pool, with the job's tick called meanwhile. */
int pool_do(struct pool *pool, struct store *store, int (*run)(struct store *store, void *item, struct error *err),
            void *item, struct error *err) MUST_USE;

#endif
