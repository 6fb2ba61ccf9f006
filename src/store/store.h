/* Storage accounts as local directories. Bytes are opaque object files `…/ACCOUNT/REQUEST-ID.TOKEN/OBJECT-ID`; names of
 * blobs never become paths. All paths are relative to the root that was opened and come from core; nothing climbs out.
 * Used by airlock-blob (its own zone's root) and airlock-mover (the storage root). */
#ifndef AIRLOCK_STORE_STORE_H
#define AIRLOCK_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct store;

/* Takes the root's descriptor over. reserve_bytes: writes are refused (E_NO_SPACE) when less is free. */
struct store *store_new(int root_fd, uint64_t reserve_bytes);
void store_free(struct store *store);

/* E_NO_SPACE when need more bytes would eat into the reserve (bytes or 1 % of the inodes). */
int store_check_space(struct store *store, uint64_t need, struct error *err) MUST_USE;

/* Object files. create makes missing directories, refuses an existing object (E_EXISTS) and syncs the directory;
 * open_write opens an existing object or makes it; all return a descriptor. */
int store_object_create(struct store *store, const char *dir, const char *object, struct error *err) MUST_USE;
int store_object_open_write(struct store *store, const char *dir, const char *object, struct error *err) MUST_USE;
int store_object_open_read(struct store *store, const char *dir, const char *object, struct error *err) MUST_USE;
int store_object_remove(struct store *store, const char *dir, const char *object, struct error *err) MUST_USE; /* missing: success */

/* Directories of containers. exists: 1 or 0. */
int store_dir_exists(struct store *store, const char *dir, struct error *err) MUST_USE;
/* Renames a directory and syncs both parents (E_NOT_FOUND: from is missing; E_EXISTS: to is there). Across file systems:
 * copies under a private name, syncs, compares SHA-256, renames, removes. */
int store_dir_move(struct store *store, const char *from, const char *to, struct error *err) MUST_USE;
int store_dir_remove(struct store *store, const char *dir, struct error *err) MUST_USE; /* missing: success */
/* Calls fn with each object file's name; a non-zero answer of fn ends the walk and is returned. */
int store_dir_list(struct store *store, const char *dir, int (*fn)(const char *name, void *ctx), void *ctx,
                   struct error *err) MUST_USE;

int store_root(const struct store *store); /* borrowed descriptor */

#endif
