/* Blobs and blocks as airlock-blob asks for them. */
#include "harness.h"

#include <stdio.h>
#include <string.h>

static int64_t open_size(struct bench *b, const char *name, size_t *ret_extents)
{
    AUTO_JSON json_t *ok = NULL;
    if (bench_blob(b, MESSAGE_BLOB_OPEN, json_pack("{s:s}", "blob", name), &ok) != 0)
        return -1;
    *ret_extents = json_array_size(json_object_get(ok, "extents"));
    return json_int(ok, "size");
}

static void blocks_become_a_blob(void **state)
{
    struct bench *b = *state;
    int64_t first, second;
    size_t extents = 0;
    char id[UUID_TEXT_SIZE];
    bench_draft(b, "export");
    bench_stage(b, "big", 0, 8192, &first);
    bench_stage(b, "big", 1, 100, &second);
    assert_true(second >= first + 8192 || first >= second + 100); /* places never overlap */
    assert_int_equal(open_size(b, "big", &extents), -1);          /* staged is not there yet */
    uuid_new(id);
    assert_int_equal(bench_commit(b, "big", (const int[]){0, 1}, 2, id), 0);
    assert_int_equal(open_size(b, "big", &extents), 8292);
    assert_int_equal(extents, 2);
    assert_int_equal(bench_commit(b, "big", (const int[]){0, 1}, 2, id), 0); /* again: the same effect */
    assert_int_equal(bench_count(b, "upload"), 1);
}

static void a_block_sent_again_gets_a_new_place(void **state)
{
    struct bench *b = *state;
    int64_t first, again;
    bench_draft(b, "export");
    bench_stage(b, "big", 0, 4096, &first);
    bench_stage(b, "big", 0, 4096, &again);
    assert_int_not_equal(first, again);
}

static void an_unknown_block_is_refused(void **state)
{
    struct bench *b = *state;
    char id[UUID_TEXT_SIZE];
    int64_t offset;
    bench_draft(b, "export");
    bench_stage(b, "big", 0, 10, &offset);
    uuid_new(id);
    assert_int_equal(bench_commit(b, "big", (const int[]){0, 7}, 2, id), E_BLOCK_LIST);
}

static void t04_blocks_die_with_their_generation(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *ok = NULL;
    char object[UUID_TEXT_SIZE], id[UUID_TEXT_SIZE];
    int64_t offset;
    bench_draft(b, "export");
    assert_int_equal(bench_put(b, "one", 5, object), 0);
    bench_stage(b, "big", 0, 10, &offset);
    bench_submit(b);
    uuid_new(id);
    assert_int_equal(bench_commit(b, "big", (const int[]){0}, 1, id), E_SAS);
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_GET, NULL, &ok), 0);
    assert_int_equal(json_array_size(json_object_get(json_object_get(ok, "airlockRequest"), "files")), 1);
}

static void t16_twins_are_refused(void **state)
{
    struct bench *b = *state;
    char object[UUID_TEXT_SIZE];
    bench_draft(b, "export");
    assert_int_equal(bench_put(b, "Caf\xc3\xa9.txt", 5, object), 0);
    assert_int_equal(bench_put(b, "CAFE\xcc\x81.TXT", 5, object), E_CONFLICT);
    assert_int_equal(bench_put(b, "Caf\xc3\xa9.txt", 6, object), 0); /* the same name is an overwrite */
}

static void t19_submit_counts(void **state)
{
    struct bench *b = *state;
    char object[UUID_TEXT_SIZE];
    bench_draft(b, "export");
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_SUBMIT, NULL, NULL), E_CONFLICT);
    assert_int_equal(bench_put(b, "one", 5, object), 0);
    assert_int_equal(bench_put(b, "two", 5, object), 0);
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_SUBMIT, NULL, NULL), E_CONFLICT);
    assert_string_equal(bench_status(b), "draft");
    assert_int_equal(bench_blob(b, MESSAGE_BLOB_DELETE, json_pack("{s:s}", "blob", "two"), NULL), 0);
    bench_submit(b);
    assert_string_equal(bench_status(b), "submitted");
}

