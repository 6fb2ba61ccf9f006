/* The gates, seen from core: who may lease them, how their word is weighed, and that nothing goes on without it. */
#include "harness.h"

#include <string.h>

#include "base/clock.h"
#include "core/gates.h"


static int gates_setup(void **state)
{
    assert_int_equal(bench_setup(state), 0);
    struct bench *b = *state;
    bench_gates(b, "");
    b->core.config.scanning = true;
    b->core.config.scan_retry_ms = 0;
    b->core.config.scan_retry_max_ms = 0;
    b->core.config.scan_give_up_s = 3600;
    return 0;
}

/* A sealed request of alice's. */
static void sealed(struct bench *b, const char *type)
{
    char object[UUID_TEXT_SIZE];
    bench_create(b, "alice", type);
    bench_link(b, "alice");
    assert_int_equal(bench_put(b, "result.txt", 5, object), 0);
    bench_submit(b);
    bench_seal(b);
}

/* The next job for airlock-gate; NULL: none. */
static json_t *gate_lease(struct bench *b, json_t **ret_ok)
{
    json_decref(TAKE_PTR(*ret_ok));
    assert_int_equal(bench_ask(b, PEER_GATE, MESSAGE_JOB_LEASE, json_object(), ret_ok), 0);
    json_t *job = json_object_get(*ret_ok, "job");
    return json_is_null(job) ? NULL : job;
}

static json_t *job_message(const json_t *job, const char *outcome)
{
    return json_pack("{s:I, s:I, s:s}", "job", (json_int_t)json_int(job, "id"), "token",
                     (json_int_t)json_int(job, "token"), "outcome", outcome);
}

/* A report in which every gate of the lease passes. */
static json_t *all_pass(const json_t *job)
{
    json_t *gates = json_array();
    size_t i;
    const json_t *name;
    json_array_foreach(json_object_get(job, "gates"), i, name)
    {
        json_array_append_new(gates, json_pack("{s:O, s:s, s:[]}", "gate", name, "verdict", "pass", "files"));
    }
    return gates;
}

static json_t *part_of(json_t *gates, const char *name)
{
    size_t i;
    json_t *part;
    json_array_foreach(gates, i, part)
    {
        if (strcmp(json_text(part, "gate"), name) == 0)
            return part;
    }
    return NULL;
}

static int64_t first_blob(struct bench *b, const json_t *job)
{
    AUTO_JSON json_t *ok = NULL;
    assert_int_equal(bench_ask(b, PEER_GATE, MESSAGE_JOB_FILES,
                               json_pack("{s:I, s:I, s:i}", "job", (json_int_t)json_int(job, "id"), "token",
                                         (json_int_t)json_int(job, "token"), "after", 0),
                               &ok),
                     0);
    const json_t *file = json_array_get(json_object_get(ok, "files"), 0);
    assert_string_equal(json_text(file, "name"), "result.txt");
    return json_int(file, "blob");
}

/* The gate says verdict of the one file, for one finding. */
static void add_finding(struct bench *b, const json_t *job, json_t *gates, const char *gate, const char *verdict,
                        const char *code)
{
    json_t *part = part_of(gates, gate);
    assert_non_null(part);
    json_object_set_new(part, "verdict", json_string(verdict));
    json_array_append_new(json_object_get(part, "files"),
                          json_pack("{s:I, s:s, s:[{s:s, s:s, s:i}], s:i}", "blob", (json_int_t)first_blob(b, job),
                                    "verdict", verdict, "findings", "code", code, "verdict", verdict, "row", 3,
                                    "omitted", 0));
}

static int report(struct bench *b, const json_t *job, json_t *gates_stolen)
{
    json_t *fields = job_message(job, "checked");
    const json_t *digest = json_object_get(job, "manifestDigest");
    if (digest)
        json_object_set(fields, "manifestDigest", (json_t *)digest);
    json_object_set_new(fields, "gates", gates_stolen);
    return bench_ask(b, PEER_GATE, MESSAGE_JOB_RESULT, fields, NULL);
}

