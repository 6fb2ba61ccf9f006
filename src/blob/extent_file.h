/* The object file that a reader of a blob has open: one at a time, since most blobs are pieces of one. Runs in
 * airlock-blob; one thread at a time calls in. */
#ifndef AIRLOCK_BLOB_EXTENT_FILE_H
#define AIRLOCK_BLOB_EXTENT_FILE_H

#include "base/uuid.h"
#include "store/store.h"

struct extent_file {
    int fd; /* -1: none is open */
    char object[UUID_TEXT_SIZE];
};

#define EXTENT_FILE_NONE ((struct extent_file){.fd = -1})

/* The descriptor of the object in dir, opened if it is not the one that is open; it stays this file's. object has the
 * form of one (extents_from_json checks it). E_UNAVAILABLE when it is gone: the blob was replaced after core had
 * answered, and the client asks again. */
int extent_file_open(struct extent_file *file, struct store *store, const char *dir, const char *object,
                     struct error *err) MUST_USE;
void extent_file_close(struct extent_file *file); /* harmless when none is open */

#endif
