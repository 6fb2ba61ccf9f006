/* The copy that stands in for a rename or a hard link across file systems: built under a private name, synced, read
 * back from the disk and compared, and only then put in place. Runs in airlock-mover. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/crypto.h"
#include "base/file.h"
#include "store/private.h"

struct copy_sink {
    struct hash *hash;
    struct store_writer *writer; /* NULL: only hash */
};

static int copy_sink(const void *bytes, size_t len, void *ctx, struct error *err)
{
    struct copy_sink *sink = ctx;
    hash_update(sink->hash, bytes, len);
    return sink->writer ? store_writer_put(sink->writer, bytes, len, err) : 0;
}

static int copy_pass(struct store *store, int fd, struct store_writer *writer, unsigned char digest[static SHA256_SIZE],
                     struct error *err)
{
    AUTO_HASH struct hash *hash = hash_new_sha256();
    struct copy_sink sink = {hash, writer};
    uint64_t size;
    int r = store_stream(store, fd, 0, INT64_MAX, copy_sink, &sink, &size, err);
    if (r == 0)
        hash_final(hash, digest);
    return r;
}

int file_copy(struct store *store, int from_fd, int to_dir, const char *name, mode_t mode, struct error *err)
{
    unsigned char was[SHA256_SIZE], is[SHA256_SIZE];
    struct stat st;

    if (fstat(from_fd, &st) != 0)
        return error_set_errno(err, E_IO, "Cannot look at what is copied");
    int r = store_check_space(store, (uint64_t)st.st_size, err);
    if (r != 0)
        return r;
    AUTO_FD int fd = file_open_beneath(to_dir, name, O_RDWR | O_CREAT | O_EXCL, STORE_DRAFT_MODE, err);
    if (fd < 0)
        return fd;
    struct store_writer writer = {.fd = fd};
    r = copy_pass(store, from_fd, &writer, was, err);
    if (r == 0 && fchmod(fd, mode) != 0)
        r = error_set_errno(err, E_IO, "Cannot set the mode of a copy");
    if (r == 0)
        r = store_writer_finish(&writer, err);
    if (r == 0)
        r = copy_pass(store, fd, NULL, is, err);
    if (r == 0 && memcmp(was, is, sizeof was) != 0)
        r = error_set(err, E_IO, "A copy differs from its original: the disk is not to be trusted");
    return r;
}

struct dir_copy {
    struct store *store;
    const char *from;
    int to_dir;
    struct error *err;
};

static int dir_copy_object(const char *name, void *ctx)
{
    struct dir_copy *copy = ctx;
    struct stat st;
    AUTO_FD int fd = store_object_open_read(copy->store, copy->from, name, copy->err);

    if (fd < 0)
        return fd == E_INVALID ? 0 : fd; /* no object: nothing can refer to it */
    if (fstat(fd, &st) != 0)
        return error_set_errno(copy->err, E_IO, "Cannot look at the object %s", name);
    return file_copy(copy->store, fd, copy->to_dir, name, st.st_mode & 0777, copy->err);
}

static int dir_copy_private(struct store *store, const char *from, const char *private_name, struct error *err)
{
    int r = file_remove_tree(store->root, private_name, err); /* what an interrupted try left */
    if (r != 0)
        return r;
    AUTO_FD int to_dir = file_make_dirs(store->root, private_name, STORE_DIR_MODE, err);
    if (to_dir < 0)
        return to_dir;
    struct dir_copy copy = {store, from, to_dir, err};
    r = store_dir_list(store, from, dir_copy_object, &copy, err);
    if (r == 0 && fsync(to_dir) != 0)
        r = error_set_errno(err, E_IO, "Cannot sync the copy of %s", from);
    return r;
}

int dir_copy(struct store *store, const char *from, const char *to, struct error *err)
{
    AUTO_FREE char *private_name = store_private_name(to);
    int r = dir_copy_private(store, from, private_name, err);
    if (r != 0)
        return r;
    AUTO_FD int parent = path_open_parent(store, to, false, err);
    if (parent < 0)
        return parent;
    if (renameat2(parent, path_leaf(private_name), parent, path_leaf(to), RENAME_NOREPLACE) != 0)
        return error_set_errno(err, errno == EEXIST ? E_EXISTS : E_IO, "Cannot put the copy at %s in place", to);
    if (fsync(parent) != 0)
        return error_set_errno(err, E_IO, "Cannot sync the directory above %s", to);
    return 0;
}