static int unsure(struct bench *b, const json_t *job, const char *why)
{
    json_t *fields = job_message(job, "unsure");
    json_object_set_new(fields, "detail", json_string(why));
    return bench_ask(b, PEER_GATE, MESSAGE_JOB_RESULT, fields, NULL);
}

static void assert_message(struct bench *b, const char *status, const char *text)
{
    AUTO_JSON json_t *request = bench_shown(b);
    assert_string_equal(json_text(request, "status"), status);
    if (!strstr(json_text(request, "statusMessage"), text))
        fail_msg("\"%s\" does not say \"%s\"", json_text(request, "statusMessage"), text);
}

static void what_passes_goes_to_the_review_with_its_report(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *lease = NULL;
    AUTO_JSON json_t *moves = NULL;

    sealed(b, "export");
    assert_message(b, "submitted", "being checked");
    assert_null(bench_lease(b, &moves)); /* the mover is not asked */
    json_t *job = gate_lease(b, &lease);
    assert_string_equal(json_text(job, "kind"), "gates");
    assert_int_equal(json_array_size(json_object_get(job, "gates")), GATE_COUNT);
    assert_string_equal(json_text(json_object_get(job, "policy"), "disclosure"), "warn");
    json_t *gates = all_pass(job);
    add_finding(b, job, gates, "disclosure", "warn", "small-count");
    assert_int_equal(report(b, job, gates), 0);

    AUTO_JSON json_t *request = bench_shown(b);
    assert_string_equal(json_text(request, "status"), "in_review");
    const json_t *properties = json_object_get(request, "properties"), *summary = json_object_get(properties, "gateReport");
    assert_string_equal(json_text(summary, "verdict"), "warn");
    assert_null(json_object_get(properties, "scan"));
    AUTO_JSON json_t *ok = NULL;
    assert_int_equal(bench_act(b, "bob", MESSAGE_REQUEST_GATES, NULL, &ok), 0);
    const json_t *whole = json_object_get(ok, "gateReport");
    assert_string_equal(json_text(whole, "manifestDigest"), json_text(properties, "manifestDigest"));
    assert_string_equal(json_text(whole, "policyDigest"), json_text(summary, "policyDigest"));
    const json_t *file = json_array_get(json_object_get(part_of(json_object_get(whole, "gates"), "disclosure"), "files"), 0);
    assert_string_equal(json_text(file, "name"), "result.txt");
    assert_null(json_object_get(file, "blob"));
    assert_int_equal(bench_count(b, "gates"), 1);
}

static void what_blocks_is_moved_away_and_says_why(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *lease = NULL;
    AUTO_JSON json_t *moves = NULL;

    sealed(b, "import");
    json_t *job = gate_lease(b, &lease);
    json_t *gates = all_pass(job);
    add_finding(b, job, gates, "malware", "block", "malware");
    assert_int_equal(report(b, job, gates), 0);
    assert_message(b, "blocking_in_progress", "result.txt: the scanner found malware");
    assert_int_equal(bench_result(b, bench_lease(b, &moves), "moved", NULL), 0);
    assert_message(b, "blocked_by_scan", "result.txt: the scanner found malware");
}

/* The notices of what was blocked: to the requestor and the Workspace Owners, as events, numbered without gaps. */
static void what_was_blocked_is_told_to_requestor_and_owners(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *lease = NULL;
    AUTO_JSON json_t *moves = NULL;
    AUTO_JSON json_t *last = NULL;
    AUTO_ROWS struct db_rows *rows = NULL;
    int64_t count = 0, notices = 0;

    sealed(b, "import");
    json_t *job = gate_lease(b, &lease);
    json_t *gates = all_pass(job);
    add_finding(b, job, gates, "malware", "block", "malware");
    assert_int_equal(report(b, job, gates), 0);
    assert_int_equal(bench_result(b, bench_lease(b, &moves), "moved", NULL), 0);
    assert_int_equal(db_select(b->core.db, Q_EVENTS_OF_REQUEST, ARGS(DB_T(b->request)), &rows, NULL), 0);
    while (db_rows_next(rows, NULL) == 1) {
        assert_int_equal(db_int(rows, 0), ++count);
        if (strcmp(db_text(rows, 2), "notification") != 0)
            continue;
        notices++;
        json_decref(last);
        last = json_loads(db_text(rows, 3), 0, NULL);
    }
    assert_int_equal(count, 15); /* five versions in four statuses, three steps, two arrivals, a verdict */
    assert_int_equal(notices, 4);
    assert_string_equal(json_text(last, "status"), "blocked_by_scan");
    assert_non_null(strstr(json_text(last, "status_message"), "the scanner found malware"));
    const json_t *to = json_object_get(last, "recipients");
    assert_int_equal(json_array_size(to), 2);
    assert_string_equal(json_string_value(json_array_get(to, 0)), "requestor");
    assert_string_equal(json_string_value(json_array_get(to, 1)), "workspace_owners");
}

