/* Comparing sealed bytes with what core knows of them. */
#ifndef AIRLOCK_MOVER_BYTES_H
#define AIRLOCK_MOVER_BYTES_H

#include "base/crypto.h"
#include "mover/job.h"

/* A sealed file as core knows it; the texts are borrowed from its message. */
struct kept {
    const json_t *file; /* core's message, with what else a job may want of it */
    const char *object;
    uint64_t size;
    unsigned char sha256[SHA256_SIZE];
};

/* Reads all files of the job below dir, many at once, and compares length and SHA-256. verified is called for each, on
 * the job's thread and in order; a difference, or a missing object, is a mismatch in *result. 1: the rest is not
 * wanted; negative: the job fails. A missing directory is E_NOT_FOUND: a later try of the same job has taken it. */
int kept_verify_all(const struct mover *mover, const char *dir, const struct lease *lease,
                    int (*verified)(void *ctx, const struct kept *kept, const struct result *result, struct error *err),
                    void *ctx, struct error *err) MUST_USE;

/* An object could not be opened because it is not there: tells the two cases apart in the same way. */
int bytes_missing(struct store *store, const char *dir, const char *object, struct result *result,
                  struct error *err) MUST_USE;

int digest_need(const char *hex, unsigned char ret[static SHA256_SIZE], struct error *err) MUST_USE;

#endif
