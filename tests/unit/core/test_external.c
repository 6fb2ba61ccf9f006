/* External gates and steps, seen from core: who may answer, about what and when, and that nothing moves without them. */
#include "harness.h"

#include <string.h>

#include "base/clock.h"
#include "core/external.h"
#include "core/gates.h"

#define OTHER_DIGEST "0000000000000000000000000000000000000000000000000000000000000000"
/* whsec_ of 32 bytes */
#define KEY "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

/* Two checks: ethics, answered by dave's account, and virus-lab, answered by carol's. */
static int external_setup(void **state)
{
    assert_int_equal(bench_setup(state), 0);
    struct bench *b = *state;
    assert_int_equal(external_gates_parse("ethics=dave,https://ethics.example.org/hook virus-lab=carol,http://127.0.0.1:9/x",
                                          &b->core.config.externals, NULL),
                     0);
    assert_int_equal(webhook_keys_parse("whsec_" KEY, &b->core.config.external_keys, NULL), 0);
    b->core.config.api_url = "https://airlock.example.org";
    b->core.config.external_deadline_s = 3600;
    b->core.config.scan_give_up_s = 3600;
    bench_gates(b, BENCH_GATES_OFF " malware=off external=ethics");
    return 0;
}

/* airlock-gate has nothing to run, and says so. */
static void gates_pass(struct bench *b)
{
    AUTO_JSON json_t *ok = NULL;
    assert_int_equal(bench_ask(b, PEER_GATE, MESSAGE_JOB_LEASE, json_object(), &ok), 0);
    const json_t *job = json_object_get(ok, "job");
    assert_string_equal(json_text(job, "kind"), "gates");
    assert_int_equal(bench_ask(b, PEER_GATE, MESSAGE_JOB_RESULT,
                               json_pack("{s:I, s:I, s:s, s:O, s:[]}", "job", (json_int_t)json_int(job, "id"), "token",
                                         (json_int_t)json_int(job, "token"), "outcome", "checked", "manifestDigest",
                                         json_object_get(job, "manifestDigest"), "gates"),
                               NULL),
                     0);
}

static void sealed(struct bench *b)
{
    char object[UUID_TEXT_SIZE];
    bench_draft(b, "export");
    assert_int_equal(bench_put(b, "result.txt", 5, object), 0);
    bench_submit(b);
    bench_seal(b);
}

static void waiting(struct bench *b)
{
    sealed(b);
    gates_pass(b);
    assert_string_equal(bench_status(b), "submitted");
}

static void assert_message(struct bench *b, const char *status, const char *text)
{
    AUTO_JSON json_t *request = bench_shown(b);
    assert_string_equal(json_text(request, "status"), status);
    if (!strstr(json_text(request, "statusMessage"), text))
        fail_msg("\"%s\" does not say \"%s\"", json_text(request, "statusMessage"), text);
}

static json_t *answer_of(struct bench *b, const char *gate, const char *verdict)
{
    AUTO_JSON json_t *request = bench_shown(b);
    const char *digest = json_text(json_object_get(request, "properties"), "manifestDigest");
    return json_pack("{s:s, s:s, s:s}", "gate", gate, "verdict", verdict, "manifestDigest", *digest ? digest : OTHER_DIGEST);
}

static int answer(struct bench *b, const char *who, const char *gate, const char *verdict)
{
    return bench_act(b, who, MESSAGE_REQUEST_ANSWER_GATE, answer_of(b, gate, verdict), NULL);
}

/* What airlock-notify is to call; NULL: nothing. */
static json_t *lease(struct bench *b, json_t **ret_ok)
{
    json_decref(TAKE_PTR(*ret_ok));
    assert_int_equal(bench_ask(b, PEER_NOTIFY, MESSAGE_CALL_LEASE, json_object(), ret_ok), 0);
    json_t *call = json_object_get(*ret_ok, "call");
    return json_is_null(call) ? NULL : call;
}

static int result(struct bench *b, const json_t *call, const char *outcome)
{
    return bench_ask(b, PEER_NOTIFY, MESSAGE_CALL_RESULT,
                     json_pack("{s:I, s:I, s:s, s:s}", "call", (json_int_t)json_int(call, "id"), "token",
                               (json_int_t)json_int(call, "token"), "outcome", outcome, "detail", "refused"),
                     NULL);
}