static void t19_submit_takes_as_many_as_the_policy(void **state)
{
    struct bench *b = *state;
    AUTO_FREE char *token = bench_token(b, "admin", "", 0);
    char object[UUID_TEXT_SIZE], name[8];
    assert_int_equal(bench_ask(b, PEER_API, MESSAGE_WORKSPACE_UPDATE,
                               json_pack("{s:s, s:s, s:s, s:{s:{s:i}}}", "token", token, "workspace", WS1, "etag", "*",
                                         "body", "policy", "max_files", 5),
                               NULL),
                     0);
    bench_draft(b, "export");
    for (int i = 0; i < 6; i++) {
        (void)snprintf(name, sizeof name, "f%d", i);
        assert_int_equal(bench_put(b, name, 0, object), 0); /* an empty file is a file */
    }
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_SUBMIT, NULL, NULL), E_CONFLICT);
    assert_non_null(strstr(bench_detail, "more than 5 files"));
    assert_int_equal(bench_blob(b, MESSAGE_BLOB_DELETE, json_pack("{s:s}", "blob", "f0"), NULL), 0);
    bench_submit(b);
}

/* Words in metadata, headers and names: what is not allowed is gone after the seal, what stays is shown. */
static void t18_only_kept_metadata_passes(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *ok = NULL;
    AUTO_JSON json_t *open = NULL;
    char object[UUID_TEXT_SIZE], digest[SHA256_HEX_SIZE];
    bench_draft(b, "export");
    uuid_new(object);
    sha256_hex("x", 1, digest);
    json_t *blob =
        json_pack("{s:s, s:s, s:i, s:s, s:{s:s, s:s, s:s}, s:{s:s, s:s}}", "blob", "con.csv", "object", object, "size",
                  1, "sha256", digest, "properties", "contentType", "text/csv", "contentLanguage", "hidden",
                  "contentMd5", "aGlkZGVu", "metadata", "Mtime", "12", "note", "hidden");
    assert_int_equal(bench_blob(b, MESSAGE_BLOB_PUT, blob, NULL), 0);
    bench_submit(b);
    bench_seal(b);
    assert_int_equal(bench_act(b, "bob", MESSAGE_REQUEST_GET, NULL, &ok), 0);
    const json_t *request = json_object_get(ok, "airlockRequest");
    const json_t *file = json_array_get(json_object_get(request, "files"), 0);
    AUTO_JSON json_t *metadata = json_pack("{s:s}", "Mtime", "12");
    AUTO_JSON json_t *warnings = json_pack("[s]", "reserved-name");
    AUTO_JSON json_t *types = json_pack("[s]", "text/csv");
    assert_true(json_equal(json_object_get(file, "metadata"), metadata));
    assert_true(json_equal(json_object_get(file, "warnings"), warnings));
    assert_true(json_equal(json_object_get(json_object_get(request, "properties"), "contentTypes"), types));
    AUTO_FREE char *all = json_dumps(ok, 0);
    assert_null(strstr(all, "hidden"));
    bench_link(b, "bob"); /* nor does the data plane give it out any more */
    assert_int_equal(bench_blob(b, MESSAGE_BLOB_OPEN, json_pack("{s:s}", "blob", "con.csv"), &open), 0);
    AUTO_FREE char *opened = json_dumps(open, 0);
    assert_null(strstr(opened, "hidden"));
    assert_null(strstr(opened, "aGlkZGVu"));
}

static void an_import_must_be_a_tree(void **state)
{
    struct bench *b = *state;
    char object[UUID_TEXT_SIZE];
    bench_draft(b, "import");
    assert_int_equal(bench_put(b, "../escape", 5, object), 0);
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_SUBMIT, NULL, NULL), E_INVALID);
    assert_non_null(strstr(bench_detail, "escape"));
    assert_string_equal(bench_status(b), "draft");
}

static void t20_the_quota_holds(void **state)
{
    struct bench *b = *state;
    char object[UUID_TEXT_SIZE];
    bench_draft(b, "export");
    assert_int_equal(bench_put(b, "huge", 1000001, object), E_TOO_LARGE);
    assert_int_equal(bench_put(b, "fits", 1000000, object), 0);
    assert_int_equal(bench_put(b, "more", 1, object), E_TOO_LARGE);
}

/* Uploads that run beside each other are each small enough; together they may not fill the disk. */
static void t20_the_quota_sees_uploads_under_way(void **state)
{
    struct bench *b = *state;
    bench_draft(b, "export");
    for (int64_t pending = 0; pending <= 10000000; pending += 10000000) {
        json_t *fields =
            json_pack("{s:s, s:I, s:I}", "blob", "one", "size", (json_int_t)1000000, "pending", (json_int_t)pending);
        assert_int_equal(bench_blob(b, MESSAGE_BLOB_BEGIN, fields, NULL), pending ? E_TOO_LARGE : 0);
    }
}

