/* Whole lives of requests through core, and what each step leaves behind. */
#include "harness.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/blobs.h"

static void review(struct bench *b, bool approve)
{
    assert_int_equal(bench_act(b, "bob", MESSAGE_REQUEST_REVIEW,
                               json_pack("{s:b, s:s}", "approval", approve, "decisionExplanation", "because"), NULL),
                     0);
}

static void to_review(struct bench *b, const char *type)
{
    char object[UUID_TEXT_SIZE];
    bench_create(b, "alice", type);
    bench_link(b, "alice");
    assert_int_equal(bench_put(b, "result.txt", 5, object), 0);
    bench_submit(b);
    assert_string_equal(bench_status(b), "submitted");
    bench_seal(b);
    assert_string_equal(bench_status(b), "in_review");
}

static void finish(struct bench *b, const char *kind, const char *outcome)
{
    AUTO_JSON json_t *lease = NULL;
    json_t *job = bench_lease(b, &lease);
    assert_non_null(job);
    assert_string_equal(json_text(job, "kind"), kind);
    assert_int_equal(bench_result(b, job, outcome, NULL), 0);
}

static void an_export_is_approved(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *ok = NULL;
    to_review(b, "export");
    review(b, true);
    assert_string_equal(bench_status(b), "approval_in_progress");
    finish(b, "move", "moved");
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_GET, NULL, &ok), 0);
    const json_t *shown = json_object_get(ok, "airlockRequest");
    const json_t *file = json_array_get(json_object_get(shown, "files"), 0);
    assert_string_equal(json_text(shown, "status"), "approved");
    assert_string_equal(json_text(file, "name"), "result.txt");
    assert_int_equal(strlen(json_text(file, "sha256")), 64);
    assert_int_equal(strlen(json_text(json_object_get(shown, "properties"), "manifestDigest")), 64);
    assert_string_equal(json_text(json_object_get(shown, "properties"), "scan"), "not scanned by policy");
    assert_int_equal(json_array_size(json_object_get(shown, "history")), 4);
    assert_int_equal(bench_count(b, "transition"), 5); /* create, submit, sealed, approve, moved */
}

static void an_import_is_delivered_and_revoked(void **state)
{
    struct bench *b = *state;
    to_review(b, "import");
    review(b, true);
    finish(b, "move", "moved");
    finish(b, "deliver", "delivered");
    assert_int_equal(bench_count(b, "delivered"), 1);
    assert_int_equal(bench_act(b, "bob", MESSAGE_REQUEST_REVOKE, json_pack("{s:s}", "reason", "mistake"), NULL), 0);
    finish(b, "remove", "removed");
    assert_string_equal(bench_status(b), "revoked");
}

static void what_was_revoked_is_not_delivered(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *lease = NULL;
    AUTO_JSON json_t *none = NULL;
    to_review(b, "import");
    review(b, true);
    finish(b, "move", "moved");
    json_t *deliver = bench_lease(b, &lease);
    assert_string_equal(json_text(deliver, "kind"), "deliver");
    assert_int_equal(bench_act(b, "bob", MESSAGE_REQUEST_REVOKE, json_pack("{s:s}", "reason", "mistake"), NULL), 0);
    assert_int_equal(bench_result(b, deliver, "delivered", NULL), E_STALE);
    finish(b, "remove", "removed");
    assert_null(bench_lease(b, &none));
    assert_int_equal(bench_count(b, "delivered"), 0);
}

/* What the process logs while fn runs, as text. The caller's. */
static char *logged(void (*fn)(struct bench *b, const json_t *job), struct bench *b, const json_t *job)
{
    AUTO_FD int was = dup(STDERR_FILENO);
    AUTO_FD int log = memfd_create("log", MFD_CLOEXEC);
    char *text = xcalloc(1, 65536);

    assert_int_equal(dup2(log, STDERR_FILENO), STDERR_FILENO);
    fn(b, job);
    assert_int_equal(dup2(was, STDERR_FILENO), STDERR_FILENO);
    assert_true(pread(log, text, 65535, 0) >= 0);
    return text;
}

static void deliver_other_bytes(struct bench *b, const json_t *job)
{
    json_t *fields = json_pack("{s:I, s:I, s:s, s:s, s:s}", "job", (json_int_t)json_int(job, "id"), "token",
                               (json_int_t)json_int(job, "token"), "outcome", "error", "code", "stale", "detail",
                               "The object o no longer has the bytes that were sealed");
    assert_int_equal(bench_ask(b, PEER_MOVER, MESSAGE_JOB_RESULT, fields, NULL), 0);
}