static void a_pass_that_has_a_blocking_finding_is_none(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *lease = NULL;

    sealed(b, "import");
    json_t *job = gate_lease(b, &lease);
    json_t *gates = all_pass(job);
    add_finding(b, job, gates, "malware", "pass", "malware");
    assert_int_equal(report(b, job, gates), 0);
    assert_string_equal(bench_status(b), "blocking_in_progress");
}

static void a_report_with_holes_says_nothing(void **state)
{
    static const char *const BAD[] = {
        "[]",
        "[{'gate': 'malware', 'verdict': 'pass', 'files': []}]",
        "[{'gate': 'malware', 'verdict': 'fine', 'files': []}]",
        "[{'gate': 'nothing', 'verdict': 'pass', 'files': []}]",
        "[{'gate': 'malware', 'verdict': 'unsure', 'detail': 'hm', 'files': []}]",
        "{}",
        "null",
    };
    struct bench *b = *state;
    AUTO_JSON json_t *lease = NULL;

    sealed(b, "import");
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        AUTO_FREE char *text = xstrdup(BAD[i]);
        for (char *quote = text; (quote = strchr(quote, '\'')) != NULL;)
            *quote = '"';
        json_t *job = gate_lease(b, &lease);
        assert_non_null(job);
        assert_int_equal(report(b, job, json_loads(text, JSON_DECODE_ANY, NULL)), 0);
        assert_string_equal(bench_status(b), "submitted");
    }
    /* each gate twice, or one that nobody asked for */
    json_t *job = gate_lease(b, &lease);
    json_t *gates = all_pass(job);
    json_array_append(gates, json_array_get(gates, 0));
    assert_int_equal(report(b, job, gates), 0);
    assert_string_equal(bench_status(b), "submitted");
    job = gate_lease(b, &lease);
    gates = all_pass(job);
    add_finding(b, job, gates, "types", "pass", "malware"); /* another gate's finding */
    assert_int_equal(report(b, job, gates), 0);
    assert_string_equal(bench_status(b), "submitted");
    job = gate_lease(b, &lease);
    assert_int_equal(report(b, job, all_pass(job)), 0);
    assert_string_equal(bench_status(b), "in_review");
}

static void t45_a_verdict_of_other_bytes_is_ignored(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *first = NULL;
    AUTO_JSON json_t *second = NULL;
    char other[UUID_TEXT_SIZE];

    sealed(b, "import");
    json_t *old = gate_lease(b, &first);
    json_t *forged = json_deep_copy(old);
    json_object_set_new(forged, "manifestDigest",
                        json_string("0000000000000000000000000000000000000000000000000000000000000000"));
    assert_int_equal(report(b, forged, all_pass(old)), E_STALE);
    json_object_del(forged, "manifestDigest");
    assert_int_equal(report(b, forged, all_pass(old)), E_STALE);
    json_decref(forged);

    /* of another time: the lease is over, and its result with it */
    assert_int_equal(jobs_release_all(&b->core, WORKER_GATE, NULL), 0);
    json_t *job = gate_lease(b, &second);
    assert_int_equal(report(b, old, all_pass(old)), E_STALE);
    assert_string_equal(bench_status(b), "submitted");

    /* of another request's file */
    json_t *gates = all_pass(job);
    json_array_append_new(json_object_get(json_array_get(gates, 0), "files"),
                          json_pack("{s:i, s:s, s:[]}", "blob", 99999, "verdict", "pass", "findings"));
    assert_int_equal(report(b, job, gates), E_STALE);
    assert_string_equal(bench_status(b), "submitted");

    /* and it is nobody's but the gate's to say */
    assert_true(str_copy(other, sizeof other, b->request));
    json_t *fields = job_message(job, "checked");
    json_object_set(fields, "manifestDigest", json_object_get(job, "manifestDigest"));
    json_object_set_new(fields, "gates", all_pass(job));
    assert_int_equal(bench_ask(b, PEER_API, MESSAGE_JOB_RESULT, fields, NULL), E_PROTOCOL);
    assert_string_equal(bench_status(b), "submitted");
    assert_int_equal(report(b, job, all_pass(job)), 0);
    assert_string_equal(bench_status(b), "in_review");
}

