/* The jobs that only take away: "purge", "remove" and "sweep". Runs in airlock-mover. */
#include <string.h>

#include "mover/job.h"

#define NAME_SIZE 65

static int dirs_remove(struct store *store, const json_t *job, struct error *err)
{
    const json_t *dirs = json_object_get(job, "dirs");
    const json_t *dir;
    size_t i;

    if (json_array_size(dirs) == 0)
        return error_set(err, E_PROTOCOL, "The job does not say what to remove");
    json_array_foreach(dirs, i, dir)
    {
        const char *path = json_string_value(dir);
        int r = path ? place_check(path, err) : error_set(err, E_PROTOCOL, "The job's directories are not texts");
        if (r == 0)
            r = store_dir_remove(store, path, err);
        if (r == 0)
            r = store_tick(store, err);
        if (r != 0)
            return r;
    }
    return 0;
}

int purge_run(const struct mover *mover, const json_t *job, const struct lease *lease, struct result *ret,
              struct error *err)
{
    (void)lease;
    int r = dirs_remove(mover->store, job, err);
    if (r == 0)
        ret->outcome = "purged";
    return r;
}

int remove_run(const struct mover *mover, const json_t *job, const struct lease *lease, struct result *ret,
               struct error *err)
{
    (void)lease;
    int r = dirs_remove(mover->store, job, err);
    if (r == 0)
        ret->outcome = "removed";
    return r;
}

/* The names that may stay, sorted. */
struct sweep {
    struct store *store;
    const char *dir;
    char (*names)[NAME_SIZE];
    size_t count, cap;
    struct error *err;
};

static int name_compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static int sweep_learn(struct sweep *sweep, const struct lease *lease, struct error *err)
{
    AUTO_FILES struct files files = FILES_INIT(lease);
    const json_t *file;
    const char *object;
    int more;

    while ((more = files_next(&files, &file, err)) > 0) {
        int r = json_need_string(file, "object", NAME_SIZE - 1, &object, err);
        if (r != 0)
            return r;
        if (sweep->count == sweep->cap) {
            sweep->cap = sweep->cap ? 2 * sweep->cap : 64;
            sweep->names = xrealloc(sweep->names, sweep->cap * sizeof *sweep->names);
        }
        (void)str_copy(sweep->names[sweep->count++], NAME_SIZE, object); /* json_need_string checked the length */
    }
    if (more == 0 && sweep->count == 0)
        return error_set(err, E_PROTOCOL, "The job names nothing that may stay");
    if (more == 0)
        qsort(sweep->names, sweep->count, sizeof *sweep->names, name_compare);
    return more;
}

static int sweep_one(const char *name, void *ctx)
{
    struct sweep *sweep = ctx;
    int r = store_tick(sweep->store, sweep->err);

    if (r != 0 || bsearch(name, sweep->names, sweep->count, sizeof *sweep->names, name_compare))
        return r;
    return store_object_remove(sweep->store, sweep->dir, name, sweep->err);
}

int sweep_run(const struct mover *mover, const json_t *job, const struct lease *lease, struct result *ret,
              struct error *err)
{
    struct sweep sweep = {.store = mover->store, .err = err};
    int r = place_need(job, "dir", &sweep.dir, err);

    if (r == 0)
        r = sweep_learn(&sweep, lease, err);
    if (r == 0)
        r = store_dir_list(mover->store, sweep.dir, sweep_one, &sweep, err);
    free(sweep.names);
    if (r != 0 && r != E_NOT_FOUND) /* gone on to its next place, or purged: then there is nothing to do here */
        return r;
    ret->outcome = "swept";
    return 0;
}
