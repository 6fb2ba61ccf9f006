/* Leases, fencing tokens, mismatches and giving up. */
#include "harness.h"

#include <string.h>

#include "core/jobs.h"

static json_t *submitted(struct bench *b, json_t **ret_lease)
{
    char object[UUID_TEXT_SIZE];
    bench_create(b, "alice", "export");
    bench_link(b, "alice");
    assert_int_equal(bench_put(b, "result.txt", 5, object), 0);
    bench_submit(b);
    return bench_lease(b, ret_lease);
}

static void a_late_worker_changes_nothing(void **state) /* I14 */
{
    struct bench *b = *state;
    AUTO_JSON json_t *first = NULL;
    AUTO_JSON json_t *second = NULL;
    json_t *old = submitted(b, &first);
    AUTO_JSON json_t *files = bench_sealed_files(b, old);
    assert_int_equal(db_exec(b->core.db, Q_JOB_RELEASE_ALL, ARGS(DB_I(0), DB_T("mover")), NULL), 1);
    json_t *job = bench_lease(b, &second);
    assert_true(json_int(job, "token") > json_int(old, "token"));
    const char *earlier = json_string_value(json_array_get(json_object_get(job, "from"), 0));
    assert_string_equal(earlier, json_text(old, "to")); /* what the first try may have moved is looked for there */
    assert_int_equal(bench_result(b, old, "sealed", json_incref(files)), E_STALE);
    assert_string_equal(bench_status(b), "submitted");
    assert_int_equal(bench_result(b, job, "sealed", json_incref(files)), 0);
    assert_int_equal(bench_result(b, job, "sealed", json_incref(files)), E_STALE);
    assert_string_equal(bench_status(b), "in_review");
}

static void what_was_not_submitted_is_blocked(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *lease = NULL;
    json_t *job = submitted(b, &lease);
    json_t *files = bench_sealed_files(b, job);
    json_object_set_new(json_array_get(files, 0), "size", json_integer(6));
    assert_int_equal(bench_result(b, job, "sealed", files), 0);
    assert_string_equal(bench_status(b), "blocking_in_progress");
}

static void an_extra_or_missing_file_is_blocked(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *lease = NULL;
    json_t *job = submitted(b, &lease);
    assert_int_equal(bench_result(b, job, "sealed", json_array()), 0);
    assert_string_equal(bench_status(b), "blocking_in_progress");
}

static void a_tampered_byte_never_reaches_approved(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *lease = NULL;
    AUTO_JSON json_t *verify = NULL;
    AUTO_JSON json_t *block = NULL;
    AUTO_JSON json_t *suspect = NULL;
    json_t *job = submitted(b, &lease);
    assert_int_equal(bench_result(b, job, "sealed", bench_sealed_files(b, job)), 0);
    assert_int_equal(bench_act(b, "bob", MESSAGE_REQUEST_REVIEW, json_pack("{s:b}", "approval", 1), NULL), 0);
    job = bench_lease(b, &verify);
    if (strcmp(json_text(job, "kind"), "sweep") == 0) {
        assert_int_equal(bench_result(b, job, "swept", NULL), 0);
        job = bench_lease(b, &verify);
    }
    assert_int_equal(bench_result(b, job, "mismatch", NULL), 0);
    assert_string_equal(bench_status(b), "blocking_in_progress");
    job = bench_lease(b, &block);
    suspect = bench_sealed_files(b, job);
    assert_int_equal(json_array_size(suspect), 0); /* nothing to hold suspect bytes to */
    assert_int_equal(bench_result(b, job, "moved", NULL), 0);
    assert_string_equal(bench_status(b), "blocked_by_scan");
}