static void t41_what_could_not_be_checked_waits_with_a_reason(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *lease = NULL;

    b->core.config.scan_retry_ms = 1000;
    b->core.config.scan_retry_max_ms = 15000;
    sealed(b, "import");
    json_t *job = gate_lease(b, &lease);
    assert_int_equal(bench_ask(b, PEER_GATE, MESSAGE_JOB_HEARTBEAT,
                               json_pack("{s:I, s:I, s:s}", "job", (json_int_t)json_int(job, "id"), "token",
                                         (json_int_t)json_int(job, "token"), "reason", "The scanner is slow."),
                               NULL),
                     0);
    assert_message(b, "submitted", "The scanner is slow.");
    assert_int_equal(unsure(b, job, "The scanner does not answer."), 0);
    assert_message(b, "submitted", "The scanner does not answer.");
    assert_null(gate_lease(b, &lease)); /* for a second */

    /* an operator need not wait for that */
    AUTO_FREE char *token = bench_token(b, "admin", "", 0);
    assert_int_equal(
        bench_ask(b, PEER_API, MESSAGE_ADMIN_RETRY, json_pack("{s:s, s:s}", "token", token, "request", b->request), NULL), 0);
    job = gate_lease(b, &lease);
    assert_non_null(job);
    assert_int_equal(unsure(b, job, "The scanner does not answer."), 0);
    assert_int_equal(bench_count(b, "gates.unsure"), 1); /* it is the same reason still */
    assert_int_equal(bench_count(b, "gates.retry"), 1);
}

static int64_t next_try(struct bench *b)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    int64_t at = 0;
    assert_int_equal(db_select(b->core.db, Q_JOB_LIST, NO_ARGS, &rows, NULL), 0);
    while (db_rows_next(rows, NULL) == 1)
        if (strcmp(db_text(rows, 2), "gates") == 0)
            at = db_int(rows, 5);
    return at;
}

static void t41_it_is_tried_again_after_one_two_and_at_last_fifteen_seconds(void **state)
{
    static const int64_t WANTED_S[] = {1, 2, 4, 8, 15, 15};
    struct bench *b = *state;

    b->core.config.scan_retry_ms = 1000;
    b->core.config.scan_retry_max_ms = 15000;
    sealed(b, "import");
    for (size_t i = 0; i < ARRAY_LEN(WANTED_S); i++) {
        AUTO_JSON json_t *lease = NULL;
        int64_t before = clock_now_us();
        assert_int_equal(unsure(b, gate_lease(b, &lease), "No."), 0);
        int64_t waits = next_try(b) - before;
        assert_in_range(waits, WANTED_S[i] * SECOND_US, WANTED_S[i] * SECOND_US + 5 * SECOND_US);
        assert_true(db_exec(b->core.db, Q_JOB_AGAIN, ARGS(DB_I(json_int(json_object_get(lease, "job"), "id")), DB_I(0), DB_T("No.")), NULL) == 1);
    }
}

