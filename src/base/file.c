/* Safe file access beneath a directory, durable small files, tree removal. Linked into every program. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/crypto.h"
#include "base/str.h"

int file_open_beneath(int dirfd, const char *path, int flags, mode_t mode, struct error *err)
{
    struct open_how how = {
        .flags = (uint64_t)(unsigned)flags | O_CLOEXEC,
        .mode = (flags & (O_CREAT | __O_TMPFILE)) ? mode : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    long fd;

    do {
        fd = syscall(SYS_openat2, dirfd, path, &how, sizeof how);
    } while (fd < 0 && (errno == EINTR || errno == EAGAIN));
    if (fd >= 0)
        return (int)fd;
    return error_set_errno(err, errno == ENOENT ? E_NOT_FOUND : errno == EEXIST ? E_EXISTS : E_IO, "Cannot open %s",
                           path);
}

int file_sync_dir(int dirfd, const char *path, struct error *err)
{
    if (*path == '\0' && fsync(dirfd) == 0) /* who may open nothing any more can still sync */
        return 0;
    if (*path == '\0' && errno != EBADF) /* a descriptor of a path alone (O_PATH) cannot be synced as it is */
        return error_set_errno(err, E_IO, "Cannot sync a directory");
    AUTO_FD int fd = file_open_beneath(dirfd, *path ? path : ".", O_RDONLY | O_DIRECTORY, 0, err);
    if (fd < 0)
        return fd;
    if (fsync(fd) != 0)
        return error_set_errno(err, E_IO, "Cannot sync the directory %s", path);
    return 0;
}

/* Opens the directory name below dirfd, making it first when it is missing. */
static int make_one_dir(int dirfd, const char *name, mode_t mode, struct error *err)
{
    if (mkdirat(dirfd, name, mode) == 0) {
        if (fsync(dirfd) != 0)
            return error_set_errno(err, E_IO, "Cannot sync the directory above %s", name);
    } else if (errno != EEXIST) {
        return error_set_errno(err, E_IO, "Cannot make the directory %s", name);
    }
    return file_open_beneath(dirfd, name, O_RDONLY | O_DIRECTORY, 0, err);
}

int file_make_dirs(int dirfd, const char *path, mode_t mode, struct error *err)
{
    AUTO_FREE char *copy = xstrdup(path);
    char *rest = copy;
    AUTO_FD int at = file_open_beneath(dirfd, ".", O_RDONLY | O_DIRECTORY, 0, err);

    if (at < 0)
        return at;
    for (char *name = strsep(&rest, "/"); name; name = strsep(&rest, "/")) {
        if (strcmp(name, "..") == 0 || *name == '\0')
            return error_set(err, E_INTERNAL, "The path %s is not a plain relative path", path);
        int next = make_one_dir(at, name, mode, err);
        if (next < 0)
            return next;
        (void)close(at);
        at = next;
    }
    return TAKE_FD(at);
}

int file_read_fd(int fd, const char *name, size_t max, char **ret, size_t *ret_len, struct error *err)
{
    AUTO_STR struct str content = STR_INIT(max);
    char chunk[16384];

    for (;;) {
        ssize_t got = read(fd, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(err, E_IO, "Cannot read %s", name);
        if (got == 0)
            break;
        str_append_len(&content, chunk, (size_t)got);
        if (content.overflow)
            return error_set(err, E_LIMIT, "%s is larger than %zu bytes", name, max);
    }
    *ret_len = content.len;
    *ret = content.p ? TAKE_PTR(content.p) : xstrdup("");
    return 0;
}

int file_read(int dirfd, const char *path, size_t max, char **ret, size_t *ret_len, struct error *err)
{
    AUTO_FD int fd = file_open_beneath(dirfd, path, O_RDONLY, 0, err);
    return fd < 0 ? fd : file_read_fd(fd, path, max, ret, ret_len, err);
}

int file_read_secret(const char *path, size_t max, char **ret, size_t *ret_len, struct error *err)
{
    struct stat st;
    AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return error_set_errno(err, errno == ENOENT ? E_NOT_FOUND : E_IO, "Cannot open the secret file %s", path);
    if (fstat(fd, &st) != 0)
        return error_set_errno(err, E_IO, "Cannot look at the secret file %s", path);
    if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0)
        return error_set(err, E_CONFIG,
                         "The secret file %s must be a regular file that only its owner can read (chmod 600)", path);
    return file_read_fd(fd, path, max, ret, ret_len, err);
}

