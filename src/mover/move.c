/* The job "move": a sealed request's bytes go on to the account of their outcome, after they were read once more and
 * found to be what was sealed. A request that core does not want verified (its bytes already are known to differ) has
 * no files in its job. Runs in airlock-mover. */
#include "mover/bytes.h"

static int move_verify(struct store *store, const char *dir, const struct lease *lease, struct result *result,
                       struct error *err)
{
    AUTO_FILES struct files files = FILES_INIT(lease);
    const json_t *file;
    struct kept kept;

    while (!result->outcome) {
        int r = files_next(&files, &file, err);
        if (r <= 0)
            return r;
        r = kept_read(file, &kept, err);
        if (r == 0)
            r = kept_verify(store, dir, &kept, result, err);
        if (r != 0)
            return r;
    }
    return 0;
}

int move_run(struct store *store, const json_t *job, const struct lease *lease, struct result *ret, struct error *err)
{
    struct places places;
    const char *dir;
    int r = places_read(job, &places, err);

    if (r == 0)
        r = places_find(store, &places, &dir, err);
    if (r == 0)
        r = move_verify(store, dir, lease, ret, err);
    if (r == 0 && ret->outcome)
        ret->dir = dir;
    if (r != 0 || ret->outcome)
        return r;
    r = lease->confirm(lease->ctx, err); /* reading may have taken long */
    if (r == 0)
        r = places_publish(store, &places, dir, err);
    if (r == 0)
        ret->outcome = "moved";
    return r;
}