static int expire_after(struct bench *b, int64_t seconds)
{
    assert_int_equal(db_begin(b->core.db, NULL), 0);
    int r = external_expire(&b->core, clock_now_us() + seconds * SECOND_US, NULL);
    assert_int_equal(db_commit(b->core.db, NULL), 0);
    b->core.effects.count = 0;
    return r;
}

static int retry(struct bench *b)
{
    AUTO_FREE char *token = bench_token(b, "admin", "", 0);
    return bench_ask(b, PEER_API, MESSAGE_ADMIN_RETRY, json_pack("{s:s, s:s}", "token", token, "request", b->request), NULL);
}

static void a_pass_goes_to_the_review_and_stands_in_the_report(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *moves = NULL;

    waiting(b);
    assert_message(b, "submitted", "Waiting for the check ethics.");
    assert_null(bench_lease(b, &moves));
    assert_int_equal(answer(b, "dave", "ethics", "warn"), 0);
    AUTO_JSON json_t *request = bench_shown(b);
    assert_string_equal(json_text(request, "status"), "in_review");
    assert_true(json_is_null(json_object_get(request, "statusMessage")) || !json_object_get(request, "statusMessage"));
    const json_t *summary = json_object_get(json_object_get(request, "properties"), "gateReport");
    assert_string_equal(json_text(summary, "verdict"), "warn");
    const json_t *line = json_array_get(json_object_get(summary, "gates"), GATE_COUNT);
    assert_string_equal(json_text(line, "gate"), "ethics");
    assert_true(json_flag(line, "external"));
    assert_int_equal(bench_count(b, "gate.answer"), 1);
}

static void a_block_blocks_and_says_why(void **state)
{
    struct bench *b = *state;
    json_t *fields;

    waiting(b);
    fields = answer_of(b, "ethics", "block");
    json_object_set_new(fields, "findings", json_pack("[{s:s, s:s, s:i, s:s}]", "code", "no-approval", "file", "result.txt",
                                                      "row", 3, "detail", "the study has ended"));
    assert_int_equal(bench_act(b, "dave", MESSAGE_REQUEST_ANSWER_GATE, fields, NULL), 0);
    assert_message(b, "blocking_in_progress", "The check ethics blocks it: result.txt: no-approval: the study has ended");
}

static void only_the_account_of_the_check_answers(void **state)
{
    struct bench *b = *state;
    AUTO_FREE char *core_token = bench_token(b, "mallory", "", 0);

    waiting(b);
    assert_int_equal(answer(b, "bob", "ethics", "pass"), E_FORBIDDEN);
    assert_int_equal(answer(b, "carol", "ethics", "pass"), E_FORBIDDEN); /* another check's account */
    assert_int_equal(answer(b, "alice", "ethics", "pass"), E_FORBIDDEN);
    assert_int_equal(answer(b, "dave", "nothing", "pass"), E_NOT_FOUND);
    assert_int_equal(answer(b, "mallory", "ethics", "pass"), E_NOT_FOUND);
    json_t *fields = answer_of(b, "ethics", "pass");
    json_object_set_new(fields, "token", json_string(core_token));
    json_object_set_new(fields, "workspace", json_string(WS1));
    json_object_set_new(fields, "request", json_string(b->request));
    assert_int_equal(bench_ask(b, PEER_API, MESSAGE_REQUEST_ANSWER_GATE, fields, NULL), E_NOT_FOUND);
    assert_string_equal(bench_status(b), "submitted");
}

static void another_workspace_has_no_such_request(void **state)
{
    struct bench *b = *state;

    waiting(b);
    json_t *fields = answer_of(b, "ethics", "pass");
    json_object_set_new(fields, "workspace", json_string(WS2));
    assert_int_equal(bench_act(b, "dave", MESSAGE_REQUEST_ANSWER_GATE, fields, NULL), E_NOT_FOUND);
    assert_string_equal(bench_status(b), "submitted");
}

static void t45_an_answer_about_other_bytes_is_refused(void **state)
{
    struct bench *b = *state;

    waiting(b);
    json_t *fields = answer_of(b, "ethics", "pass");
    json_object_set_new(fields, "manifestDigest", json_string(OTHER_DIGEST));
    assert_int_equal(bench_act(b, "dave", MESSAGE_REQUEST_ANSWER_GATE, fields, NULL), E_STALE);
    assert_string_equal(bench_status(b), "submitted");
}

