/* Counters of what requests hold, quotas, and commits that come again. */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#include "core/usage.h"

static void change_workspace(struct bench *b, const char *policy, int64_t value)
{
    AUTO_FREE char *token = bench_token(b, "admin", "", 0);
    assert_int_equal(bench_ask(b, PEER_API, MESSAGE_WORKSPACE_UPDATE,
                               json_pack("{s:s, s:s, s:s, s:{s:{s:I}}}", "token", token, "workspace", WS1, "etag", "*",
                                         "body", "policy", policy, (json_int_t)value),
                               NULL),
                     0);
}

static int64_t holding(struct bench *b, const char *subject)
{
    AUTO_ROWS struct db_rows *row = NULL;
    return db_first(b->core.db, Q_HOLDING_GET, ARGS(DB_T(WS1), DB_T(subject)), &row, NULL) == 1 ? db_int(row, 0) : 0;
}

/* What the counters should say, from the rows. */
static struct usage sums(struct bench *b, const char *request)
{
    AUTO_ROWS struct db_rows *blobs = NULL;
    AUTO_ROWS struct db_rows *staged = NULL;
    struct usage u = {0};
    assert_int_equal(db_select(b->core.db, Q_BLOB_SUMMED, ARGS(DB_T(request)), &blobs, NULL), 0);
    while (db_rows_next(blobs, NULL) == 1) {
        u.files++;
        u.bytes += db_int(blobs, 1);
        u.held += db_int(blobs, 2);
        for (int column = 0; column < 5; column += column == 0 ? 3 : 1)
            u.text_bytes += (int64_t)strlen(db_text(blobs, column));
    }
    assert_int_equal(db_select(b->core.db, Q_STAGING_SUMMED, ARGS(DB_T(request)), &staged, NULL), 0);
    while (db_rows_next(staged, NULL) == 1) {
        u.staged_names++;
        u.staged_bytes += db_int(staged, 0);
        u.held += db_int(staged, 0);
    }
    return u;
}

static void assert_counted(struct bench *b, const char *const *requests, size_t count)
{
    int64_t held = 0;
    for (size_t i = 0; i < count; i++) {
        struct usage counted, expected = sums(b, requests[i]);
        assert_int_equal(usage_load(&b->core, requests[i], &counted, NULL), 0);
        assert_int_equal(counted.files, expected.files);
        assert_int_equal(counted.bytes, expected.bytes);
        assert_int_equal(counted.staged_names, expected.staged_names);
        assert_int_equal(counted.staged_bytes, expected.staged_bytes);
        assert_int_equal(counted.text_bytes, expected.text_bytes);
        assert_int_equal(counted.held, expected.held);
        held += counted.held;
    }
    assert_int_equal(holding(b, "alice"), held);
    assert_int_equal(holding(b, ""), held);
}

static void random_step(struct bench *b)
{
    char name[8], object[UUID_TEXT_SIZE];
    int first = rand() % 4, second = rand() % 4;
    (void)snprintf(name, sizeof name, "n%d", rand() % 6);
    uuid_new(object);
    switch (rand() % 6) { /* refusals are steps too: they must count nothing */
    case 0:
        (void)bench_put(b, name, rand() % 200000, object);
        break;
    case 1:
        (void)bench_blob(b, MESSAGE_BLOB_DELETE, json_pack("{s:s}", "blob", name), NULL);
        break;
    case 2:
        (void)bench_blob(b, MESSAGE_BLOB_UPDATE,
                         json_pack("{s:s, s:{s:s}}", "blob", name, "metadata", "key", object + rand() % 30), NULL);
        break;
    case 3:
        (void)bench_commit(b, name, (const int[]){first, second}, (size_t)(rand() % 3), object);
        break;
    default:
        if (bench_begin_block(b, name, first, rand() % 100000) == 0)
            bench_stage(b, name, second, 10, NULL);
        break;
    }
}

static void counters_are_the_sums(void **state)
{
    struct bench *b = *state;
    char first[UUID_TEXT_SIZE];
    srand(7);
    bench_draft(b, "export");
    assert_true(str_copy(first, sizeof first, b->request));
    bench_draft(b, "export");
    const char *const requests[] = {first, b->request};
    for (int i = 0; i < 400; i++) {
        random_step(b);
        if (i % 20 == 0)
            assert_counted(b, requests, ARRAY_LEN(requests));
    }
    assert_counted(b, requests, ARRAY_LEN(requests));
}

