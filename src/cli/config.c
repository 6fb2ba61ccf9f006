/* The files in the person's configuration directory. */
#include "cli/config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json.h"

#define CONFIG_FILE_MAX ((size_t)4 * 1024 * 1024)
#define CURRENT_FILE "current.json"

static char *config_path(void)
{
    const char *own = getenv("AIRLOCK_CONFIG_DIR");
    const char *xdg = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");

    if (own && *own)
        return xstrdup(own);
    if (xdg && *xdg == '/') /* the XDG specification says to ignore a relative path */
        return xasprintf("%s/airlock", xdg);
    return home && *home ? xasprintf("%s/.config/airlock", home) : NULL;
}

/* Makes the directories above path too (mkdir -p); those that exist are left alone. */
static void make_parents(const char *path)
{
    AUTO_FREE char *copy = xstrdup(path);

    for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(copy, 0700); /* what matters is whether the last one can be opened */
        *slash = '/';
    }
}

/* A descriptor of the directory, which is made when it is missing. */
static int config_open(struct error *err)
{
    AUTO_FREE char *path = config_path();
    struct stat st;

    if (!path)
        return error_set(err, E_CONFIG, "There is no place for the login: set AIRLOCK_CONFIG_DIR or HOME");
    make_parents(path);
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return error_set_errno(err, E_CONFIG, "Cannot make the directory %s", path);
    AUTO_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        return error_set_errno(err, E_CONFIG, "Cannot open the directory %s", path);
    if (st.st_uid != geteuid() || (st.st_mode & 077) != 0)
        return error_set(err, E_CONFIG, "%s must belong to you and be closed to others (chmod 700)", path);
    return TAKE_FD(fd);
}

/* "login-0123456789abcdef.json": a URL has characters that a file name has not. */
static char *name_of(const char *prefix, const char *url, const char *suffix)
{
    char digest[SHA256_HEX_SIZE];
    sha256_hex(url, strlen(url), digest);
    return xasprintf("%s-%.16s%s", prefix, digest, suffix);
}

static char *config_name(enum config_file file, const char *url)
{
    return name_of(file == CONFIG_LOGIN ? "login" : "tokens", url, ".json");
}

static int load_file(const char *name, json_t **ret, struct error *err)
{
    AUTO_FREE char *text = NULL;
    size_t len = 0;
    struct stat st;

    AUTO_FD int dir = config_open(err);
    if (dir < 0)
        return dir;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        *ret = NULL;
        return errno == ENOENT ? 0 : error_set_errno(err, E_CONFIG, "Cannot look at %s", name);
    }
    if ((st.st_mode & 077) != 0)
        return error_set(err, E_CONFIG, "Others can read %s in the configuration directory: log out and in again",
                         name);
    int r = file_read(dir, name, CONFIG_FILE_MAX, &text, &len, err);
    if (!r)
        r = json_parse_object(text, len, ret, err);
    if (text)
        secret_wipe(text, len);
    return r == E_BAD_REQUEST
               ? error_set(err, E_CONFIG, "%s in the configuration directory is damaged: log in again", name)
               : r;
}

static int save_file(const char *name, const json_t *value, struct error *err)
{
    AUTO_STR struct str text = STR_INIT(CONFIG_FILE_MAX);

    AUTO_FD int dir = config_open(err);
    if (dir < 0)
        return dir;
    json_append_value(&text, value);
    if (text.overflow)
        return error_set(err, E_LIMIT, "There is too much to keep in %s", name);
    int r = file_write(dir, name, text.p, text.len, 0600, err);
    secret_wipe(text.p, text.len);
    return r;
}

int config_load(enum config_file file, const char *url, json_t **ret, struct error *err)
{
    AUTO_FREE char *name = config_name(file, url);
    return load_file(name, ret, err);
}

int config_save(enum config_file file, const char *url, const json_t *value, struct error *err)
{
    AUTO_FREE char *name = config_name(file, url);
    return save_file(name, value, err);
}

/* A file of its own, never removed: the files that it guards are replaced while it is held. */
int config_lock(const char *url, struct error *err)
{
    AUTO_FREE char *name = name_of("tokens", url, ".lock");

    AUTO_FD int dir = config_open(err);
    if (dir < 0)
        return dir;
    AUTO_FD int fd = file_open_beneath(dir, name, O_RDWR | O_CREAT, 0600, err);
    if (fd < 0)
        return fd;
    while (flock(fd, LOCK_EX) != 0)
        if (errno != EINTR)
            return error_set_errno(err, E_IO, "Cannot lock %s", name);
    return TAKE_FD(fd);
}

int config_remove(enum config_file file, const char *url, struct error *err)
{
    AUTO_FREE char *name = config_name(file, url);

    AUTO_FD int dir = config_open(err);
    if (dir < 0)
        return dir;
    if (unlinkat(dir, name, 0) != 0 && errno != ENOENT)
        return error_set_errno(err, E_IO, "Cannot remove %s", name);
    return 0;
}

int config_current(char **ret, struct error *err)
{
    AUTO_JSON json_t *value = NULL;
    int r = load_file(CURRENT_FILE, &value, err);

    if (!r)
        *ret = value ? xstrdup(json_text(value, "url")) : NULL;
    return r;
}

int config_set_current(const char *url, struct error *err)
{
    AUTO_JSON json_t *value = json_pack("{s:s}", "url", url);
    return save_file(CURRENT_FILE, value, err);
}
