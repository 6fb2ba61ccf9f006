/* Syncing of directories, shared: a sync that began after an entry was made carries it to the disk, whoever asked for
 * the sync. So of many threads that make files in one directory at a time, one syncs for all. Runs in airlock-blob.
 * Must never let anybody go before a sync that began after they came. */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/queue.h>

#include "base/file.h"
#include "store/private.h"

/* A directory in which somebody is making a file. */
struct settle_dir {
    LIST_ENTRY(settle_dir) link;
    unsigned users;
    bool runs;
    uint64_t begun, ended; /* syncs, counted from 1 */
    uint64_t failed;       /* the last one that failed; 0: none */
    char path[];
};

struct settle {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    LIST_HEAD(settle_dirs, settle_dir) dirs;
};

struct settle *settle_new(void)
{
    struct settle *settle = xcalloc(1, sizeof *settle);
    pthread_mutex_init(&settle->lock, NULL);
    pthread_cond_init(&settle->ended, NULL);
    LIST_INIT(&settle->dirs);
    return settle;
}

void settle_free(struct settle *settle)
{
    pthread_cond_destroy(&settle->ended);
    pthread_mutex_destroy(&settle->lock);
    free(settle);
}

/* Lock held. */
static struct settle_dir *dir_find(const struct settle *settle, const char *path)
{
    struct settle_dir *dir;

    LIST_FOREACH (dir, &settle->dirs, link)
        if (strcmp(dir->path, path) == 0)
            return dir;
    return NULL;
}

void settle_enter(struct settle *settle, const char *path)
{
    size_t size = strlen(path) + 1;

    pthread_mutex_lock(&settle->lock);
    struct settle_dir *dir = dir_find(settle, path);
    if (!dir) {
        dir = xcalloc(1, sizeof *dir + size);
        memcpy(dir->path, path, size);
        LIST_INSERT_HEAD(&settle->dirs, dir, link);
    }
    dir->users++;
    pthread_mutex_unlock(&settle->lock);
}

void settle_leave(struct settle *settle, const char *path)
{
    pthread_mutex_lock(&settle->lock);
    struct settle_dir *dir = dir_find(settle, path);
    if (--dir->users == 0) {
        LIST_REMOVE(dir, link);
        free(dir);
    }
    pthread_mutex_unlock(&settle->lock);
}

bool settle_is_busy(struct settle *settle, const char *path)
{
    pthread_mutex_lock(&settle->lock);
    bool is_busy = dir_find(settle, path) != NULL;
    pthread_mutex_unlock(&settle->lock);
    return is_busy;
}

/* Lock held, but not while the disk works. */
static void dir_sync_locked(struct store *store, struct settle_dir *dir, struct error *err)
{
    struct settle *settle = store->settle;
    uint64_t number = ++dir->begun;

    dir->runs = true;
    pthread_mutex_unlock(&settle->lock);
    int r = file_sync_dir(store->root, dir->path, err);
    pthread_mutex_lock(&settle->lock);
    dir->runs = false;
    dir->ended = number;
    if (r != 0)
        dir->failed = number;
    pthread_cond_broadcast(&settle->ended);
}

int settle_sync(struct store *store, const char *path, struct error *err)
{
    struct settle *settle = store->settle;

    pthread_mutex_lock(&settle->lock);
    struct settle_dir *dir = dir_find(settle, path);
    uint64_t wanted = dir->begun + 1; /* one that runs already may have missed the entry */
    while (dir->ended < wanted)
        if (dir->runs)
            pthread_cond_wait(&settle->ended, &settle->lock);
        else
            dir_sync_locked(store, dir, err);
    bool has_failed = dir->failed >= wanted;
    pthread_mutex_unlock(&settle->lock);
    return has_failed ? error_set(err, E_IO, "Cannot sync the directory %s", path) : 0;
}
