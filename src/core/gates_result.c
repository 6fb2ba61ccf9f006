/* Taking in what airlock-gate found. Part of airlock-core. The gates' word is weighed again: a finding that the policy
 * makes a block blocks, whatever verdict came with it, and a gate that says nothing has not passed. */
#include <string.h>

#include "base/log.h"
#include "core/apply.h"
#include "core/audit.h"
#include "core/events.h"
#include "core/external.h"
#include "core/gates.h"
#include "model/gate_command.h"

#define REASON_MAX 500
#define CHECK_TRIES 3

/* A report as it was judged. */
struct judged {
    enum verdict verdict;
    bool seen[GATE_COUNT];
    size_t commands; /* programs of the organisation's own that have spoken */
    char unsure[REASON_MAX];  /* why it says nothing; "": it does */
    char blocked[REASON_MAX]; /* the first finding that blocks */
};

static void judge_unsure(struct judged *judged, const char *why)
{
    if (judged->verdict != VERDICT_UNSURE)
        (void)snprintf(judged->unsure, sizeof judged->unsure, "%s", why); /* a long reason is cut */
    judged->verdict = VERDICT_UNSURE;
}

static void judge_raise(struct judged *judged, enum verdict verdict)
{
    if (verdict > judged->verdict)
        judged->verdict = verdict;
}

static void judge_finding(struct judged *judged, enum gate gate, const struct gate_policy *policy, const char *file,
                          const json_t *found)
{
    enum finding finding;
    const char *detail = json_text(found, "detail"), *member = json_text(found, "member");

    if (!finding_by_name(json_text(found, "code"), &finding) || finding_facts(finding)->gate != gate) {
        judge_unsure(judged, "The report of the gates cannot be understood");
        return;
    }
    enum verdict verdict = finding_verdict(finding, policy);
    judge_raise(judged, verdict);
    if (verdict == VERDICT_BLOCK && !*judged->blocked)
        (void)snprintf(judged->blocked, sizeof judged->blocked, "%s%s%s: %s%s%s%s", file, *member ? ", in it " : "",
                       member, finding_facts(finding)->what, *detail ? " (" : "", detail, *detail ? ")" : "");
}

static void judge_file(struct judged *judged, enum gate gate, const struct gate_policy *policy, const json_t *file)
{
    enum verdict verdict;
    size_t i;
    const json_t *found;

    if (!verdict_by_name(json_text(file, "verdict"), &verdict))
        verdict = VERDICT_UNSURE;
    if (verdict == VERDICT_UNSURE)
        judge_unsure(judged, json_text(file, "detail"));
    judge_raise(judged, verdict);
    json_array_foreach(json_object_get(file, "findings"), i, found)
    {
        judge_finding(judged, gate, policy, json_text(file, "name"), found);
    }
}

static void judge_gate(struct judged *judged, const struct gate_policy *policy, const json_t *part)
{
    enum gate gate;
    enum verdict verdict;
    size_t i;
    const json_t *file;

    if (!gate_by_name(json_text(part, "gate"), &gate) || !verdict_by_name(json_text(part, "verdict"), &verdict)) {
        judge_unsure(judged, "The report of the gates cannot be understood");
        return;
    }
    judged->seen[gate] = true;
    if (verdict == VERDICT_UNSURE)
        judge_unsure(judged, json_text(part, "detail"));
    judge_raise(judged, verdict);
    json_array_foreach(json_object_get(part, "files"), i, file)
    {
        judge_file(judged, gate, policy, file);
    }
}

/* A program of the organisation's own: its word is its verdict, airlock knows nothing of its codes. */
static void judge_command_file(struct judged *judged, const json_t *part, const json_t *file)
{
    const json_t *found = json_array_get(json_object_get(file, "findings"), 0);
    const char *detail = json_text(found ? found : file, "detail");
    enum verdict verdict;

    if (!verdict_by_name(json_text(file, "verdict"), &verdict) || verdict == VERDICT_UNSURE) {
        judge_unsure(judged, "The report of a program of gates.commands cannot be understood");
        return;
    }
    judge_raise(judged, verdict);
    if (verdict == VERDICT_BLOCK && !*judged->blocked)
        (void)snprintf(judged->blocked, sizeof judged->blocked, "%s: %s blocks it%s%s%s%s", json_text(file, "name"),
                       json_text(part, "gate"), found ? ": " : "", json_text(found, "code"), *detail ? ": " : "", detail);
}

static void judge_command(struct judged *judged, const struct gate_policy *policy, const json_t *part)
{
    enum verdict verdict;
    size_t i;
    const json_t *file;

    if (!gate_names_hold(policy->list[GATE_POLICY_COMMANDS], json_text(part, "gate")) ||
        !verdict_by_name(json_text(part, "verdict"), &verdict) || verdict == VERDICT_UNSURE) {
        judge_unsure(judged, "The report of a program of gates.commands cannot be understood");
        return;
    }
    judged->commands++;
    judge_raise(judged, verdict);
    json_array_foreach(json_object_get(part, "files"), i, file)
    {
        judge_command_file(judged, part, file);
    }
}