static void an_answer_counts_once(void **state)
{
    struct bench *b = *state;

    bench_gates(b, BENCH_GATES_OFF " malware=off external=ethics,virus-lab");
    waiting(b);
    assert_int_equal(answer(b, "dave", "ethics", "pass"), 0);
    assert_message(b, "submitted", "Waiting for the check virus-lab.");
    assert_int_equal(answer(b, "dave", "ethics", "pass"), 0); /* the same again */
    assert_int_equal(bench_count(b, "gate.answer"), 1);
    assert_int_equal(answer(b, "dave", "ethics", "block"), E_CONFLICT);
    assert_int_equal(answer(b, "carol", "virus-lab", "pass"), 0);
    assert_string_equal(bench_status(b), "in_review");
    assert_int_equal(answer(b, "dave", "ethics", "pass"), 0);
    assert_int_equal(answer(b, "dave", "ethics", "warn"), E_CONFLICT);
    assert_string_equal(bench_status(b), "in_review");
}

static void an_answer_has_its_time(void **state)
{
    struct bench *b = *state;

    sealed(b);
    assert_int_equal(answer(b, "dave", "ethics", "pass"), E_CONFLICT); /* airlock's own gates come first */
    gates_pass(b);
    assert_int_equal(answer(b, "carol", "virus-lab", "pass"), E_CONFLICT); /* nobody asked it */
    assert_int_equal(expire_after(b, 3599), 0);
    assert_string_equal(bench_status(b), "submitted");
    assert_int_equal(expire_after(b, 3601), 0);
    assert_message(b, "failed", "The check ethics did not answer within the time allowed");
    assert_int_equal(answer(b, "dave", "ethics", "pass"), E_CONFLICT); /* too late */
    assert_string_equal(bench_status(b), "failed");
}

static void a_retry_asks_again(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *first = NULL;
    AUTO_JSON json_t *second = NULL;

    waiting(b);
    assert_int_equal(result(b, lease(b, &first), "delivered"), 0);
    assert_int_equal(expire_after(b, 3601), 0);
    assert_string_equal(bench_status(b), "failed");
    assert_int_equal(retry(b), 0);
    assert_string_equal(bench_status(b), "submitted");
    gates_pass(b);
    json_t *call = lease(b, &second);
    assert_non_null(call);
    assert_string_not_equal(json_text(call, "body"), json_text(json_object_get(first, "call"), "body"));
    assert_int_equal(answer(b, "dave", "ethics", "pass"), 0);
    assert_string_equal(bench_status(b), "in_review");
}

static void t66_a_call_is_signed_and_keeps_its_id(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *first = NULL;
    AUTO_JSON json_t *second = NULL;
    AUTO_STR struct str wanted = STR_INIT(200);
    unsigned char mac[SHA256_SIZE];

    waiting(b);
    const json_t *call = lease(b, &first);
    assert_string_equal(json_text(call, "url"), "https://ethics.example.org/hook");
    AUTO_JSON json_t *event = json_loads(json_text(call, "body"), 0, NULL);
    const json_t *data = json_object_get(event, "data");
    assert_string_equal(json_text(event, "type"), "airlock.gate.requested.v1");
    assert_true(str_starts(json_text(data, "answerUrl"), "https://airlock.example.org/api/workspaces/" WS1 "/requests/"));
    assert_string_equal(json_text(json_array_get(json_object_get(data, "files"), 0), "name"), "result.txt");

    const json_t *headers = json_object_get(call, "headers");
    const char *id = json_string_value(json_array_get(json_array_get(headers, 1), 1));
    const char *time = json_string_value(json_array_get(json_array_get(headers, 2), 1));
    AUTO_FREE char *text = xasprintf("%s.%s.%s", id, time, json_text(call, "body"));
    hmac_sha256("0123456789abcdef0123456789abcdef", 32, text, strlen(text), mac);
    str_append(&wanted, "v1,");
    base64_append(&wanted, mac, sizeof mac);
    assert_string_equal(json_string_value(json_array_get(json_array_get(headers, 3), 1)), str_text(&wanted));
    assert_string_equal(json_text(event, "id"), id);

    /* a second try is the same call */
    assert_int_equal(external_release_all(&b->core, NULL), 0);
    call = lease(b, &second);
    assert_string_equal(json_string_value(json_array_get(json_array_get(json_object_get(call, "headers"), 1), 1)), id);
    assert_int_equal(result(b, json_object_get(first, "call"), "delivered"), E_STALE);
    assert_int_equal(result(b, call, "delivered"), 0);
    assert_null(lease(b, &second));
}

