/* Range and conditional headers: no range leaves its blob, and conditions answer one of the few codes that reads and
 * writes know. Input: eight bytes for the blob's size, then five lines: Range, If-Match, If-None-Match,
 * If-Modified-Since, If-Unmodified-Since. */
#include <assert.h>
#include <string.h>

#include "base/str.h"
#include "blob/range.h"
#include "model/conditional.h"

#define LINES 5
#define MODIFIED_US 1795357981900000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_range(const char *text, uint64_t size)
{
    struct range range = {0};

    switch (range_parse(text, size, &range)) {
    case RANGE_WHOLE:
        assert(range.first == 0 && range.length == size);
        break;
    case RANGE_PART:
        assert(range.length >= 1 && range.first < size && range.length <= size - range.first);
        break;
    case RANGE_UNSATISFIABLE:
        break;
    }
}

static void check_conditions(const struct conditional *conditional)
{
    static const int CODES[] = {
        0, E_CONDITION, E_NOT_MODIFIED, E_BLOB_EXISTS, E_CONDITION_UNSATISFIABLE, E_CONDITION_MULTIPLE, E_BAD_REQUEST};

    for (unsigned way = 0; way < 4; way++) {
        bool exists = way & 1, is_read = way & 2;
        int r = conditional_check(conditional, exists, "0x8D1", MODIFIED_US, is_read, NULL);
        bool known = false;
        for (size_t i = 0; i < ARRAY_LEN(CODES); i++)
            known |= r == CODES[i];
        assert(known);
        assert(is_read || (r != E_NOT_MODIFIED && r != E_CONDITION_UNSATISFIABLE));
        assert(!is_read || (r != E_BLOB_EXISTS && r != E_CONDITION_MULTIPLE));
        assert(exists || (r != E_NOT_MODIFIED && r != E_BLOB_EXISTS));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t blob_size;
    const char *lines[LINES] = {"", "", "", "", ""};

    if (size < sizeof blob_size)
        return 0;
    memcpy(&blob_size, data, sizeof blob_size);
    AUTO_FREE char *text = xstrndup((const char *)data + sizeof blob_size, size - sizeof blob_size);
    char *rest = text;
    for (size_t i = 0; i < LINES && rest; i++)
        lines[i] = strsep(&rest, "\n");
    const struct conditional conditional = {lines[1], lines[2], lines[3], lines[4]};

    check_range(lines[0], blob_size);
    check_conditions(&conditional);
    return 0;
}