/* The same program twice would stand for another one that is missing. */
static bool is_said_before(const json_t *gates, size_t at)
{
    const char *name = json_text(json_array_get(gates, at), "gate");

    for (size_t i = 0; i < at; i++)
        if (strcmp(json_text(json_array_get(gates, i), "gate"), name) == 0)
            return true;
    return false;
}

static size_t count_names(const char *names)
{
    char name[EXTERNAL_NAME_MAX + 1];
    size_t count = 0;

    while (external_name_next(&names, name))
        count++;
    return count;
}

/* wanted: the gates that must have spoken. */
static void judge(const json_t *gates, unsigned wanted, const struct gate_policy *policy, struct judged *ret)
{
    size_t i;
    const json_t *part;

    *ret = (struct judged){.verdict = VERDICT_PASS};
    json_array_foreach(gates, i, part)
    {
        if (is_said_before(gates, i))
            judge_unsure(ret, "The report of the gates cannot be understood");
        else if (json_flag(part, "external"))
            judge_command(ret, policy, part);
        else
            judge_gate(ret, policy, part);
    }
    if (ret->commands != count_names(policy->list[GATE_POLICY_COMMANDS]))
        judge_unsure(ret, "The report of the gates is not complete");
    for (int gate = 0; gate < GATE_COUNT; gate++)
        if (ret->seen[gate] != ((wanted >> gate & 1U) != 0))
            judge_unsure(ret, "The report of the gates is not complete");
}

int gates_job_policy(const struct job *job, struct gate_policy *ret, struct error *err)
{
    AUTO_JSON json_t *rows = job->policy ? json_loads(job->policy, 0, NULL) : NULL;

    gate_policy_init(ret);
    return rows ? gate_policy_apply(ret, rows, err) : error_set(err, E_STALE, "The job was never leased");
}

int gates_name_files(struct outcome *o, json_t *gates, struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    AUTO_JSON json_t *names = json_object();
    size_t i, k;
    const json_t *part;
    json_t *file;
    int r = db_select(o->core->db, Q_BLOB_FILES, ARGS(DB_T(o->req.id)), &rows, err);

    while (r == 0 && (r = db_rows_next(rows, err)) == 1) {
        AUTO_FREE char *key = xasprintf("%lld", (long long)db_int(rows, 0));
        json_object_set_new(names, key, json_string(db_text(rows, 1)));
        r = 0;
    }
    json_array_foreach(gates, i, part)
    {
        json_array_foreach(json_object_get(part, "files"), k, file)
        {
            AUTO_FREE char *key = xasprintf("%lld", (long long)json_int(file, "blob"));
            json_t *name = json_object_get(names, key);
            if (r == 0 && !name)
                r = error_set(err, E_STALE, "The report speaks of a file that the request does not have");
            json_object_set(file, "name", name ? name : json_null());
            (void)json_object_del(file, "blob"); /* ours, and nobody's business */
        }
    }
    return r < 0 ? r : 0;
}

static int checked_draft(struct outcome *o, const json_t *gates, const struct judged *judged, struct error *err)
{
    AUTO_FREE char *text = json_dumps(gates, JSON_COMPACT);
    int r = outcome_close_job(o, err);

    if (r == 0)
        r = db_exec(o->core->db, Q_GATE_CHECK_END,
                    ARGS(DB_T(o->req.id), DB_I(o->call->now), DB_T("done"), DB_T(NULL),
                         DB_T(verdict_name(judged->verdict)), DB_T(o->job.policy), DB_T(text)),
                    err);
    return r < 0 ? r : 0;
}

int gates_conclude(struct outcome *o, const json_t *gates, enum verdict verdict, const char *blocked,
                   const struct gate_policy *policy, struct error *err)
{
    bool blocks = verdict == VERDICT_BLOCK;
    int64_t version = o->req.version;
    int r = gates_keep_report(o->core, o->call, &o->req, gates, verdict, policy, err);

    if (r == 0)
        r = outcome_close_job(o, err);
    if (r != 0)
        return r;
    r = outcome_event(o, blocks ? EVENT_GATE_BLOCKED : EVENT_GATES_CLEAN, blocks ? blocked : NULL,
                      json_pack("{s:s}", "verdict", verdict_name(verdict)), err);
    return r ? r : events_add_scan(o->core, o->call, &o->req, version, verdict, gates, err);
}