static void t65_a_call_that_failed_is_tried_again_later(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *ok = NULL;

    waiting(b);
    assert_int_equal(result(b, lease(b, &ok), "failed"), 0);
    assert_null(lease(b, &ok));
    assert_int_equal(retry(b), 0); /* an operator need not wait for that */
    assert_non_null(lease(b, &ok));
    assert_int_equal(result(b, json_object_get(ok, "call"), "failed"), 0);
    assert_int_equal(expire_after(b, 3601), 0);
    assert_message(b, "failed", "it could not be called: refused");
}

static void bad_answers_are_refused_by_name(void **state)
{
    static const char *const BAD[] = {
        "{\"verdict\": \"unsure\"}",
        "{\"verdict\": 3}",
        "{\"verdict\": \"pass\", \"findings\": {}}",
        "{\"verdict\": \"pass\", \"findings\": [3]}",
        "{\"verdict\": \"pass\", \"findings\": [{}]}",
        "{\"verdict\": \"pass\", \"findings\": [{\"code\": \"A B\"}]}",
        "{\"verdict\": \"pass\", \"findings\": [{\"code\": \"a\", \"row\": -1}]}",
        "{\"verdict\": \"pass\", \"findings\": [{\"code\": \"a\", \"value\": \"x\"}]}",
        "{\"verdict\": \"pass\", \"findings\": [{\"code\": \"a\", \"detail\": \"a\\nb\"}]}",
    };
    struct bench *b = *state;

    waiting(b);
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        json_t *fields = answer_of(b, "ethics", "pass");
        AUTO_JSON json_t *bad = json_loads(BAD[i], 0, NULL);
        json_object_update(fields, bad);
        assert_int_equal(bench_act(b, "dave", MESSAGE_REQUEST_ANSWER_GATE, fields, NULL), E_INVALID);
    }
    json_t *fields = answer_of(b, "ethics", "pass"), *many = json_array();
    for (int i = 0; i < 1001; i++)
        json_array_append_new(many, json_pack("{s:s}", "code", "a"));
    json_object_set_new(fields, "findings", many);
    assert_int_equal(bench_act(b, "dave", MESSAGE_REQUEST_ANSWER_GATE, fields, NULL), E_INVALID);
    assert_string_equal(bench_status(b), "submitted");
}

static void a_policy_names_only_checks_that_there_are(void **state)
{
    struct bench *b = *state;
    AUTO_FREE char *token = bench_token(b, "admin", "", 0);

    assert_int_equal(bench_ask(b, PEER_API, MESSAGE_WORKSPACE_UPDATE,
                               json_pack("{s:s, s:s, s:s, s:{s:{s:{s:s}}}}", "token", token, "workspace", WS1, "etag", "*",
                                         "body", "gates", "export", "external", "elsewhere"),
                               NULL),
                     E_INVALID);
    /* one that was taken out of the settings since: nothing passes */
    bench_gates(b, BENCH_GATES_OFF " malware=off external=gone");
    sealed(b);
    gates_pass(b);
    assert_message(b, "submitted", "the check gone, which the setting gates.external does not name");
}

/* --- Steps --- */

static void in_review(struct bench *b, const char *steps)
{
    bench_gates(b, BENCH_GATES_OFF " malware=off");
    assert_int_equal(flow_steps_parse(steps, &b->core.config.steps, NULL), 0);
    sealed(b);
    assert_string_equal(bench_status(b), "in_review");
}

static void decide(struct bench *b, bool approve)
{
    assert_int_equal(bench_act(b, "bob", MESSAGE_REQUEST_REVIEW,
                               json_pack("{s:b, s:s}", "approval", approve, "decisionExplanation", "x"), NULL),
                     0);
}