static void other_bytes_at_delivery_alarm_at_once(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *lease = NULL;
    to_review(b, "import");
    review(b, true);
    finish(b, "move", "moved");
    json_t *deliver = bench_lease(b, &lease);
    AUTO_FREE char *text = logged(deliver_other_bytes, b, deliver);
    assert_non_null(strstr(text, "\"alarm\""));
    assert_non_null(strstr(text, b->request));
    assert_int_equal(bench_count(b, "delivered"), 0);
}

static void a_rejected_request_stays_rejected(void **state)
{
    struct bench *b = *state;
    to_review(b, "export");
    review(b, false);
    finish(b, "move", "moved");
    assert_string_equal(bench_status(b), "rejected");
    assert_int_equal(bench_act(b, "carol", MESSAGE_REQUEST_CANCEL, NULL, NULL), E_CONFLICT);
}

static void a_cancelled_draft_is_purged(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *lease = NULL;
    bench_create(b, "alice", "export");
    bench_link(b, "alice");
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_CANCEL, NULL, NULL), 0);
    assert_null(bench_lease(b, &lease)); /* a writer may still be at it */
    assert_int_equal(bench_ask(b, PEER_BLOB_WORKSPACE, MESSAGE_BLOB_DRAINED, json_pack("{s:i}", "drain", 1), NULL), 0);
    finish(b, "purge", "purged");
}

static void metadata_does_not_pass_the_door(void **state) /* T18 */
{
    struct bench *b = *state;
    AUTO_JSON json_t *ok = NULL;
    to_review(b, "export");
    bench_link(b, "bob");
    assert_int_equal(bench_blob(b, MESSAGE_BLOB_OPEN, json_pack("{s:s, s:b}", "blob", "result.txt", "body", 1), &ok),
                     0);
    assert_int_equal(json_object_size(json_object_get(ok, "metadata")), 0);
    assert_string_equal(json_text(json_object_get(ok, "properties"), "contentType"), "text/plain");
    assert_int_equal(bench_count(b, "download"), 1);
}

static void a_download_in_ranges_is_closed_once(void **state)
{
    struct bench *b = *state;
    struct error err = {0};
    to_review(b, "export");
    bench_link(b, "bob");
    for (int i = 0; i < 3; i++) {
        AUTO_JSON json_t *ok = NULL;
        assert_int_equal(
            bench_blob(b, MESSAGE_BLOB_OPEN, json_pack("{s:s, s:b}", "blob", "result.txt", "body", 1), &ok), 0);
        assert_int_equal(bench_ask(b, PEER_BLOB_WORKSPACE, MESSAGE_BLOB_CLOSED,
                                   json_pack("{s:I, s:i}", "use", (json_int_t)json_int(ok, "use"), "sent", 100), NULL),
                         0);
    }
    assert_int_equal(downloads_tell_ended(&b->core, clock_now_us(), &err), 0); /* too early */
    assert_int_equal(bench_count(b, "download.end"), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(downloads_tell_ended(&b->core, clock_now_us() + 60000000, &err), 0);
    assert_int_equal(bench_count(b, "download.end"), 1);
}

static void a_list_of_long_texts_has_pages(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *first = NULL;
    AUTO_JSON json_t *rest = NULL;
    AUTO_FREE char *text = xcalloc(40001, 1);
    for (size_t i = 0; i < 40000; i += 4)
        memcpy(text + i, "\xf0\x9f\x98\x80", 4);
    for (int i = 0; i < 120; i++) /* 4.8 MB */
        assert_int_equal(
            bench_act(b, "alice", MESSAGE_REQUEST_CREATE,
                      json_pack("{s:s, s:s, s:s}", "type", "export", "title", "T", "businessJustification", text),
                      NULL),
            0);
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_LIST, NULL, &first), 0);
    size_t count = json_array_size(json_object_get(first, "airlockRequests"));
    assert_in_range(count, 80, 119);
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_LIST,
                               json_pack("{s:s}", "cursor", json_text(first, "nextCursor")), &rest),
                     0);
    assert_int_equal(json_array_size(json_object_get(rest, "airlockRequests")), 120 - count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_export_is_approved, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(an_import_is_delivered_and_revoked, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(what_was_revoked_is_not_delivered, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(other_bytes_at_delivery_alarm_at_once, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(a_rejected_request_stays_rejected, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(a_cancelled_draft_is_purged, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(a_download_in_ranges_is_closed_once, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(metadata_does_not_pass_the_door, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(a_list_of_long_texts_has_pages, bench_setup, bench_teardown),
    };
    return cmocka_run_group_tests_name("core/lifecycle", tests, NULL, NULL);
}
