/* What a job's result does: the seal becomes a manifest, a move becomes a status. Part of airlock-core, whose rules
 * check every release: the mover's word is compared with what the rows say. */
#include <string.h>

#include "base/log.h"
#include "core/apply.h"
#include "core/audit.h"
#include "core/events.h"
#include "core/external.h"
#include "core/gates.h"
#include "core/outcome.h"
#include "core/usage.h"
#include "model/manifest.h"

#define MS_US 1000

static int set_dir_to(struct outcome *o, const char *dir, struct error *err)
{
    int r = db_exec(o->core->db, Q_REQUEST_SET_DIR, ARGS(DB_T(o->req.id), DB_T(dir)), err);
    if (r < 0)
        return r;
    (void)str_copy(o->req.dir, sizeof o->req.dir, dir); /* one of ours: it fits */
    return 0;
}

static int set_dir(struct outcome *o, struct error *err)
{
    char dir[PATH_MAX_TEXT];
    job_destination(&o->job, dir);
    return set_dir_to(o, dir, err);
}

int outcome_close_job(struct outcome *o, struct error *err)
{
    int r = db_exec(o->core->db, Q_JOB_DONE, ARGS(DB_I(o->job.id)), err);
    return r < 0 ? r : 0;
}

/* Drops what a client may not carry through the door: metadata outside the allow-list. */
static char *kept_metadata(const struct core *core, const char *stored)
{
    AUTO_JSON json_t *all = json_loads(stored, 0, NULL);
    AUTO_JSON json_t *kept = json_object();
    const char *name;
    json_t *value;
    json_object_foreach(all, name, value)
    {
        if (manifest_keeps_metadata(core->config.kept_metadata, name) && json_object_size(kept) < MANIFEST_METADATA_MAX)
            json_object_set(kept, name, value);
    }
    return json_dumps(kept, JSON_COMPACT | JSON_SORT_KEYS);
}

static char *kept_properties(const char *stored)
{
    AUTO_JSON json_t *all = json_loads(stored, 0, NULL);
    AUTO_JSON json_t *kept = json_object();
    json_t *type = json_object_get(all, "contentType");
    if (type && manifest_keeps_content_type(json_text(all, "contentType")))
        json_object_set(kept, "contentType", type);
    return json_dumps(kept, JSON_COMPACT);
}

/* The mover's list as a map from blob id to its entry. */
static json_t *sealed_by_blob(const json_t *files)
{
    json_t *map = json_object();
    size_t i;
    json_t *file;
    json_array_foreach((json_t *)files, i, file)
    {
        AUTO_FREE char *key = xasprintf("%lld", (long long)json_int(file, "blob"));
        json_object_set(map, key, file);
    }
    return map;
}

/* Compares one sealed file with its row; fills the row. 1: it does not fit. */
static int seal_one(struct outcome *o, const struct db_rows *row, const json_t *sealed, struct error *err)
{
    unsigned char digest[SHA256_SIZE];
    const char *sha256 = json_text(sealed, "sha256");
    const char *uploaded = db_text(row, 3);

    if (!sealed || json_int(sealed, "size") != db_int(row, 2) || !hex_decode(sha256, digest, sizeof digest) ||
        (*uploaded && strcmp(uploaded, sha256) != 0) || !uuid_is_v4(json_text(sealed, "object")))
        return 1;
    AUTO_FREE char *properties = kept_properties(db_text(row, 4));
    AUTO_FREE char *metadata = kept_metadata(o->core, db_text(row, 5));
    int r = db_exec(o->core->db, Q_BLOB_SEAL,
                    ARGS(DB_I(db_int(row, 0)), DB_T(o->req.id), DB_T(json_text(sealed, "object")), DB_T(sha256),
                         DB_T(properties), DB_T(metadata)),
                    err);
    if (r >= 0)
        r = db_exec(o->core->db, Q_EXTENT_FORGET_BLOCKS, ARGS(DB_I(db_int(row, 0))), err);
    return r < 0 ? r : 0;
}

