/* The job "move": a sealed request's bytes go on to the account of their outcome, after they were read once more and
 * found to be what was sealed. A request that core does not want verified (its bytes already are known to differ) has
 * no files in its job. Runs in airlock-mover. */
#include "mover/bytes.h"

static int move_verified(void *ctx, const struct kept *kept, const struct result *result, struct error *err)
{
    struct result *ret = ctx;

    (void)kept;
    (void)err;
    if (!result->outcome)
        return 0;
    *ret = *result;
    return 1;
}

int move_run(const struct mover *mover, const json_t *job, const struct lease *lease, struct result *ret,
             struct error *err)
{
    struct store *store = mover->store;
    struct places places;
    const char *dir;
    int r = places_read(job, &places, err);

    if (r == 0)
        r = places_find(store, &places, &dir, err);
    if (r == 0)
        r = kept_verify_all(mover, dir, lease, move_verified, ret, err);
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
