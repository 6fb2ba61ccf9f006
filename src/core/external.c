/* What waits for external gates, and goes on. Part of airlock-core. */
#include "core/external.h"

#include <string.h>

#include "base/log.h"
#include "core/apply.h"
#include "core/gates.h"
#include "core/submitted.h"
#include "model/gate_answer.h"
#include "model/gate_command.h"

#define EXPIRED_MAX 100 /* jobs that one look gives up: the next look takes the others */
#define TEXT_MAX 500

/* --- Asking --- */

/* A job that is to wait. */
struct wait {
    const struct request *req;
    int64_t job;
    enum step step;
    const char *names;
    const char *report;                /* see JOB_WAIT; or NULL */
    char digest[SHA256_HEX_SIZE];      /* of the files that are judged */
    bool is_drained;
    bool passes_programs; /* those before it have passed already */
};

static bool is_program(const struct core *core, const char *name)
{
    char missing[EXTERNAL_NAME_MAX + 1];
    return gate_commands_have(core->config.gate_commands, name, missing);
}

static int call_add(struct core *core, const struct call *call, const struct wait *w, const char *gate, struct error *err)
{
    char message[UUID_TEXT_SIZE];
    bool program = w->step != STEP_REVIEW && is_program(core, gate);
    int64_t patience_s = program ? core->config.scan_give_up_s : core->config.external_deadline_s;

    uuid_new(message);
    int r = db_exec(core->db, Q_CALL_ADD,
                    ARGS(DB_T(w->req->id), DB_I(w->job), DB_T(gate), DB_T(step_name(w->step)), DB_T(w->digest),
                         DB_T(message), DB_I(call->now), DB_I(call->now + patience_s * SECOND_US), DB_I(program)),
                    err);
    return r < 0 ? r : program;
}

/* The job waits for the named checks from here on. Returns how many there are. */
static int calls_begin(struct core *core, const struct call *call, const struct wait *w, struct error *err)
{
    char gate[EXTERNAL_NAME_MAX + 1];
    int programs = 0, count = 0;
    int r = db_exec(core->db, Q_CALL_FORGET_ANSWERS, ARGS(DB_I(w->job)), err);

    for (const char *rest = w->names; r >= 0 && external_name_next(&rest, gate);) {
        if (w->passes_programs && is_program(core, gate))
            continue;
        r = call_add(core, call, w, gate, err);
        programs += r == 1;
        count++;
    }
    if (r >= 0 && count > 0)
        r = db_exec(core->db, Q_JOB_WAIT, ARGS(DB_I(w->job), DB_T(w->report)), err);
    if (r >= 0 && programs > 0)
        r = external_programs_begin(core, call, w->req, w->is_drained, err);
    if (r < 0)
        return r;
    effect_add(core, &(struct effect){.kind = EFFECT_WAKE_NOTIFY});
    return count;
}

static int tell(struct core *core, const struct request *req, const char *text, struct error *err)
{
    int r = db_exec(core->db, Q_REQUEST_SET_MESSAGE, ARGS(DB_T(req->id), DB_T(text)), err);
    return r < 0 ? r : 0;
}

/* A program that could not be run says why; that a call did not come through is the operator's business. */
int external_tell_waiting(struct core *core, const struct request *req, int64_t job, struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    AUTO_STR struct str text = STR_INIT(16384);
    int r = db_select(core->db, Q_CALL_OPEN_OF_JOB, ARGS(DB_I(job)), &rows, err);

    if (req->status == STATUS_BLOCKING_IN_PROGRESS) /* why it is blocked is what people are to see */
        return 0;
    while (r == 0 && (r = db_rows_next(rows, err)) == 1) {
        bool told = db_int(rows, 3) != 0 && *db_text(rows, 1);
        str_printf(&text, "%s%s", text.len > 0 ? ", " : "Waiting for the check ", db_text(rows, 0));
        str_printf(&text, told ? " (%s)" : "%s", told ? db_text(rows, 1) : "");
        r = 0;
    }
    str_append_char(&text, '.');
    return r < 0 ? r : tell(core, req, str_text(&text), err);
}

