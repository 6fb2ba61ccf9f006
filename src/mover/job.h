/* The work of airlock-mover: what a job is, what it may ask, how it ends. The functions know nothing of channels; a job
 * may be cut at any instruction, and running it again, under the same token or a later one, brings it to the same end.
 */
#ifndef AIRLOCK_MOVER_JOB_H
#define AIRLOCK_MOVER_JOB_H

#include "base/error.h"
#include "base/json.h"
#include "store/store.h"

struct pool;

/* The right to do a job, for a while, and what core knows about it. */
struct lease {
    /* One page of the job's files after the given mark, {"files":[…],"next":mark or 0}. *ret_page is the caller's. */
    int (*files)(void *ctx, int64_t after, json_t **ret_page, struct error *err);
    /* 0 only when core says that the job still is ours; E_STALE when it is not. */
    int (*confirm)(void *ctx, struct error *err);
    void *ctx;
};

/* What every job works with. */
struct mover {
    struct store *store;
    struct pool *pool; /* mover/pool.h */
};

/* How a job ended, but for errors. */
struct result {
    const char *outcome; /* NULL while it runs; a wire name of ipc/messages.md */
    char detail[256];    /* with mismatch: what differs, without a name or a byte of anybody's */
    const char *dir;     /* with a move's mismatch: where the bytes are; borrowed from the job */
    json_t *files;       /* with sealed */
};
void result_done(struct result *result);
/* The bytes are not what they were. */
void result_mismatch(struct result *result, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* job is core's message (ipc/messages.md). A negative code: the job failed, core decides about another try. */
struct job_kind {
    const char *name;
    int (*run)(const struct mover *mover, const json_t *job, const struct lease *lease, struct result *ret,
               struct error *err);
};
const struct job_kind *job_kind_by_name(const char *name); /* NULL: unknown */

int seal_run(const struct mover *mover, const json_t *job, const struct lease *lease, struct result *ret,
             struct error *err) MUST_USE;
int move_run(const struct mover *mover, const json_t *job, const struct lease *lease, struct result *ret,
             struct error *err) MUST_USE;
int deliver_run(const struct mover *mover, const json_t *job, const struct lease *lease, struct result *ret,
                struct error *err) MUST_USE;
int purge_run(const struct mover *mover, const json_t *job, const struct lease *lease, struct result *ret,
              struct error *err) MUST_USE;
int remove_run(const struct mover *mover, const json_t *job, const struct lease *lease, struct result *ret,
               struct error *err) MUST_USE;
int sweep_run(const struct mover *mover, const json_t *job, const struct lease *lease, struct result *ret,
              struct error *err) MUST_USE;

/* The files of a job one by one; only a page of them is in memory. */
struct files {
    const struct lease *lease;
    json_t *page;
    size_t index;
    int64_t next;
    bool last;
};
#define FILES_INIT(l) ((struct files){.lease = (l)})
#define AUTO_FILES CLEANUP(files_done)
void files_done(struct files *files);
/* 1: *ret_file is borrowed until the next call; 0: that was all. */
int files_next(struct files *files, const json_t **ret_file, struct error *err) MUST_USE;

/* Where a job finds and puts its directory. */
struct places {
    const json_t *from; /* texts, the likeliest first */
    const char *to;
};
/* A directory of a container or a delivery, named by core: deep enough that a mistake cannot hit an account. */
int place_need(const json_t *job, const char *field, const char **ret_dir, struct error *err) MUST_USE;
int place_check(const char *dir, struct error *err) MUST_USE;
int places_read(const json_t *job, struct places *ret, struct error *err) MUST_USE;
/* The directory, borrowed: `to` when an earlier try came that far, otherwise the first that is there. E_NOT_FOUND. */
int places_find(struct store *store, const struct places *places, const char **ret_dir, struct error *err) MUST_USE;
/* Brings dir, which places_find found, to `to`, as this process's own; no other place keeps anything. */
int places_publish(struct store *store, const struct places *places, const char *dir, struct error *err) MUST_USE;

#endif
