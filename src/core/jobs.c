/* Handing out jobs under leases. Part of airlock-core. */
#include "core/jobs.h"

#include <string.h>

#include "base/clock.h"
#include "core/external.h"
#include "core/gates.h"
#include "core/place.h"

#define FILES_PAGE 500
#define EXTENTS_PAGE 20000
#define CANDIDATES_MAX 64
#define DIRS_MAX 500
#define MS_US 1000

void job_destination(const struct job *job, char ret[static PATH_MAX_TEXT])
{
    place_dir(job->target, job->request, job->token, ret);
}

void job_done(struct job *job)
{
    free(TAKE_PTR(job->policy));
    free(TAKE_PTR(job->report));
}

/* Columns: id, request, kind, origin, target, first_token, token, attempts, since, policy. */
static void job_read(const struct db_rows *row, struct job *ret)
{
    *ret = (struct job){.id = db_int(row, 0),
                        .kind = JOB_NONE,
                        .first_token = db_int(row, 5),
                        .token = db_int(row, 6),
                        .attempts = db_int(row, 7),
                        .since = db_int(row, 8),
                        .policy = db_is_null(row, 9) ? NULL : xstrdup(db_text(row, 9))};
    (void)str_copy(ret->request, sizeof ret->request, db_text(row, 1)); /* all written by us: they fit */
    (void)job_by_name(db_text(row, 2), &ret->kind);
    (void)str_copy(ret->origin, sizeof ret->origin, db_text(row, 3));
    (void)str_copy(ret->target, sizeof ret->target, db_text(row, 4));
}

/* Places where the directory may be, the likeliest first: where an earlier try put it, then where it was. */
static json_t *job_candidates(const struct job *job, const struct request *req)
{
    json_t *list = json_array();
    int64_t oldest = job->first_token > job->token - CANDIDATES_MAX ? job->first_token : job->token - CANDIDATES_MAX;
    char dir[PATH_MAX_TEXT];

    for (int64_t token = job->token - 1; token >= oldest && *job->target && token > 0; token--) {
        place_dir(job->target, job->request, token, dir);
        json_array_append_new(list, json_string(dir));
    }
    json_array_append_new(list, json_string(req->dir));
    if (strcmp(job->origin, req->dir) != 0)
        json_array_append_new(list, json_string(job->origin));
    return list;
}

bool job_may_lie_at(const struct job *job, const struct request *req, const char *dir)
{
    AUTO_JSON json_t *candidates = job_candidates(job, req);
    char target[PATH_MAX_TEXT];
    size_t i;
    const json_t *item;

    job_destination(job, target);
    bool found = strcmp(target, dir) == 0;
    json_array_foreach(candidates, i, item)
    {
        found = found || strcmp(json_string_value(item), dir) == 0;
    }
    return found;
}

static void job_describe_paths(const struct job *job, const struct request *req, json_t *out)
{
    char path[PATH_MAX_TEXT];

    switch (job->kind) {
    case JOB_SEAL:
    case JOB_MOVE:
        job_destination(job, path);
        json_object_set_new(out, "to", json_string(path));
        json_object_set_new(out, "from", job_candidates(job, req));
        break;
    case JOB_DELIVER:
    case JOB_REMOVE:
        place_delivery(req->workspace, req->id, path);
        if (job->kind == JOB_DELIVER) {
            json_object_set_new(out, "dir", json_string(req->dir));
            json_object_set_new(out, "delivery", json_string(path));
        } else {
            json_object_set_new(out, "dirs", json_pack("[s,s]", path, req->dir));
        }
        break;
    case JOB_SWEEP:
    case JOB_GATES:
    case JOB_CHECK:
    case JOB_STEP:
        json_object_set_new(out, "dir", json_string(req->dir));
        break;
    default: /* purge */
        json_object_set_new(out, "dirs", job_candidates(job, req));
        break;
    }
}

static int job_take(struct core *core, const struct call *call, struct job *job, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int r = db_first(core->db, Q_REQUEST_NEXT_FENCE, ARGS(DB_T(job->request)), &row, err);

    if (r != 1)
        return r < 0 ? r : error_set(err, E_INTERNAL, "A job's request is gone");
    job->token = db_int(row, 0);
    if (job->first_token == 0)
        job->first_token = job->token;
    r = db_exec(core->db, Q_JOB_LEASE,
                ARGS(DB_I(job->id), DB_I(job->token), DB_I(call->now + core->config.job_lease_s * SECOND_US)), err);
    return r < 0 ? r : 0;
}