static void t20_the_quota_counts_what_is_replaced_once(void **state)
{
    struct bench *b = *state;
    char object[UUID_TEXT_SIZE];
    bench_draft(b, "export");
    assert_int_equal(bench_put(b, "large", 900000, object), 0);
    assert_int_equal(bench_put(b, "large", 1000000, object), 0);
    assert_int_equal(bench_put(b, "large", 1000001, object), E_TOO_LARGE);
}

static void t20_the_quota_holds_for_blocks_too(void **state)
{
    struct bench *b = *state;
    bench_draft(b, "export");
    for (int i = 0; i < 4; i++)
        assert_int_equal(bench_begin_block(b, i % 2 ? "one" : "two", 0, 500000), 0);
    assert_int_equal(bench_begin_block(b, "three", 0, 1), E_TOO_LARGE);
    assert_int_equal(bench_blob(b, MESSAGE_BLOB_DELETE, json_pack("{s:s}", "blob", "one"), NULL), 0);
    assert_int_equal(bench_begin_block(b, "three", 0, 1), 0);
}

static void t19_a_draft_has_an_end(void **state)
{
    struct bench *b = *state;
    char object[UUID_TEXT_SIZE], name[16];
    int count = 0, r;
    bench_draft(b, "export");
    do {
        (void)snprintf(name, sizeof name, "f%d", count);
        r = count % 2 ? bench_put(b, name, 0, object) : bench_begin_block(b, name, 0, 1);
    } while (r == 0 && ++count < 2000);
    assert_int_equal(r, E_TOO_LARGE);
    assert_in_range(count, 1000, 1010);
}

static void t04_blocks_die_with_revoked_links(void **state)
{
    struct bench *b = *state;
    char id[UUID_TEXT_SIZE];
    int64_t offset;
    bench_draft(b, "export");
    bench_stage(b, "big", 0, 10, &offset);
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_LINK_REVOKE_ALL, NULL, NULL), 0);
    bench_link(b, "alice");
    uuid_new(id);
    assert_int_equal(bench_commit(b, "big", (const int[]){0}, 1, id), E_BLOCK_LIST);
    assert_int_equal(bench_begin_block(b, "more", 1, 1000000), 0);
    assert_int_equal(bench_begin_block(b, "more", 2, 1000000), E_TOO_LARGE); /* what lies on the disk counts */
    int64_t again;
    bench_stage(b, "big", 0, 10, &again);
    assert_true(again >= offset + 10); /* an old writer may still be at the old place */
    assert_int_equal(bench_commit(b, "big", (const int[]){0}, 1, id), 0);
}

static void an_upload_may_outlive_its_link(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *link = NULL;
    char object[UUID_TEXT_SIZE];
    bench_draft(b, "export");
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_LINK, json_pack("{s:i}", "expiresIn", 1), &link), 0);
    bench_take_link(b, json_text(link, "containerUrl"));
    (void)sleep(2);
    assert_int_equal(bench_blob(b, MESSAGE_BLOB_BEGIN, json_pack("{s:s, s:i}", "blob", "late", "size", 5), NULL),
                     E_SAS);
    assert_int_equal(bench_put(b, "late", 5, object), 0);
}

/* [first, last] of "big": the extents' number, and where in the blob the first begins. */
static size_t open_range(struct bench *b, int64_t first, int64_t last, int64_t *ret_at)
{
    AUTO_JSON json_t *ok = NULL;
    assert_int_equal(
        bench_blob(b, MESSAGE_BLOB_OPEN,
                   json_pack("{s:s, s:I, s:I}", "blob", "big", "first", (json_int_t)first, "last", (json_int_t)last),
                   &ok),
        0);
    *ret_at = json_int(ok, "at");
    return json_array_size(json_object_get(ok, "extents"));
}

