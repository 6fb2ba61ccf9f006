/* What the parts of src/store share. Nobody else includes this. */
#ifndef AIRLOCK_STORE_PRIVATE_H
#define AIRLOCK_STORE_PRIVATE_H

#include <dirent.h>
#include <sys/stat.h>

#include "base/str.h"
#include "store/aio.h"
#include "store/store.h"

#define STORE_DIR_MODE 0750
#define STORE_DRAFT_MODE 0640  /* while its bytes still come */
#define STORE_SEALED_MODE 0444 /* for ever after */

struct store {
    int root;
    uint64_t reserve;
    struct aio *aio; /* NULL: everything is done at once, through the page cache */
    struct settle *settle;
    struct ahead_pool *pool;
    int (*tick)(void *ctx, struct error *err);
    void *tick_ctx;
};

/* Accepts segments separated by single slashes, none of them empty, "." or "..". E_INVALID otherwise. */
int path_check(const char *path, struct error *err) MUST_USE;
char *path_parent(const char *path) MUST_USE; /* "." when there is none; the caller's */
const char *path_leaf(const char *path);      /* points into path */
char *path_join(const char *dir, const char *leaf) MUST_USE;
/* The path of an object, whose name can neither hide nor climb. E_INVALID otherwise. The result is the caller's. */
int path_of_object(const char *dir, const char *object, char **ret_path, struct error *err) MUST_USE;

/* Opens the directory above path; with make, missing ones are made. */
int path_open_parent(struct store *store, const char *path, bool make, struct error *err) MUST_USE;
/* Makes path this process's own (and group's, unless -1) where it is not: needs CAP_CHOWN then, but no right to read.
 */
int path_own(struct store *store, const char *path, mode_t type, gid_t group, struct error *err) MUST_USE;

/* Shared syncs of directories. Between enter and leave the directory counts as busy: there may be an entry that is not
 * on the disk. sync: all entries made before are on the disk; only between enter and leave. */
struct settle;
struct settle *settle_new(void);
void settle_free(struct settle *settle);
void settle_enter(struct settle *settle, const char *path);
void settle_leave(struct settle *settle, const char *path);
bool settle_is_busy(struct settle *settle, const char *path);
int settle_sync(struct store *store, const char *path, struct error *err) MUST_USE;

/* The buffers that readers ahead share; all of them must be back when it is freed. */
struct ahead_pool *ahead_pool_new(void);
void ahead_pool_free(struct ahead_pool *pool);

void cleanup_dir_(DIR **dir);
#define AUTO_DIR CLEANUP(cleanup_dir_)
/* The next entry of type S_IFREG or S_IFDIR. 1: found, 0: the end. Entries that vanish meanwhile are passed over. */
int dir_next(DIR *dir, mode_t type, const char **ret_name, struct stat *ret_st, struct error *err) MUST_USE;
/* Rename across file systems: a verified copy of the flat directory from, in place at to; from stays. */
int dir_copy(struct store *store, const char *from, const char *to, struct error *err) MUST_USE;
/* A verified copy of one file, synced, with the given mode; its directory is not synced. */
int file_copy(struct store *store, int from_fd, int to_dir, const char *name, mode_t mode, struct error *err) MUST_USE;

#endif