/* From the draft to the purge: what lies on the disk counts, and no longer than it lies there. */
static void held_bytes_end_with_the_purge(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *lease = NULL;
    char object[UUID_TEXT_SIZE];
    bench_draft(b, "export");
    assert_int_equal(bench_put(b, "one", 1000, object), 0);
    bench_stage(b, "two", 0, 500, NULL);
    assert_int_equal(holding(b, "alice"), 1500);
    bench_submit(b);
    assert_int_equal(holding(b, "alice"), 1500); /* the blocks lie there until the sweep */
    bench_seal(b);
    assert_int_equal(holding(b, "alice"), 1000);
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_CANCEL, NULL, NULL), 0);
    assert_int_equal(holding(b, "alice"), 1000);
    json_t *job = bench_lease(b, &lease);
    assert_string_equal(json_text(job, "kind"), "purge");
    assert_int_equal(bench_result(b, job, "purged", NULL), 0);
    assert_int_equal(holding(b, "alice"), 0);
    assert_int_equal(holding(b, ""), 0);
}

/* Whoever stages much and lists little has the bytes on the disk all the same. */
static void t20_unlisted_blocks_count(void **state)
{
    struct bench *b = *state;
    char id[UUID_TEXT_SIZE];
    bench_draft(b, "export");
    for (int i = 0; i < 3; i++) {
        const char *name = i == 0 ? "a" : i == 1 ? "b" : "c";
        bench_stage(b, name, 0, 900000, NULL);
        bench_stage(b, name, 1, 1, NULL);
        uuid_new(id);
        assert_int_equal(bench_commit(b, name, (const int[]){1}, 1, id), 0);
    }
    assert_int_equal(holding(b, "alice"), 2700003);
    assert_int_equal(bench_begin_block(b, "d", 0, 900000), E_TOO_LARGE);
    assert_int_equal(bench_blob(b, MESSAGE_BLOB_DELETE, json_pack("{s:s}", "blob", "a"), NULL), 0);
    assert_int_equal(bench_begin_block(b, "d", 0, 900000), 0);
}

static void t20_a_persons_quota_holds(void **state)
{
    struct bench *b = *state;
    char object[UUID_TEXT_SIZE];
    change_workspace(b, "max_bytes_per_user", 1000);
    bench_draft(b, "export");
    assert_int_equal(bench_put(b, "one", 600, object), 0);
    bench_draft(b, "export");
    assert_int_equal(bench_blob(b, MESSAGE_BLOB_BEGIN, json_pack("{s:s, s:i}", "blob", "two", "size", 401), NULL),
                     E_TOO_LARGE);
    assert_non_null(strstr(bench_detail, "quota of one person"));
    assert_non_null(strstr(bench_detail, "1000"));
    assert_non_null(strstr(bench_detail, "600"));
    assert_int_equal(bench_put(b, "two", 401, object), E_TOO_LARGE); /* and in the commit */
    assert_int_equal(bench_begin_block(b, "two", 0, 401), E_TOO_LARGE);
    assert_int_equal(bench_count(b, "refused"), 3);
    assert_int_equal(bench_put(b, "two", 400, object), 0);
    assert_int_equal(bench_put(b, "two", 300, object), 0); /* smaller always fits */
    assert_string_equal(bench_status(b), "draft");         /* the state API goes on */
    bench_submit(b);
    bench_create(b, "dave", "export");
    bench_link(b, "dave");
    assert_int_equal(bench_put(b, "one", 1000, object), 0); /* another person's quota */
}

static void t20_a_workspaces_quota_holds(void **state)
{
    struct bench *b = *state;
    char object[UUID_TEXT_SIZE];
    change_workspace(b, "max_bytes_per_workspace", 1000);
    bench_draft(b, "export");
    assert_int_equal(bench_put(b, "one", 600, object), 0);
    bench_create(b, "dave", "export");
    bench_link(b, "dave");
    assert_int_equal(bench_put(b, "two", 401, object), E_TOO_LARGE);
    assert_non_null(strstr(bench_detail, "quota of this workspace"));
    assert_int_equal(bench_put(b, "two", 400, object), 0);
    change_workspace(b, "max_bytes_per_workspace", 500); /* lowered below what is there: less is still welcome */
    assert_int_equal(bench_put(b, "two", 300, object), 0);
    assert_int_equal(bench_blob(b, MESSAGE_BLOB_DELETE, json_pack("{s:s}", "blob", "two"), NULL), 0);
    change_workspace(b, "max_bytes_per_workspace", 0); /* no limit */
    assert_int_equal(bench_put(b, "two", 900000, object), 0);
}

static int put_as(struct bench *b, const char *name, const char *object, json_t **ret_ok)
{
    char digest[SHA256_HEX_SIZE];
    sha256_hex(name, strlen(name), digest);
    return bench_blob(b, MESSAGE_BLOB_PUT,
                      json_pack("{s:s, s:s, s:i, s:s, s:{}, s:{}}", "blob", name, "object", object, "size", 5, "sha256",
                                digest, "properties", "metadata"),
                      ret_ok);
}

/* The first answer was lost, another upload replaced the content, the frame comes again: its object is gone and must
 * not come back. */
