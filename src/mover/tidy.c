/* Walks ZONE/USE/ACCOUNT/REQUEST.TOKEN, delivery/WORKSPACE/REQUEST and what lies aside. Runs in airlock-mover, between
 * jobs. It never removes what holds bytes because core does not know it: that core may be younger than the bytes. */
#include "mover/tidy.h"

#include <string.h>

/* The walk's levels: at each, which names lead on (NULL: any that is not private). The last level holds the
 * directories. */
struct shape {
    const char *const *levels;
    size_t depth;
    bool aside; /* its directories were unknown once and are not asked about again */
};
#define ANY NULL
#define LOST "lost" /* at the second level: no use, and no workspace, has this name */
static const char *const DRAFTS[] = {ANY, "draft", ANY, ANY};
static const char *const KEPT[] = {ANY, "kept", ANY, ANY};
static const char *const DELIVERIES[] = {"delivery", ANY, ANY};
static const char *const ASIDE[] = {ANY, LOST, ANY};
static const struct shape SHAPES[] = {
    {DRAFTS, ARRAY_LEN(DRAFTS), false},
    {KEPT, ARRAY_LEN(KEPT), false},
    {DELIVERIES, ARRAY_LEN(DELIVERIES), false},
    {ASIDE, ARRAY_LEN(ASIDE), true},
};

struct walk {
    struct store *store;
    const struct tidy *tidy;
    const struct shape *shape;
    size_t level;
    const char *path; /* of the directory being listed */
    json_t *batch;
    struct error *err;
};

static int walk_remove(struct walk *walk, const char *dir)
{
    int r = store_dir_remove(walk->store, dir, walk->err);
    if (r == 0)
        walk->tidy->lost(walk->tidy->ctx, dir, NULL);
    return r;
}

/* Where dir is put aside: below the same first directory, which may be a file system of its own. The caller's. */
static char *walk_aside(const struct walk *walk, const char *dir)
{
    size_t zone = strcspn(dir, "/");
    char *aside = xasprintf("%.*s/" LOST "/%s+%lld", (int)zone, dir, dir + zone + 1, (long long)walk->tidy->now_s);

    for (char *at = aside + zone + sizeof "/" LOST "/" - 1; *at; at++)
        if (*at == '/')
            *at = '+';
    return aside;
}

static int walk_put_aside(struct walk *walk, const char *dir)
{
    AUTO_FREE char *aside = walk_aside(walk, dir);
    int empty = walk->tidy->keep_lost ? store_dir_is_empty(walk->store, dir, walk->err) : 1;

    if (empty < 0)
        return empty;
    if (empty)
        return walk_remove(walk, dir);
    int r = store_dir_own(walk->store, dir, walk->err);
    if (r == 0)
        r = store_dir_move(walk->store, dir, aside, walk->err);
    if (r == 0)
        walk->tidy->lost(walk->tidy->ctx, dir, aside);
    return r;
}

static bool batch_has(const json_t *batch, const char *dir)
{
    const json_t *asked;
    size_t i;

    json_array_foreach(batch, i, asked) if (strcmp(json_string_value(asked), dir) == 0) return true;
    return false;
}

/* Asks about the batch and puts aside what is unknown: only what was asked about, whatever the answer names. */
static int walk_ask(struct walk *walk)
{
    AUTO_JSON json_t *asked = walk->batch;
    AUTO_JSON json_t *unknown = NULL;
    const json_t *dir;
    size_t i;

    walk->batch = json_array();
    if (json_array_size(asked) == 0)
        return 0;
    int r = walk->tidy->unknown(walk->tidy->ctx, json_incref(asked), &unknown, walk->err);
    json_array_foreach(unknown, i, dir) if (r == 0 && json_is_string(dir) && batch_has(asked, json_string_value(dir)))
        r = walk_put_aside(walk, json_string_value(dir));
    return r;
}

static int walk_found(struct walk *walk, const char *path, const char *name, int64_t changed_s)
{
    if (walk->shape->aside)
        return changed_s < walk->tidy->lost_before_s ? walk_remove(walk, path) : 0;
    if (changed_s >= walk->tidy->before_s)
        return 0;
    if (store_is_private_name(name)) /* only a running job has a use for it, and none runs */
        return walk_remove(walk, path);
    if (json_array_append_new(walk->batch, json_string(path)) != 0)
        return 0; /* not UTF-8: nothing of ours */
    return json_array_size(walk->batch) < TIDY_BATCH ? 0 : walk_ask(walk);
}

static int walk_dir(struct walk *walk, const char *path);

static int walk_child(const char *name, int64_t changed_s, void *ctx)
{
    struct walk *walk = ctx;
    const char *wanted = walk->shape->levels[walk->level];
    AUTO_FREE char *path = strcmp(walk->path, ".") == 0 ? xstrdup(name) : xasprintf("%s/%s", walk->path, name);
    int r = store_tick(walk->store, walk->err);

    if (r != 0 || (wanted && strcmp(wanted, name) != 0) || (!wanted && walk->level == 1 && strcmp(name, LOST) == 0))
        return r;
    if (walk->level + 1 == walk->shape->depth)
        return walk_found(walk, path, name, changed_s);
    return store_is_private_name(name) ? 0 : walk_dir(walk, path);
}

static int walk_dir(struct walk *walk, const char *path)
{
    const char *above = walk->path;
    size_t level = walk->level;

    walk->level = above ? level + 1 : 0;
    walk->path = path;
    int r = store_dir_children(walk->store, path, walk_child, walk, walk->err);
    walk->path = above;
    walk->level = level;
    return r;
}

int tidy_run(struct store *store, const struct tidy *tidy, struct error *err)
{
    struct walk walk = {.store = store, .tidy = tidy, .batch = json_array(), .err = err};
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(SHAPES); i++) {
        walk.shape = &SHAPES[i];
        r = walk_dir(&walk, ".");
    }
    if (r == 0)
        r = walk_ask(&walk);
    json_decref(walk.batch);
    return r;
}
