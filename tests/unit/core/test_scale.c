/* Large requests: no upload may cost what lies there already. Times are printed; what is asserted is that the last
 * tenth of many uploads takes about as long as the first. */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define FILES 10000
#define BLOCKS 50000

static void allow_files(struct bench *b, int64_t files)
{
    AUTO_FREE char *token = bench_token(b, "admin", "", 0);
    assert_int_equal(bench_ask(b, PEER_API, MESSAGE_WORKSPACE_UPDATE,
                               json_pack("{s:s, s:s, s:s, s:{s:{s:I}}}", "token", token, "workspace", WS1, "etag", "*",
                                         "body", "policy", "max_files", (json_int_t)files),
                               NULL),
                     0);
}

static int64_t put_files(struct bench *b, int from, int to)
{
    int64_t start = clock_mono_ms();
    char name[16], object[UUID_TEXT_SIZE];
    for (int i = from; i < to; i++) {
        (void)snprintf(name, sizeof name, "f%06d", i);
        assert_int_equal(bench_put(b, name, 3, object), 0);
    }
    return clock_mono_ms() - start;
}

static int64_t list_all(struct bench *b)
{
    int64_t start = clock_mono_ms();
    AUTO_FREE char *marker = xstrdup("");
    size_t count = 0;
    do {
        AUTO_JSON json_t *ok = NULL;
        assert_int_equal(bench_blob(b, MESSAGE_BLOB_LIST,
                                    json_pack("{s:i, s:s}", "maxresults", 1000, "marker", marker), &ok),
                         0);
        count += json_array_size(json_object_get(ok, "blobs"));
        free(marker);
        marker = xstrdup(json_text(ok, "nextMarker"));
    } while (*marker);
    assert_int_equal(count, FILES);
    return clock_mono_ms() - start;
}

static void t19_ten_thousand_files(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *lease = NULL;
    AUTO_JSON json_t *shown = NULL;
    allow_files(b, FILES);
    bench_draft(b, "export");
    bench_batch(b, true);
    int64_t first = put_files(b, 0, FILES / 10);
    (void)put_files(b, FILES / 10, FILES - FILES / 10);
    int64_t last = put_files(b, FILES - FILES / 10, FILES);
    print_message("  %d uploads: first %d in %lld ms, last %d in %lld ms\n", FILES, FILES / 10, (long long)first,
                  FILES / 10, (long long)last);
    assert_true(last < 5 * first + 500);
    print_message("  list in pages: %lld ms\n", (long long)list_all(b));
    bench_batch(b, false);
    int64_t start = clock_mono_ms();
    bench_submit(b);
    print_message("  submit: %lld ms\n", (long long)(clock_mono_ms() - start));
    json_t *job = bench_lease(b, &lease);
    start = clock_mono_ms();
    assert_int_equal(bench_result(b, job, "sealed", bench_sealed_files(b, job)), 0);
    print_message("  seal messages: %lld ms\n", (long long)(clock_mono_ms() - start));
    assert_int_equal(bench_act(b, "bob", MESSAGE_REQUEST_GET, NULL, &shown), 0);
    assert_int_equal(json_array_size(json_object_get(json_object_get(shown, "airlockRequest"), "files")), FILES);
}

static int64_t commit_blocks(struct bench *b, const char *name, int count)
{
    AUTO_FREE int *order = xcalloc((size_t)count, sizeof *order);
    char id[UUID_TEXT_SIZE];
    bench_batch(b, true);
    for (int i = 0; i < count; i++) {
        order[i] = i;
        bench_stage(b, name, i, 4, NULL);
    }
    uuid_new(id);
    int64_t start = clock_mono_ms();
    assert_int_equal(bench_commit(b, name, order, (size_t)count, id), 0);
    int64_t took = clock_mono_ms() - start;
    bench_batch(b, false);
    return took;
}

static void fifty_thousand_blocks(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *range = NULL;
    AUTO_JSON json_t *whole = NULL;
    allow_files(b, 10);
    bench_draft(b, "export");
    print_message("  block list of 128: %lld ms\n", (long long)commit_blocks(b, "small", 128));
    int64_t start = clock_mono_ms();
    int64_t took = commit_blocks(b, "big", BLOCKS);
    print_message("  %d blocks staged in %lld ms, their list: %lld ms\n", BLOCKS,
                  (long long)(clock_mono_ms() - start - took), (long long)took);
    start = clock_mono_ms();
    for (int i = 0; i < 1000; i++) {
        json_decref(range);
        assert_int_equal(bench_blob(b, MESSAGE_BLOB_OPEN,
                                    json_pack("{s:s, s:i, s:i}", "blob", "big", "first", 150001, "last", 150010),
                                    &range),
                         0);
    }
    print_message("  1000 ranges: %lld ms\n", (long long)(clock_mono_ms() - start));
    assert_int_equal(json_int(range, "at"), 150000);
    assert_int_equal(json_array_size(json_object_get(range, "extents")), 3);
    assert_int_equal(bench_blob(b, MESSAGE_BLOB_OPEN, json_pack("{s:s}", "blob", "big"), &whole), 0);
    assert_true(json_dumpb(whole, NULL, 0, JSON_COMPACT) < (16U << 20)); /* a frame */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
        T(t19_ten_thousand_files),
        T(fifty_thousand_blocks),
    };
    return cmocka_run_group_tests_name("core/scale", tests, NULL, NULL);
}
