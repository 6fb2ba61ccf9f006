/* Comparing sealed bytes with what core knows of them. */
#ifndef AIRLOCK_MOVER_BYTES_H
#define AIRLOCK_MOVER_BYTES_H

#include "base/crypto.h"
#include "mover/job.h"

/* A sealed file as core knows it; the texts are borrowed from its message. */
struct kept {
    const char *object;
    uint64_t size;
    unsigned char sha256[SHA256_SIZE];
};
int kept_read(const json_t *file, struct kept *ret, struct error *err) MUST_USE;

/* Reads the object and compares length and SHA-256. A difference, or a missing object, is a mismatch in *result; a
 * missing directory is E_NOT_FOUND: a later try of the same job has taken it along. */
int kept_verify(struct store *store, const char *dir, const struct kept *kept, struct result *result,
                struct error *err) MUST_USE;

/* An object could not be opened because it is not there: tells the two cases apart in the same way. */
int bytes_missing(struct store *store, const char *dir, const char *object, struct result *result,
                  struct error *err) MUST_USE;

int digest_need(const char *hex, unsigned char ret[static SHA256_SIZE], struct error *err) MUST_USE;

#endif