/* A try renamed the directory and was cut before it could tell; the next one finds other bytes there. */
static void what_is_blocked_is_looked_for_where_it_was_found(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *lease = NULL;
    AUTO_JSON json_t *cut = NULL;
    AUTO_JSON json_t *again = NULL;
    AUTO_JSON json_t *block = NULL;
    json_t *job = submitted(b, &lease);
    assert_int_equal(bench_result(b, job, "sealed", bench_sealed_files(b, job)), 0);
    assert_int_equal(bench_act(b, "bob", MESSAGE_REQUEST_REVIEW, json_pack("{s:b}", "approval", 1), NULL), 0);
    job = bench_lease(b, &cut);
    assert_string_equal(json_text(job, "kind"), "sweep");
    assert_int_equal(bench_result(b, job, "swept", NULL), 0);
    AUTO_FREE char *there = xstrdup(json_text(bench_lease(b, &cut), "to"));
    assert_int_equal(db_exec(b->core.db, Q_JOB_RELEASE_ALL, ARGS(DB_I(0), DB_T("mover")), NULL), 1);
    job = bench_lease(b, &again);
    json_t *report = json_pack("{s:I, s:I, s:s, s:s}", "job", (json_int_t)json_int(job, "id"), "token",
                               (json_int_t)json_int(job, "token"), "outcome", "mismatch", "dir", there);
    assert_int_equal(bench_ask(b, PEER_MOVER, MESSAGE_JOB_RESULT, report, NULL), 0);
    assert_string_equal(bench_status(b), "blocking_in_progress");
    job = bench_lease(b, &block);
    assert_string_equal(json_string_value(json_array_get(json_object_get(job, "from"), 0)), there);
}

static void a_job_that_keeps_failing_gives_up_and_can_be_retried(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *again = NULL;
    AUTO_JSON json_t *first = NULL;
    json_t *job = submitted(b, &first);
    for (int i = 0; i < 3; i++) {
        AUTO_JSON json_t *lease = NULL;
        if (i > 0)
            job = bench_lease(b, &lease);
        assert_non_null(job);
        assert_int_equal(bench_result(b, job, "error", NULL), 0);
    }
    assert_string_equal(bench_status(b), "failed");
    AUTO_FREE char *admin = bench_token(b, "admin", "", 0);
    assert_int_equal(bench_ask(b, PEER_API, MESSAGE_ADMIN_RETRY,
                               json_pack("{s:s, s:s}", "token", admin, "request", b->request), NULL),
                     0);
    assert_string_equal(bench_status(b), "submitted");
    job = bench_lease(b, &again);
    assert_non_null(job);
    assert_int_equal(bench_result(b, job, "sealed", bench_sealed_files(b, job)), 0);
    assert_string_equal(bench_status(b), "in_review");
}

static void a_job_without_a_word_gives_up_too(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *first = NULL;
    AUTO_JSON json_t *none = NULL;
    b->core.config.job_lease_s = 0; /* over at once */
    assert_non_null(submitted(b, &first));
    for (int i = 1; i < 3; i++) {
        AUTO_JSON json_t *lease = NULL;
        assert_non_null(bench_lease(b, &lease));
    }
    assert_null(bench_lease(b, &none));
    assert_string_equal(bench_status(b), "failed");
}

static void an_outcome_must_fit_its_job(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *lease = NULL;
    json_t *job = submitted(b, &lease);
    assert_int_equal(bench_result(b, job, "moved", NULL), E_PROTOCOL);
    assert_string_equal(bench_status(b), "submitted");
}

static void a_job_that_kills_its_worker_gives_up(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *first = NULL;
    assert_non_null(submitted(b, &first));
    for (int i = 0; i < JOB_LEASES_MAX + 1; i++) {
        AUTO_JSON json_t *lease = NULL;
        assert_int_equal(jobs_release_all(&b->core, WORKER_MOVER, NULL), 0);
        (void)bench_lease(b, &lease);
    }
    assert_string_equal(bench_status(b), "failed");
    AUTO_JSON json_t *again = NULL;
    AUTO_FREE char *admin = bench_token(b, "admin", "", 0);
    assert_int_equal(bench_ask(b, PEER_API, MESSAGE_ADMIN_RETRY,
                               json_pack("{s:s, s:s}", "token", admin, "request", b->request), NULL),
                     0);
    assert_non_null(bench_lease(b, &again));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
        T(a_late_worker_changes_nothing),
        T(what_was_not_submitted_is_blocked),
        T(an_extra_or_missing_file_is_blocked),
        T(a_tampered_byte_never_reaches_approved),
        T(what_is_blocked_is_looked_for_where_it_was_found),
        T(a_job_that_keeps_failing_gives_up_and_can_be_retried),
        T(a_job_without_a_word_gives_up_too),
        T(a_job_that_kills_its_worker_gives_up),
        T(an_outcome_must_fit_its_job),
    };
    return cmocka_run_group_tests_name("core/jobs", tests, NULL, NULL);
}
