/* Planning of uploads. */
#include "cli/upload_plan.h"

#include <string.h>

uint64_t upload_block_size(uint64_t size)
{
    uint64_t block = BLOCK_SIZE_MIN;

    while (upload_block_count(size, block) > BLOCKS_MAX && block < BLOCK_SIZE_MAX)
        block = block * 2 < BLOCK_SIZE_MAX ? block * 2 : BLOCK_SIZE_MAX;
    return upload_block_count(size, block) > BLOCKS_MAX ? 0 : block;
}

uint64_t upload_block_count(uint64_t size, uint64_t block_size)
{
    return size / block_size + (size % block_size != 0);
}

uint64_t upload_block_len(uint64_t size, uint64_t block_size, uint64_t index)
{
    uint64_t left = size - index * block_size;
    return left < block_size ? left : block_size;
}

void upload_block_id(uint64_t index, const unsigned char digest[static SHA256_SIZE], char id[static BLOCK_ID_SIZE])
{
    unsigned char raw[4 + SHA256_SIZE] = {(unsigned char)(index >> 24), (unsigned char)(index >> 16),
                                          (unsigned char)(index >> 8), (unsigned char)index};
    AUTO_STR struct str text = STR_INIT(BLOCK_ID_LEN);

    memcpy(raw + 4, digest, SHA256_SIZE);
    base64_append(&text, raw, sizeof raw);
    memcpy(id, str_text(&text), BLOCK_ID_SIZE);
}

static int compare_ids(const void *a, const void *b)
{
    const struct block_entry *left = a;
    const struct block_entry *right = b;
    return strcmp(left->id, right->id);
}

void upload_sort_blocks(struct block_list *blocks)
{
    if (blocks->count > 1)
        qsort(blocks->items, blocks->count, sizeof *blocks->items, compare_ids);
}

bool upload_has_block(const struct block_list *blocks, const char *id, uint64_t size)
{
    size_t low = 0;
    size_t high = blocks->count;

    while (low < high) { /* the first entry that is not before id: committed and uncommitted ones may share it */
        size_t middle = low + (high - low) / 2;
        if (strcmp(blocks->items[middle].id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < blocks->count && strcmp(blocks->items[low].id, id) == 0; low++)
        if (!blocks->items[low].committed && blocks->items[low].size == size)
            return true;
    return false;
}

bool upload_has_foreign_blocks(const struct block_list *blocks)
{
    for (size_t i = 0; i < blocks->count; i++)
        if (!blocks->items[i].committed && strlen(blocks->items[i].id) != BLOCK_ID_LEN)
            return true;
    return false;
}

void upload_append_list(struct str *xml, const char (*ids)[BLOCK_ID_SIZE], uint64_t count)
{
    str_append(xml, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<BlockList>");
    for (uint64_t i = 0; i < count; i++)
        str_printf(xml, "<Latest>%s</Latest>", ids[i]);
    str_append(xml, "</BlockList>");
}