int external_review_begin(struct outcome *o, const json_t *gates, enum verdict verdict, const char *names,
                          struct error *err)
{
    AUTO_JSON json_t *report = json_pack("{s:s, s:O}", "verdict", verdict_name(verdict), "gates", (json_t *)gates);
    AUTO_FREE char *text = json_dumps(report, JSON_COMPACT);
    struct wait w = {.req = &o->req, .job = o->job.id, .step = STEP_REVIEW, .names = names, .report = text};

    memcpy(w.digest, o->req.manifest_digest, sizeof w.digest);
    int r = calls_begin(o->core, o->call, &w, err);
    return r < 0 ? r : external_tell_waiting(o->core, &o->req, o->job.id, err);
}

/* What blocks says why it was blocked; the others may say what they wait for. */
static int steps_begin(struct core *core, const struct call *call, struct wait *w, enum step step, struct error *err)
{
    int r = 0;

    w->step = step;
    w->names = core->config.steps.names[step];
    if (!*w->names)
        return 0;
    memcpy(w->digest, w->req->manifest_digest, sizeof w->digest);
    if (step == STEP_SUBMIT)
        r = submitted_digest(core, w->req, w->digest, err);
    if (r == 0)
        r = calls_begin(core, call, w, err);
    return r <= 0 || step == STEP_BLOCK ? (r < 0 ? r : 0) : external_tell_waiting(core, w->req, w->job, err);
}

int external_steps_begin(struct core *core, const struct call *call, const struct request *req, int64_t job,
                         enum event event, bool is_drained, struct error *err)
{
    struct wait w = {.req = req, .job = job, .is_drained = is_drained};

    switch (event) {
    case EVENT_SUBMIT:
        return steps_begin(core, call, &w, STEP_SUBMIT, err);
    case EVENT_APPROVE:
        return steps_begin(core, call, &w, STEP_APPROVE, err);
    case EVENT_REJECT:
        return steps_begin(core, call, &w, STEP_REJECT, err);
    case EVENT_GATE_BLOCKED:
        return steps_begin(core, call, &w, STEP_BLOCK, err);
    default:
        return 0;
    }
}

/* Bytes that are not those that were sealed are put away without a step, and so they are again. */
static int block_had_steps(struct core *core, int64_t job, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    return db_first(core->db, Q_CALL_STEP_OF_JOB, ARGS(DB_I(job)), &row, err);
}

int external_steps_again(struct core *core, const struct call *call, const struct request *req,
                         const struct reopened *job, enum status status, struct error *err)
{
    struct wait w = {.req = req, .job = job->id, .is_drained = true, .passes_programs = job->has_run};

    if (status == STATUS_SUBMITTED) /* once the seal has begun its step is over */
        return job->kind == JOB_SEAL && !job->has_run ? steps_begin(core, call, &w, STEP_SUBMIT, err) : 0;
    if (status == STATUS_APPROVAL_IN_PROGRESS)
        return steps_begin(core, call, &w, STEP_APPROVE, err);
    if (status == STATUS_REJECTION_IN_PROGRESS)
        return steps_begin(core, call, &w, STEP_REJECT, err);
    if (status != STATUS_BLOCKING_IN_PROGRESS)
        return 0;
    int r = block_had_steps(core, job->id, err);
    return r == 1 ? steps_begin(core, call, &w, STEP_BLOCK, err) : r;
}

/* --- What the answers make of it --- */

/* The answers of a job, as parts of a report. */
struct joined {
    enum verdict verdict;
    char blocked[TEXT_MAX]; /* why, for people; "": nobody blocks */
    json_t *parts;
    bool all; /* nobody is waited for */
};

static void joined_done(struct joined *joined)
{
    json_decref(joined->parts);
}
#define AUTO_JOINED CLEANUP(joined_done)

