/* Where a blob's bytes lie: an ordered list of pieces of object files, and a cursor over a part of it. Pure; runs in
 * airlock-blob. All arithmetic is checked: the list comes from another process. */
#ifndef AIRLOCK_BLOB_EXTENTS_H
#define AIRLOCK_BLOB_EXTENTS_H

#include <stddef.h>

#include "base/json.h"
#include "blob/range.h"

struct extent {
    const char *object; /* borrowed from the JSON */
    uint64_t offset;    /* in the object file */
    uint64_t length;    /* 0 for an empty blob's object */
};

struct extents {
    uint64_t at; /* in the blob, of the first one's first byte */
    size_t count;
    struct extent *items;
};

/* Reads `extents` and `at` of blob.open; together they must lie inside size. E_INTERNAL otherwise. */
int extents_from_json(const json_t *array, int64_t at, uint64_t size, struct extents *ret, struct error *err) MUST_USE;
/* Whether they have every byte of part. */
bool extents_cover(const struct extents *extents, const struct range *part);
/* Whether all of them are pieces of one object. */
bool extents_are_one_object(const struct extents *extents);
void extents_done(struct extents *extents);

struct extent_cursor {
    const struct extents *extents;
    size_t index;
    uint64_t skip; /* bytes of items[index] that lie before the part, or were handed out */
    uint64_t left; /* bytes of the part still to come */
};

/* The list must cover part. */
void extent_cursor_init(struct extent_cursor *cursor, const struct extents *extents, const struct range *part);
/* The next piece; false at the end. */
bool extent_cursor_next(struct extent_cursor *cursor, struct extent *ret_piece);

#endif
