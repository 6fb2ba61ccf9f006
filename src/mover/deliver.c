/* The job "deliver": an approved import appears as a read-only directory tree with its own file names. It is built
 * under a private name of this try and renamed in once, so a tree that is there is complete. Runs in airlock-mover. */
#include "mover/bytes.h"

#define DELIVERED_NAME_MAX 4095

struct delivery {
    struct store *store;
    const char *dir, *tree;
};

static int deliver_verified(void *ctx, const struct kept *kept, const struct result *result, struct error *err)
{
    const struct delivery *delivery = ctx;
    const char *name;
    int r = json_need_string(kept->file, "name", DELIVERED_NAME_MAX, &name, err);

    if (r != 0)
        return r;
    if (result->outcome)
        return error_set(err, E_STALE, "%s", result->detail);
    return store_tree_add(delivery->store, delivery->tree, name, delivery->dir, kept->object, err);
}

static int deliver_build(const struct mover *mover, const char *dir, const char *tree, const struct lease *lease,
                         struct error *err)
{
    struct delivery delivery = {mover->store, dir, tree};
    int r = store_dir_remove(mover->store, tree, err); /* what an interrupted try left */

    if (r == 0)
        r = kept_verify_all(mover, dir, lease, deliver_verified, &delivery, err);
    if (r == 0)
        r = store_tree_finish(mover->store, tree, err);
    if (r == 0)
        r = lease->confirm(lease->ctx, err); /* what is published must not come after what was revoked */
    return r;
}

int deliver_run(const struct mover *mover, const json_t *job, const struct lease *lease, struct result *ret,
                struct error *err)
{
    struct store *store = mover->store;
    const char *dir, *delivery;
    int64_t token;
    int r = place_need(job, "dir", &dir, err);

    if (r == 0)
        r = place_need(job, "delivery", &delivery, err);
    if (r == 0)
        r = json_need_int(job, "token", 0, INT64_MAX, &token, err);
    if (r != 0)
        return r;
    AUTO_FREE char *mine = xasprintf("%s.%lld", delivery, (long long)token);
    AUTO_FREE char *tree = store_private_name(mine);

    int there = store_dir_exists(store, delivery, err);
    if (there < 0)
        return there;
    if (there)
        r = store_dir_sync(store, delivery, err);
    else
        r = deliver_build(mover, dir, tree, lease, err);
    if (r == 0 && !there)
        r = store_dir_move(store, tree, delivery, err);
    if (r == 0)
        ret->outcome = "delivered";
    else if (store_dir_remove(store, tree, NULL) != 0)
        return r; /* what stays is cleared away later; the first error is the one to tell */
    return r;
}