static void join_block(struct joined *joined, const char *gate, const json_t *findings)
{
    const json_t *first = json_array_get(findings, 0);
    const char *file = json_text(first, "file"), *detail = json_text(first, "detail");

    if (*joined->blocked == '\0') /* a long text is cut */
        (void)snprintf(joined->blocked, sizeof joined->blocked, "The check %s blocks it%s%s%s%s%s%s", gate,
                       first ? ": " : ".", file, *file ? ": " : "", first ? json_text(first, "code") : "",
                       *detail ? ": " : "", detail);
}

/* Columns of CALL_ANSWERS_OF_JOB. */
static void join_answer(struct joined *joined, const struct db_rows *row)
{
    AUTO_JSON json_t *answer = json_loads(db_text(row, 1), 0, NULL);
    const json_t *findings = json_object_get(answer, "findings");
    enum verdict verdict = VERDICT_BLOCK; /* what cannot be read is no pass */

    (void)verdict_by_name(json_text(answer, "verdict"), &verdict);
    if (verdict > joined->verdict)
        joined->verdict = verdict;
    if (verdict == VERDICT_BLOCK)
        join_block(joined, db_text(row, 0), findings);
    json_array_append_new(joined->parts, json_pack("{s:s, s:s, s:b, s:f, s:s, s:o}", "gate", db_text(row, 0), "verdict",
                                                   verdict_name(verdict), "external", 1, "answeredWhen",
                                                   (double)db_int(row, 2) / 1e6, "answeredBy", db_text(row, 3), "files",
                                                   gate_answer_files(findings, verdict)));
}

static int join(struct core *core, int64_t job, struct joined *ret, struct error *err)
{
    AUTO_ROWS struct db_rows *answers = NULL;
    AUTO_ROWS struct db_rows *open = NULL;

    *ret = (struct joined){.verdict = VERDICT_PASS, .parts = json_array()};
    int r = db_select(core->db, Q_CALL_ANSWERS_OF_JOB, ARGS(DB_I(job)), &answers, err);
    while (r == 0 && (r = db_rows_next(answers, err)) == 1) {
        join_answer(ret, answers);
        r = 0;
    }
    if (r == 0)
        r = db_first(core->db, Q_CALL_OPEN_OF_JOB, ARGS(DB_I(job)), &open, err);
    ret->all = r == 0;
    return r < 0 ? r : 0;
}

static int calls_end(struct core *core, const struct job *job, struct error *err)
{
    int r = db_exec(core->db, Q_CALL_END_JOB, ARGS(DB_I(job->id)), err);
    return r < 0 ? r : external_programs_end(core, job->request, err);
}

/* With what airlock's own gates had said. */
static int settle_review(struct outcome *o, const struct joined *joined, struct error *err)
{
    AUTO_GATE_POLICY struct gate_policy policy = {0};
    AUTO_JSON json_t *report = o->job.report ? json_loads(o->job.report, 0, NULL) : NULL;
    AUTO_JSON json_t *gates = json_deep_copy(json_object_get(report, "gates"));
    enum verdict verdict;
    int r = gates_job_policy(&o->job, &policy, err);

    if (r != 0)
        return r;
    if (!gates || !verdict_by_name(json_text(report, "verdict"), &verdict))
        return error_set(err, E_INTERNAL, "A waiting job has lost its report");
    json_array_extend(gates, joined->parts);
    return gates_conclude(o, gates, joined->verdict > verdict ? joined->verdict : verdict, joined->blocked, &policy, err);
}

static int settle_step(struct outcome *o, const struct joined *joined, struct error *err)
{
    int r;

    if (joined->verdict == VERDICT_BLOCK) {
        bool stops = joined->blocked[strlen(joined->blocked) - 1] == '.';
        AUTO_FREE char *message = xasprintf("Before the data moves: %s%s The data stays where it is; an operator can have "
                                            "it checked again.",
                                            joined->blocked, stops ? "" : ".");
        return outcome_give_up(o, joined->blocked, message, err);
    }
    r = db_exec(o->core->db, Q_JOB_GO, ARGS(DB_I(o->job.id), DB_I(o->call->now)), err);
    if (r < 0)
        return r;
    effect_add(o->core, &(struct effect){.kind = EFFECT_WAKE_WORKERS});
    return o->req.status == STATUS_BLOCKING_IN_PROGRESS ? 0 : tell(o->core, &o->req, NULL, err);
}

