/* Counters of what requests hold, and the limits on them. Part of airlock-core. */
#include "core/usage.h"

#include "model/policy.h"

#define NAMES_BEYOND_POLICY 1000  /* a draft may hold more files than it may be submitted with, but not without end */
#define STAGED_TIMES 2            /* blocks that wait for their list may take the request's bytes so often */
#define HELD_TIMES (STAGED_TIMES + 1) /* files and waiting blocks: more is blocks that no file shows any more */
#define TEXT_BYTES_MAX (6LL << 20) /* a list of all files must fit a frame, escaped */

int usage_load(struct core *core, const char *request, struct usage *ret, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int r = db_first(core->db, Q_USAGE_GET, ARGS(DB_T(request)), &row, err);

    if (r < 0)
        return r;
    *ret = (struct usage){0};
    if (r == 1)
        *ret = (struct usage){.files = db_int(row, 0),
                              .bytes = db_int(row, 1),
                              .staged_names = db_int(row, 2),
                              .staged_bytes = db_int(row, 3),
                              .text_bytes = db_int(row, 4),
                              .held = db_int(row, 5)};
    return 0;
}

/* Grows, and goes past the limit by that. */
static bool passes(int64_t present, int64_t change, int64_t limit)
{
    return change > 0 && change > limit - present;
}

static int check_request(const struct policy *policy, const struct usage *present, const struct usage *change,
                         struct error *err)
{
    int64_t max = policy->max_bytes;

    if (passes(present->files + present->staged_names, change->files + change->staged_names,
               policy->max_files + NAMES_BEYOND_POLICY))
        return error_set(err, E_TOO_LARGE, "The request holds too many files; it may be submitted with %lld",
                         (long long)policy->max_files);
    if (passes(present->bytes, change->bytes, max))
        return error_set(err, E_TOO_LARGE, "The request may hold %lld bytes in all; it holds %lld", (long long)max,
                         (long long)present->bytes);
    if (passes(present->staged_bytes, change->staged_bytes, STAGED_TIMES * max))
        return error_set(err, E_TOO_LARGE, "The uncommitted blocks of a request may take %d times its %lld bytes",
                         STAGED_TIMES, (long long)max);
    if (passes(present->held, change->held, HELD_TIMES * max))
        return error_set(err, E_TOO_LARGE,
                         "The request takes %lld bytes on the disk, %d times the %lld it may hold: delete files that "
                         "were made of few of their blocks",
                         (long long)present->held, HELD_TIMES, (long long)max);
    if (passes(present->text_bytes, change->text_bytes, TEXT_BYTES_MAX))
        return error_set(err, E_TOO_LARGE, "Names, headers and metadata of a request may take %lld bytes together",
                         TEXT_BYTES_MAX);
    return 0;
}

/* subject "": the whole workspace. limit 0: none. */
static int check_quota(struct core *core, const struct request *req, const char *subject, const char *whose,
                       int64_t limit, int64_t change, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;

    if (limit == 0 || change <= 0)
        return 0;
    int r = db_first(core->db, Q_HOLDING_GET, ARGS(DB_T(req->workspace), DB_T(subject)), &row, err);
    if (r < 0)
        return r;
    int64_t present = r == 1 ? db_int(row, 0) : 0;
    if (!passes(present, change, limit))
        return 0;
    return error_set(err, E_TOO_LARGE, "The quota of %s is %lld bytes; %lld are in use and this needs %lld more", whose,
                     (long long)limit, (long long)present, (long long)change);
}

int usage_check(struct core *core, const struct request *req, const struct usage *change, struct error *err)
{
    AUTO_WORKSPACE struct workspace w = {0};
    struct usage present;
    int r = workspace_load(core, req->workspace, &w, err);

    if (r == 0)
        r = usage_load(core, req->id, &present, err);
    if (r == 0)
        r = check_request(&w.policy, &present, change, err);
    if (r == 0)
        r = check_quota(core, req, req->creator, "one person in this workspace", w.policy.max_bytes_per_user,
                        change->held, err);
    return r ? r
             : check_quota(core, req, "", "this workspace", w.policy.max_bytes_per_workspace, change->held, err);
}

static int holding_add(struct core *core, const struct request *req, int64_t bytes, struct error *err)
{
    const char *const subjects[] = {req->creator, ""};
    int r = 0;

    for (size_t i = 0; i < ARRAY_LEN(subjects) && bytes != 0 && r >= 0; i++)
        r = db_exec(core->db, Q_HOLDING_ADD, ARGS(DB_T(req->workspace), DB_T(subjects[i]), DB_I(bytes)), err);
    return r < 0 ? r : 0;
}

int usage_add(struct core *core, const struct request *req, const struct usage *change, struct error *err)
{
    int r = db_exec(core->db, Q_USAGE_ADD,
                    ARGS(DB_T(req->id), DB_I(change->files), DB_I(change->bytes), DB_I(change->staged_names),
                         DB_I(change->staged_bytes), DB_I(change->text_bytes), DB_I(change->held)),
                    err);
    return r < 0 ? r : holding_add(core, req, change->held, err);
}

int usage_set_held(struct core *core, const struct request *req, int64_t held, struct error *err)
{
    struct usage present;
    int r = usage_load(core, req->id, &present, err);
    return r ? r : usage_add(core, req, &(struct usage){.held = held - present.held}, err);
}
