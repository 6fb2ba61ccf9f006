/* What the events of whole lives say: every document fits the schema of its kind, and every kind is told when it
 * should. */
#include "harness.h"

#include <string.h>

#include "core/events.h"
#include "model/cloud_event_schema.h"
#include "schema_check.h"

#define BASE "https://airlock.example.org"

static int data_setup(void **state)
{
    assert_int_equal(bench_setup(state), 0);
    struct bench *b = *state;
    b->core.config.api_url = BASE;
    return 0;
}

/* A request in review, sealed with two files. */
static void in_review(struct bench *b, const char *type)
{
    char object[UUID_TEXT_SIZE];
    bench_draft(b, type);
    assert_int_equal(bench_put(b, "a.txt", 5, object), 0);
    bench_submit(b);
    bench_seal(b);
}

static void step(struct bench *b, const char *kind, const char *outcome)
{
    AUTO_JSON json_t *ok = NULL;
    json_t *job = bench_lease(b, &ok);
    assert_non_null(job);
    assert_string_equal(json_text(job, "kind"), kind);
    assert_int_equal(bench_result(b, job, outcome, NULL), 0);
}

static void approve(struct bench *b, bool yes)
{
    assert_int_equal(bench_act(b, "bob", MESSAGE_REQUEST_REVIEW,
                               json_pack("{s:b, s:s}", "approval", yes, "decisionExplanation", "Rare words"), NULL),
                     0);
}

/* Every event of the request fits, and they are "VERSION.KIND …", in order. */
static void assert_told(struct bench *b, const char *expected)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    AUTO_STR struct str told = STR_INIT(4000);
    assert_int_equal(db_select(b->core.db, Q_EVENTS_OF_REQUEST, ARGS(DB_T(b->request)), &rows, NULL), 0);
    while (db_rows_next(rows, NULL) == 1) {
        enum cloud_event kind;
        AUTO_JSON json_t *document = json_loads(db_text(rows, 3), 0, NULL);
        assert_true(cloud_event_by_name(db_text(rows, 2), &kind));
        AUTO_JSON json_t *schema = cloud_event_schema(kind, BASE);
        assert_fits_schema(schema, document);
        str_printf(&told, "%s%lld.%s", told.len ? " " : "", (long long)db_int(rows, 1), db_text(rows, 2));
    }
    assert_string_equal(str_text(&told), expected);
}

static json_t *document_of(struct bench *b, int64_t version, const char *kind)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    assert_int_equal(db_select(b->core.db, Q_EVENTS_OF_REQUEST, ARGS(DB_T(b->request)), &rows, NULL), 0);
    while (db_rows_next(rows, NULL) == 1)
        if (db_int(rows, 1) == version && strcmp(db_text(rows, 2), kind) == 0)
            return json_loads(db_text(rows, 3), 0, NULL);
    fail_msg("no %s in version %lld", kind, (long long)version);
    return NULL;
}

#define UNTIL_REVIEW                                                                                   \
    "0.status_changed 0.notification 1.status_changed 1.notification 2.status_changed 2.notification " \
    "1.step_result 2.blob_created"

static void an_approved_import_that_is_revoked(void **state)
{
    struct bench *b = *state;
    in_review(b, "import");
    approve(b, true);
    step(b, "move", "moved");
    step(b, "deliver", "delivered");
    assert_int_equal(bench_act(b, "bob", MESSAGE_REQUEST_REVOKE, json_pack("{s:s}", "reason", "Rare words"), NULL), 0);
    step(b, "remove", "removed");
    assert_told(b, UNTIL_REVIEW " 3.status_changed 3.notification 4.status_changed 4.notification 3.step_result "
                                "4.blob_created 4.step_result 5.status_changed 5.notification 5.step_result "
                                "5.data_deletion");

    AUTO_JSON json_t *sealed = document_of(b, 1, "step_result");
    assert_string_equal(json_text(sealed, "completed_step"), "seal");
    assert_string_equal(json_text(sealed, "new_status"), "in_review");
    assert_int_equal(json_int(sealed, "file_count"), 1);
    assert_string_equal(json_text(json_array_get(json_object_get(sealed, "request_files"), 0), "name"), "a.txt");
    AUTO_JSON json_t *delivered = document_of(b, 4, "step_result");
    assert_string_equal(json_text(delivered, "completed_step"), "deliver");
    assert_null(json_object_get(delivered, "new_status"));
    AUTO_JSON json_t *arrived = document_of(b, 4, "blob_created");
    assert_string_equal(json_text(arrived, "account"), "stalimapp11111111");
    assert_string_equal(json_text(arrived, "topic"), "/airlock/demo/storageAccounts/stalimapp11111111");
    assert_string_equal(json_text(arrived, "container"), b->request);
    AUTO_JSON json_t *gone = document_of(b, 5, "data_deletion");
    AUTO_FREE char *url = xasprintf("http://127.0.0.1:3/stalimapp11111111/%s/", b->request);
    assert_string_equal(json_text(gone, "blob_to_delete"), url);
}