static void a_repeat_after_a_replacement_changes_nothing(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *answer = NULL;
    AUTO_JSON json_t *again = NULL;
    AUTO_JSON json_t *open = NULL;
    char lost[UUID_TEXT_SIZE], fresh[UUID_TEXT_SIZE];
    bench_draft(b, "export");
    uuid_new(lost);
    uuid_new(fresh);
    assert_int_equal(put_as(b, "one", lost, &answer), 0);
    assert_int_equal(put_as(b, "one", fresh, NULL), 0);
    assert_int_equal(put_as(b, "one", lost, &again), 0);
    assert_string_equal(json_text(again, "etag"), json_text(answer, "etag"));
    assert_int_equal(json_array_size(json_object_get(again, "drop")), 0);
    assert_int_equal(bench_blob(b, MESSAGE_BLOB_OPEN, json_pack("{s:s}", "blob", "one"), &open), 0);
    const json_t *extent = json_array_get(json_object_get(open, "extents"), 0);
    assert_string_equal(json_string_value(json_array_get(extent, 0)), fresh);
    assert_int_equal(put_as(b, "two", fresh, NULL), E_INVALID); /* one object is one file's */
}

static void a_repeat_after_a_deletion_changes_nothing(void **state)
{
    struct bench *b = *state;
    char object[UUID_TEXT_SIZE], id[UUID_TEXT_SIZE];
    bench_draft(b, "export");
    uuid_new(object);
    uuid_new(id);
    assert_int_equal(put_as(b, "one", object, NULL), 0);
    bench_stage(b, "big", 0, 10, NULL);
    assert_int_equal(bench_commit(b, "big", (const int[]){0}, 1, id), 0);
    assert_int_equal(bench_blob(b, MESSAGE_BLOB_DELETE, json_pack("{s:s}", "blob", "one"), NULL), 0);
    assert_int_equal(bench_blob(b, MESSAGE_BLOB_DELETE, json_pack("{s:s}", "blob", "big"), NULL), 0);
    assert_int_equal(put_as(b, "one", object, NULL), 0);
    assert_int_equal(bench_commit(b, "big", (const int[]){0}, 1, id), 0);
    assert_int_equal(bench_blob(b, MESSAGE_BLOB_OPEN, json_pack("{s:s}", "blob", "one"), NULL), E_BLOB_NOT_FOUND);
    assert_int_equal(bench_blob(b, MESSAGE_BLOB_OPEN, json_pack("{s:s}", "blob", "big"), NULL), E_BLOB_NOT_FOUND);
}

static void uses_of_a_link_are_told_once_a_minute(void **state)
{
    struct bench *b = *state;
    bench_draft(b, "export");
    for (int i = 0; i < 20; i++)
        bench_stage(b, "big", i, 10, NULL);
    for (int i = 0; i < 5; i++)
        assert_int_equal(bench_blob(b, MESSAGE_BLOB_LIST, json_pack("{s:i}", "maxresults", 1), NULL), 0);
    assert_in_range(bench_count(b, "use"), 2, 4); /* 2; twice that when a minute began in between */
    int64_t before = bench_count(b, "use");
    assert_int_equal(bench_blob(b, MESSAGE_BLOB_LIST,
                                json_pack("{s:i, s:s}", "maxresults", 1, "address", "127.0.0.2"), NULL), 0);
    assert_true(bench_count(b, "use") > before);
}

static void names_and_metadata_have_an_end(void **state)
{
    struct bench *b = *state;
    AUTO_FREE char *large = xcalloc(50001, 1);
    char name[16], object[UUID_TEXT_SIZE], digest[SHA256_HEX_SIZE];
    int count = 0, r;
    memset(large, 'm', 50000);
    bench_draft(b, "export");
    do {
        (void)snprintf(name, sizeof name, "f%d", count);
        uuid_new(object);
        sha256_hex(name, strlen(name), digest);
        r = bench_blob(b, MESSAGE_BLOB_PUT,
                       json_pack("{s:s, s:s, s:i, s:s, s:{}, s:{s:s}}", "blob", name, "object", object, "size", 1,
                                 "sha256", digest, "properties", "metadata", "m", large),
                       NULL);
    } while (r == 0 && ++count < 1000);
    assert_int_equal(r, E_TOO_LARGE);
    assert_in_range(count, 100, 130); /* 6 MiB */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
        T(counters_are_the_sums),
        T(held_bytes_end_with_the_purge),
        T(t20_unlisted_blocks_count),
        T(t20_a_persons_quota_holds),
        T(t20_a_workspaces_quota_holds),
        T(a_repeat_after_a_replacement_changes_nothing),
        T(a_repeat_after_a_deletion_changes_nothing),
        T(uses_of_a_link_are_told_once_a_minute),
        T(names_and_metadata_have_an_end),
    };
    return cmocka_run_group_tests_name("core/usage", tests, NULL, NULL);
}