static void t41_after_a_time_it_fails_and_can_be_tried_again(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *lease = NULL;
    AUTO_FREE char *token = bench_token(b, "admin", "", 0);

    sealed(b, "import");
    assert_int_equal(unsure(b, gate_lease(b, &lease), "Not yet."), 0);
    json_t *last = gate_lease(b, &lease);
    b->core.config.scan_give_up_s = 0;
    assert_int_equal(unsure(b, last, "The scanner is out of date."), 0);
    assert_message(b, "failed", "The scanner is out of date.");
    assert_null(gate_lease(b, &lease));
    b->core.config.scan_give_up_s = 3600;
    assert_int_equal(
        bench_ask(b, PEER_API, MESSAGE_ADMIN_RETRY, json_pack("{s:s, s:s}", "token", token, "request", b->request), NULL), 0);
    assert_string_equal(bench_status(b), "submitted");
    json_t *job = gate_lease(b, &lease);
    assert_non_null(job);
    assert_int_equal(report(b, job, all_pass(job)), 0);
    assert_string_equal(bench_status(b), "in_review");
}

static void a_gate_that_never_speaks_gives_up_too(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *lease = NULL;

    sealed(b, "import");
    assert_non_null(gate_lease(b, &lease));
    b->core.config.scan_give_up_s = 0;
    assert_int_equal(jobs_release_all(&b->core, WORKER_GATE, NULL), 0);
    assert_non_null(gate_lease(b, &lease)); /* a lease that airlock-gate lost counts as no try */
    assert_true(db_exec(b->core.db, Q_JOB_AGAIN, ARGS(DB_I(json_int(json_object_get(lease, "job"), "id")), DB_I(0), DB_T("")), NULL) == 1);
    assert_null(gate_lease(b, &lease));
    assert_string_equal(bench_status(b), "failed");
}

static void without_a_scanner_it_says_not_scanned(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *lease = NULL;

    b->core.config.scanning = false;
    sealed(b, "import");
    json_t *job = gate_lease(b, &lease);
    assert_int_equal(json_array_size(json_object_get(job, "gates")), GATE_COUNT - 1);
    assert_int_equal(report(b, job, all_pass(job)), 0);
    AUTO_JSON json_t *request = bench_shown(b);
    const json_t *properties = json_object_get(request, "properties");
    assert_string_equal(json_text(properties, "scan"), NOT_SCANNED);
    const json_t *malware = part_of(json_object_get(json_object_get(properties, "gateReport"), "gates"), "malware");
    assert_string_equal(json_text(malware, "verdict"), "skipped");

    /* and with nothing to do at all the review follows the seal */
    bench_gates(b, BENCH_GATES_OFF);
    sealed(b, "import");
    AUTO_JSON json_t *second = bench_shown(b);
    assert_string_equal(json_text(second, "status"), "in_review");
    malware = part_of(json_object_get(json_object_get(json_object_get(second, "properties"), "gateReport"), "gates"), "malware");
    assert_string_equal(json_text(malware, "detail"), NOT_SCANNED);
}

static int patch(struct bench *b, const char *gates)
{
    AUTO_FREE char *token = bench_token(b, "admin", "", 0);
    return bench_ask(b, PEER_API, MESSAGE_WORKSPACE_UPDATE,
                     json_pack("{s:s, s:s, s:s, s:{s:o}}", "token", token, "workspace", WS1, "etag", "*", "body", "gates",
                               json_loads(gates, 0, NULL)),
                     NULL);
}

static void a_workspace_has_its_own_policy_in_each_direction(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *lease = NULL;

    bench_gates(b, "threshold=7 disclosure=block");
    assert_int_equal(patch(b, "{\"export\": {\"threshold\": 5, \"malware\": \"off\"}}"), 0);
    assert_int_equal(patch(b, "{\"export\": {\"identifiers\": \"off\"}, \"import\": {\"threshold\": 3}}"), 0);
    sealed(b, "export");
    const json_t *policy = json_object_get(gate_lease(b, &lease), "policy");
    assert_int_equal(json_int(policy, "threshold"), 5);
    assert_string_equal(json_text(policy, "disclosure"), "block");
    assert_int_equal(json_array_size(json_object_get(json_object_get(lease, "job"), "gates")), GATE_COUNT - 2);
    sealed(b, "import");
    policy = json_object_get(gate_lease(b, &lease), "policy");
    assert_int_equal(json_int(policy, "threshold"), 3);
    assert_int_equal(patch(b, "{\"import\": {\"threshold\": null}}"), 0);
    sealed(b, "import");
    policy = json_object_get(gate_lease(b, &lease), "policy");
    assert_int_equal(json_int(policy, "threshold"), 7);

    assert_int_equal(patch(b, "{\"sideways\": {}}"), E_INVALID);
    assert_int_equal(patch(b, "{\"import\": 3}"), E_INVALID);
    assert_int_equal(patch(b, "{\"import\": {\"threshold\": \"many\"}}"), E_INVALID);
    assert_int_equal(patch(b, "{\"import\": {\"what\": 3}}"), E_INVALID);
}

