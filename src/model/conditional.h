/* HTTP conditional requests on blobs: may the operation go on, given the blob as it is now? Pure. airlock-blob asks for
 * reads, airlock-core asks for writes, inside the transaction that makes the change.
 * Sources: RFC 9110 sections 13.1 and 13.2.2; Azure "Specifying conditional headers for Blob service operations". */
#ifndef AIRLOCK_MODEL_CONDITIONAL_H
#define AIRLOCK_MODEL_CONDITIONAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"

#define CONDITIONAL_TEXT_MAX 1024 /* bytes of one header */

/* The four headers as sent, NULL (or "") when absent. All borrowed. */
struct conditional {
    const char *if_match;
    const char *if_none_match;
    const char *if_modified_since;
    const char *if_unmodified_since;
};

/* etag: without quotes; modified_us: microseconds since 1970, compared in whole seconds (AzCopy sends Last-Modified
 * back as If-Unmodified-Since with every range). Both are ignored unless exists. 0 when the operation may go on, else:
 *   E_NOT_MODIFIED           a read: If-None-Match or If-Modified-Since says that the client has it already
 *   E_CONDITION              anything else that is not met
 *   E_BLOB_EXISTS            a write with If-None-Match: * over an existing blob
 *   E_CONDITION_UNSATISFIABLE  a read with If-None-Match: *
 *   E_CONDITION_MULTIPLE     a write with a pair of headers that Azure refuses
 *   E_BAD_REQUEST            a malformed header (refused, since ignoring a condition could lose data); names it */
int conditional_check(const struct conditional *conditional, bool exists, const char *etag, int64_t modified_us,
                      bool is_read, struct error *err) MUST_USE;

/* The `cond` object of messages (ipc/messages.md): ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince. NULL
 * json reads as no conditions; to_json answers NULL when there is none. Texts stay borrowed from the object. */
int conditional_from_json(const json_t *object, struct conditional *ret, struct error *err) MUST_USE;
json_t *conditional_to_json(const struct conditional *conditional);

#endif
