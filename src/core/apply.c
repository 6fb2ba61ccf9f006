/* The only code that writes `status`. Part of airlock-core. */
#include "core/apply.h"

#include <string.h>

#include "base/log.h"
#include "core/audit.h"
#include "core/caller.h"
#include "core/drain.h"
#include "core/events.h"
#include "core/external.h"
#include "core/place.h"

/* One change in the making. */
struct change {
    struct core *core;
    const struct call *call;
    struct request *req;
    const struct transition *edge;
    enum status to;
    const char *system; /* or NULL: the call's person */
    const char *message;
};

static int created_tell(struct core *core, const struct call *call, const char *id, struct error *err)
{
    AUTO_REQUEST struct request req = {0};
    int r = request_load_by_id(core, id, &req, err);
    return r ? r : events_add_status(core, call, &req, STATUS_NONE, err);
}

int apply_create(struct core *core, struct call *call, const struct workspace *w, const struct request_input *input,
                 struct error *err)
{
    const struct transition *edge;
    const struct actor actor = {.roles = call->who.roles};
    char account_dir[PATH_MAX_TEXT], dir[PATH_MAX_TEXT], id[UUID_TEXT_SIZE];
    int r = flow_decide(STATUS_NONE, EVENT_CREATE, &actor, &edge, err);

    uuid_new(id);
    if (r == 0)
        r = place_account(core, flow_draft_account(input->type), w->digits, account_dir, err);
    if (r != 0)
        return r;
    place_dir(account_dir, id, 0, dir);
    AUTO_JSON json_t *who = caller_render(&call->who);
    AUTO_FREE char *who_text = json_dumps(who, JSON_COMPACT);
    r = db_exec(core->db, Q_REQUEST_INSERT,
                ARGS(DB_T(id), DB_T(w->id), DB_T(request_type_name(input->type)), DB_T(input->title),
                     DB_T(input->justification), DB_T(status_name(edge->to)), DB_T(dir), DB_T(call->who.subject),
                     DB_T(who_text), DB_I(call->now)),
                err);
    if (r < 0)
        return r;
    (void)str_copy(call->request, sizeof call->request, id);
    r = audit_add(core, call, "transition", "",
                  json_pack("{s:s, s:n, s:s, s:i}", "event", event_name(EVENT_CREATE), "from", "to",
                            status_name(edge->to), "version", 0),
                  err);
    return r ? r : created_tell(core, call, id, err);
}

static char *updated_by(const struct change *c)
{
    AUTO_JSON json_t *who = c->system ? json_pack("{s:s, s:s, s:s, s:[], s:s, s:b}", "id", c->system, "name", c->system,
                                                  "email", "", "roles", "audience", "", "is_workspace_token", 0)
                                      : caller_render(&c->call->who);
    return json_dumps(who, JSON_COMPACT);
}

/* The compare-and-set, and the row that remembers the version that is no more. */
static int change_write(const struct change *c, struct error *err)
{
    const struct request *req = c->req;
    const char *failed_from = c->to == STATUS_FAILED ? status_name(req->status) : NULL;
    AUTO_FREE char *who = updated_by(c);
    int r = db_exec(c->core->db, Q_REQUEST_CAS_STATUS,
                    ARGS(DB_T(req->id), DB_T(req->workspace), DB_I(req->version), DB_T(status_name(c->to)),
                         DB_T(c->message), DB_T(failed_from), DB_T(who), DB_I(c->call->now)),
                    err);
    if (r < 0)
        return r;
    if (r == 0)
        return error_set(err, E_CONFLICT, "The request was changed by someone else; read it again");
    r = db_exec(c->core->db, Q_HISTORY_ADD,
                ARGS(DB_T(req->id), DB_I(req->version), DB_T(status_name(req->status)), DB_T(req->updated_by),
                     DB_I(req->updated)),
                err);
    return r < 0 ? r : 0;
}

static int job_insert(struct core *core, const struct call *call, const struct request *req, enum job_kind kind,
                      bool drained, const char *target, int64_t *ret_id, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int r = db_first(core->db, Q_JOB_ADD,
                     ARGS(DB_T(req->id), DB_T(job_name(kind)), DB_I(drained), DB_T(req->dir), DB_T(target),
                          DB_I(call->now), DB_T(job_worker_name(job_worker(kind)))),
                     &row, err);
    if (r != 1)
        return r < 0 ? r : error_set(err, E_INTERNAL, "A job got no number");
    *ret_id = db_int(row, 0);
    effect_add(core, &(struct effect){.kind = EFFECT_WAKE_WORKERS});
    return 0;
}

