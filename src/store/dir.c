/* Directories of containers: whether they are there, moving, removing, listing, taking over. Runs in airlock-mover;
 * airlock-blob lists. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "store/private.h"

int store_dir_exists(struct store *store, const char *dir, struct error *err)
{
    int r = path_check(dir, err);
    if (r != 0)
        return r;
    AUTO_FD int fd = file_open_beneath(store->root, dir, O_PATH | O_DIRECTORY, 0, err);
    return fd >= 0 ? 1 : fd == E_NOT_FOUND ? 0 : fd;
}

static int dir_sync_parents(int from_parent, int to_parent, const char *from, struct error *err)
{
    if (fsync(to_parent) != 0 || fsync(from_parent) != 0)
        return error_set_errno(err, E_IO, "Cannot sync the directories above %s", from);
    return 0;
}

static int dir_rename_error(const char *dir, struct error *err)
{
    int code = errno == ENOENT ? E_NOT_FOUND : errno == EEXIST ? E_EXISTS : E_IO;
    return error_set_errno(err, code, "Cannot move %s", dir);
}

int store_dir_move(struct store *store, const char *from, const char *to, struct error *err)
{
    AUTO_FD int from_parent = path_open_parent(store, from, false, err);
    if (from_parent < 0)
        return from_parent;
    AUTO_FD int to_parent = path_open_parent(store, to, true, err);
    if (to_parent < 0)
        return to_parent;
    if (renameat2(from_parent, path_leaf(from), to_parent, path_leaf(to), RENAME_NOREPLACE) == 0)
        return dir_sync_parents(from_parent, to_parent, from, err);
    if (errno == EXDEV) {
        int r = dir_copy(store, from, to, err);
        return r ? r : store_dir_remove(store, from, err);
    }
    return dir_rename_error(from, err);
}

/* Takes dir over and out of sight. E_NOT_FOUND: it is not there. */
static int dir_hide(struct store *store, int parent, const char *dir, const char *private_name, struct error *err)
{
    int r = path_own(store, dir, S_IFDIR, (gid_t)-1, err);
    if (r == 0 && renameat2(parent, path_leaf(dir), parent, private_name, RENAME_NOREPLACE) != 0)
        r = dir_rename_error(dir, err);
    return r;
}

int store_dir_remove(struct store *store, const char *dir, struct error *err)
{
    AUTO_FD int parent = path_open_parent(store, dir, false, err);
    if (parent == E_NOT_FOUND)
        return 0;
    if (parent < 0)
        return parent;
    AUTO_FREE char *private_name = store_private_name(path_leaf(dir));

    int r = file_remove_tree(parent, private_name, err); /* what an interrupted removal left */
    if (r == 0)
        r = dir_hide(store, parent, dir, private_name, err);
    if (r == 0)
        r = file_remove_tree(parent, private_name, err);
    if (r != 0 && r != E_NOT_FOUND)
        return r;
    if (fsync(parent) != 0)
        return error_set_errno(err, E_IO, "Cannot sync the directory above %s", dir);
    return 0;
}

void cleanup_dir_(DIR **dir)
{
    if (*dir)
        (void)closedir(*dir);
}

static int dir_open(struct store *store, const char *path, DIR **ret_dir, struct error *err)
{
    int r = strcmp(path, ".") == 0 ? 0 : path_check(path, err);
    if (r != 0)
        return r;
    int fd = file_open_beneath(store->root, path, O_RDONLY | O_DIRECTORY, 0, err);
    if (fd < 0)
        return fd;
    DIR *dir = fdopendir(fd);
    if (!dir) {
        r = error_set_errno(err, E_IO, "Cannot list %s", path);
        (void)close(fd);
        return r;
    }
    *ret_dir = dir;
    return 0;
}

int dir_next(DIR *dir, mode_t type, const char **ret_name, struct stat *ret_st, struct error *err)
{
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(dir);
        if (!entry)
            return errno ? error_set_errno(err, E_IO, "Cannot list a directory") : 0;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (fstatat(dirfd(dir), entry->d_name, ret_st, AT_SYMLINK_NOFOLLOW) != 0) {
            if (errno == ENOENT)
                continue;
            return error_set_errno(err, E_IO, "Cannot look at %s", entry->d_name);
        }
        if ((ret_st->st_mode & S_IFMT) != type)
            continue;
        *ret_name = entry->d_name;
        return 1;
    }
}

int store_dir_is_empty(struct store *store, const char *dir, struct error *err)
{
    AUTO_DIR DIR *listing = NULL;
    int r = dir_open(store, dir, &listing, err);

    if (r != 0)
        return r;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(listing);
        if (!entry)
            return errno ? error_set_errno(err, E_IO, "Cannot list %s", dir) : 1;
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            return 0;
    }
}

int store_dir_list(struct store *store, const char *dir, int (*fn)(const char *name, void *ctx), void *ctx,
                   struct error *err)
{
    AUTO_DIR DIR *listing = NULL;
    const char *name;
    struct stat st;
    int r = dir_open(store, dir, &listing, err);

    while (r == 0) {
        int found = dir_next(listing, S_IFREG, &name, &st, err);
        if (found <= 0)
            return found;
        r = fn(name, ctx);
    }
    return r;
}

int store_dir_children(struct store *store, const char *dir, int (*fn)(const char *name, int64_t changed_s, void *ctx),
                       void *ctx, struct error *err)
{
    AUTO_DIR DIR *listing = NULL;
    const char *name;
    struct stat st;
    int r = dir_open(store, dir, &listing, err);

    if (r == E_NOT_FOUND)
        return 0;
    while (r == 0) {
        int found = dir_next(listing, S_IFDIR, &name, &st, err);
        if (found <= 0)
            return found;
        r = fn(name, st.st_ctim.tv_sec > st.st_mtim.tv_sec ? st.st_ctim.tv_sec : st.st_mtim.tv_sec, ctx);
    }
    return r;
}

int store_dir_own(struct store *store, const char *dir, struct error *err)
{
    struct stat above;
    AUTO_FD int parent = path_open_parent(store, dir, false, err);

    if (parent < 0)
        return parent;
    if (fstat(parent, &above) != 0)
        return error_set_errno(err, E_IO, "Cannot look at the directory above %s", dir);
    int r = path_own(store, dir, S_IFDIR, above.st_gid, err);
    if (r != 0)
        return r;
    AUTO_FD int fd = file_open_beneath(parent, path_leaf(dir), O_RDONLY | O_DIRECTORY, 0, err);
    if (fd < 0)
        return fd;
    if (fchmod(fd, STORE_DIR_MODE) != 0)
        return error_set_errno(err, E_IO, "Cannot change the mode of %s", dir);
    return store_dir_sync(store, dir, err);
}

int store_dir_sync(struct store *store, const char *dir, struct error *err)
{
    AUTO_FD int parent = path_open_parent(store, dir, false, err);
    if (parent < 0)
        return parent;
    int r = file_sync_dir(parent, path_leaf(dir), err);
    return r ? r : file_sync_dir(parent, "", err);
}
