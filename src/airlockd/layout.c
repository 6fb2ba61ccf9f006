/* Directories and locks. Runs in airlockd before any child; paths come from the configuration and are trusted. */
#include "airlockd/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "airlockd/form.h"
#include "base/file.h"

#define LOCK_FILE "airlockd.lock"
#define MODE_PRIVATE 0700
#define MODE_PASSAGE 0711 /* the delivery directory below is for others to mount */
#define MODE_PUBLIC 0755

static const struct {
    const char *path; /* below the storage root */
    mode_t mode;
} STORAGE_DIRS[] = {
    {"external/draft", MODE_PRIVATE},  {"external/kept", MODE_PRIVATE},  {"core/kept", MODE_PRIVATE},
    {"workspace/draft", MODE_PRIVATE}, {"workspace/kept", MODE_PRIVATE}, {"delivery", MODE_PUBLIC},
    {"scratch", MODE_PRIVATE},
};

/* Settings that name a file in a directory of its own: kept private. */
static const enum setting FILES[] = {SETTING_DB_URL, SETTING_IDP_ACCOUNTS_FILE, SETTING_IDP_KEY_FILE};

static int make_above(const char *path, mode_t mode, struct error *err)
{
    AUTO_FREE char *copy = xstrdup(path);

    for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, mode) != 0 && errno != EEXIST)
            return error_set_errno(err, E_CONFIG, "Cannot make the directory %s", copy);
        *slash = '/';
    }
    if (mkdir(path, mode) != 0 && errno != EEXIST)
        return error_set_errno(err, E_CONFIG, "Cannot make the directory %s", path);
    return 0;
}

int layout_make_dir(const char *path, mode_t mode, struct error *err)
{
    struct stat st;

    int r = make_above(path, mode, err);
    if (r != 0)
        return r;
    AUTO_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        return error_set_errno(err, E_CONFIG, "Cannot open the directory %s", path);
    if (st.st_uid != geteuid())
        return error_set(err, E_CONFIG, "The directory %s belongs to user %u; airlockd must run as that user", path,
                         (unsigned)st.st_uid);
    return TAKE_FD(fd);
}

char *layout_path_of(int fd)
{
    AUTO_FREE char *link = xasprintf("/proc/self/fd/%d", fd);
    char path[PATH_MAX];
    ssize_t len = readlink(link, path, sizeof path);

    return len > 0 && len < (ssize_t)sizeof path ? xstrndup(path, (size_t)len) : NULL;
}

int layout_lock(const char *path, struct error *err)
{
    AUTO_FREE char *name = xasprintf("%s/%s", path, LOCK_FILE);
    char text[32] = "";

    AUTO_FD int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_set_errno(err, E_CONFIG, "Cannot open %s", name);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK)
            return error_set_errno(err, E_CONFIG, "Cannot lock %s", name);
        ssize_t got = pread(fd, text, sizeof text - 1, 0);
        text[got > 0 ? strcspn(text, "\n") : 0] = '\0';
        return error_set(err, E_CONFLICT, "%s is in use by another airlockd (process %s)", path,
                         *text ? text : "unknown");
    }
    (void)snprintf(text, sizeof text, "%d\n", (int)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, strlen(text), 0) < 0)
        return error_set_errno(err, E_CONFIG, "Cannot write %s", name);
    return TAKE_FD(fd);
}

static int make_storage(const char *root, struct layout *layout, struct error *err)
{
    layout->storage = layout_make_dir(root, MODE_PASSAGE, err);
    if (layout->storage < 0)
        return layout->storage;
    layout->storage_lock = layout_lock(root, err);
    if (layout->storage_lock < 0)
        return layout->storage_lock;
    for (size_t i = 0; i < ARRAY_LEN(STORAGE_DIRS); i++) {
        AUTO_FD int fd = file_make_dirs(layout->storage, STORAGE_DIRS[i].path, STORAGE_DIRS[i].mode, err);
        if (fd < 0)
            return fd;
    }
    return 0;
}

/* The directory of a setting's file, the caller's; NULL where there is none. */
static char *parent_of(const struct settings *settings, enum setting id)
{
    const char *path = settings_text(settings, id);
    if (str_starts(path, DATABASE_SQLITE))
        path += strlen(DATABASE_SQLITE);
    if (*path == '\0')
        return NULL; /* of a provider that is off */
    size_t len = (size_t)(strrchr(path, '/') - path); /* the forms of these settings begin with one */
    return xstrndup(path, len > 0 ? len : 1);
}

int layout_open(const struct settings *settings, struct layout *layout, struct error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(FILES); i++) {
        AUTO_FREE char *parent = parent_of(settings, FILES[i]);
        if (!parent)
            continue;
        AUTO_FD int fd = layout_make_dir(parent, MODE_PRIVATE, err);
        if (fd < 0)
            return fd;
    }
    AUTO_FREE char *state = parent_of(settings, SETTING_DB_URL);
    layout->state_lock = layout_lock(state, err);
    if (layout->state_lock < 0)
        return layout->state_lock;
    return make_storage(settings_text(settings, SETTING_STORAGE_ROOT), layout, err);
}

int layout_check_reach(const struct settings *settings, struct error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(FILES); i++) {
        AUTO_FREE char *parent = parent_of(settings, FILES[i]);
        if (!parent)
            continue;
        AUTO_FD int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
            return error_set_errno(err, E_CONFIG,
                                   "%s cannot be reached without capabilities, which airlock's processes do not have; "
                                   "choose a directory whose parents belong to the same user",
                                   parent);
    }
    return 0;
}

void layout_done(struct layout *layout)
{
    const int fds[] = {layout->storage, layout->storage_lock, layout->state_lock};
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
    *layout = LAYOUT_INIT;
}
