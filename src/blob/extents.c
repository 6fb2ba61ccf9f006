/* Extents of a blob. Pure; runs in airlock-blob. Must never hand out a byte outside the list. */
#include "blob/extents.h"

#include <string.h>

#include "base/num.h"
#include "base/uuid.h"

static int read_extent(const json_t *item, struct extent *ret, uint64_t *total, struct error *err)
{
    const char *object = json_string_value(json_array_get(item, 0));
    json_int_t offset = json_integer_value(json_array_get(item, 1));
    json_int_t length = json_integer_value(json_array_get(item, 2));
    uint64_t end;

    if (!object || !uuid_is_v4(object) || offset < 0 || length < 0 ||
        !num_add((uint64_t)offset, (uint64_t)length, &end) || end > INT64_MAX ||
        !num_add(*total, (uint64_t)length, total))
        return error_set(err, E_INTERNAL, "an extent is malformed");
    *ret = (struct extent){object, (uint64_t)offset, (uint64_t)length};
    return 0;
}

int extents_from_json(const json_t *array, int64_t at, uint64_t size, struct extents *ret, struct error *err)
{
    struct extents extents = {.at = (uint64_t)at, .count = json_array_size(array)};
    uint64_t total = (uint64_t)at;
    int r = at < 0 ? error_set(err, E_INTERNAL, "the extents begin nowhere") : 0;

    extents.items = xcalloc(extents.count + 1, sizeof *extents.items);
    for (size_t i = 0; i < extents.count && r == 0; i++)
        r = read_extent(json_array_get(array, i), &extents.items[i], &total, err);
    if (r == 0 && total > size)
        r = error_set(err, E_INTERNAL, "the extents are longer than the blob");
    if (r < 0) {
        extents_done(&extents);
        return r;
    }
    *ret = extents;
    return 0;
}

void extents_done(struct extents *extents)
{
    free(extents->items);
    *extents = (struct extents){0};
}

bool extents_cover(const struct extents *extents, const struct range *part)
{
    uint64_t end = extents->at;

    for (size_t i = 0; i < extents->count; i++)
        end += extents->items[i].length;
    return part->length == 0 || (part->first >= extents->at && part->first < end && part->length <= end - part->first);
}

bool extents_are_one_object(const struct extents *extents)
{
    for (size_t i = 1; i < extents->count; i++)
        if (strcmp(extents->items[i].object, extents->items[0].object) != 0)
            return false;
    return true;
}

void extent_cursor_init(struct extent_cursor *cursor, const struct extents *extents, const struct range *part)
{
    uint64_t skip = part->length > 0 ? part->first - extents->at : 0;
    size_t index = 0;

    while (index < extents->count && skip >= extents->items[index].length)
        skip -= extents->items[index++].length;
    *cursor = (struct extent_cursor){.extents = extents, .index = index, .skip = skip, .left = part->length};
}

bool extent_cursor_next(struct extent_cursor *cursor, struct extent *ret_piece)
{
    while (cursor->index < cursor->extents->count && cursor->extents->items[cursor->index].length == 0)
        cursor->index++; /* skip is 0 here: an extent that is skipped into is not empty */
    if (cursor->left == 0 || cursor->index >= cursor->extents->count)
        return false;
    const struct extent *extent = &cursor->extents->items[cursor->index++];
    uint64_t length = extent->length - cursor->skip;
    if (length > cursor->left)
        length = cursor->left;
    *ret_piece = (struct extent){extent->object, extent->offset + cursor->skip, length};
    cursor->skip = 0;
    cursor->left -= length;
    return true;
}
