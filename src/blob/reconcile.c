/* Removing what a crash left behind. Runs in airlock-blob, once, on a thread of its own beside the first requests. Must
 * never unlink a file that core has not called unknown. */
#include "blob/reconcile.h"

#include <pthread.h>
#include <string.h>

#include "base/log.h"
#include "base/uuid.h"

#define DRAFT "draft"
#define BATCH 1000u /* objects of one object.known */

/* The object files of one container's directory. */
struct folder {
    struct folder *next;
    char *dir;
    size_t count;
    char (*objects)[UUID_TEXT_SIZE];
};

struct reconcile {
    struct store *store;
    struct ipc_client *core;
    struct folder *folders;
    size_t removed;
};

static void reconcile_free(struct reconcile *rec)
{
    while (rec->folders) {
        struct folder *folder = rec->folders;
        rec->folders = folder->next;
        free(folder->dir);
        free(folder->objects);
        free(folder);
    }
    free(rec);
}

/* --- Listing --- */

struct walk {
    struct reconcile *rec;
    const char *above;
    struct error *err;
};

static int add_object(const char *name, void *ctx)
{
    struct folder *folder = ctx;

    if (!uuid_is_v4(name))
        return 0;                                   /* not one of ours: left alone */
    if ((folder->count & (folder->count - 1)) == 0) /* full at every power of two */
        folder->objects = xrealloc(folder->objects, (folder->count ? 2 * folder->count : 1) * sizeof *folder->objects);
    (void)str_copy(folder->objects[folder->count++], UUID_TEXT_SIZE, name);
    return 0;
}

static int add_container(const char *name, int64_t changed_s UNUSED, void *ctx)
{
    struct walk *walk = ctx;
    struct folder *folder = xcalloc(1, sizeof *folder);

    folder->dir = xasprintf("%s/%s", walk->above, name);
    folder->next = walk->rec->folders;
    walk->rec->folders = folder;
    int r = store_dir_list(walk->rec->store, folder->dir, add_object, folder, walk->err);
    return r == E_NOT_FOUND ? 0 : r; /* moved on just now: sealed */
}

static int add_account(const char *name, int64_t changed_s UNUSED, void *ctx)
{
    struct walk *walk = ctx;
    AUTO_FREE char *dir = xasprintf(DRAFT "/%s", name);
    struct walk below = {.rec = walk->rec, .above = dir, .err = walk->err};

    return store_dir_children(walk->rec->store, dir, add_container, &below, walk->err);
}

int reconcile_new(struct store *store, struct ipc_client *core, struct reconcile **ret, struct error *err)
{
    struct reconcile *rec = xcalloc(1, sizeof *rec);
    struct walk walk = {.rec = rec, .err = err};

    rec->store = store;
    rec->core = core;
    int r = store_dir_children(store, DRAFT, add_account, &walk, err);
    if (r < 0) {
        reconcile_free(rec);
        return r;
    }
    *ret = rec;
    return 0;
}

/* --- Asking --- */

static void unlink_unknown(struct reconcile *rec, const struct folder *folder, const json_t *unknown)
{
    struct error err = {0};
    size_t i;
    json_t *object;

    json_array_foreach(unknown, i, object)
    {
        const char *name = json_string_value(object);
        if (!name || store_object_remove(rec->store, folder->dir, name, &err) != 0)
            log_warning("object %s in %s stays behind: %s", name ? name : "", folder->dir, err.detail);
        else
            rec->removed++;
    }
}

static int ask_batch(struct reconcile *rec, const struct folder *folder, size_t first, struct error *err)
{
    AUTO_JSON json_t *ok = NULL;
    json_t *objects = json_array();

    for (size_t i = first; i < folder->count && i < first + BATCH; i++)
        (void)json_array_append_new(objects, json_string(folder->objects[i]));
    json_t *fields = json_pack("{s:s, s:o}", "dir", folder->dir, "objects", objects);
    int r = ipc_call(rec->core, MESSAGE_OBJECT_KNOWN, fields, &ok, err);
    if (r == 0)
        unlink_unknown(rec, folder, json_object_get(ok, "unknown"));
    return r;
}

/* A batch without an answer is asked again: core may only be starting. */
static void *run(void *ctx)
{
    struct reconcile *rec = ctx;

    for (const struct folder *folder = rec->folders; folder; folder = folder->next)
        for (size_t first = 0; first < folder->count; first += BATCH) {
            struct error err = {0};
            int r;
            while ((r = ask_batch(rec, folder, first, &err)) == E_UNAVAILABLE || r == E_UNKNOWN)
                log_warning("core has not answered yet what it knows of %s", folder->dir);
            if (r < 0)
                log_warning("objects in %s were not looked at: %s", folder->dir, err.detail);
        }
    if (rec->removed > 0)
        log_info("%zu object files of interrupted uploads were removed", rec->removed);
    reconcile_free(rec);
    return NULL;
}

void reconcile_start(struct reconcile *rec)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, run, rec) != 0) {
        log_warning("no thread to look for interrupted uploads: the next start will");
        reconcile_free(rec);
        return;
    }
    (void)pthread_detach(thread);
}
