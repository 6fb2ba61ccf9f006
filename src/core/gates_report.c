/* What people see of the gates: the report of a request, and the check of a draft. Part of airlock-core. */
#include <string.h>

#include "base/crypto.h"
#include "core/apply.h"
#include "core/audit.h"
#include "core/gates.h"
#include "core/usage.h"

static double seconds(int64_t us)
{
    return (double)us / 1e6;
}

/* --- The report --- */

static int64_t count_findings(const json_t *part)
{
    int64_t count = 0;
    size_t i;
    const json_t *file;

    json_array_foreach(json_object_get(part, "files"), i, file)
    {
        count += (int64_t)json_array_size(json_object_get(file, "findings")) + json_int(file, "omitted");
    }
    return count;
}

/* One gate, in a line. */
static json_t *summary_part(const json_t *part)
{
    json_t *out = json_pack("{s:s, s:s, s:I}", "gate", json_text(part, "gate"), "verdict", json_text(part, "verdict"),
                            "findings", (json_int_t)count_findings(part));
    const json_t *engine = json_object_get(part, "engine");

    if (engine)
        json_object_set(out, "engine", (json_t *)engine);
    if (json_flag(part, "external"))
        json_object_set_new(out, "external", json_true());
    return out;
}

const json_t *gates_part(const json_t *gates, const char *name)
{
    size_t i;
    const json_t *part;

    json_array_foreach(gates, i, part)
    {
        if (strcmp(json_text(part, "gate"), name) == 0)
            return part;
    }
    return NULL;
}

/* Every gate of the table: one that did not run says so, with the reason. Then the external ones. */
static json_t *report_gates(const json_t *gates, json_t *(*show)(const json_t *part))
{
    json_t *list = json_array();
    size_t k;
    const json_t *each;

    for (int i = 0; i < GATE_COUNT; i++) {
        const char *name = gate_facts((enum gate)i)->name;
        const json_t *part = gates_part(gates, name);
        json_array_append_new(list, part ? show(part)
                                         : json_pack("{s:s, s:s, s:s}", "gate", name, "verdict", "skipped", "detail",
                                                     i == GATE_MALWARE ? NOT_SCANNED : "off by policy"));
    }
    json_array_foreach(gates, k, each)
    {
        if (json_flag(each, "external"))
            json_array_append_new(list, show(each));
    }
    return list;
}

static json_t *part_whole(const json_t *part)
{
    return json_incref((json_t *)part);
}

static void text_digest(const char *text, char ret[static SHA256_HEX_SIZE])
{
    unsigned char digest[SHA256_SIZE];
    sha256(text, strlen(text), digest);
    hex_encode(digest, sizeof digest, ret);
}

static int report_audit(struct core *core, const struct call *call, const json_t *summary, const char *manifest,
                        struct error *err)
{
    json_t *detail = json_copy((json_t *)summary);
    json_object_set_new(detail, "manifestDigest", json_string(manifest));
    return audit_add(core, call, "gates", SYSTEM_GATE, detail, err);
}

int gates_keep_report(struct core *core, const struct call *call, struct request *req, const json_t *gates,
                      enum verdict verdict, const struct gate_policy *policy, struct error *err)
{
    AUTO_JSON json_t *rows = gate_policy_render(policy);
    AUTO_FREE char *policy_text = json_dumps(rows, JSON_COMPACT | JSON_SORT_KEYS);
    AUTO_JSON json_t *all = report_gates(gates, part_whole);
    AUTO_FREE char *text = json_dumps(all, JSON_COMPACT);
    char digest[SHA256_HEX_SIZE];

    text_digest(policy_text, digest);
    AUTO_JSON json_t *summary = json_pack("{s:s, s:f, s:s, s:o}", "verdict", verdict_name(verdict), "checkedWhen",
                                          seconds(call->now), "policyDigest", digest, "gates",
                                          report_gates(gates, summary_part));
    AUTO_FREE char *summary_text = json_dumps(summary, JSON_COMPACT);
    bool scanned = gates_part(gates, gate_facts(GATE_MALWARE)->name) != NULL;
    int r = db_exec(core->db, Q_GATE_REPORT_ADD,
                    ARGS(DB_T(req->id), DB_T(req->manifest_digest), DB_I(call->now), DB_T(verdict_name(verdict)),
                         DB_T(policy_text), DB_T(digest), DB_T(text)),
                    err);
    if (r >= 0)
        r = db_exec(core->db, Q_REQUEST_SET_GATE_REPORT,
                    ARGS(DB_T(req->id), DB_T(summary_text), DB_T(scanned ? NULL : NOT_SCANNED)), err);
    return r < 0 ? r : report_audit(core, call, summary, req->manifest_digest, err);
}