static void a_move_waits_for_its_step(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *moves = NULL;
    AUTO_JSON json_t *calls = NULL;

    in_review(b, "approve:ethics");
    decide(b, true);
    assert_message(b, "approval_in_progress", "Waiting for the check ethics.");
    assert_null(bench_lease(b, &moves));
    assert_non_null(strstr(json_text(lease(b, &calls), "body"), "\"step\":\"approve\""));
    assert_int_equal(answer(b, "dave", "ethics", "pass"), 0);
    json_t *move = bench_lease(b, &moves);
    assert_string_equal(json_text(move, "kind"), "move");
    assert_int_equal(bench_result(b, move, "moved", NULL), 0);
    AUTO_JSON json_t *request = bench_shown(b);
    assert_string_equal(json_text(request, "status"), "approved");
    assert_string_equal(json_text(request, "statusMessage"), "");
}

static void a_step_that_blocks_leaves_the_data(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *moves = NULL;

    in_review(b, "approve:ethics,virus-lab");
    decide(b, true);
    assert_int_equal(answer(b, "dave", "ethics", "block"), 0);
    assert_message(b, "failed", "Before the data moves: The check ethics blocks it.");
    assert_null(bench_lease(b, &moves));
    assert_int_equal(answer(b, "carol", "virus-lab", "pass"), E_CONFLICT); /* nobody waits any more */

    assert_int_equal(retry(b), 0);
    assert_string_equal(bench_status(b), "approval_in_progress");
    assert_null(bench_lease(b, &moves));
    assert_int_equal(answer(b, "dave", "ethics", "warn"), 0);
    assert_null(bench_lease(b, &moves));
    assert_int_equal(answer(b, "carol", "virus-lab", "pass"), 0);
    assert_int_equal(bench_result(b, bench_lease(b, &moves), "moved", NULL), 0);
    assert_string_equal(bench_status(b), "approved");
}

static void a_step_that_is_late_leaves_the_data(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *moves = NULL;

    in_review(b, "reject:virus-lab");
    decide(b, false);
    assert_string_equal(bench_status(b), "rejection_in_progress");
    assert_null(bench_lease(b, &moves));
    assert_int_equal(expire_after(b, 3601), 0);
    assert_message(b, "failed", "The data stays where it is.");
    assert_null(bench_lease(b, &moves));
    assert_int_equal(retry(b), 0);
    assert_int_equal(answer(b, "carol", "virus-lab", "pass"), 0);
    assert_int_equal(bench_result(b, bench_lease(b, &moves), "moved", NULL), 0);
    assert_string_equal(bench_status(b), "rejected");
}

static void a_step_before_a_block_keeps_the_reason(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *moves = NULL;

    assert_int_equal(flow_steps_parse("block:virus-lab", &b->core.config.steps, NULL), 0);
    waiting(b);
    assert_int_equal(answer(b, "dave", "ethics", "block"), 0);
    assert_message(b, "blocking_in_progress", "The check ethics blocks it.");
    assert_null(bench_lease(b, &moves));
    assert_int_equal(answer(b, "carol", "virus-lab", "pass"), 0);
    assert_int_equal(bench_result(b, bench_lease(b, &moves), "moved", NULL), 0);
    assert_message(b, "blocked_by_scan", "The check ethics blocks it.");
}