int file_write_all(int fd, const void *bytes, size_t len, struct error *err)
{
    const char *p = bytes;
    while (len > 0) {
        ssize_t put = write(fd, p, len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return error_set_errno(err, E_IO, "Writing failed");
        p += put;
        len -= (size_t)put;
    }
    return 0;
}

int file_pwrite_all(int fd, const void *bytes, size_t len, uint64_t offset, struct error *err)
{
    const char *p = bytes;
    while (len > 0) {
        ssize_t put = pwrite(fd, p, len, (off_t)offset);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return error_set_errno(err, E_IO, "Writing failed");
        p += put;
        offset += (uint64_t)put;
        len -= (size_t)put;
    }
    return 0;
}

int file_write(int dirfd, const char *path, const void *bytes, size_t len, mode_t mode, struct error *err)
{
    unsigned char salt[8];
    char tag[2 * sizeof salt + 1];
    random_fill(salt, sizeof salt);
    hex_encode(salt, sizeof salt, tag);
    AUTO_FREE char *private_name = xasprintf("%s.%s.new", path, tag);

    AUTO_FD int fd = file_open_beneath(dirfd, private_name, O_WRONLY | O_CREAT | O_EXCL, mode, err);
    if (fd < 0)
        return fd;
    int r = file_write_all(fd, bytes, len, err);
    if (r == 0 && fsync(fd) != 0)
        r = error_set_errno(err, E_IO, "Cannot sync %s", path);
    if (r == 0 && renameat(dirfd, private_name, dirfd, path) != 0)
        r = error_set_errno(err, E_IO, "Cannot put %s in place", path);
    if (r != 0) {
        (void)unlinkat(dirfd, private_name, 0); /* best effort: the first error is the one to tell */
        return r;
    }
    const char *slash = strrchr(path, '/');
    AUTO_FREE char *parent = slash ? xstrndup(path, (size_t)(slash - path)) : xstrdup("");
    return file_sync_dir(dirfd, parent, err);
}

/* Removes what is in the directory fd (which it takes over). */
static int remove_children(int fd, struct error *err)
{
    DIR *dir = fdopendir(fd);
    int r = 0;

    if (!dir) {
        (void)close(fd);
        return error_set_errno(err, E_IO, "Cannot list a directory");
    }
    (void)fchmod(fd, 0700); /* a read-only directory of ours keeps its entries otherwise; one of others says so below */
    for (struct dirent *entry = readdir(dir); entry && r == 0; entry = readdir(dir))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            r = file_remove_tree(dirfd(dir), entry->d_name, err);
    (void)closedir(dir);
    return r;
}

int file_remove_tree(int dirfd, const char *path, struct error *err)
{
    if (unlinkat(dirfd, path, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return error_set_errno(err, E_IO, "Cannot remove %s", path);
    int fd = file_open_beneath(dirfd, path, O_RDONLY | O_DIRECTORY, 0, err);
    if (fd == E_NOT_FOUND)
        return 0;
    if (fd < 0)
        return fd;
    int r = remove_children(fd, err);
    if (r != 0)
        return r;
    if (unlinkat(dirfd, path, AT_REMOVEDIR) != 0 && errno != ENOENT)
        return error_set_errno(err, E_IO, "Cannot remove the directory %s", path);
    return 0;
}
