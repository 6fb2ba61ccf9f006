/* Verifies sealed objects: one pass, length and SHA-256. Runs in airlock-mover, the reading on its pool's threads. */
#include "mover/bytes.h"

#include <string.h>
#include <sys/stat.h>

#include "mover/pool.h"

#define OBJECT_NAME_MAX 64

int digest_need(const char *hex, unsigned char ret[static SHA256_SIZE], struct error *err)
{
    if (!hex || !hex_decode(hex, ret, SHA256_SIZE))
        return error_set(err, E_PROTOCOL, "A digest in the job is malformed");
    return 0;
}

static int kept_read(const json_t *file, struct kept *ret, struct error *err)
{
    struct kept kept = {.file = file};
    const char *sha256;
    int64_t size;
    int r = json_need_string(file, "object", OBJECT_NAME_MAX, &kept.object, err);

    if (r == 0)
        r = json_need_int(file, "size", 0, INT64_MAX, &size, err);
    if (r == 0)
        r = json_need_string(file, "sha256", 2 * SHA256_SIZE, &sha256, err);
    if (r == 0)
        r = digest_need(sha256, kept.sha256, err);
    if (r != 0)
        return r;
    kept.size = (uint64_t)size;
    *ret = kept;
    return 0;
}

int bytes_missing(struct store *store, const char *dir, const char *object, struct result *result, struct error *err)
{
    int there = store_dir_exists(store, dir, err);
    if (there < 0)
        return there;
    if (there == 0)
        return error_set(err, E_NOT_FOUND, "The request's directory went away while it was read");
    result_mismatch(result, "The object %s is missing", object);
    return 0;
}

static int hash_sink(const void *bytes, size_t len, void *ctx, struct error *err)
{
    (void)err;
    hash_update(ctx, bytes, len);
    return 0;
}

/* A missing directory is E_NOT_FOUND. */
static int kept_verify(struct store *store, const char *dir, const struct kept *kept, struct result *result,
                       struct error *err)
{
    unsigned char digest[SHA256_SIZE];
    struct stat st;
    uint64_t got;
    AUTO_FD int fd = store_object_open_read(store, dir, kept->object, err);

    if (fd == E_NOT_FOUND)
        return bytes_missing(store, dir, kept->object, result, err);
    if (fd < 0)
        return fd;
    if (fstat(fd, &st) != 0)
        return error_set_errno(err, E_IO, "Cannot look at the object %s", kept->object);
    if ((uint64_t)st.st_size != kept->size) {
        result_mismatch(result, "The object %s has %lld bytes instead of %llu", kept->object, (long long)st.st_size,
                        (unsigned long long)kept->size);
        return 0;
    }
    AUTO_HASH struct hash *hash = hash_new_sha256();
    int r = store_stream(store, fd, 0, kept->size, hash_sink, hash, &got, err);
    if (r != 0)
        return r;
    hash_final(hash, digest);
    if (got != kept->size || memcmp(digest, kept->sha256, sizeof digest) != 0)
        result_mismatch(result, "The object %s no longer has the bytes that were sealed", kept->object);
    return 0;
}

/* One file on its way through the pool. */
struct check {
    const char *dir;
    json_t *file; /* counted by the job's thread alone */
    struct kept kept;
    struct result result;
};

struct checks {
    const char *dir;
    int (*verified)(void *ctx, const struct kept *kept, const struct result *result, struct error *err);
    void *ctx;
};

static void check_free(void *item)
{
    struct check *check = item;
    json_decref(check->file);
    free(check);
}

static int check_begin(void *ctx, const json_t *file, void **ret_item, struct error *err)
{
    const struct checks *checks = ctx;
    struct kept kept;
    int r = kept_read(file, &kept, err);

    if (r != 0)
        return r;
    struct check *check = xcalloc(1, sizeof *check);
    *check = (struct check){.dir = checks->dir, .file = json_incref((json_t *)file), .kept = kept};
    *ret_item = check;
    return 0;
}

static int check_run(struct store *store, void *item, struct error *err)
{
    struct check *check = item;
    return kept_verify(store, check->dir, &check->kept, &check->result, err);
}

static int check_end(void *ctx, void *item, struct error *err)
{
    const struct checks *checks = ctx;
    const struct check *check = item;
    return checks->verified(checks->ctx, &check->kept, &check->result, err);
}

int kept_verify_all(const struct mover *mover, const char *dir, const struct lease *lease,
                    int (*verified)(void *ctx, const struct kept *kept, const struct result *result, struct error *err),
                    void *ctx, struct error *err)
{
    struct checks checks = {dir, verified, ctx};
    const struct pool_work work = {check_begin, check_run, check_end, check_free, &checks};
    return pool_files(mover->pool, mover->store, lease, &work, err);
}