/* The move itself failed after its step: it is asked again before the next try, too. */
static void a_move_that_failed_runs_its_steps_again(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *moves = NULL;

    in_review(b, "approve:ethics");
    decide(b, true);
    assert_int_equal(answer(b, "dave", "ethics", "pass"), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(bench_result(b, bench_lease(b, &moves), "error", NULL), 0);
    assert_string_equal(bench_status(b), "failed");
    assert_int_equal(retry(b), 0);
    assert_null(bench_lease(b, &moves));
    assert_int_equal(answer(b, "dave", "ethics", "pass"), 0);
    assert_non_null(bench_lease(b, &moves));
}

/* --- Programs in a step --- */

/* What airlock-gate is to do; NULL: nothing. */
static json_t *step_lease(struct bench *b, json_t **ret_ok)
{
    json_decref(TAKE_PTR(*ret_ok));
    assert_int_equal(bench_ask(b, PEER_GATE, MESSAGE_JOB_LEASE, json_object(), ret_ok), 0);
    json_t *job = json_object_get(*ret_ok, "job");
    return json_is_null(job) ? NULL : job;
}

static json_t *step_report(const json_t *job, const char *verdict)
{
    json_t *gates = json_array();
    size_t i;
    const json_t *name;

    json_array_foreach(json_object_get(job, "commands"), i, name)
    {
        json_array_append_new(gates, json_pack("{s:O, s:s, s:b, s:[]}", "gate", name, "verdict", verdict, "external", 1, "files"));
    }
    return json_pack("{s:I, s:I, s:s, s:O, s:o}", "job", (json_int_t)json_int(job, "id"), "token",
                     (json_int_t)json_int(job, "token"), "outcome", "checked", "manifestDigest",
                     json_object_get(job, "manifestDigest"), "gates", gates);
}

static int step_result(struct bench *b, const json_t *job, const char *verdict)
{
    return bench_ask(b, PEER_GATE, MESSAGE_JOB_RESULT, step_report(job, verdict), NULL);
}

static void with_programs(struct bench *b)
{
    b->core.config.gate_commands = "records=/opt/records lab=/opt/lab";
}

static void a_move_waits_for_a_program(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *moves = NULL;
    AUTO_JSON json_t *steps = NULL;
    AUTO_JSON json_t *calls = NULL;

    with_programs(b);
    in_review(b, "approve:records,ethics");
    decide(b, true);
    assert_message(b, "approval_in_progress", "Waiting for the check records, ethics.");
    assert_null(bench_lease(b, &moves));
    json_t *call = lease(b, &calls); /* airlock-notify calls the one, and nobody is called for the program */
    assert_non_null(strstr(json_text(call, "body"), "\"gate\":\"ethics\""));
    assert_int_equal(result(b, call, "delivered"), 0);
    assert_null(lease(b, &calls));
    json_t *job = step_lease(b, &steps);
    assert_string_equal(json_text(job, "kind"), "step");
    assert_string_equal(json_string_value(json_array_get(json_object_get(job, "commands"), 0)), "records");
    assert_int_equal(json_array_size(json_object_get(job, "commands")), 1);
    assert_false(json_flag(job, "draft"));
    assert_int_equal(step_result(b, job, "pass"), 0);
    assert_message(b, "approval_in_progress", "Waiting for the check ethics.");
    assert_null(bench_lease(b, &moves));
    assert_int_equal(answer(b, "dave", "records", "pass"), E_NOT_FOUND); /* no person answers for a program */
    assert_int_equal(answer(b, "dave", "ethics", "pass"), 0);
    assert_int_equal(bench_result(b, bench_lease(b, &moves), "moved", NULL), 0);
    assert_string_equal(bench_status(b), "approved");
    assert_int_equal(bench_count(b, "gate.answer"), 2);
}

static void a_program_that_blocks_leaves_the_data(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *moves = NULL;
    AUTO_JSON json_t *steps = NULL;
    AUTO_JSON json_t *again = NULL;

    with_programs(b);
    in_review(b, "reject:records,lab");
    decide(b, false);
    json_t *job = step_lease(b, &steps);
    json_t *report = step_report(job, "pass");
    json_t *part = json_array_get(json_object_get(report, "gates"), 1);
    AUTO_JSON json_t *moves_files = NULL;
    assert_int_equal(bench_ask(b, PEER_GATE, MESSAGE_JOB_FILES, json_pack("{s:I, s:I, s:i}", "job", (json_int_t)json_int(job, "id"), "token",
                                                                         (json_int_t)json_int(job, "token"), "after", 0), &moves_files), 0);
    const json_t *file = json_array_get(json_object_get(moves_files, "files"), 0);
    assert_non_null(json_object_get(file, "object"));
    json_object_set_new(part, "verdict", json_string("block"));
    json_array_append_new(json_object_get(part, "files"),
                          json_pack("{s:O, s:s, s:[{s:s, s:s}]}", "blob", json_object_get(file, "blob"), "verdict", "block",
                                    "findings", "code", "no-7", "detail", "not this one"));
    assert_int_equal(bench_ask(b, PEER_GATE, MESSAGE_JOB_RESULT, report, NULL), 0);
    assert_message(b, "failed", "Before the data moves: The check lab blocks it: result.txt: no-7: not this one");
    assert_null(bench_lease(b, &moves));
    assert_null(step_lease(b, &again));

    assert_int_equal(retry(b), 0);
    assert_null(bench_lease(b, &moves));
    assert_int_equal(step_result(b, step_lease(b, &again), "warn"), 0);
    assert_int_equal(bench_result(b, bench_lease(b, &moves), "moved", NULL), 0);
    assert_string_equal(bench_status(b), "rejected");
}

static void a_program_that_cannot_say_is_tried_again_and_given_up(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *moves = NULL;
    AUTO_JSON json_t *steps = NULL;

    with_programs(b);
    in_review(b, "approve:records");
    decide(b, true);
    json_t *job = step_lease(b, &steps);
    assert_int_equal(bench_ask(b, PEER_GATE, MESSAGE_JOB_RESULT,
                               json_pack("{s:I, s:I, s:s, s:s}", "job", (json_int_t)json_int(job, "id"), "token",
                                         (json_int_t)json_int(job, "token"), "outcome", "unsure", "detail", "records broke down"),
                               NULL),
                     0);
    assert_message(b, "approval_in_progress", "Waiting for the check records (records broke down).");
    assert_int_equal(expire_after(b, 3599), 0);
    assert_string_equal(bench_status(b), "approval_in_progress");
    assert_int_equal(expire_after(b, 3601), 0);
    assert_message(b, "failed", "The check records did not answer within the time allowed: records broke down. The data stays");
    assert_null(step_lease(b, &steps));
    assert_null(bench_lease(b, &moves));
}

static void t45_a_step_report_counts_for_its_files_and_lease_alone(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *moves = NULL;
    AUTO_JSON json_t *steps = NULL;

    with_programs(b);
    in_review(b, "approve:records");
    decide(b, true);
    json_t *job = step_lease(b, &steps);
    json_t *report = step_report(job, "pass");
    json_object_set_new(report, "manifestDigest", json_string(OTHER_DIGEST));
    assert_int_equal(bench_ask(b, PEER_GATE, MESSAGE_JOB_RESULT, report, NULL), E_STALE);
    report = step_report(job, "pass");
    json_array_clear(json_object_get(report, "gates")); /* says nothing of the program */
    assert_int_equal(bench_ask(b, PEER_GATE, MESSAGE_JOB_RESULT, report, NULL), E_STALE);
    assert_int_equal(step_result(b, job, "unsure"), E_STALE);
    assert_int_equal(jobs_release_all(&b->core, WORKER_GATE, NULL), 0);
    assert_int_equal(step_result(b, job, "pass"), E_STALE);
    assert_null(bench_lease(b, &moves));
    assert_string_equal(bench_status(b), "approval_in_progress");
}

/* --- A step before the seal --- */

static json_t *submitted_with(struct bench *b, const char *steps, json_t **ret_calls)
{
    char object[UUID_TEXT_SIZE];

    bench_gates(b, BENCH_GATES_OFF " malware=off");
    assert_int_equal(flow_steps_parse(steps, &b->core.config.steps, NULL), 0);
    bench_draft(b, "export");
    assert_int_equal(bench_put(b, "result.txt", 5, object), 0);
    bench_submit(b);
    json_t *call = lease(b, ret_calls);
    return call ? json_loads(json_text(call, "body"), 0, NULL) : NULL;
}

static int answer_digest(struct bench *b, const json_t *event, const char *verdict)
{
    const char *digest = event ? json_text(json_object_get(event, "data"), "manifestDigest") : OTHER_DIGEST;
    return bench_act(b, "dave", MESSAGE_REQUEST_ANSWER_GATE,
                     json_pack("{s:s, s:s, s:s}", "gate", "ethics", "verdict", verdict, "manifestDigest", digest), NULL);
}

static void a_seal_waits_for_its_step(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *calls = NULL;
    AUTO_JSON json_t *jobs = NULL;
    AUTO_JSON json_t *steps = NULL;

    with_programs(b);
    AUTO_JSON json_t *event = submitted_with(b, "submit:ethics,records", &calls);
    assert_string_equal(json_text(json_object_get(event, "data"), "step"), "submit");
    assert_message(b, "submitted", "Waiting for the check ethics, records.");
    assert_null(bench_lease(b, &jobs));
    assert_int_equal(answer_digest(b, NULL, "pass"), E_STALE);
    assert_int_equal(answer_digest(b, event, "pass"), 0);
    assert_null(bench_lease(b, &jobs));
    json_t *job = step_lease(b, &steps);
    assert_true(json_flag(job, "draft"));
    assert_string_equal(json_text(job, "manifestDigest"), json_text(json_object_get(event, "data"), "manifestDigest"));
    assert_int_equal(step_result(b, job, "pass"), 0);
    bench_seal(b);
    assert_string_equal(bench_status(b), "in_review");
}

static void a_step_before_the_seal_that_blocks_leaves_the_draft_where_it_is(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *calls = NULL;
    AUTO_JSON json_t *jobs = NULL;

    AUTO_JSON json_t *event = submitted_with(b, "submit:ethics", &calls);
    assert_int_equal(answer_digest(b, event, "block"), 0);
    assert_message(b, "failed", "Before the data moves: The check ethics blocks it. The data stays where it is");
    assert_null(bench_lease(b, &jobs));
    assert_int_equal(retry(b), 0);
    assert_message(b, "submitted", "Waiting for the check ethics.");
    assert_null(bench_lease(b, &jobs));
    assert_int_equal(answer_digest(b, event, "pass"), 0); /* the list is the same, and so is its digest */
    bench_seal(b);
    assert_string_equal(bench_status(b), "in_review");
}

/* The seal has begun: its files may lie in the in-progress account, and what passed has passed. */
static void a_seal_that_failed_is_not_checked_again(void **state)
{
    struct bench *b = *state;
    AUTO_JSON json_t *calls = NULL;
    AUTO_JSON json_t *jobs = NULL;

    AUTO_JSON json_t *event = submitted_with(b, "submit:ethics", &calls);
    assert_int_equal(answer_digest(b, event, "pass"), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(bench_result(b, bench_lease(b, &jobs), "error", NULL), 0);
    assert_string_equal(bench_status(b), "failed");
    assert_int_equal(retry(b), 0);
    bench_seal(b);
    assert_string_equal(bench_status(b), "in_review");
}

#define EXTERNAL_TEST(f) cmocka_unit_test_setup_teardown(f, external_setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EXTERNAL_TEST(a_pass_goes_to_the_review_and_stands_in_the_report),
        EXTERNAL_TEST(a_block_blocks_and_says_why),
        EXTERNAL_TEST(only_the_account_of_the_check_answers),
        EXTERNAL_TEST(another_workspace_has_no_such_request),
        EXTERNAL_TEST(t45_an_answer_about_other_bytes_is_refused),
        EXTERNAL_TEST(an_answer_counts_once),
        EXTERNAL_TEST(an_answer_has_its_time),
        EXTERNAL_TEST(a_retry_asks_again),
        EXTERNAL_TEST(t66_a_call_is_signed_and_keeps_its_id),
        EXTERNAL_TEST(t65_a_call_that_failed_is_tried_again_later),
        EXTERNAL_TEST(bad_answers_are_refused_by_name),
        EXTERNAL_TEST(a_policy_names_only_checks_that_there_are),
        EXTERNAL_TEST(a_move_waits_for_its_step),
        EXTERNAL_TEST(a_step_that_blocks_leaves_the_data),
        EXTERNAL_TEST(a_step_that_is_late_leaves_the_data),
        EXTERNAL_TEST(a_step_before_a_block_keeps_the_reason),
        EXTERNAL_TEST(a_move_that_failed_runs_its_steps_again),
        EXTERNAL_TEST(a_move_waits_for_a_program),
        EXTERNAL_TEST(a_program_that_blocks_leaves_the_data),
        EXTERNAL_TEST(a_program_that_cannot_say_is_tried_again_and_given_up),
        EXTERNAL_TEST(t45_a_step_report_counts_for_its_files_and_lease_alone),
        EXTERNAL_TEST(a_seal_waits_for_its_step),
        EXTERNAL_TEST(a_step_before_the_seal_that_blocks_leaves_the_draft_where_it_is),
        EXTERNAL_TEST(a_seal_that_failed_is_not_checked_again),
    };
    return cmocka_run_group_tests_name("core/external", tests, NULL, NULL);
}