static int settle(struct outcome *o, struct error *err)
{
    AUTO_JOINED struct joined joined = {0};
    bool review = o->job.kind == JOB_GATES;
    int r = join(o->core, o->job.id, &joined, err);

    if (r != 0)
        return r;
    if (!joined.all && joined.verdict != VERDICT_BLOCK)
        return external_tell_waiting(o->core, &o->req, o->job.id, err);
    r = calls_end(o->core, &o->job, err);
    if (r != 0)
        return r;
    return review ? settle_review(o, &joined, err) : settle_step(o, &joined, err);
}

/* A job that still waits, and its request. */
static int waiting_begin(struct outcome *o, int64_t job, struct error *err)
{
    int r = job_load_waiting(o->core, job, &o->job, err);
    return r ? r : outcome_begin(o, err);
}

static void waiting_done(struct outcome *o)
{
    request_done(&o->req);
    job_done(&o->job);
}

int external_settle(struct core *core, struct call *call, int64_t job, struct error *err)
{
    struct outcome o = {.core = core, .call = call};
    int r = waiting_begin(&o, job, err);

    if (r == 0)
        r = settle(&o, err);
    waiting_done(&o);
    return r;
}

/* --- Deadlines --- */

/* Who did not answer, and what became of the call. */
static int late_reason(struct core *core, int64_t job, int64_t now, struct str *ret, struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    int r = db_select(core->db, Q_CALL_OPEN_OF_JOB, ARGS(DB_I(job)), &rows, err);

    while (r == 0 && (r = db_rows_next(rows, err)) == 1) {
        const char *why = db_text(rows, 1);
        if (db_int(rows, 2) <= now)
            str_printf(ret, "The check %s did not answer within the time allowed%s%s%s ", db_text(rows, 0),
                       !*why ? "" : db_int(rows, 3) ? ": " : "; it could not be called: ", why,
                       *why && why[strlen(why) - 1] == '.' ? "" : ".");
        r = 0;
    }
    return r < 0 ? r : 0;
}

static int give_up(struct outcome *o, struct error *err)
{
    AUTO_STR struct str reason = STR_INIT(16384);
    int r = late_reason(o->core, o->job.id, o->call->now, &reason, err);

    if (r == 0)
        r = calls_end(o->core, &o->job, err);
    if (r != 0)
        return r;
    AUTO_FREE char *message = xasprintf("%s%sAn operator can try again.", str_text(&reason),
                                        o->job.kind == JOB_GATES ? "" : "The data stays where it is. ");
    return outcome_give_up(o, str_text(&reason), message, err);
}

static int expire_job(struct core *core, struct call *call, int64_t job, struct error *err)
{
    struct outcome o = {.core = core, .call = call};
    int r = waiting_begin(&o, job, err);

    if (r == E_STALE) { /* whatever it waited for is over */
        r = db_exec(core->db, Q_CALL_END_JOB, ARGS(DB_I(job)), err);
        r = r < 0 ? r : 0;
    } else if (r == 0) {
        r = give_up(&o, err);
    }
    waiting_done(&o);
    return r;
}

int external_expire(struct core *core, int64_t now, struct error *err)
{
    int r = 1;

    for (int i = 0; i < EXPIRED_MAX && r == 1; i++) {
        AUTO_ROWS struct db_rows *row = NULL;
        struct call call = {.from = PEER_CORE, .now = now, .address = ""};
        r = db_first(core->db, Q_CALL_EXPIRED, ARGS(DB_I(now)), &row, err);
        if (r == 1) {
            int64_t job = db_int(row, 0);
            int done = expire_job(core, &call, job, err);
            r = done ? done : 1;
        }
    }
    return r < 0 ? r : 0;
}