/* All of them, no more and no fewer. 1: the list does not fit the request. */
static int seal_files(struct outcome *o, struct error *err)
{
    const json_t *files = json_object_get(o->in, "files");
    AUTO_JSON json_t *map = sealed_by_blob(files);
    AUTO_ROWS struct db_rows *rows = NULL;
    size_t count = 0;
    int r = db_select(o->core->db, Q_BLOB_FILES, ARGS(DB_T(o->req.id)), &rows, err);

    if (r != 0)
        return r;
    while ((r = db_rows_next(rows, err)) == 1) {
        AUTO_FREE char *key = xasprintf("%lld", (long long)db_int(rows, 0));
        r = seal_one(o, rows, json_object_get(map, key), err);
        if (r != 0)
            return r;
        count++;
    }
    if (r < 0)
        return r;
    return count == json_array_size(files) && count == json_object_size(map) ? 0 : 1;
}

static int manifest_add_row(struct manifest *m, const struct db_rows *row, struct error *err)
{
    AUTO_JSON json_t *properties = json_loads(db_text(row, 4), 0, NULL);
    AUTO_JSON json_t *metadata = json_loads(db_text(row, 5), 0, NULL);
    struct manifest_metadata kept[MANIFEST_METADATA_MAX];
    struct manifest_file file = {.name = db_text(row, 1),
                                 .size = (uint64_t)db_int(row, 2),
                                 .sha256 = db_text(row, 3),
                                 .content_type = json_text(properties, "contentType"),
                                 .metadata = kept};
    const char *name;
    json_t *value;
    json_object_foreach(metadata, name, value) /* stored with sorted keys */
    {
        if (file.metadata_count == MANIFEST_METADATA_MAX)
            return error_set(err, E_LIMIT, "A file keeps at most %d metadata", MANIFEST_METADATA_MAX);
        kept[file.metadata_count++] = (struct manifest_metadata){name, json_string_value(value)};
    }
    return manifest_add(m, &file, err);
}

static int seal_manifest(struct outcome *o, struct error *err)
{
    AUTO_MANIFEST struct manifest *m = manifest_new();
    AUTO_ROWS struct db_rows *rows = NULL;
    int r = db_select(o->core->db, Q_BLOB_FILES, ARGS(DB_T(o->req.id)), &rows, err);

    while (r == 0 && (r = db_rows_next(rows, err)) == 1)
        r = manifest_add_row(m, rows, err);
    if (r != 0)
        return r;
    manifest_finish(m, o->req.manifest_digest);
    r = db_exec(o->core->db, Q_REQUEST_SET_MANIFEST, ARGS(DB_T(o->req.id), DB_T(o->req.manifest_digest)), err);
    if (r == 0)
        return error_set(err, E_INTERNAL, "The request has a manifest already");
    return r < 0 ? r : 0;
}

int outcome_event(struct outcome *o, enum event event, const char *message, json_t *detail_stolen, struct error *err)
{
    json_t *detail = detail_stolen ? detail_stolen : json_object();
    const char *system = job_worker(o->job.kind) == WORKER_GATE ? SYSTEM_GATE : SYSTEM_MOVER;

    int64_t version = o->req.version;

    json_object_set_new(detail, "job", json_integer(o->job.id));
    json_object_set_new(detail, "token", json_integer(o->job.token));
    int r = apply_event(o->core, o->call, &o->req, event, system, message, detail, err);
    return r ? r : events_add_step(o->core, o->call, &o->req, o->job.kind, version, err);
}

static int seal_mismatched(struct outcome *o, const char *detail, struct error *err)
{
    int r = set_dir(o, err); /* the mover renames before it reads */
    if (r == 0)
        r = outcome_close_job(o, err);
    return r ? r : outcome_event(o, EVENT_SEAL_MISMATCH, detail, NULL, err);
}

static int take_sealed(struct outcome *o, struct error *err)
{
    int r = db_savepoint(o->core->db, err);
    if (r != 0)
        return r;
    int fits = seal_files(o, err);
    if (fits == 1) {
        r = db_rollback_to(o->core->db, err);
        return r ? r : seal_mismatched(o, "The sealed files are not the ones that were submitted.", err);
    }
    r = fits ? fits : db_release(o->core->db, err);
    if (r == 0)
        r = set_dir(o, err);
    if (r == 0)
        r = seal_manifest(o, err);
    if (r == 0)
        r = outcome_close_job(o, err);
    if (r == 0)
        r = gates_begin(o, err);
    if (r == 0)
        r = events_add_arrival(o->core, o->call, &o->req, err);
    return r ? r : apply_queue(o->core, o->call, &o->req, JOB_SWEEP, true, err);
}

