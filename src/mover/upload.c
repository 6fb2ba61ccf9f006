/* Reading an uploaded file: what its message says, and the pass over its bytes. Runs in airlock-mover, on the threads
 * of its pool and those of store_stream_to. */
#include "mover/upload.h"

#include <string.h>

#include "base/num.h"
#include "mover/bytes.h"

#define OBJECT_NAME_MAX 64
#define PASS_DIFFERS 1 /* a sink's answer that ends the reading */

/* The extents as their bytes go by. Belongs to one sink of a stream, or to nobody's while none runs. */
struct parts {
    const struct upload *upload;
    struct hash *hash;
    size_t index;  /* of the extent that the next byte is of */
    uint64_t left; /* bytes of it that have not come yet */
};

struct pass {
    struct store *store;
    const char *dir;
    const struct upload *upload;
    struct store_writer *writer;
    struct hash *whole;
    struct parts *parts; /* NULL when the only extent is the whole */
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

int upload_read(const json_t *file, struct upload *ret, struct error *err)
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

bool upload_is_linear(const struct upload *upload)
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

static int whole_put(const void *bytes, size_t len, void *ctx, struct error *err)
{
    (void)err;
    hash_update(ctx, bytes, len);
    return 0;
}

static int writer_put(const void *bytes, size_t len, void *ctx, struct error *err)
{
    return store_writer_put(ctx, bytes, len, err);
}

/* Compares the extents that are complete. PASS_DIFFERS: the one at index is not what was uploaded. */
static int parts_settle(struct parts *parts)
{
    const struct upload *upload = parts->upload;
    unsigned char digest[SHA256_SIZE];

    while (parts->left == 0 && parts->index < upload->extent_count) {
        hash_final(parts->hash, digest);
        if (memcmp(digest, upload->extents[parts->index].sha256, sizeof digest) != 0)
            return PASS_DIFFERS;
        parts->index++;
        parts->left = parts->index < upload->extent_count ? upload->extents[parts->index].length : 0;
    }
    return 0;
}

static int parts_put(const void *bytes, size_t len, void *ctx, struct error *err)
{
    struct parts *parts = ctx;
    const char *at = bytes;
    int r = 0;

    (void)err;
    while (r == 0 && len > 0) {
        size_t here = parts->left < len ? (size_t)parts->left : len;
        hash_update(parts->hash, at, here);
        at += here;
        len -= here;
        parts->left -= here;
        r = parts_settle(parts);
    }
    return r;
}

/* How many extents from first on are one stretch of one object, and how long it is. */
static size_t upload_stretch(const struct upload *upload, size_t first, uint64_t *ret_length)
{
    const struct extent *extents = upload->extents;
    uint64_t length = extents[first].length;
    size_t count = 1;

    while (first + count < upload->extent_count && extents[first + count].offset == extents[first].offset + length &&
           strcmp(extents[first + count].object, extents[first].object) == 0)
        length += extents[first + count++].length; /* upload_read has added them all up */
    *ret_length = length;
    return count;
}

static int pass_stretch(struct pass *pass, int fd, size_t first, uint64_t length, struct result *result,
                        struct error *err)
{
    const struct extent *extent = &pass->upload->extents[first];
    struct store_sink sinks[STORE_SINKS_MAX] = {{whole_put, pass->whole}};
    size_t count = 1;
    uint64_t got = 0;

    if (pass->parts)
        sinks[count++] = (struct store_sink){parts_put, pass->parts};
    if (pass->writer)
        sinks[count++] = (struct store_sink){writer_put, pass->writer};
    int r = store_stream_to(pass->store, fd, extent->offset, length, sinks, count, &got, err);
    if (r < 0)
        return r;
    size_t at = pass->parts ? pass->parts->index : 0;
    if (r == PASS_DIFFERS)
        result_mismatch(result, "Extent %zu of the object %s differs from what was uploaded", at, extent->object);
    else if (got < length)
        result_mismatch(result, "The object %s is %llu bytes short of extent %zu", extent->object,
                        (unsigned long long)(pass->parts ? pass->parts->left : length - got), at);
    return 0;
}

/* Opens the stretch's object unless it is open. */
static int pass_object(struct pass *pass, int fd, size_t first, struct result *result, struct error *err)
{
    const char *object = pass->upload->extents[first].object;
    uint64_t length;
    size_t count = upload_stretch(pass->upload, first, &length);
    AUTO_FD int own = fd < 0 ? store_object_open_read(pass->store, pass->dir, object, err) : -1;

    if (fd < 0 && own == E_NOT_FOUND)
        return bytes_missing(pass->store, pass->dir, object, result, err);
    if (fd < 0 && own < 0)
        return own;
    int r = pass_stretch(pass, fd < 0 ? own : fd, first, length, result, err);
    return r ? r : (int)count;
}

static int pass_all(struct pass *pass, int fd, struct result *result, struct error *err)
{
    const struct upload *upload = pass->upload;
    int r = 0;

    for (size_t i = 0; r >= 0 && !result->outcome && i<upload->extent_count; i += r> 0 ? (size_t)r : 0)
        r = pass_object(pass, i == 0 ? fd : -1, i, result, err);
    return r < 0 ? r : 0;
}

int upload_pass(struct store *store, const char *dir, const struct upload *upload, int fd, struct store_writer *writer,
                unsigned char digest[static SHA256_SIZE], struct result *result, struct error *err)
{
    AUTO_HASH struct hash *whole = hash_new_sha256();
    AUTO_HASH struct hash *part = upload->extent_count > 1 ? hash_new_sha256() : NULL;
    struct parts parts = {.upload = upload, .hash = part, .left = part ? upload->extents[0].length : 0};
    struct pass pass = {store, dir, upload, writer, whole, part ? &parts : NULL};

    if (part && parts_settle(&parts) != 0)
        result_mismatch(result, "Extent %zu of the object %s differs from what was uploaded", parts.index,
                        upload->extents[parts.index].object);
    int r = result->outcome ? 0 : pass_all(&pass, fd, result, err);
    if (r != 0 || result->outcome)
        return r;
    hash_final(whole, digest);
    if (upload->extent_count == 1 && memcmp(digest, upload->extents[0].sha256, SHA256_SIZE) != 0)
        result_mismatch(result, "The object %s differs from what was uploaded", upload->extents[0].object);
    return 0;
}