static void a_rejected_export_and_a_cancelled_draft(void **state)
{
    struct bench *b = *state;
    in_review(b, "export");
    approve(b, false);
    step(b, "move", "moved");
    assert_told(b, UNTIL_REVIEW " 3.status_changed 3.notification 4.status_changed 4.notification 3.step_result "
                                "4.blob_created");
    bench_create(b, "alice", "import");
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_CANCEL, NULL, NULL), 0);
    for (int64_t drain = 1; drain < 20; drain++)
        assert_int_equal(bench_ask(b, PEER_BLOB_EXTERNAL, MESSAGE_BLOB_DRAINED,
                                   json_pack("{s:I}", "drain", (json_int_t)drain), NULL),
                         0);
    step(b, "purge", "purged");
    assert_told(b, "0.status_changed 0.notification 1.status_changed 1.notification 1.step_result 1.data_deletion");
}

static void a_step_that_is_given_up(void **state)
{
    struct bench *b = *state;
    in_review(b, "export");
    approve(b, true);
    for (int i = 0; i < 3; i++)
        step(b, "move", "error");
    AUTO_JSON json_t *failed = document_of(b, 3, "step_result");
    assert_string_equal(json_text(failed, "completed_step"), "move");
    assert_string_equal(json_text(failed, "new_status"), "failed");
    assert_true(*json_text(failed, "status_message"));
    assert_told(b, UNTIL_REVIEW " 3.status_changed 3.notification 4.status_changed 4.notification 3.step_result");
}

/* airlock-gate's report, with one verdict for the gate archive. */
static void gates(struct bench *b, const char *verdict)
{
    AUTO_JSON json_t *ok = NULL;
    assert_int_equal(bench_ask(b, PEER_GATE, MESSAGE_JOB_LEASE, json_object(), &ok), 0);
    const json_t *job = json_object_get(ok, "job");
    assert_string_equal(json_text(job, "kind"), "gates");
    json_t *file = json_pack("{s:s, s:s, s:[]}", "name", "a.txt", "verdict", verdict, "findings");
    AUTO_JSON json_t *page = NULL;
    assert_int_equal(bench_ask(b, PEER_GATE, MESSAGE_JOB_FILES,
                               json_pack("{s:O, s:O, s:i}", "job", json_object_get(job, "id"), "token",
                                         json_object_get(job, "token"), "after", 0),
                               &page),
                     0);
    json_object_set(file, "blob", json_object_get(json_array_get(json_object_get(page, "files"), 0), "blob"));
    assert_int_equal(bench_ask(b, PEER_GATE, MESSAGE_JOB_RESULT,
                               json_pack("{s:O, s:O, s:s, s:O, s:[{s:s, s:s, s:[o]}]}", "job",
                                         json_object_get(job, "id"), "token", json_object_get(job, "token"), "outcome",
                                         "checked", "manifestDigest", json_object_get(job, "manifestDigest"), "gates",
                                         "gate", "archive", "verdict", verdict, "files", file),
                               NULL),
                     0);
}

static void a_verdict_of_the_gates(void **state)
{
    struct bench *b = *state;
    char object[UUID_TEXT_SIZE];
    bench_gates(b, "archive=block types=off disclosure=off identifiers=off");
    bench_draft(b, "import");
    assert_int_equal(bench_put(b, "a.txt", 5, object), 0);
    bench_submit(b);
    bench_seal(b);
    gates(b, "block");
    assert_string_equal(bench_status(b), "blocking_in_progress");
    step(b, "move", "moved");
    assert_told(b, "0.status_changed 0.notification 1.status_changed 1.notification 2.status_changed 1.step_result "
                   "2.blob_created 3.status_changed 3.notification 2.step_result 2.scan_result 4.status_changed "
                   "4.notification 3.step_result 4.blob_created");
    AUTO_JSON json_t *scan = document_of(b, 2, "scan_result");
    assert_string_equal(json_text(scan, "verdict"), "block");
    assert_false(json_flag(scan, "clean"));
    assert_string_equal(json_text(scan, "status"), "blocking_in_progress");
    assert_null(json_object_get(scan, "scanResultType")); /* no scanner */
    const json_t *part = json_array_get(json_object_get(scan, "gates"), 0);
    assert_string_equal(json_text(part, "gate"), "archive");
    assert_string_equal(json_text(part, "verdict"), "block");
}

static void with_people_every_document_fits_as_well(void **state)
{
    struct bench *b = *state;
    b->core.config.personal_data = true;
    in_review(b, "import");
    assert_told(b, UNTIL_REVIEW);
}

static void every_example_fits_its_schema(void **state)
{
    (void)state;
    for (int i = 0; i < CLOUD_EVENT_COUNT; i++) {
        AUTO_JSON json_t *schema = cloud_event_schema((enum cloud_event)i, BASE);
        AUTO_JSON json_t *example = cloud_event_example((enum cloud_event)i);
        assert_fits_schema(schema, example);
        AUTO_FREE char *id = xasprintf(BASE "/api/events/schemas/%s.v1.json", cloud_event_name((enum cloud_event)i));
        assert_string_equal(json_text(schema, "$id"), id);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, data_setup, bench_teardown)
        T(an_approved_import_that_is_revoked),
        T(a_rejected_export_and_a_cancelled_draft),
        T(a_step_that_is_given_up),
        T(a_verdict_of_the_gates),
        T(with_people_every_document_fits_as_well),
        cmocka_unit_test(every_example_fits_its_schema),
    };
    return cmocka_run_group_tests_name("core/event_data", tests, NULL, NULL);
}