static int take_mismatch(struct outcome *o, struct error *err)
{
    static const char WHAT[] = "The bytes on disk are not the ones that were sealed; the request was blocked.";
    if (o->job.kind == JOB_SEAL)
        return seal_mismatched(o, "The bytes on disk are not the ones that were uploaded; the request was blocked.",
                               err);
    const char *found = json_text(o->in, "dir"); /* an earlier try may have carried it on before it was cut */
    int r = job_may_lie_at(&o->job, &o->req, found) ? set_dir_to(o, found, err) : 0;
    log_error("request %s: %s", o->req.id, json_text(o->in, "detail"));
    if (r == 0)
        r = outcome_close_job(o, err);
    return r ? r : outcome_event(o, EVENT_HASH_MISMATCH, WHAT, NULL, err);
}

static int take_moved(struct outcome *o, struct error *err)
{
    int r = set_dir(o, err);
    if (r == 0)
        r = outcome_close_job(o, err);
    if (r == 0)
        r = outcome_event(o, EVENT_MOVED, o->req.status_message, NULL, err);
    if (r == 0)
        r = events_add_arrival(o->core, o->call, &o->req, err);
    if (r == 0 && o->req.status == STATUS_APPROVED && o->req.type == REQUEST_IMPORT)
        r = apply_queue(o->core, o->call, &o->req, JOB_DELIVER, true, err);
    return r;
}

static int take_delivered(struct outcome *o, struct error *err)
{
    int r = db_exec(o->core->db, Q_REQUEST_SET_DELIVERED, ARGS(DB_T(o->req.id), DB_I(o->call->now)), err);
    if (r >= 0)
        r = outcome_close_job(o, err);
    if (r == 0)
        r = events_add_step(o->core, o->call, &o->req, o->job.kind, o->req.version, err);
    return r ? r : audit_add(o->core, o->call, "delivered", SYSTEM_MOVER, NULL, err);
}

static int take_removed(struct outcome *o, struct error *err)
{
    int r = outcome_close_job(o, err);
    if (r == 0)
        r = usage_set_held(o->core, &o->req, 0, err);
    if (r == 0)
        r = events_add_step(o->core, o->call, &o->req, o->job.kind, o->req.version, err);
    if (r == 0)
        r = events_add_deletion(o->core, o->call, &o->req, err);
    return r ? r
             : audit_add(o->core, o->call, o->text, SYSTEM_MOVER, json_pack("{s:I}", "job", (json_int_t)o->job.id),
                         err);
}

/* After a seal and its sweep the disk holds the files, each exactly as long as it is. */
static int take_swept(struct outcome *o, struct error *err)
{
    struct usage present;
    int r = usage_load(o->core, o->req.id, &present, err);
    if (r == 0 && present.held > present.bytes)
        r = usage_set_held(o->core, &o->req, present.bytes, err);
    return r ? r : outcome_close_job(o, err);
}

bool job_gives_up(const struct core *core, const struct call *call, const struct job *job)
{
    if (job_worker(job->kind) == WORKER_GATE)
        return gates_give_up(core, call, job);
    bool tried = job->attempts >= core->config.job_attempts_max ||
                 (job->first_token > 0 && job->token - job->first_token >= JOB_LEASES_MAX);
    return tried && (job->kind == JOB_SEAL || job->kind == JOB_MOVE);
}

int outcome_begin(struct outcome *o, struct error *err)
{
    int r = request_load_by_id(o->core, o->job.request, &o->req, err);
    if (r != 0)
        return r;
    (void)str_copy(o->call->request, sizeof o->call->request, o->req.id);
    (void)str_copy(o->call->workspace, sizeof o->call->workspace, o->req.workspace);
    return 0;
}

int outcome_give_up(struct outcome *o, const char *detail, const char *message, struct error *err)
{
    int r = db_exec(o->core->db, Q_JOB_FAILED, ARGS(DB_I(o->job.id), DB_T(detail)), err);
    return r < 0 ? r : outcome_event(o, EVENT_GIVE_UP, message, NULL, err);
}

static int outcome_give_up_any(struct outcome *o, const char *detail, struct error *err)
{
    if (job_worker(o->job.kind) == WORKER_GATE)
        return gates_end_without(o, detail, err);
    return outcome_give_up(o, detail, "The data could not be moved; an operator has been told.", err);
}

