/* The job "seal": a submitted request's directory leaves its draft account, every file becomes one final object, and
 * each is hashed once, as a whole and extent by extent against what the upload measured. Runs in airlock-mover.
 *
 * Files that are not listed stay where they are: a later try needs the extents of this one. The job "sweep" removes
 * them once core has recorded the seal. */
#include <string.h>

#include "base/num.h"
#include "base/uuid.h"
#include "mover/bytes.h"

#define OBJECT_NAME_MAX 64

/* A piece of a file as it was uploaded: [object, offset, length, sha256] */
struct extent {
    const char *object; /* borrowed from the message */
    uint64_t offset;
    uint64_t length;
    unsigned char sha256[SHA256_SIZE];
};

struct upload {
    json_t *blob; /* core's name for the file, borrowed from the message and given back as it is */
    uint64_t size;
    size_t extent_count;
    struct extent *extents;
};

/* What one pass over a file's extents carries along. */
struct pass {
    struct store *store;
    const char *dir;
    const struct upload *upload;
    struct store_writer *writer; /* where the bytes are gathered; NULL: they are only read */
    struct hash *whole;
    struct hash *part; /* NULL when the only extent is the whole */
    int fd;            /* of the extent's object */
    const char *object;
};

static int extent_read(const json_t *row, struct extent *ret, struct error *err)
{
    const json_t *offset = json_array_get(row, 1), *length = json_array_get(row, 2);

    ret->object = json_string_value(json_array_get(row, 0));
    if (!ret->object || strlen(ret->object) > OBJECT_NAME_MAX || !json_is_integer(offset) || !json_is_integer(length) ||
        json_integer_value(offset) < 0 || json_integer_value(length) < 0)
        return error_set(err, E_PROTOCOL, "An extent in the job is malformed");
    ret->offset = (uint64_t)json_integer_value(offset);
    ret->length = (uint64_t)json_integer_value(length);
    return digest_need(json_string_value(json_array_get(row, 3)), ret->sha256, err);
}

/* ret->extents is the caller's. */
static int upload_read(const json_t *file, struct upload *ret, struct error *err)
{
    const json_t *rows = json_object_get(file, "extents");
    struct upload upload = {.blob = json_object_get(file, "blob"), .extent_count = json_array_size(rows)};
    AUTO_FREE struct extent *extents = xcalloc(upload.extent_count + 1, sizeof *extents);
    uint64_t total = 0;
    int64_t size = 0;
    int r = json_need_int(file, "size", 0, INT64_MAX, &size, err);

    if (r == 0 && !upload.blob)
        r = error_set(err, E_PROTOCOL, "A file in the job has no name");
    for (size_t i = 0; r == 0 && i < upload.extent_count; i++) {
        r = extent_read(json_array_get(rows, i), &extents[i], err);
        if (r == 0 && !num_add(total, extents[i].length, &total))
            r = error_set(err, E_PROTOCOL, "The extents of a file in the job are too long");
    }
    if (r == 0 && total != (uint64_t)size)
        r = error_set(err, E_PROTOCOL, "The extents of a file in the job do not add up to its size");
    if (r != 0)
        return r;
    upload.size = (uint64_t)size;
    upload.extents = TAKE_PTR(extents);
    *ret = upload;
    return 0;
}

/* Is one object, from its start on, the file? */
static bool upload_is_linear(const struct upload *upload)
{
    uint64_t at = 0;

    for (size_t i = 0; i < upload->extent_count; i++) {
        const struct extent *extent = &upload->extents[i];
        if (extent->offset != at || strcmp(extent->object, upload->extents[0].object) != 0)
            return false;
        at += extent->length;
    }
    return upload->extent_count > 0;
}

static int pass_sink(const void *bytes, size_t len, void *ctx, struct error *err)
{
    struct pass *pass = ctx;
    hash_update(pass->whole, bytes, len);
    if (pass->part)
        hash_update(pass->part, bytes, len);
    return pass->writer ? store_writer_put(pass->writer, bytes, len, err) : 0;
}

/* Consecutive extents are mostly of one object: it stays open. */
static int pass_open(struct pass *pass, const char *object, struct error *err)
{
    if (pass->object && strcmp(pass->object, object) == 0)
        return 0;
    if (pass->fd >= 0)
        (void)close(pass->fd);
    pass->fd = store_object_open_read(pass->store, pass->dir, object, err);
    pass->object = pass->fd >= 0 ? object : NULL;
    return pass->fd >= 0 ? 0 : pass->fd;
}

static int pass_extent(struct pass *pass, size_t index, struct result *result, struct error *err)
{
    const struct extent *extent = &pass->upload->extents[index];
    unsigned char digest[SHA256_SIZE];
    uint64_t got;
    int r = pass_open(pass, extent->object, err);

    if (r == E_NOT_FOUND)
        return bytes_missing(pass->store, pass->dir, extent->object, result, err);
    if (r == 0)
        r = store_stream(pass->store, pass->fd, extent->offset, extent->length, pass_sink, pass, &got, err);
    if (r != 0)
        return r;
    if (pass->part)
        hash_final(pass->part, digest);
    if (got < extent->length)
        result_mismatch(result, "The object %s is %llu bytes short of extent %zu", extent->object,
                        (unsigned long long)(extent->length - got), index);
    else if (pass->part && memcmp(digest, extent->sha256, sizeof digest) != 0)
        result_mismatch(result, "Extent %zu of the object %s differs from what was uploaded", index, extent->object);
    return 0;
}

