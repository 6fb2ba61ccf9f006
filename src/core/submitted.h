/* A request's files as they were submitted: what a check before the seal is bound to, since there is no manifest yet. */
#ifndef AIRLOCK_CORE_SUBMITTED_H
#define AIRLOCK_CORE_SUBMITTED_H

#include "core/request.h"

/* The SHA-256 of the list in the form of a manifest, without content types and metadata; a file that came in blocks has
 * the SHA-256 over its blocks' digests in hexadecimal in the place of its own. Nobody can change the list any more. */
int submitted_digest(struct core *core, const struct request *req, char ret[static SHA256_HEX_SIZE],
                     struct error *err) MUST_USE;

#endif