/* Columns of GATE_REPORT_LAST. */
static json_t *report_render(const struct db_rows *row)
{
    return json_pack("{s:s, s:f, s:s, s:o, s:s, s:o}", "manifestDigest", db_text(row, 0), "checkedWhen",
                     seconds(db_int(row, 1)), "verdict", db_text(row, 2), "policy", json_loads(db_text(row, 3), 0, NULL),
                     "policyDigest", db_text(row, 4), "gates", json_loads(db_text(row, 5), 0, NULL));
}

int request_gates(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_REQUEST struct request req = {0};
    AUTO_ROWS struct db_rows *row = NULL;
    int r = request_for_call(core, call, &req, err);

    if (r == 0)
        r = db_first(core->db, Q_GATE_REPORT_LAST, ARGS(DB_T(req.id)), &row, err);
    if (r == 0)
        return error_set(err, E_NOT_FOUND, "The gates have not looked at this request's files yet");
    if (r < 0)
        return r;
    *ret_ok = json_pack("{s:o}", "gateReport", report_render(row));
    return 0;
}

/* --- The check of a draft --- */

/* What the draft holds, in a few bytes: another text means that something was uploaded or removed since. */
static int draft_mark(struct core *core, const char *request, char ret[static SHA256_HEX_SIZE], int64_t *ret_files,
                      struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    AUTO_STR struct str text = STR_INIT(64 << 20);
    int r = db_select(core->db, Q_BLOB_FILES, ARGS(DB_T(request)), &rows, err);

    *ret_files = 0;
    while (r == 0 && (r = db_rows_next(rows, err)) == 1) {
        str_printf(&text, "%lld %lld %s\n", (long long)db_int(rows, 0), (long long)db_int(rows, 2), db_text(rows, 3));
        ++*ret_files;
        r = 0;
    }
    if (r < 0)
        return r;
    text_digest(str_text(&text), ret);
    return 0;
}

static int check_render(struct core *core, const char *request, json_t **ret_ok, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    char mark[SHA256_HEX_SIZE];
    int64_t files;
    int r = draft_mark(core, request, mark, &files, err);

    if (r == 0)
        r = db_first(core->db, Q_GATE_CHECK_GET, ARGS(DB_T(request)), &row, err);
    if (r == 0)
        return error_set(err, E_NOT_FOUND, "This draft was not checked yet: POST to the same place asks for it");
    if (r < 0)
        return r;
    json_t *check = json_pack("{s:s, s:f, s:b}", "state", db_text(row, 2), "startedWhen", seconds(db_int(row, 0)),
                              "outdated", strcmp(db_text(row, 7), mark) != 0);
    if (!db_is_null(row, 1))
        json_object_set_new(check, "finishedWhen", json_real(seconds(db_int(row, 1))));
    if (!db_is_null(row, 3))
        json_object_set_new(check, "detail", json_string(db_text(row, 3)));
    if (!db_is_null(row, 4)) {
        json_object_set_new(check, "verdict", json_string(db_text(row, 4)));
        json_object_set_new(check, "policy", json_loads(db_text(row, 5), 0, NULL));
        json_object_set_new(check, "gates", json_loads(db_text(row, 6), 0, NULL));
    }
    *ret_ok = json_pack("{s:o}", "check", check);
    return 0;
}

/* Who could submit the draft now may have it looked at. */
static int check_allowed(struct core *core, struct call *call, struct request *ret, struct error *err)
{
    const struct transition *edge;
    int r = request_for_call(core, call, ret, err);

    if (r != 0)
        return r;
    struct actor actor = request_actor(ret, call);
    return flow_decide(ret->status, EVENT_SUBMIT, &actor, &edge, err);
}

int request_check(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_REQUEST struct request req = {0};
    char mark[SHA256_HEX_SIZE];
    int64_t files = 0;
    int r = check_allowed(core, call, &req, err);

    if (r == 0)
        r = draft_mark(core, req.id, mark, &files, err);
    if (r == 0 && files == 0)
        r = error_set(err, E_CONFLICT, "Request did not contain any files.");
    if (r == 0)
        r = db_exec(core->db, Q_JOB_END_KIND, ARGS(DB_T(req.id), DB_T(job_name(JOB_CHECK))), err);
    if (r >= 0)
        r = apply_queue(core, call, &req, JOB_CHECK, true, err);
    if (r == 0)
        r = db_exec(core->db, Q_GATE_CHECK_BEGIN, ARGS(DB_T(req.id), DB_I(call->now), DB_T(mark)), err);
    if (r >= 0)
        r = audit_add(core, call, "check", "", json_pack("{s:I}", "files", (json_int_t)files), err);
    return r < 0 ? r : check_render(core, req.id, ret_ok, err);
}

int request_check_result(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_REQUEST struct request req = {0};
    int r = check_allowed(core, call, &req, err);
    return r ? r : check_render(core, req.id, ret_ok, err);
}
