/* What airlock-notify calls: body, signature, and what became of it. Part of airlock-core, which keeps the key. */
#include "core/external.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/webhook.h"

#define LEASE_US (30LL * SECOND_US) /* three times what a call may take */
#define RETRY_MS 1000
#define RETRY_MAX_MS 60000
#define FILES_MAX 1000 /* listed in a call; the others are counted */
#define DETAIL_MAX 300
#define EVENT_TYPE "airlock.gate.requested.v1"
#define CONTENT_TYPE "application/cloudevents+json; charset=utf-8"

/* One row of CALL_NEXT. */
struct due {
    int64_t id, created, deadline, token, job;
    const char *request, *gate, *step, *digest, *message;
};

static void due_read(const struct db_rows *row, struct due *ret)
{
    *ret = (struct due){.id = db_int(row, 0),
                        .request = db_text(row, 1),
                        .gate = db_text(row, 2),
                        .step = db_text(row, 3),
                        .digest = db_text(row, 4),
                        .message = db_text(row, 5),
                        .created = db_int(row, 6),
                        .deadline = db_int(row, 7),
                        .token = db_int(row, 8) + 1,
                        .job = db_int(row, 9)};
}

static int add_files(struct core *core, const char *request, json_t *data, struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    json_t *files = json_array();
    int64_t count = 0;

    json_object_set_new(data, "files", files);
    int r = db_select(core->db, Q_BLOB_FILES, ARGS(DB_T(request)), &rows, err);
    while (r == 0 && (r = db_rows_next(rows, err)) == 1) {
        if (count++ < FILES_MAX)
            json_array_append_new(files, json_pack("{s:s, s:I, s:s}", "name", db_text(rows, 1), "size",
                                                   (json_int_t)db_int(rows, 2), "sha256", db_text(rows, 3)));
        r = 0;
    }
    json_object_set_new(data, "fileCount", json_integer((json_int_t)count));
    return r < 0 ? r : 0;
}

/* What airlock's own gates said, gate by gate: before the review of the job that waits, later of the request. */
static int add_gates(struct core *core, const struct due *due, const struct request *req, json_t *data,
                     struct error *err)
{
    AUTO_JOB struct job job = {0};
    size_t i;
    const json_t *part;
    int r = job_load_waiting(core, due->job, &job, err);

    if (r != 0)
        return r;
    AUTO_JSON json_t *report = json_loads(job.report ? job.report : req->gate_report ? req->gate_report : "{}", 0, NULL);
    json_t *gates = json_array();
    json_object_set_new(data, "gates", gates);
    json_array_foreach(json_object_get(report, "gates"), i, part)
    {
        json_array_append_new(gates, json_pack("{s:s, s:s}", "gate", json_text(part, "gate"), "verdict",
                                               json_text(part, "verdict")));
    }
    return 0;
}

/* The event, the same at every try: CloudEvents 1.0. No title and no justification: its reader is outside. */
static int due_body(struct core *core, const struct due *due, char **ret, struct error *err)
{
    AUTO_REQUEST struct request req = {0};
    char created[CLOCK_TEXT_MAX], deadline[CLOCK_TEXT_MAX];
    int r = request_load_by_id(core, due->request, &req, err);

    if (r != 0)
        return r;
    clock_format_iso(due->created, created);
    clock_format_iso(due->deadline, deadline);
    AUTO_FREE char *source = xasprintf("/airlock/%s", core->config.tre_id);
    AUTO_FREE char *answer = xasprintf("%s/api/workspaces/%s/requests/%s/gates/%s", core->config.api_url, req.workspace,
                                       req.id, due->gate);
    json_t *data = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "request", req.id, "workspace", req.workspace,
                             "direction", request_type_name(req.type), "gate", due->gate, "step", due->step,
                             "manifestDigest", due->digest, "answerUrl", answer, "deadline", deadline);
    AUTO_JSON json_t *event = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "specversion", "1.0", "id",
                                        due->message, "source", source, "type", EVENT_TYPE, "subject", req.id, "time",
                                        created, "datacontenttype", "application/json", "data", data);
    r = add_files(core, req.id, data, err);
    if (r == 0)
        r = add_gates(core, due, &req, data, err);
    if (r == 0)
        *ret = json_dumps(event, JSON_COMPACT);
    return r;
}

