/* Byte ranges of downloads. Pure; runs in airlock-blob.
 * Sources: RFC 9110 section 14; Azure "Specifying the range header": "bytes=a-b" and "bytes=a-". Suffixes, several
 * ranges and anything malformed mean the whole blob. */
#ifndef AIRLOCK_BLOB_RANGE_H
#define AIRLOCK_BLOB_RANGE_H

#include <stdint.h>

#include "base/error.h"

enum range_kind { RANGE_WHOLE, RANGE_PART, RANGE_UNSATISFIABLE };

struct range {
    uint64_t first;
    uint64_t length;
};

/* text may be NULL. The range lies inside size; RANGE_WHOLE is {0, size}. */
enum range_kind range_parse(const char *text, uint64_t size, struct range *ret);

#endif