int job_lease(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    AUTO_REQUEST struct request req = {0};
    AUTO_JOB struct job job = {0};
    enum job_worker worker = call->from == PEER_GATE ? WORKER_GATE : WORKER_MOVER;
    int r = db_first(core->db, Q_JOB_NEXT, ARGS(DB_I(call->now), DB_T(job_worker_name(worker))), &row, err);

    if (r == 0)
        *ret_ok = json_pack("{s:n}", "job");
    if (r != 1)
        return r;
    job_read(row, &job);
    if (job_gives_up(core, call, &job)) { /* its last tries ended without a word; the worker asks again for another */
        *ret_ok = json_pack("{s:n}", "job");
        return job_give_up(core, call, &job, "The worker did not report in time", err);
    }
    r = job_take(core, call, &job, err);
    if (r == 0)
        r = request_load_by_id(core, job.request, &req, err);
    if (r != 0)
        return r;
    AUTO_JSON json_t *out = json_pack("{s:I, s:I, s:s, s:s, s:I}", "id", (json_int_t)job.id, "token",
                                      (json_int_t)job.token, "kind", job_name(job.kind), "request", job.request,
                                      "leaseS", (json_int_t)core->config.job_lease_s);
    job_describe_paths(&job, &req, out);
    if (job.kind == JOB_STEP)
        r = external_programs_describe(core, &req, out, err);
    else if (worker == WORKER_GATE)
        r = gates_describe(core, &job, &req, out, err);
    if (r == 0)
        *ret_ok = json_pack("{s:O}", "job", out);
    return r;
}

int job_load_leased(struct core *core, int64_t id, int64_t token, struct job *ret, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int r = db_first(core->db, Q_JOB_GET, ARGS(DB_I(id)), &row, err);

    if (r < 0)
        return r;
    if (r == 0 || strcmp(db_text(row, 10), "open") != 0 || db_int(row, 11) == 0 || db_int(row, 6) != token)
        return error_set(err, E_STALE, "The lease of job %lld under token %lld is over", (long long)id,
                         (long long)token);
    job_read(row, ret);
    return 0;
}

int job_load_waiting(struct core *core, int64_t id, struct job *ret, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int r = db_first(core->db, Q_JOB_GET, ARGS(DB_I(id)), &row, err);

    if (r < 0)
        return r;
    if (r == 0 || strcmp(db_text(row, 10), "open") != 0 || db_int(row, 12) == 0)
        return error_set(err, E_STALE, "Job %lld waits for no answer", (long long)id);
    job_read(row, ret);
    ret->report = db_is_null(row, 13) ? NULL : xstrdup(db_text(row, 13));
    return 0;
}

int job_heartbeat(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_JOB struct job job = {0};
    int64_t id = json_int(call->in, "job"), token = json_int(call->in, "token");
    int r = job_load_leased(core, id, token, &job, err);

    if (r == 0)
        r = db_exec(core->db, Q_JOB_EXTEND,
                    ARGS(DB_I(id), DB_I(token), DB_I(call->now + core->config.job_lease_s * SECOND_US)), err);
    if (r < 0)
        return r;
    *ret_ok = json_object();
    return job.kind == JOB_GATES ? gates_tell(core, &job, json_object_get(call->in, "reason"), err) : 0;
}

static int file_extents(struct core *core, int64_t blob, json_t *ret_list, struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    int r = db_select(core->db, Q_EXTENT_LIST, ARGS(DB_I(blob)), &rows, err);

    if (r != 0)
        return r;
    while ((r = db_rows_next(rows, err)) == 1)
        json_array_append_new(ret_list, json_pack("[s,I,I,s]", db_text(rows, 2), (json_int_t)db_int(rows, 3),
                                                  (json_int_t)db_int(rows, 4), db_text(rows, 5)));
    return r;
}

static bool job_wants_names(enum job_kind kind)
{
    return kind == JOB_DELIVER || kind == JOB_GATES || kind == JOB_CHECK || kind == JOB_STEP;
}

/* One file as its job wants to know it. *extents counts, so that a frame stays within its bound. */
static int file_describe(struct core *core, enum job_kind kind, bool is_sealed, const struct db_rows *row,
                         json_t *ret_list, size_t *extents, struct error *err)
{
    json_t *file = json_pack("{s:I, s:I}", "blob", (json_int_t)db_int(row, 0), "size", (json_int_t)db_int(row, 2));

    json_array_append_new(ret_list, file);
    if (job_wants_names(kind))
        json_object_set_new(file, "name", json_string(db_text(row, 1)));
    if (!is_sealed) { /* bytes may lie in pieces */
        json_t *list = json_array();
        json_object_set_new(file, "extents", list);
        int r = file_extents(core, db_int(row, 0), list, err);
        *extents += json_array_size(list);
        return r;
    }
    json_object_set_new(file, "object", json_string(db_text(row, 6)));
    json_object_set_new(file, "sha256", json_string(db_text(row, 3)));
    return 0;
}

/* What is being blocked for a mismatch has no digests to hold it to. */
static bool job_has_files(const struct job *job, const struct request *req)
{
    if (job->kind == JOB_MOVE)
        return req->status != STATUS_BLOCKING_IN_PROGRESS;
    return job->kind == JOB_SEAL || job->kind == JOB_SWEEP || job_wants_names(job->kind);
}

