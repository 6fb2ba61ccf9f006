/* Files below a directory descriptor. Nothing here follows a symbolic link or climbs out: paths are resolved with
 * openat2(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS). */
#ifndef AIRLOCK_BASE_FILE_H
#define AIRLOCK_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* Like openat(2), beneath dirfd. Returns the descriptor (close-on-exec) or a negative E_ code; ENOENT is E_NOT_FOUND,
 * EEXIST is E_EXISTS. */
int file_open_beneath(int dirfd, const char *path, int flags, mode_t mode, struct error *err) MUST_USE;
/* Creates every missing directory of path (mode), syncing each parent; returns a descriptor of the last one. */
int file_make_dirs(int dirfd, const char *path, mode_t mode, struct error *err) MUST_USE;
int file_sync_dir(int dirfd, const char *path, struct error *err) MUST_USE; /* "" means dirfd itself */

/* Reads a whole small file (at most max bytes; more is E_LIMIT). *ret is NUL-terminated and the caller's. */
int file_read(int dirfd, const char *path, size_t max, char **ret, size_t *ret_len, struct error *err) MUST_USE;
/* The same of an open descriptor, from where it stands; name is for errors. */
int file_read_fd(int fd, const char *name, size_t max, char **ret, size_t *ret_len, struct error *err) MUST_USE;
/* Durable and atomic: private name, write, fsync, rename over path, fsync of the directory. */
int file_write(int dirfd, const char *path, const void *bytes, size_t len, mode_t mode, struct error *err) MUST_USE;
/* Refuses a secret that group or others can read. */
int file_read_secret(const char *path, size_t max, char **ret, size_t *ret_len, struct error *err) MUST_USE;

int file_write_all(int fd, const void *bytes, size_t len, struct error *err) MUST_USE;
int file_pwrite_all(int fd, const void *bytes, size_t len, uint64_t offset, struct error *err) MUST_USE;

/* Removes path and everything below it; a missing path is success. */
int file_remove_tree(int dirfd, const char *path, struct error *err) MUST_USE;

#endif