int job_give_up(struct core *core, struct call *call, const struct job *job, const char *detail, struct error *err)
{
    struct outcome o = {.core = core, .call = call, .job = *job};
    int r = outcome_begin(&o, err);

    if (job->kind == JOB_GATES && o.req.status_message) /* what the files waited for says more */
        detail = o.req.status_message;
    if (r == 0)
        r = outcome_give_up_any(&o, detail, err);
    request_done(&o.req);
    return r;
}

int outcome_again(struct outcome *o, int64_t first_ms, int64_t max_ms, const char *detail, struct error *err)
{
    int64_t delay_ms = first_ms;
    for (int64_t i = 1; i < o->job.attempts && delay_ms < max_ms; i++)
        delay_ms *= 2;
    int64_t next = o->call->now + (delay_ms < max_ms ? delay_ms : max_ms) * MS_US;
    int r = db_exec(o->core->db, Q_JOB_AGAIN, ARGS(DB_I(o->job.id), DB_I(next), DB_T(detail)), err);
    return r < 0 ? r : 0;
}

/* A delivery that finds other bytes than those that were approved: no later try mends that by itself. */
static bool error_is_tampering(const struct outcome *o)
{
    return o->job.kind == JOB_DELIVER && error_code_by_name(json_text(o->in, "code")) == E_STALE;
}

static int take_error(struct outcome *o, struct error *err)
{
    const char *detail = json_text(o->in, "detail");
    if (error_is_tampering(o))
        log_alarm(
            "request %s: the approved bytes on disk are not the ones that were sealed, they are not delivered: %s",
            o->req.id, detail);
    log_warning("request %s: job %s, try %lld: %s", o->req.id, job_name(o->job.kind), (long long)o->job.attempts,
                detail);
    if (job_gives_up(o->core, o->call, &o->job))
        return outcome_give_up_any(o, detail, err);
    if (o->job.attempts == o->core->config.job_attempts_max)
        log_alarm("request %s: job %s keeps failing: %s", o->req.id, job_name(o->job.kind), detail);
    return outcome_again(o, o->core->config.job_retry_ms, o->core->config.job_retry_max_ms, detail, err);
}

/* Which outcome belongs to which kinds of job. */
static const struct {
    const char *text;
    unsigned kinds;
    int (*take)(struct outcome *o, struct error *err);
} OUTCOMES[] = {
    {"sealed", 1U << JOB_SEAL, take_sealed},
    {"mismatch", 1U << JOB_SEAL | 1U << JOB_MOVE, take_mismatch},
    {"moved", 1U << JOB_MOVE, take_moved},
    {"purged", 1U << JOB_PURGE, take_removed},
    {"removed", 1U << JOB_REMOVE, take_removed},
    {"delivered", 1U << JOB_DELIVER, take_delivered},
    {"swept", 1U << JOB_SWEEP, take_swept},
    {"error", ~(1U << JOB_GATES | 1U << JOB_CHECK | 1U << JOB_STEP), take_error},
    {"checked", 1U << JOB_GATES | 1U << JOB_CHECK, gates_take_checked},
    {"unsure", 1U << JOB_GATES | 1U << JOB_CHECK, gates_take_unsure},
    {"checked", 1U << JOB_STEP, external_programs_take_checked},
    {"unsure", 1U << JOB_STEP, external_programs_take_unsure},
};

int job_result(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    struct outcome o = {.core = core, .call = call, .in = call->in, .text = json_text(call->in, "outcome")};
    int r = job_load_leased(core, json_int(call->in, "job"), json_int(call->in, "token"), &o.job, err);

    if (r == 0)
        r = outcome_begin(&o, err);
    if (r != 0)
        return r;
    r = error_set(err, E_PROTOCOL, "The outcome %.40s does not belong to this job", o.text);
    for (size_t i = 0; i < ARRAY_LEN(OUTCOMES); i++)
        if (strcmp(OUTCOMES[i].text, o.text) == 0 && (OUTCOMES[i].kinds & 1U << o.job.kind))
            r = OUTCOMES[i].take(&o, err);
    request_done(&o.req);
    job_done(&o.job);
    if (r == 0)
        *ret_ok = json_object();
    return r;
}