/* What airlock's own gates do not block waits for the external ones. */
static int checked_sealed(struct outcome *o, const json_t *gates, const struct judged *judged,
                          const struct gate_policy *policy, struct error *err)
{
    const char *names = policy->list[GATE_POLICY_EXTERNAL];
    char missing[EXTERNAL_NAME_MAX + 1], reason[REASON_MAX];

    if (judged->verdict == VERDICT_BLOCK || !*names)
        return gates_conclude(o, gates, judged->verdict, *judged->blocked ? judged->blocked : "A gate blocks it.", policy,
                              err);
    if (external_gates_have(&o->core->config.externals, names, missing))
        return external_review_begin(o, gates, judged->verdict, names, err);
    (void)snprintf(reason, sizeof reason, "The policy asks for the check %s, which the setting gates.external does not name.",
                   missing);
    return gates_take_reason(o, reason, err);
}

int gates_take_checked(struct outcome *o, struct error *err)
{
    AUTO_GATE_POLICY struct gate_policy policy = {0};
    AUTO_JSON json_t *gates = json_deep_copy(json_object_get(o->in, "gates"));
    bool sealed = o->job.kind == JOB_GATES;
    struct judged judged;
    unsigned wanted = 0;

    if (sealed && strcmp(json_text(o->in, "manifestDigest"), o->req.manifest_digest) != 0)
        return error_set(err, E_STALE, "The report is about the files of another manifest");
    int r = gates_job_policy(&o->job, &policy, err);
    if (r == 0)
        r = gates_name_files(o, gates, err);
    if (r != 0)
        return r;
    for (int i = 0; i < GATE_COUNT; i++)
        if (sealed || !gate_facts((enum gate)i)->needs_seal)
            wanted |= 1U << i;
    judge(gates, wanted & gates_wanted(o->core, &policy), &policy, &judged);
    if (judged.verdict == VERDICT_UNSURE)
        return gates_take_reason(o, judged.unsure, err);
    return sealed ? checked_sealed(o, gates, &judged, &policy, err) : checked_draft(o, gates, &judged, err);
}

int gates_tell(struct core *core, const struct job *job, const json_t *reason, struct error *err)
{
    AUTO_REQUEST struct request req = {0};
    const char *text = json_string_value(reason);

    if (!reason || (text && strlen(text) > REASON_MAX))
        return 0;
    int r = request_load_by_id(core, job->request, &req, err);
    if (r != 0 || req.status != STATUS_SUBMITTED || strcmp(text ? text : "", req.status_message ? req.status_message : "") == 0)
        return r;
    r = db_exec(core->db, Q_REQUEST_SET_MESSAGE, ARGS(DB_T(req.id), DB_T(text)), err);
    return r < 0 ? r : 0;
}

/* Each new reason is a row of the audit; that it still holds is none. */
static int unsure_record(struct outcome *o, const char *reason, struct error *err)
{
    bool is_new = !o->req.status_message || strcmp(o->req.status_message, reason) != 0;
    int r = db_exec(o->core->db, Q_REQUEST_SET_MESSAGE, ARGS(DB_T(o->req.id), DB_T(reason)), err);

    if (r < 0 || !is_new)
        return r < 0 ? r : 0;
    log_warning("request %s: its files could not be checked, and wait: %s", o->req.id, reason);
    return audit_add(o->core, o->call, "gates.unsure", SYSTEM_GATE,
                     json_pack("{s:s, s:I}", "reason", reason, "attempts", (json_int_t)o->job.attempts), err);
}

int gates_take_reason(struct outcome *o, const char *reason, struct error *err)
{
    if (gates_give_up(o->core, o->call, &o->job))
        return gates_end_without(o, reason, err);
    int r = o->job.kind == JOB_GATES ? unsure_record(o, reason, err) : 0;
    return r ? r
             : outcome_again(o, o->core->config.scan_retry_ms, o->core->config.scan_retry_max_ms, reason, err);
}

int gates_take_unsure(struct outcome *o, struct error *err)
{
    char reason[REASON_MAX];
    (void)snprintf(reason, sizeof reason, "%s", json_text(o->in, "detail")); /* a long one is cut */
    return gates_take_reason(o, reason, err);
}

bool gates_give_up(const struct core *core, const struct call *call, const struct job *job)
{
    if (job->kind == JOB_CHECK)
        return job->attempts >= CHECK_TRIES;
    if (job->kind == JOB_STEP) /* the deadline of what waits for it ends it */
        return false;
    return job->attempts > 0 && call->now - job->since >= core->config.scan_give_up_s * SECOND_US;
}

int gates_end_without(struct outcome *o, const char *detail, struct error *err)
{
    if (o->job.kind == JOB_CHECK) {
        int r = outcome_close_job(o, err);
        if (r == 0)
            r = db_exec(o->core->db, Q_GATE_CHECK_END,
                        ARGS(DB_T(o->req.id), DB_I(o->call->now), DB_T("failed"), DB_T(detail), DB_T(NULL), DB_T(NULL),
                             DB_T(NULL)),
                        err);
        return r < 0 ? r : 0;
    }
    AUTO_FREE char *message =
        xasprintf("The files could not be checked within the time allowed: %s An operator can try again.", detail);
    return outcome_give_up(o, detail, message, err);
}