/* A change of policy between lease and result must not turn a finding into nothing. */
static void a_result_is_judged_by_the_policy_of_its_lease(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *lease = NULL;

    bench_gates(b, "disclosure=block");
    sealed(b, "export");
    json_t *job = gate_lease(b, &lease);
    json_t *gates = all_pass(job);
    add_finding(b, job, gates, "disclosure", "block", "small-count");
    bench_gates(b, "disclosure=warn");
    assert_int_equal(report(b, job, gates), 0);
    assert_message(b, "blocking_in_progress", "a count is below the threshold");
}

/* An organisation's own programs: named in the lease, their verdicts count, and one that is missing says nothing. */
static void programs_of_ones_own_are_gates(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *lease = NULL;

    b->core.config.gate_commands = "rules=/opt/rules words=/opt/words";
    assert_int_equal(patch(b, "{\"import\": {\"commands\": \"rules nothing\"}}"), E_INVALID);
    assert_int_equal(patch(b, "{\"import\": {\"commands\": \"rules words\"}}"), 0);
    sealed(b, "import");
    json_t *job = gate_lease(b, &lease);
    assert_int_equal(json_array_size(json_object_get(job, "commands")), 2);
    json_t *gates = all_pass(job);
    assert_int_equal(report(b, job, json_incref(gates)), 0); /* neither has spoken */
    assert_message(b, "submitted", "not complete");
    json_array_append_new(gates, json_pack("{s:s, s:s, s:b, s:[]}", "gate", "rules", "verdict", "pass", "external", 1, "files"));
    job = gate_lease(b, &lease);
    assert_int_equal(report(b, job, json_deep_copy(gates)), 0); /* one of two */
    assert_message(b, "submitted", "not complete");
    json_t *twice = json_deep_copy(gates);
    json_array_append(twice, json_array_get(gates, GATE_COUNT));
    job = gate_lease(b, &lease);
    assert_int_equal(report(b, job, twice), 0); /* one of them twice */
    assert_message(b, "submitted", "cannot be understood");
    json_t *stranger = json_deep_copy(gates);
    json_array_append_new(stranger, json_pack("{s:s, s:s, s:b, s:[]}", "gate", "others", "verdict", "pass", "external", 1, "files"));
    job = gate_lease(b, &lease);
    assert_int_equal(report(b, job, stranger), 0);
    assert_message(b, "submitted", "cannot be understood");

    job = gate_lease(b, &lease);
    json_array_append_new(gates, json_pack("{s:s, s:s, s:b, s:[{s:I, s:s, s:[{s:s, s:s, s:s}]}]}", "gate", "words", "verdict",
                                           "block", "external", 1, "files", "blob", (json_int_t)first_blob(b, job), "verdict",
                                           "block", "findings", "code", "w-1", "verdict", "block", "detail", "a word"));
    assert_int_equal(report(b, job, gates), 0);
    assert_message(b, "blocking_in_progress", "result.txt: words blocks it: w-1: a word");
}

static json_t *check_shown(struct bench *b, enum message message)
{
    AUTO_JSON json_t *ok = NULL;
    assert_int_equal(bench_act(b, "alice", message, NULL, &ok), 0);
    return json_incref(json_object_get(ok, "check"));
}