static void a_range_is_told_its_extents_only(void **state)
{
    struct bench *b = *state;
    char id[UUID_TEXT_SIZE];
    int64_t at;
    bench_draft(b, "export");
    for (int i = 0; i < 10; i++)
        bench_stage(b, "big", i, i == 5 ? 0 : 100, &at); /* block 5 is empty */
    uuid_new(id);
    assert_int_equal(bench_commit(b, "big", (const int[]){0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 10, id), 0);
    assert_int_equal(open_range(b, 0, 0, &at), 1);
    assert_int_equal(at, 0);
    assert_int_equal(open_range(b, 199, 200, &at), 2);
    assert_int_equal(at, 100);
    assert_int_equal(open_range(b, 450, 550, &at), 2); /* the empty one is not told */
    assert_int_equal(at, 400);
    assert_int_equal(open_range(b, 500, 500, &at), 1);
    assert_int_equal(at, 500);
    assert_int_equal(open_range(b, 899, 5000, &at), 1);
    assert_int_equal(at, 800);
    assert_int_equal(open_range(b, 0, INT64_MAX, &at), 9);
    assert_int_equal(
        bench_blob(b, MESSAGE_BLOB_OPEN, json_pack("{s:s, s:i, s:i}", "blob", "big", "first", 9, "last", 8), NULL),
        E_INVALID);
}

static int update(struct bench *b, const char *name, const char *part, const char *key, const char *value,
                  const char *if_match, json_t **ret_ok)
{
    return bench_blob(b, MESSAGE_BLOB_UPDATE,
                      json_pack("{s:s, s:{s:s}, s:{s:s}}", "blob", name, part, key, value, "cond", "ifMatch", if_match),
                      ret_ok);
}

static void an_update_replaces_one_part(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *first = NULL;
    AUTO_JSON json_t *second = NULL;
    AUTO_JSON json_t *open = NULL;
    char object[UUID_TEXT_SIZE];
    bench_draft(b, "export");
    assert_int_equal(bench_put(b, "one", 5, object), 0);
    assert_int_equal(update(b, "one", "metadata", "k", "v", "*", &first), 0);
    assert_int_equal(update(b, "one", "properties", "contentType", "a/b", json_text(first, "etag"), &second), 0);
    assert_string_not_equal(json_text(first, "etag"), json_text(second, "etag"));
    assert_int_equal(update(b, "one", "metadata", "k", "w", json_text(first, "etag"), NULL), E_CONDITION);
    assert_int_equal(bench_blob(b, MESSAGE_BLOB_OPEN, json_pack("{s:s}", "blob", "one"), &open), 0);
    const json_t *metadata = json_object_get(open, "metadata");
    assert_int_equal(json_object_size(metadata), 1);
    assert_string_equal(json_text(metadata, "k"), "v");
    assert_string_equal(json_text(json_object_get(open, "properties"), "contentType"), "a/b");
    assert_string_equal(json_text(open, "etag"), json_text(second, "etag"));
    assert_int_equal(json_int(open, "modified"), json_int(second, "modified"));
    assert_int_equal(bench_count(b, "update"), 2);
    assert_int_equal(update(b, "two", "metadata", "k", "v", "", NULL), E_BLOB_NOT_FOUND);
    assert_int_equal(bench_blob(b, MESSAGE_BLOB_UPDATE, json_pack("{s:s}", "blob", "one"), NULL), E_INVALID);
}

static void an_update_needs_a_link_that_writes(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *link = NULL;
    char object[UUID_TEXT_SIZE];
    bench_draft(b, "export");
    assert_int_equal(bench_put(b, "one", 5, object), 0);
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_LINK, json_pack("{s:s}", "permissions", "rcl"), &link), 0);
    bench_take_link(b, json_text(link, "containerUrl"));
    assert_int_equal(update(b, "one", "metadata", "k", "v", "", NULL), E_SAS_PERMISSION);
}

static size_t list_names(struct bench *b, json_t *fields, json_t **ret_ok)
{
    assert_int_equal(bench_blob(b, MESSAGE_BLOB_LIST, fields, ret_ok), 0);
    return json_array_size(json_object_get(*ret_ok, "blobs"));
}

