/* Key files of airlock-idp: opened at start, before the process confines itself. */
#include "idp/state.h"

#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"

#define KEY_FILE_MAX 65536

int state_write(const char *path, const void *bytes, size_t len, struct error *err)
{
    const char *slash = strrchr(path, '/');
    if (!slash || *path != '/')
        return error_set(err, E_CONFIG, "%s must be an absolute path", path);
    AUTO_FREE char *parent = xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
    AUTO_FD int dirfd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dirfd < 0)
        return error_set_errno(err, E_IO, "Cannot open the directory %s", parent);
    return file_write(dirfd, slash + 1, bytes, len, 0600, err);
}

static int make_key(const char *path, struct jwt_key **ret, struct error *err)
{
    AUTO_JWT_KEY struct jwt_key *key = NULL;
    AUTO_FREE char *pem = NULL;

    int r = jwt_key_generate(&key, err);
    if (r == 0)
        r = jwt_key_to_pem(key, &pem, err);
    if (r != 0)
        return r;
    r = state_write(path, pem, strlen(pem), err);
    secret_wipe(pem, strlen(pem));
    if (r == 0)
        *ret = TAKE_PTR(key);
    return r;
}

int state_load_key(const char *path, struct jwt_key **ret, struct error *err)
{
    AUTO_FREE char *pem = NULL;
    size_t len;

    int r = file_read_secret(path, KEY_FILE_MAX, &pem, &len, err);
    if (r == E_NOT_FOUND)
        return make_key(path, ret, err);
    if (r != 0)
        return r;
    r = jwt_key_load(pem, len, ret, err);
    secret_wipe(pem, len);
    return r;
}