int job_files(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_REQUEST struct request req = {0};
    AUTO_ROWS struct db_rows *rows = NULL;
    AUTO_JSON json_t *files = json_array();
    AUTO_JOB struct job job = {0};
    size_t extents = 0;
    int64_t last = 0;
    bool more = false;
    int r = job_load_leased(core, json_int(call->in, "job"), json_int(call->in, "token"), &job, err);

    if (r == 0)
        r = request_load_by_id(core, job.request, &req, err);
    if (r == 0 && job_has_files(&job, &req))
        r = db_select(core->db, Q_BLOB_FILES_AFTER,
                      ARGS(DB_T(req.id), DB_I(json_int(call->in, "after")), DB_I(FILES_PAGE + 1)), &rows, err);
    if (r != 0)
        return r;
    while (rows && (r = db_rows_next(rows, err)) == 1) {
        more = json_array_size(files) == FILES_PAGE || extents > EXTENTS_PAGE;
        if (more)
            break;
        last = db_int(rows, 0);
        r = file_describe(core, job.kind, *req.manifest_digest, rows, files, &extents, err);
        if (r != 0)
            return r;
    }
    if (r < 0)
        return r;
    *ret_ok = json_pack("{s:O, s:I}", "files", files, "next", (json_int_t)(more ? last : 0));
    return 0;
}

int jobs_release_all(struct core *core, enum job_worker worker, struct error *err)
{
    int r = db_exec(core->db, Q_JOB_RELEASE_ALL,
                    ARGS(DB_I(clock_now_us() + core->config.job_retry_ms * MS_US), DB_T(job_worker_name(worker))), err);
    return r < 0 ? r : 0;
}

/* A directory is known while its request's row names it, or while an open job of that request may still need it. */
static int dir_is_known(struct core *core, const char *dir, struct error *err)
{
    AUTO_REQUEST struct request req = {0};
    AUTO_ROWS struct db_rows *job = NULL;
    char account[ACCOUNT_NAME_MAX + 1], id[UUID_TEXT_SIZE] = "";
    enum zone zone;
    int64_t token;
    bool delivery = str_starts(dir, "delivery/");

    if (delivery) {
        const char *slash = strrchr(dir, '/');
        if (!uuid_is_v4(slash + 1))
            return 0;
        (void)str_copy(id, sizeof id, slash + 1);
    } else if (!place_read(dir, &zone, account, id, &token)) {
        return 0;
    }
    int r = request_load_by_id(core, id, &req, err);
    if (r == E_NOT_FOUND)
        return 0;
    if (r == 0)
        r = db_first(core->db, Q_JOB_OPEN_ORIGIN, ARGS(DB_T(id)), &job, err);
    if (r != 0)
        return r;
    if (delivery)
        return req.status == STATUS_APPROVED && req.type == REQUEST_IMPORT;
    return strcmp(req.dir, dir) == 0 && status_facts(req.status)->account[req.type] != ACCOUNT_NONE;
}

int dir_known(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    const json_t *dirs = json_object_get(call->in, "dirs");
    AUTO_JSON json_t *unknown = json_array();
    size_t i;
    const json_t *item;

    if (json_array_size(dirs) > DIRS_MAX)
        return error_set(err, E_LIMIT, "At most %d directories at once", DIRS_MAX);
    json_array_foreach(dirs, i, item)
    {
        const char *dir = json_string_value(item);
        int r = dir ? dir_is_known(core, dir, err) : 1;
        if (r < 0)
            return r;
        if (r == 0)
            json_array_append_new(unknown, json_string(dir));
    }
    *ret_ok = json_pack("{s:O}", "unknown", unknown);
    return 0;
}

int admin_jobs(struct core *core, struct call *call, json_t **ret_ok, struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    AUTO_JSON json_t *jobs = json_array();
    int r = db_select(core->db, Q_JOB_LIST, NO_ARGS, &rows, err);

    if (r != 0)
        return r;
    while ((r = db_rows_next(rows, err)) == 1)
        json_array_append_new(jobs, json_pack("{s:I, s:s, s:s, s:s, s:I, s:f, s:b, s:s, s:f}", "id",
                                              (json_int_t)db_int(rows, 0), "request", db_text(rows, 1), "kind",
                                              db_text(rows, 2), "state", db_text(rows, 3), "attempts",
                                              (json_int_t)db_int(rows, 4), "nextTry", (double)db_int(rows, 5) / 1e6,
                                              "leased", db_int(rows, 6) > call->now, "error", db_text(rows, 7),
                                              "createdWhen", (double)db_int(rows, 8) / 1e6));
    if (r == 0)
        *ret_ok = json_pack("{s:O}", "jobs", jobs);
    return r;
}