/* A gate that the settings do not name any more is not called; its deadline ends the wait. */
static int due_take(struct core *core, const struct call *call, const struct due *due, json_t **ret_ok, struct error *err)
{
    const struct external_gate *gate = external_gates_find(&core->config.externals, due->gate);
    AUTO_FREE char *body = NULL;

    if (!gate) {
        *ret_ok = json_pack("{s:n}", "call");
        int put = db_exec(core->db, Q_CALL_AGAIN,
                          ARGS(DB_I(due->id), DB_I(call->now + RETRY_MAX_MS * 1000LL),
                               DB_T("the setting gates.external does not name it any more")),
                          err);
        return put < 0 ? put : 0;
    }
    int r = due_body(core, due, &body, err);
    if (r == 0)
        r = db_exec(core->db, Q_CALL_LEASE, ARGS(DB_I(due->id), DB_I(call->now + LEASE_US)), err);
    if (r < 0)
        return r;
    *ret_ok = json_pack("{s:{s:I, s:I, s:s, s:s, s:o}}", "call", "id", (json_int_t)due->id, "token",
                        (json_int_t)due->token, "url", gate->url, "body", body, "headers",
                        webhook_headers(&core->config.external_keys, CONTENT_TYPE, due->message, call->now, body));
    return 0;
}

int call_lease(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    struct due due;
    int r = db_first(core->db, Q_CALL_NEXT, ARGS(DB_I(call->now)), &row, err);

    if (r == 0)
        *ret_ok = json_pack("{s:n}", "call");
    if (r != 1)
        return r;
    due_read(row, &due);
    return due_take(core, call, &due, ret_ok, err);
}

static int call_again(struct core *core, const struct call *call, int64_t id, const struct db_rows *row,
                      struct error *err)
{
    char detail[DETAIL_MAX];
    int64_t delay_ms = RETRY_MS;

    (void)snprintf(detail, sizeof detail, "%s", json_text(call->in, "detail")); /* a long one is cut */
    for (int64_t i = 1; i < db_int(row, 3) && delay_ms < RETRY_MAX_MS; i++)
        delay_ms *= 2;
    if (delay_ms > RETRY_MAX_MS)
        delay_ms = RETRY_MAX_MS;
    log_warning("request %s: the check %s could not be called, the next try is in %lld s: %s", db_text(row, 5),
                db_text(row, 4), (long long)(delay_ms / 1000), detail);
    return db_exec(core->db, Q_CALL_AGAIN, ARGS(DB_I(id), DB_I(call->now + delay_ms * 1000), DB_T(detail)), err);
}

int call_result(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int64_t id = json_int(call->in, "call");
    const char *outcome = json_text(call->in, "outcome");
    int r = db_first(core->db, Q_CALL_GET, ARGS(DB_I(id)), &row, err);

    if (r < 0)
        return r;
    if (r == 0 || strcmp(db_text(row, 1), "open") != 0 || db_int(row, 2) == 0 ||
        db_int(row, 0) != json_int(call->in, "token"))
        return error_set(err, E_STALE, "The lease of call %lld is over", (long long)id);
    if (strcmp(outcome, "delivered") == 0)
        r = db_exec(core->db, Q_CALL_DELIVERED, ARGS(DB_I(id), DB_I(call->now)), err);
    else if (strcmp(outcome, "failed") == 0)
        r = call_again(core, call, id, row, err);
    else
        r = error_set(err, E_PROTOCOL, "The outcome %.40s does not belong to a call", outcome);
    if (r < 0)
        return r;
    *ret_ok = json_object();
    return 0;
}

int external_release_all(struct core *core, struct error *err)
{
    int r = db_exec(core->db, Q_CALL_RELEASE_ALL, ARGS(DB_I(clock_now_us())), err);
    return r < 0 ? r : 0;
}
