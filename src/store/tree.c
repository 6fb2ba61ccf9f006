/* A delivered tree: real file names, read-only, made of hard links to objects where the file system allows it. Runs in
 * airlock-mover. The tree is built under a private name; the caller puts it in place when it is finished. */
#include <errno.h>
#include <fcntl.h>

#include "base/file.h"
#include "store/private.h"

#define TREE_DIR_MODE 0755 /* while it is built */
#define TREE_DIR_FINISHED 0555

/* The directory of the tree into which path's last segment goes. */
static int tree_open_parent(struct store *store, const char *path, struct error *err)
{
    AUTO_FREE char *parent = path_parent(path);
    return file_make_dirs(store->root, parent, TREE_DIR_MODE, err);
}

int store_tree_add(struct store *store, const char *tree, const char *name, const char *dir, const char *object,
                   struct error *err)
{
    AUTO_FREE char *source = NULL;
    int r = path_check(name, err);
    if (r == 0)
        r = path_of_object(dir, object, &source, err);
    if (r != 0)
        return r;
    AUTO_FREE char *path = path_join(tree, name);
    AUTO_FD int to_dir = tree_open_parent(store, path, err);
    if (to_dir < 0)
        return to_dir;
    AUTO_FD int from_dir = path_open_parent(store, source, false, err);
    if (from_dir < 0)
        return from_dir;
    if (linkat(from_dir, object, to_dir, path_leaf(path), 0) == 0)
        return 0;
    if (errno != EXDEV && errno != EPERM && errno != EMLINK && errno != EOPNOTSUPP)
        return error_set_errno(err, errno == EEXIST ? E_EXISTS : E_IO, "Cannot deliver the object %s", object);
    AUTO_FD int fd = store_object_open_read(store, dir, object, err);
    return fd < 0 ? fd : file_copy(store, fd, to_dir, path_leaf(path), STORE_SEALED_MODE, err);
}

static int tree_finish_dir(struct store *store, int fd, struct error *err);

static int tree_finish_children(struct store *store, DIR *dir, struct error *err)
{
    const char *name;
    struct stat st;
    int r = 0;

    while (r == 0) {
        int found = dir_next(dir, S_IFDIR, &name, &st, err);
        if (found <= 0)
            return found;
        int fd = file_open_beneath(dirfd(dir), name, O_RDONLY | O_DIRECTORY, 0, err);
        r = fd < 0 ? fd : tree_finish_dir(store, fd, err);
    }
    return r;
}

/* Takes the descriptor over. As deep as names have segments, which their greatest length bounds. */
static int tree_finish_dir(struct store *store, int fd, struct error *err)
{
    AUTO_DIR DIR *dir = fdopendir(fd);
    if (!dir) {
        (void)close(fd);
        return error_set_errno(err, E_IO, "Cannot list a delivered directory");
    }
    int r = store_tick(store, err);
    if (r == 0)
        r = tree_finish_children(store, dir, err);
    if (r == 0 && (fchmod(fd, TREE_DIR_FINISHED) != 0 || fsync(fd) != 0))
        r = error_set_errno(err, E_IO, "Cannot finish a delivered directory");
    return r;
}

int store_tree_finish(struct store *store, const char *tree, struct error *err)
{
    int r = path_check(tree, err);
    if (r != 0)
        return r;
    int fd = file_open_beneath(store->root, tree, O_RDONLY | O_DIRECTORY, 0, err);
    return fd < 0 ? fd : tree_finish_dir(store, fd, err);
}