static void a_draft_can_be_checked_and_stays_as_it_is(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *lease = NULL;
    char object[UUID_TEXT_SIZE];

    bench_draft(b, "export");
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_CHECK, NULL, NULL), E_CONFLICT); /* it is empty */
    assert_int_equal(bench_put(b, "result.txt", 5, object), 0);
    AUTO_JSON json_t *running = check_shown(b, MESSAGE_REQUEST_CHECK);
    assert_string_equal(json_text(running, "state"), "running");
    json_t *job = gate_lease(b, &lease);
    assert_string_equal(json_text(job, "kind"), "check");
    json_t *gates = all_pass(job);
    assert_null(part_of(gates, "malware")); /* needs the seal */
    add_finding(b, job, gates, "disclosure", "warn", "small-count");
    assert_int_equal(report(b, job, gates), 0);
    AUTO_JSON json_t *done = check_shown(b, MESSAGE_REQUEST_CHECK_RESULT);
    assert_string_equal(json_text(done, "state"), "done");
    assert_string_equal(json_text(done, "verdict"), "warn");
    assert_false(json_flag(done, "outdated"));
    assert_string_equal(bench_status(b), "draft");

    assert_int_equal(bench_put(b, "result.txt", 6, object), 0);
    AUTO_JSON json_t *older = check_shown(b, MESSAGE_REQUEST_CHECK_RESULT);
    assert_true(json_flag(older, "outdated"));
}

static void a_submit_ends_the_check(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *lease = NULL;
    char object[UUID_TEXT_SIZE];

    bench_draft(b, "export");
    assert_int_equal(bench_put(b, "result.txt", 5, object), 0);
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_CHECK, NULL, NULL), 0);
    json_t *job = gate_lease(b, &lease);
    bench_submit(b);
    assert_int_equal(report(b, job, all_pass(job)), E_STALE);
    bench_seal(b);
    assert_string_equal(json_text(gate_lease(b, &lease), "kind"), "gates");
}

static void a_check_that_cannot_say_ends_with_the_reason(void **state)
{
    struct bench *b = *state;
    char object[UUID_TEXT_SIZE];

    bench_draft(b, "export");
    assert_int_equal(bench_put(b, "result.txt", 5, object), 0);
    assert_int_equal(bench_act(b, "alice", MESSAGE_REQUEST_CHECK, NULL, NULL), 0);
    for (int i = 0; i < 3; i++) {
        AUTO_JSON json_t *lease = NULL;
        assert_int_equal(unsure(b, gate_lease(b, &lease), "No memory."), 0);
    }
    AUTO_JSON json_t *failed = check_shown(b, MESSAGE_REQUEST_CHECK_RESULT);
    assert_string_equal(json_text(failed, "state"), "failed");
    assert_string_equal(json_text(failed, "detail"), "No memory.");
    assert_string_equal(bench_status(b), "draft");
}

#define GATES_TEST(f) cmocka_unit_test_setup_teardown(f, gates_setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATES_TEST(what_passes_goes_to_the_review_with_its_report),
        GATES_TEST(what_blocks_is_moved_away_and_says_why),
        GATES_TEST(what_was_blocked_is_told_to_requestor_and_owners),
        GATES_TEST(a_pass_that_has_a_blocking_finding_is_none),
        GATES_TEST(a_report_with_holes_says_nothing),
        GATES_TEST(t45_a_verdict_of_other_bytes_is_ignored),
        GATES_TEST(t41_what_could_not_be_checked_waits_with_a_reason),
        GATES_TEST(t41_it_is_tried_again_after_one_two_and_at_last_fifteen_seconds),
        GATES_TEST(t41_after_a_time_it_fails_and_can_be_tried_again),
        GATES_TEST(a_gate_that_never_speaks_gives_up_too),
        GATES_TEST(without_a_scanner_it_says_not_scanned),
        GATES_TEST(a_workspace_has_its_own_policy_in_each_direction),
        GATES_TEST(a_result_is_judged_by_the_policy_of_its_lease),
        GATES_TEST(programs_of_ones_own_are_gates),
        GATES_TEST(a_draft_can_be_checked_and_stays_as_it_is),
        GATES_TEST(a_submit_ends_the_check),
        GATES_TEST(a_check_that_cannot_say_ends_with_the_reason),
    };
    return cmocka_run_group_tests_name("core/gates", tests, NULL, NULL);
}
