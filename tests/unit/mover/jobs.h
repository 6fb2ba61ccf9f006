/* Helpers for tests of the jobs: a job from a few words, files from a table, a lease that can be lost. */
#ifndef AIRLOCK_TESTS_UNIT_MOVER_JOBS_H
#define AIRLOCK_TESTS_UNIT_MOVER_JOBS_H

#include "unit/store/fixture.h"

#include "base/json.h"
#include "mover/job.h"

/* A lease whose files are rows; page_size of them come at a time. */
struct test_lease {
    json_t *rows;
    size_t page_size;
    bool lost; /* core has given the job to somebody else */
    struct lease lease;
};
void test_lease_init(struct test_lease *t, json_t *rows_stolen);
void test_lease_done(struct test_lease *t);
#define AUTO_LEASE CLEANUP(test_lease_done)

/* Runs a job; the message is stolen. */
int test_run(struct store *store, const char *kind, json_t *job, struct test_lease *t, struct result *ret,
             struct error *err);

/* [object, offset, length, digest of bytes] */
json_t *test_extent(const char *object, int64_t offset, const void *bytes, size_t len);
json_t *test_upload(const char *blob, int64_t size, json_t *extents_stolen);
json_t *test_kept(const char *object, const char *name, const void *bytes, size_t len);

#endif
