/* Jobs, files and leases for the tests of airlock-mover. */
#include "unit/mover/jobs.h"

#include "base/crypto.h"
#include "mover/pool.h"

#define TEST_THREADS 4

static int lease_files(void *ctx, int64_t after, json_t **ret_page, struct error *err)
{
    const struct test_lease *t = ctx;
    size_t end = (size_t)after + t->page_size, all = json_array_size(t->rows);
    json_t *files = json_array();

    (void)err;
    for (size_t i = (size_t)after; i < all && i < end; i++)
        json_array_append(files, json_array_get(t->rows, i));
    *ret_page = json_pack("{s:o, s:I}", "files", files, "next", (json_int_t)(end < all ? end : 0));
    return 0;
}

static int lease_confirm(void *ctx, struct error *err)
{
    const struct test_lease *t = ctx;
    return t->lost ? error_set(err, E_STALE, "The lease is gone") : 0;
}

void test_lease_init(struct test_lease *t, json_t *rows)
{
    *t = (struct test_lease){.rows = rows, .page_size = 2, .lease = {lease_files, lease_confirm, t}};
}

void test_lease_done(struct test_lease *t)
{
    json_decref(t->rows);
}

int test_run(struct store *store, const char *kind, json_t *job, struct test_lease *t, struct result *ret,
             struct error *err)
{
    const struct mover mover = {store, pool_new(store, TEST_THREADS)}; /* anew: tests fork, and threads do not */

    assert_non_null(job);
    int r = job_kind_by_name(kind)->run(&mover, job, &t->lease, ret, err);
    pool_free(mover.pool);
    json_decref(job);
    return r;
}

json_t *test_extent(const char *object, int64_t offset, const void *bytes, size_t len)
{
    char hex[SHA256_HEX_SIZE];
    sha256_hex(bytes, len, hex);
    return json_pack("[s, I, I, s]", object, (json_int_t)offset, (json_int_t)len, hex);
}

json_t *test_upload(const char *blob, int64_t size, json_t *extents)
{
    return json_pack("{s:s, s:I, s:o}", "blob", blob, "size", (json_int_t)size, "extents", extents);
}

json_t *test_kept(const char *object, const char *name, const void *bytes, size_t len)
{
    char hex[SHA256_HEX_SIZE];
    sha256_hex(bytes, len, hex);
    return json_pack("{s:s, s:s, s:I, s:s}", "object", object, "name", name, "size", (json_int_t)len, "sha256", hex);
}
