/* A file as it was uploaded: extents of objects, each with the digest of its bytes, which together are the file. */
#ifndef AIRLOCK_MOVER_UPLOAD_H
#define AIRLOCK_MOVER_UPLOAD_H

#include "base/crypto.h"
#include "mover/job.h"

/* A piece of a file: [object, offset, length, sha256] */
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

/* ret->extents is the caller's. */
int upload_read(const json_t *file, struct upload *ret, struct error *err) MUST_USE;
bool upload_is_linear(const struct upload *upload); /* is one object, from its start on, the file? */

/* Reads the file in its order, each byte once, and compares it with what was uploaded: as a whole where it is one
 * extent, otherwise extent by extent. The first difference in that order is a mismatch in *result; without one, digest
 * is the file's. fd: the first extent's object when it is open already (stays the caller's), or -1. writer: where the
 * bytes go as well, or NULL. */
int upload_pass(struct store *store, const char *dir, const struct upload *upload, int fd, struct store_writer *writer,
                unsigned char digest[static SHA256_SIZE], struct result *result, struct error *err) MUST_USE;

#endif
