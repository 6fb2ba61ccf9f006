/* Put Block List's XML in pieces of any size: never more blocks than allowed, only well-formed ids, and the same answer
 * however the bytes are cut. Input: one byte for the size of the pieces, then the document. */
#include <assert.h>
#include <string.h>

#include "blob/block_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum azure_code feed(const uint8_t *data, size_t size, size_t step, json_t **ret)
{
    struct block_list *list = block_list_new();
    enum azure_code code = AZURE_OK;

    for (size_t at = 0; at < size && code == AZURE_OK; at += step)
        code = block_list_feed(list, data + at, size - at < step ? size - at : step, false);
    if (code == AZURE_OK)
        code = block_list_feed(list, "", 0, true);
    *ret = code == AZURE_OK ? block_list_take(list) : NULL;
    block_list_free(list);
    return code;
}

static void check_list(const json_t *list)
{
    size_t i;
    json_t *block;

    assert(json_array_size(list) <= BLOCK_LIST_BLOCKS_MAX);
    json_array_foreach(list, i, block)
    {
        const char *kind = json_string_value(json_array_get(block, 0));
        const char *id = json_string_value(json_array_get(block, 1));
        assert(kind && id && block_id_check(id, strlen(id)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_JSON json_t *whole = NULL;
    AUTO_JSON json_t *cut = NULL;

    if (size < 1)
        return 0;
    enum azure_code code = feed(data + 1, size - 1, size, &whole);
    enum azure_code cut_code = feed(data + 1, size - 1, (size_t)data[0] + 1, &cut);
    assert((code == AZURE_OK) == (cut_code == AZURE_OK));
    if (code == AZURE_OK) {
        check_list(whole);
        assert(json_equal(whole, cut));
    }
    return 0;
}