static void lists_have_pages_and_prefixes(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *flat = NULL;
    AUTO_JSON json_t *page = NULL;
    AUTO_JSON json_t *tree = NULL;
    char object[UUID_TEXT_SIZE];
    bench_draft(b, "export");
    const char *names[] = {"a", "d/1", "d/2", "d/e/3", "z"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_int_equal(bench_put(b, names[i], 1, object), 0);
    assert_int_equal(list_names(b, json_pack("{s:i}", "maxresults", 5000), &flat), 5);
    assert_int_equal(list_names(b, json_pack("{s:i, s:s}", "maxresults", 1, "delimiter", "/"), &page), 1);
    assert_string_equal(json_text(page, "nextMarker"), "d/1");
    assert_int_equal(
        list_names(b, json_pack("{s:i, s:s, s:s}", "maxresults", 10, "delimiter", "/", "marker", "d/1"), &tree), 1);
    assert_int_equal(json_array_size(json_object_get(tree, "prefixes")), 1);
    assert_string_equal(json_string_value(json_array_get(json_object_get(tree, "prefixes"), 0)), "d/");
}

static void a_page_of_large_metadata_is_cut(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *first = NULL;
    AUTO_JSON json_t *rest = NULL;
    AUTO_FREE char *large = xcalloc(30001, 1);
    bench_draft(b, "export");
    memset(large, 'm', 30000);
    for (int i = 0; i < 160; i++) { /* 4.8 MB */
        char name[16], object[UUID_TEXT_SIZE], digest[SHA256_HEX_SIZE];
        (void)snprintf(name, sizeof name, "file-%03d", i);
        uuid_new(object);
        sha256_hex(name, strlen(name), digest);
        assert_int_equal(bench_blob(b, MESSAGE_BLOB_PUT,
                                    json_pack("{s:s, s:s, s:i, s:s, s:{}, s:{s:s}}", "blob", name, "object", object,
                                              "size", 1, "sha256", digest, "properties", "metadata", "m", large),
                                    NULL),
                         0);
    }
    size_t count = list_names(b, json_pack("{s:i, s:b}", "maxresults", 5000, "metadata", 1), &first);
    assert_in_range(count, 100, 159);
    assert_int_equal(list_names(b,
                                json_pack("{s:i, s:b, s:s}", "maxresults", 5000, "metadata", 1, "marker",
                                          json_text(first, "nextMarker")),
                                &rest),
                     160 - count);
}

static void objects_nothing_refers_to_are_named(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *ok = NULL;
    char first[UUID_TEXT_SIZE], second[UUID_TEXT_SIZE];
    bench_draft(b, "export");
    assert_int_equal(bench_put(b, "one", 5, first), 0);
    assert_int_equal(bench_put(b, "one", 5, second), 0);
    assert_int_equal(bench_ask(b, PEER_BLOB_WORKSPACE, MESSAGE_OBJECT_KNOWN,
                               json_pack("{s:s, s:[s,s]}", "dir", "x", "objects", first, second), &ok),
                     0);
    assert_int_equal(json_array_size(json_object_get(ok, "unknown")), 1);
    assert_string_equal(json_string_value(json_array_get(json_object_get(ok, "unknown"), 0)), first);
}

static int put_as(struct bench *b, const char *name, const char *object)
{
    char digest[SHA256_HEX_SIZE];
    sha256_hex(name, strlen(name), digest);
    return bench_blob(b, MESSAGE_BLOB_PUT,
                      json_pack("{s:s, s:s, s:i, s:s, s:{}, s:{}}", "blob", name, "object", object, "size", 5, "sha256",
                                digest, "properties", "metadata"),
                      NULL);
}

/* The answer was lost, the request went on, the frame comes again: a refusal would cost the bytes that were counted. */
static void a_commit_that_counted_is_never_refused_later(void **state)
{
    struct bench *b = *state;
    char object[UUID_TEXT_SIZE], id[UUID_TEXT_SIZE];
    int64_t offset;
    bench_draft(b, "export");
    assert_int_equal(bench_put(b, "one", 5, object), 0);
    bench_submit(b);
    assert_int_equal(put_as(b, "one", object), 0);
    uuid_new(object);
    assert_int_equal(put_as(b, "one", object), E_SAS); /* another commit is what it always was */
    bench_draft(b, "export");
    bench_stage(b, "big", 0, 10, &offset);
    uuid_new(id);
    assert_int_equal(bench_commit(b, "big", (const int[]){0}, 1, id), 0);
    bench_submit(b);
    assert_int_equal(bench_commit(b, "big", (const int[]){0}, 1, id), 0);
    assert_int_equal(bench_count(b, "upload"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
        T(blocks_become_a_blob),
        T(a_block_sent_again_gets_a_new_place),
        T(an_unknown_block_is_refused),
        T(t04_blocks_die_with_their_generation),
        T(t16_twins_are_refused),
        T(t19_submit_counts),
        T(t19_submit_takes_as_many_as_the_policy),
        T(t18_only_kept_metadata_passes),
        T(an_import_must_be_a_tree),
        T(t20_the_quota_holds),
        T(t20_the_quota_sees_uploads_under_way),
        T(t20_the_quota_counts_what_is_replaced_once),
        T(t20_the_quota_holds_for_blocks_too),
        T(t19_a_draft_has_an_end),
        T(t04_blocks_die_with_revoked_links),
        T(an_upload_may_outlive_its_link),
        T(a_range_is_told_its_extents_only),
        T(an_update_replaces_one_part),
        T(an_update_needs_a_link_that_writes),
        T(lists_have_pages_and_prefixes),
        T(a_page_of_large_metadata_is_cut),
        T(objects_nothing_refers_to_are_named),
        T(a_commit_that_counted_is_never_refused_later),
    };
    return cmocka_run_group_tests_name("core/blobs", tests, NULL, NULL);
}
