/* Paths of directories and objects below the root. Linked into airlock-blob and airlock-mover. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "store/private.h"

#define OBJECT_NAME_MAX 64

static bool segment_is_plain(const char *segment, size_t len)
{
    return len > 0 && !(len == 1 && segment[0] == '.') && !(len == 2 && segment[0] == '.' && segment[1] == '.');
}

int path_check(const char *path, struct error *err)
{
    for (const char *at = path;; at++) {
        size_t len = strcspn(at, "/");
        if (!segment_is_plain(at, len))
            return error_set(err, E_INVALID, "%s is not a plain relative path", *path ? path : "The empty path");
        at += len;
        if (*at == '\0')
            return 0;
    }
}

char *path_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? xstrndup(path, (size_t)(slash - path)) : xstrdup(".");
}

const char *path_leaf(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

char *path_join(const char *dir, const char *leaf)
{
    return xasprintf("%s/%s", dir, leaf);
}

int path_of_object(const char *dir, const char *object, char **ret_path, struct error *err)
{
    static const char ALLOWED[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
    size_t len = strlen(object);

    if (len == 0 || len > OBJECT_NAME_MAX || strspn(object, ALLOWED) != len)
        return error_set(err, E_INVALID, "This is not the name of an object");
    int r = path_check(dir, err);
    if (r == 0)
        *ret_path = path_join(dir, object);
    return r;
}

int path_open_parent(struct store *store, const char *path, bool make, struct error *err)
{
    int r = path_check(path, err);
    if (r != 0)
        return r;
    AUTO_FREE char *parent = path_parent(path);
    if (make && strchr(path, '/'))
        return file_make_dirs(store->root, parent, STORE_DIR_MODE, err);
    return file_open_beneath(store->root, parent, O_RDONLY | O_DIRECTORY, 0, err);
}

int path_own(struct store *store, const char *path, mode_t type, gid_t group, struct error *err)
{
    struct stat st;
    AUTO_FD int fd = file_open_beneath(store->root, path, O_PATH, 0, err);

    if (fd < 0)
        return fd;
    if (fstat(fd, &st) != 0)
        return error_set_errno(err, E_IO, "Cannot look at %s", path);
    if ((st.st_mode & S_IFMT) != type)
        return error_set(err, E_IO, "%s is not what it has to be", path);
    if (st.st_uid == geteuid() && (group == (gid_t)-1 || st.st_gid == group))
        return 0;
    if (fchownat(fd, "", geteuid(), group, AT_EMPTY_PATH) != 0)
        return error_set_errno(err, E_IO, "Cannot take %s over", path);
    return 0;
}

char *store_private_name(const char *path)
{
    const char *leaf = path_leaf(path);
    return xasprintf("%.*s.%s.new", (int)(leaf - path), path, leaf);
}

bool store_is_private_name(const char *leaf)
{
    size_t len = strlen(leaf);
    return leaf[0] == '.' && len > 5 && strcmp(leaf + len - 4, ".new") == 0;
}