/* Reads the file in its order, once, and verifies it. digest is set unless the result is a mismatch. */
static int pass_run(struct pass *pass, unsigned char digest[static SHA256_SIZE], struct result *result,
                    struct error *err)
{
    const struct upload *upload = pass->upload;
    AUTO_HASH struct hash *whole = hash_new_sha256();
    AUTO_HASH struct hash *part = upload->extent_count > 1 ? hash_new_sha256() : NULL;
    int r = 0;

    pass->whole = whole;
    pass->part = part;
    pass->fd = -1;
    for (size_t i = 0; r == 0 && !result->outcome && i < upload->extent_count; i++)
        r = pass_extent(pass, i, result, err);
    if (pass->fd >= 0)
        (void)close(pass->fd);
    if (r != 0 || result->outcome)
        return r;
    hash_final(whole, digest);
    if (upload->extent_count == 1 && memcmp(digest, upload->extents[0].sha256, SHA256_SIZE) != 0)
        result_mismatch(result, "The object %s differs from what was uploaded", upload->extents[0].object);
    return 0;
}

/* The object already is the file: it is made final, then read. */
static int seal_in_place(struct pass *pass, unsigned char digest[static SHA256_SIZE], struct result *result,
                         struct error *err)
{
    const char *object = pass->upload->extents[0].object;
    int r = store_object_seal(pass->store, pass->dir, object, pass->upload->size, err);

    if (r == E_NOT_FOUND)
        return bytes_missing(pass->store, pass->dir, object, result, err);
    return r ? r : pass_run(pass, digest, result, err);
}

static int gather_into(struct pass *pass, int fd, unsigned char digest[static SHA256_SIZE], struct result *result,
                       struct error *err)
{
    struct store_writer writer = {.fd = fd};
    pass->writer = &writer;
    int r = pass_run(pass, digest, result, err);
    if (r == 0 && !result->outcome)
        r = store_writer_finish(&writer, err);
    pass->writer = NULL;
    return r;
}

/* The file's bytes lie apart, or there are none: they are gathered in an object of their own. */
static int seal_gathered(struct pass *pass, const char *object, unsigned char digest[static SHA256_SIZE],
                         struct result *result, struct error *err)
{
    int r = store_check_space(pass->store, pass->upload->size, err);
    if (r != 0)
        return r;
    int fd = store_object_create(pass->store, pass->dir, object, err);
    if (fd < 0)
        return fd;
    r = gather_into(pass, fd, digest, result, err);
    (void)close(fd); /* synced; and it must be closed for the proof that nobody writes */
    if (r == 0 && !result->outcome)
        r = store_object_seal(pass->store, pass->dir, object, pass->upload->size, err);
    if ((r != 0 || result->outcome) && store_object_remove(pass->store, pass->dir, object, NULL) != 0)
        return r; /* what stays is swept later, nothing refers to it; the first error is the one to tell */
    return r;
}

static void result_add(struct result *result, const struct upload *upload, const char *object,
                       const unsigned char digest[static SHA256_SIZE])
{
    char hex[SHA256_HEX_SIZE];
    hex_encode(digest, SHA256_SIZE, hex);
    json_array_append_new(result->files, json_pack("{s:O, s:s, s:I, s:s}", "blob", upload->blob, "object", object,
                                                   "size", (json_int_t)upload->size, "sha256", hex));
}

static int seal_file(struct store *store, const char *dir, const json_t *file, struct result *result, struct error *err)
{
    struct upload upload = {0};
    unsigned char digest[SHA256_SIZE];
    char fresh[UUID_TEXT_SIZE];
    int r = upload_read(file, &upload, err);
    if (r != 0)
        return r;
    AUTO_FREE struct extent *extents = upload.extents;
    struct pass pass = {.store = store, .dir = dir, .upload = &upload};
    const char *object = fresh;

    if (upload_is_linear(&upload)) {
        object = extents[0].object;
        r = seal_in_place(&pass, digest, result, err);
    } else {
        uuid_new(fresh);
        r = seal_gathered(&pass, fresh, digest, result, err);
    }
    if (r == 0 && !result->outcome)
        result_add(result, &upload, object, digest);
    return r;
}

int seal_run(struct store *store, const json_t *job, const struct lease *lease, struct result *ret, struct error *err)
{
    AUTO_FILES struct files files = FILES_INIT(lease);
    struct places places;
    const json_t *file;
    const char *dir;
    int r = places_read(job, &places, err);

    if (r == 0)
        r = places_find(store, &places, &dir, err);
    if (r == 0)
        r = places_publish(store, &places, dir, err);
    if (r != 0)
        return r;
    ret->files = json_array();
    while (!ret->outcome && (r = files_next(&files, &file, err)) > 0) {
        r = seal_file(store, places.to, file, ret, err);
        if (r != 0)
            return r;
    }
    if (r == 0 && !ret->outcome && json_array_size(ret->files) == 0)
        return error_set(err, E_PROTOCOL, "The job has no files");
    if (r == 0 && !ret->outcome)
        ret->outcome = "sealed";
    return r < 0 ? r : 0;
}
