/* The job "seal": a submitted request's directory leaves its draft account, every file becomes one final object, and
 * each is hashed once, as a whole and extent by extent against what the upload measured. Runs in airlock-mover, each
 * file on one thread of its pool.
 *
 * Files that are not listed stay where they are: a later try needs the extents of this one. The job "sweep" removes
 * them once core has recorded the seal. */
#include "base/uuid.h"
#include "mover/bytes.h"
#include "mover/pool.h"
#include "mover/upload.h"

#define SYNC_EACH 16 /* files that are synced one by one; all behind them together, at the end */

/* One file on its way through the pool. */
struct sealing {
    const char *dir;
    bool sync;
    json_t *file; /* counted by the job's thread alone */
    struct upload upload;
    char fresh[UUID_TEXT_SIZE];
    const char *object; /* of the upload, or fresh */
    unsigned char digest[SHA256_SIZE];
    struct result result;
};

struct seal {
    const char *dir;
    size_t begun;
    struct result *result;
};

/* The object already is the file: it is made final, then read. */
static int seal_in_place(struct store *store, struct sealing *s, struct error *err)
{
    AUTO_FD int fd = store_object_seal_open(store, s->dir, s->object, s->upload.size, s->sync, err);

    if (fd == E_NOT_FOUND)
        return bytes_missing(store, s->dir, s->object, &s->result, err);
    return fd < 0 ? fd : upload_pass(store, s->dir, &s->upload, fd, NULL, s->digest, &s->result, err);
}

static int gather_into(struct store *store, struct sealing *s, int fd, struct error *err)
{
    struct store_writer writer = {.fd = fd};
    int r = upload_pass(store, s->dir, &s->upload, -1, &writer, s->digest, &s->result, err);
    if (r == 0 && !s->result.outcome)
        r = store_writer_finish(&writer, err);
    return r;
}

/* The file's bytes lie apart, or there are none: they are gathered in an object of their own. */
static int seal_gathered(struct store *store, struct sealing *s, struct error *err)
{
    int r = store_check_space(store, s->upload.size, err);
    if (r != 0)
        return r;
    int fd = store_object_create(store, s->dir, s->object, err);
    if (fd < 0)
        return fd;
    r = gather_into(store, s, fd, err);
    (void)close(fd); /* synced; and it must be closed for the proof that nobody writes */
    if (r == 0 && !s->result.outcome)
        r = store_object_seal(store, s->dir, s->object, s->upload.size, err);
    if ((r != 0 || s->result.outcome) && store_object_remove(store, s->dir, s->object, NULL) != 0)
        return r; /* what stays is swept later, nothing refers to it; the first error is the one to tell */
    return r;
}

static void sealing_free(void *item)
{
    struct sealing *s = item;
    free(s->upload.extents);
    json_decref(s->file);
    free(s);
}

static int sealing_begin(void *ctx, const json_t *file, void **ret_item, struct error *err)
{
    struct seal *seal = ctx;
    struct upload upload;
    int r = upload_read(file, &upload, err);

    if (r != 0)
        return r;
    struct sealing *s = xcalloc(1, sizeof *s);
    s->dir = seal->dir;
    s->sync = seal->begun++ < SYNC_EACH;
    s->file = json_incref((json_t *)file);
    s->upload = upload;
    *ret_item = s;
    return 0;
}

static int sealing_run(struct store *store, void *item, struct error *err)
{
    struct sealing *s = item;

    if (upload_is_linear(&s->upload)) {
        s->object = s->upload.extents[0].object;
        return seal_in_place(store, s, err);
    }
    uuid_new(s->fresh);
    s->object = s->fresh;
    return seal_gathered(store, s, err);
}

static int sealing_end(void *ctx, void *item, struct error *err)
{
    const struct sealing *s = item;
    struct result *result = ((struct seal *)ctx)->result;
    char hex[SHA256_HEX_SIZE];

    (void)err;
    if (s->result.outcome) {
        json_decref(result->files);
        *result = s->result;
        return 1;
    }
    hex_encode(s->digest, SHA256_SIZE, hex);
    json_array_append_new(result->files, json_pack("{s:O, s:s, s:I, s:s}", "blob", s->upload.blob, "object", s->object,
                                                   "size", (json_int_t)s->upload.size, "sha256", hex));
    return 0;
}

static int sync_run(struct store *store, void *item, struct error *err)
{
    (void)store;
    return store_sync_all(*(int *)item, err);
}

/* Every file. What is told to core is on the disk by then: size, mode, owner and bytes. */
static int seal_files(const struct mover *mover, const char *dir, const struct lease *lease, struct result *ret,
                      struct error *err)
{
    struct seal seal = {.dir = dir, .result = ret};
    const struct pool_work work = {sealing_begin, sealing_run, sealing_end, sealing_free, &seal};
    AUTO_FD int all = store_sync_open(mover->store, dir, err);

    if (all < 0)
        return all;
    ret->files = json_array();
    int r = pool_files(mover->pool, mover->store, lease, &work, err);
    if (r == 0 && !ret->outcome && seal.begun == 0)
        r = error_set(err, E_PROTOCOL, "The job has no files");
    if (r == 0 && !ret->outcome && seal.begun > SYNC_EACH)
        r = pool_do(mover->pool, mover->store, sync_run, &all, err);
    return r;
}

int seal_run(const struct mover *mover, const json_t *job, const struct lease *lease, struct result *ret,
             struct error *err)
{
    struct store *store = mover->store;
    struct places places;
    const char *dir;
    int r = places_read(job, &places, err);

    if (r == 0)
        r = places_find(store, &places, &dir, err);
    if (r == 0)
        r = places_publish(store, &places, dir, err);
    if (r == 0)
        r = seal_files(mover, places.to, lease, ret, err);
    if (r == 0 && !ret->outcome)
        ret->outcome = "sealed";
    return r;
}
