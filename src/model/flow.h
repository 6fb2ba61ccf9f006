/* The life cycle: which event leads where, who may cause it, and what the workers do next. The tables transition.def,
 * event.def and status.def are the only source; core/apply asks here before it writes a status. Pure; no I/O.
 *
 * Order of judgement, the same for every event:
 *   1. the role (403: a member without the right never learns more),
 *   2. the status (409, naming the present status and what it would take),
 *   3. the relation to the request (403, for example "Nobody decides on their own request"). */
#ifndef AIRLOCK_MODEL_FLOW_H
#define AIRLOCK_MODEL_FLOW_H

#include "base/error.h"
#include "model/role.h"
#include "model/status.h"

enum event {
#define X(name, wire, roles, relation) EVENT_##name,
#include "model/event.def"
#undef X
    EVENT_COUNT
};

enum relation {
    RELATION_ANY,
    RELATION_REQUESTOR,
    RELATION_REQUESTOR_OR_OVERSEER,
    RELATION_NOT_REQUESTOR,
    RELATION_SYSTEM
};

enum job_kind {
#define X(name, wire, worker) JOB_##name,
#include "model/job.def"
#undef X
    JOB_COUNT,
    JOB_NONE,
    JOB_SAME, /* of a retry: the job that failed, under a new token */
};

enum job_worker { WORKER_MOVER, WORKER_GATE };

struct event_facts {
    const char *name;
    unsigned roles; /* the actor holds at least one; 0 for the system's own events */
    enum relation relation;
};

struct transition {
    enum status from; /* STATUS_NONE for create */
    enum event event;
    enum status to; /* STATUS_FAILED_FROM for retry */
    enum job_kind job;
    bool alarm; /* an operator must look: log_alarm and an audit mark */
};

const struct event_facts *event_facts(enum event event);
const char *event_name(enum event event);
const char *job_name(enum job_kind job); /* "none" and "same" for the two specials */
bool job_by_name(const char *name, enum job_kind *ret);
enum job_worker job_worker(enum job_kind job); /* of the table's kinds only */
const char *job_worker_name(enum job_worker worker); /* "mover", "gate" */

/* All edges, for documentation and checks. */
const struct transition *flow_transitions(size_t *ret_count);
/* The edge, or NULL. */
const struct transition *flow_find(enum status from, enum event event);

/* May this actor cause this event now? *ret_transition points into the table. E_FORBIDDEN and E_CONFLICT as above. */
int flow_decide(enum status from, enum event event, const struct actor *actor, const struct transition **ret_transition,
                struct error *err) MUST_USE;

/* Who may cause the event, in words: "requestor, as WorkspaceOwner, WorkspaceResearcher"; "system". */
void flow_append_who(struct str *s, enum event event);

/* What the actor could do now, as AzureTRE's allowedUserActions, in its order: review, cancel, submit, revoke. Honest:
 * what is listed, flow_decide allows. Returns the number of names written (static texts). */
#define FLOW_ACTIONS_MAX 4
size_t flow_allowed_actions(enum status status, const struct actor *actor,
                            const char *ret_actions[static FLOW_ACTIONS_MAX]);
const char *flow_action_name(size_t i); /* of all the actions there are; i below FLOW_ACTIONS_MAX */

/* Where the bytes of an *_in_progress status end when its move succeeds; ACCOUNT_NONE for any other status. */
enum account flow_move_target(enum status status, enum request_type type);
/* Where a seal job begins and ends, and where every later move begins. */
enum account flow_draft_account(enum request_type type);
enum account flow_sealed_account(enum request_type type);
/* The status a successful move from this *_in_progress status leads to; STATUS_NONE for any other status. */
enum status flow_move_outcome(enum status status);

/* The tables against each other; each program that relies on them calls this at start. E_INTERNAL with what is wrong:
 * every status can be reached from create; closed statuses have no exit (failed: only retry; approved: only revoke); no
 * (from, event) twice; every job starts where the status says the bytes are; names unique; links only where bytes
 * rest. */
int flow_self_check(struct error *err) MUST_USE;
/* The same for given tables (tests seed mistakes). */
int flow_check_transitions(const struct transition *edges, size_t count, struct error *err) MUST_USE;
int flow_check_statuses(const struct status_facts *statuses, size_t count, struct error *err) MUST_USE;

#endif