/* The directory of accounts a job moves to; "" for jobs that move nothing. */
static int job_target(const struct change *c, char ret[static PATH_MAX_TEXT], struct error *err)
{
    AUTO_WORKSPACE struct workspace w = {0};
    enum account account;

    ret[0] = '\0';
    if (c->edge->job == JOB_SEAL)
        account = flow_sealed_account(c->req->type);
    else if (c->edge->job == JOB_MOVE)
        account = flow_move_target(c->to, c->req->type);
    else
        return 0;
    int r = workspace_load(c->core, c->req->workspace, &w, err);
    return r ? r : place_account(c->core, account, w.digits, ret, err);
}

static int job_reopen(const struct change *c, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int r = db_first(c->core->db, Q_JOB_REOPEN, ARGS(DB_T(c->req->id), DB_I(c->call->now)), &row, err);
    if (r == 0)
        return error_set(err, E_INTERNAL, "The failed job of the request is gone");
    if (r < 0)
        return r;
    effect_add(c->core, &(struct effect){.kind = EFFECT_WAKE_WORKERS});
    struct reopened job = {.id = db_int(row, 1), .kind = JOB_NONE, .has_run = db_int(row, 2) != 0};
    (void)job_by_name(db_text(row, 0), &job.kind); /* written by us */
    return external_steps_again(c->core, c->call, c->req, &job, c->to, err);
}

/* Writers exist only in a draft: a job that touches its bytes waits until the listener has none left. */
static int change_queue_job(const struct change *c, struct error *err)
{
    char target[PATH_MAX_TEXT];
    bool is_drained = c->req->status != STATUS_DRAFT;
    int64_t id = 0;

    if (c->edge->job == JOB_NONE)
        return 0;
    if (c->edge->job == JOB_SAME)
        return job_reopen(c, err);
    int r = job_target(c, target, err);
    if (r == 0 && c->req->status == STATUS_DRAFT) /* what a check would find is of no use any more */
        r = db_exec(c->core->db, Q_JOB_END_KIND, ARGS(DB_T(c->req->id), DB_T(job_name(JOB_CHECK))), err);
    if (r >= 0 && (c->edge->job == JOB_PURGE || c->edge->job == JOB_REMOVE))
        r = db_exec(c->core->db, Q_JOB_END_OPEN, ARGS(DB_T(c->req->id)), err);
    if (r >= 0)
        r = job_insert(c->core, c->call, c->req, c->edge->job, is_drained, *target ? target : NULL, &id, err);
    return r < 0 ? r : external_steps_begin(c->core, c->call, c->req, id, c->edge->event, is_drained, err);
}

static int change_audit(const struct change *c, json_t *detail_stolen, struct error *err)
{
    json_t *detail = detail_stolen ? detail_stolen : json_object();
    json_object_set_new(detail, "event", json_string(event_name(c->edge->event)));
    json_object_set_new(detail, "from", json_string(status_name(c->req->status)));
    json_object_set_new(detail, "to", json_string(status_name(c->to)));
    json_object_set_new(detail, "version", json_integer(c->req->version + 1));
    if (*c->req->manifest_digest)
        json_object_set_new(detail, "manifestDigest", json_string(c->req->manifest_digest));
    if (c->edge->alarm)
        json_object_set_new(detail, "alarm", json_true());
    return audit_add(c->core, c->call, "transition", c->system ? c->system : "", detail, err);
}

static int change_reload(struct change *c, struct error *err)
{
    struct request fresh = {0};
    int r = request_load_by_id(c->core, c->req->id, &fresh, err);
    if (r != 0)
        return r;
    request_done(c->req);
    *c->req = fresh;
    return 0;
}

int apply_event(struct core *core, const struct call *call, struct request *req, enum event event, const char *system,
                const char *message, json_t *detail_stolen, struct error *err)
{
    AUTO_JSON json_t *detail = detail_stolen;
    struct change c = {.core = core, .call = call, .req = req, .system = system, .message = message};
    struct actor actor = request_actor(req, call);
    enum status from = req->status;

    if (system)
        actor = (struct actor){.is_system = true};
    int r = flow_decide(req->status, event, &actor, &c.edge, err);
    if (r != 0)
        return r;
    c.to = c.edge->to == STATUS_FAILED_FROM ? req->failed_from : c.edge->to;
    r = change_write(&c, err);
    if (r == 0)
        r = change_audit(&c, TAKE_PTR(detail), err);
    if (r == 0)
        r = change_queue_job(&c, err);
    if (r == 0) /* the raised generation killed every older link; transfers that run on one end after the commit */
        r = drain_add(core, req->id, req->dir, req->generation + 1, err);
    if (r != 0)
        return r;
    if (c.edge->alarm)
        log_alarm("request %s: %s: %s", req->id, event_name(event), message ? message : status_name(c.to));
    r = change_reload(&c, err);
    return r ? r : events_add_status(core, call, req, from, err);
}

int apply_queue(struct core *core, const struct call *call, const struct request *req, enum job_kind kind,
                bool is_drained, struct error *err)
{
    int64_t id;
    return job_insert(core, call, req, kind, is_drained, NULL, &id, err);
}
