/* The root, its free space, and single object files. Runs in airlock-blob (any thread) and airlock-mover. */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/file.h"
#include "store/private.h"

struct store *store_new(int root_fd, uint64_t reserve_bytes)
{
    struct store *store = xcalloc(1, sizeof *store);
    store->root = root_fd;
    store->reserve = reserve_bytes;
    store->settle = settle_new();
    store->pool = ahead_pool_new();
    return store;
}

struct store *store_twin(const struct store *store)
{
    return store_new(fcntl(store->root, F_DUPFD_CLOEXEC, 0), store->reserve); /* -1: each use of it says so */
}

void store_free(struct store *store)
{
    if (!store)
        return;
    aio_free(store->aio);
    settle_free(store->settle);
    ahead_pool_free(store->pool);
    if (store->root >= 0)
        (void)close(store->root); /* a directory, read-only */
    free(store);
}

void store_use_aio(struct store *store, struct aio *aio)
{
    store->aio = aio;
}

int store_root(const struct store *store)
{
    return store->root;
}

void store_set_tick(struct store *store, int (*tick)(void *ctx, struct error *err), void *ctx)
{
    store->tick = tick;
    store->tick_ctx = ctx;
}

int store_tick(struct store *store, struct error *err)
{
    return store->tick ? store->tick(store->tick_ctx, err) : 0;
}

int store_check_space(struct store *store, uint64_t need, struct error *err)
{
    struct statvfs fs;

    if (fstatvfs(store->root, &fs) != 0)
        return error_set_errno(err, E_IO, "Cannot ask for the free space");
    uint64_t free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    if (free_bytes < store->reserve || free_bytes - store->reserve < need)
        return error_set(err, E_NO_SPACE, "The storage is full");
    if (fs.f_favail < fs.f_files / 100) /* file systems without a fixed number of inodes report none of them */
        return error_set(err, E_NO_SPACE, "The storage has too many files");
    return 0;
}

/* The directory above path, made where it is missing; that it is there already is the rule. */
static int object_open_parent(struct store *store, const char *path, struct error *err)
{
    int parent = path_open_parent(store, path, false, err);
    return parent == E_NOT_FOUND ? path_open_parent(store, path, true, err) : parent;
}

int store_object_begin(struct store *store, const char *dir, const char *object, struct error *err)
{
    AUTO_FREE char *path = NULL;
    int r = path_of_object(dir, object, &path, err);
    if (r != 0)
        return r;
    AUTO_FD int parent = object_open_parent(store, path, err);
    return parent < 0 ? parent
                      : file_open_beneath(parent, object, O_WRONLY | O_CREAT | O_EXCL, STORE_DRAFT_MODE, err);
}

int store_object_settle(struct store *store, const char *dir, struct error *err)
{
    settle_enter(store->settle, dir);
    int r = settle_sync(store, dir, err);
    settle_leave(store->settle, dir);
    return r;
}

int store_object_create(struct store *store, const char *dir, const char *object, struct error *err)
{
    settle_enter(store->settle, dir);
    AUTO_FD int fd = store_object_begin(store, dir, object, err);
    int r = fd < 0 ? fd : settle_sync(store, dir, err);
    settle_leave(store->settle, dir);
    return r < 0 ? r : TAKE_FD(fd);
}

/* An object that is there may have been made a moment ago by another thread, whose sync has not ended. */
static int object_open_made(struct store *store, const char *dir, const char *path, struct error *err)
{
    AUTO_FD int fd = file_open_beneath(store->root, path, O_WRONLY, 0, err);
    if (fd < 0 || !settle_is_busy(store->settle, dir))
        return TAKE_FD(fd);
    int r = store_object_settle(store, dir, err);
    return r < 0 ? r : TAKE_FD(fd);
}

int store_object_open_write(struct store *store, const char *dir, const char *object, struct error *err)
{
    AUTO_FREE char *path = NULL;
    int r = path_of_object(dir, object, &path, err);

    if (r != 0)
        return r;
    int fd = object_open_made(store, dir, path, err);
    if (fd != E_NOT_FOUND)
        return fd;
    fd = store_object_create(store, dir, object, err);
    return fd == E_EXISTS ? object_open_made(store, dir, path, err) : fd;
}

int store_object_open_read(struct store *store, const char *dir, const char *object, struct error *err)
{
    AUTO_FREE char *path = NULL;
    int r = path_of_object(dir, object, &path, err);
    return r ? r : file_open_beneath(store->root, path, O_RDONLY | O_NONBLOCK, 0, err);
}

int store_object_remove(struct store *store, const char *dir, const char *object, struct error *err)
{
    int r =
        strchr(object, '/') ? error_set(err, E_INVALID, "This is not the name of an object") : path_check(object, err);

    if (r != 0)
        return r;
    AUTO_FREE char *path = path_join(dir, object);
    AUTO_FD int parent = path_open_parent(store, path, false, err);
    if (parent == E_NOT_FOUND)
        return 0;
    if (parent < 0)
        return parent;
    if (unlinkat(parent, object, 0) == 0 || errno == ENOENT)
        return 0;
    return error_set_errno(err, E_IO, "Cannot remove the object %s", object);
}
