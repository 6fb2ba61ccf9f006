/* Byte ranges. Pure; runs in airlock-blob. Must never answer a range that leaves the blob. */
#include "blob/range.h"

#include <string.h>
#include <strings.h>

#include "base/num.h"

#define UNIT "bytes="
#define DIGITS "0123456789"

/* Digits too many for 64 bits mean "beyond any end". */
static uint64_t read_position(const char *digits, size_t len)
{
    uint64_t value;
    return num_parse_len(digits, len, 0, UINT64_MAX, &value) ? value : UINT64_MAX;
}

enum range_kind range_parse(const char *text, uint64_t size, struct range *ret)
{
    struct range whole = {0, size};

    *ret = whole;
    if (!text || strncasecmp(text, UNIT, strlen(UNIT)) != 0)
        return RANGE_WHOLE;
    const char *first_text = text + strlen(UNIT);
    size_t first_len = strspn(first_text, DIGITS);
    if (first_len == 0 || first_text[first_len] != '-')
        return RANGE_WHOLE;
    const char *last_text = first_text + first_len + 1;
    size_t last_len = strspn(last_text, DIGITS);
    if (last_text[last_len] != '\0')
        return RANGE_WHOLE;
    uint64_t first = read_position(first_text, first_len);
    uint64_t last = last_len ? read_position(last_text, last_len) : UINT64_MAX;
    if (last < first)
        return RANGE_WHOLE;
    if (first >= size)
        return RANGE_UNSATISFIABLE;
    if (last >= size)
        last = size - 1;
    *ret = (struct range){first, last - first + 1};
    return RANGE_PART;
}
