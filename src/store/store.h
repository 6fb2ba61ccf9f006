/* Storage accounts as local directories. Bytes are opaque object files `…/ACCOUNT/REQUEST-ID.TOKEN/OBJECT-ID`; names of
 * blobs never become paths. All paths are relative to the root that was opened and come from core; nothing climbs out.
 * Used by airlock-blob (its own zone's root) and airlock-mover (the storage root). Functions may be called from many
 * threads at once; a tick is called on the thread that works. */
#ifndef AIRLOCK_STORE_STORE_H
#define AIRLOCK_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define STORE_CHUNK (1024u * 1024u) /* bytes that one piece of a stream has at most */
#define STORE_PROOF_MS 2000         /* how long store_object_seal waits for the last writer to go */

struct store;

/* Takes the root's descriptor over. reserve_bytes: writes are refused (E_NO_SPACE) when less is free. */
struct store *store_new(int root_fd, uint64_t reserve_bytes);
void store_free(struct store *store);
/* Long files are read and written by this engine from now on; the store's. Before the store is used. */
struct aio;
void store_use_aio(struct store *store, struct aio *aio);
int store_root(const struct store *store); /* borrowed descriptor */
/* The same root and reserve once more, with a tick of its own: for other threads. The caller's. */
struct store *store_twin(const struct store *store) MUST_USE;

/* Long work calls tick about once a MiB; a non-zero answer ends the work and is returned. */
void store_set_tick(struct store *store, int (*tick)(void *ctx, struct error *err), void *ctx);
int store_tick(struct store *store, struct error *err) MUST_USE;

/* E_NO_SPACE when need more bytes would eat into the reserve (bytes or 1 % of the inodes). */
int store_check_space(struct store *store, uint64_t need, struct error *err) MUST_USE;

/* Object files. create makes missing directories, refuses an existing object (E_EXISTS) and syncs the directory;
 * open_write opens an existing object or makes it, and its entry is on the disk; all return a descriptor. begin is
 * create without the sync, for which store_object_settle comes when the bytes are there: one for many. */
int store_object_create(struct store *store, const char *dir, const char *object, struct error *err) MUST_USE;
int store_object_begin(struct store *store, const char *dir, const char *object, struct error *err) MUST_USE;
int store_object_settle(struct store *store, const char *dir, struct error *err) MUST_USE;
int store_object_open_write(struct store *store, const char *dir, const char *object, struct error *err) MUST_USE;
int store_object_open_read(struct store *store, const char *dir, const char *object, struct error *err) MUST_USE;
/* Any file of a container's directory, however it is named. Missing: success. */
int store_object_remove(struct store *store, const char *dir, const char *object, struct error *err) MUST_USE;

/* Makes an object final: the caller's own, cut to size where it is longer, read-only, synced, and proven without a
 * writer (E_CONFLICT when one is still there after STORE_PROOF_MS). A shorter object stays short: reading it tells. The
 * proof takes a lease for a moment: the process must ignore SIGIO, and own the file or have CAP_LEASE. */
int store_object_seal(struct store *store, const char *dir, const char *object, uint64_t size,
                      struct error *err) MUST_USE;
/* The same; returns the descriptor, open for reading, that the proof was made with. Without sync the caller owes a
 * store_sync_all before it tells anybody. */
int store_object_seal_open(struct store *store, const char *dir, const char *object, uint64_t size, bool sync,
                           struct error *err) MUST_USE;

/* One sync for very many files below dir. open comes before the changes, so that no failed write goes unnoticed; it
 * returns a descriptor. all may take long: everything that waits to be written to that file system is. */
int store_sync_open(struct store *store, const char *dir, struct error *err) MUST_USE;
int store_sync_all(int fd, struct error *err) MUST_USE;

/* Reads length bytes of fd from offset on, in order, and gives them to sink piece by piece; a non-zero answer of sink
 * ends it and is returned. Long stretches are read past the page cache by a thread of their own, a few pieces ahead;
 * of short ones the page cache is dropped behind. *ret_got is less than length where the file ends before. */
int store_stream(struct store *store, int fd, uint64_t offset, uint64_t length,
                 int (*sink)(const void *bytes, size_t len, void *ctx, struct error *err), void *ctx, uint64_t *ret_got,
                 struct error *err) MUST_USE;

/* The same for several sinks, which all get every piece. Of a long stretch the first one runs on the calling thread,
 * the others on threads of their own, which are gone when the call returns; so each sink may touch only what is its
 * own. When several end it, the answer is that of the first in the list. */
#define STORE_SINKS_MAX 3
struct store_sink {
    int (*put)(const void *bytes, size_t len, void *ctx, struct error *err);
    void *ctx;
};
int store_stream_to(struct store *store, int fd, uint64_t offset, uint64_t length, const struct store_sink *sinks,
                    size_t count, uint64_t *ret_got, struct error *err) MUST_USE;

/* A file, or a stretch of one, that is written in order, with little of it in the page cache at any time. Begins with
 * size and started at the offset of the first byte. */
struct store_writer {
    int fd;           /* borrowed */
    uint64_t size;    /* where the next byte goes */
    uint64_t started; /* up to here the disk has been told to write */
    uint64_t before;  /* bytes of the window that ends there */
    bool keep;        /* leave what was written in the page cache: it will be read soon */
};
int store_writer_put(struct store_writer *writer, const void *bytes, size_t len, struct error *err) MUST_USE;
int store_writer_finish(struct store_writer *writer, struct error *err) MUST_USE; /* all is on the disk */

/* Directories of containers. exists: 1 or 0. */
int store_dir_exists(struct store *store, const char *dir, struct error *err) MUST_USE;
int store_dir_is_empty(struct store *store, const char *dir, struct error *err) MUST_USE; /* 1 or 0 */
/* Renames a directory and syncs both parents (E_NOT_FOUND: from is missing; E_EXISTS: to is there). Across file
 * systems: copies under a private name, syncs, compares SHA-256, renames, removes. */
int store_dir_move(struct store *store, const char *from, const char *to, struct error *err) MUST_USE;
/* The directory disappears at once, under a private name, before its content goes. Missing: success, and what an
 * interrupted removal left goes too. */
int store_dir_remove(struct store *store, const char *dir, struct error *err) MUST_USE;
/* Calls fn with each object file's name; a non-zero answer of fn ends the walk and is returned. */
int store_dir_list(struct store *store, const char *dir, int (*fn)(const char *name, void *ctx), void *ctx,
                   struct error *err) MUST_USE;
/* The same for the directories in dir, with the time (seconds since 1970) of the last change to each, renames included.
 * A missing dir has none. */
int store_dir_children(struct store *store, const char *dir, int (*fn)(const char *name, int64_t changed_s, void *ctx),
                       void *ctx, struct error *err) MUST_USE;
/* Takes the directory over: owner this process, group that of the directory above, writable for the owner alone; and
 * syncs it as store_dir_sync does. */
int store_dir_own(struct store *store, const char *dir, struct error *err) MUST_USE;
/* The directory and its entry above are on the disk: what an earlier try made, and was cut before it synced, stays. */
int store_dir_sync(struct store *store, const char *dir, struct error *err) MUST_USE;

/* The name under which something is built beside path, or waits to be removed: `.LEAF.new`. The result is the caller's.
 */
char *store_private_name(const char *path) MUST_USE;
bool store_is_private_name(const char *leaf);

/* A tree with people's own file names, built from objects: hard links, or copies where links are not possible. name is
 * a plain relative path (E_INVALID otherwise). finish makes every directory read-only and syncs it, the innermost
 * first. */
int store_tree_add(struct store *store, const char *tree, const char *name, const char *dir, const char *object,
                   struct error *err) MUST_USE;
int store_tree_finish(struct store *store, const char *tree, struct error *err) MUST_USE;

#endif
