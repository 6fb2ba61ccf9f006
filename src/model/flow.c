/* Decisions about a request's life, from the tables alone. Pure; core decides with it, nobody else needs to. */
#include "model/flow.h"

#include <string.h>

#include "base/str.h"

/* Who may act in a requestor's place where an event allows it. */
#define OVERSEERS ((unsigned)(ROLE_OWNER | ROLE_TRE_ADMIN))

static const struct event_facts EVENTS[] = {
#define X(name, wire, roles, relation) {wire, roles, RELATION_##relation},
#include "model/event.def"
#undef X
};

static const struct {
    const char *name;
    enum job_worker worker;
} JOBS[] = {
#define X(name, wire, worker) {wire, WORKER_##worker},
#include "model/job.def"
#undef X
};

static const struct transition TRANSITIONS[] = {
#define X(from, event, to, job, alarm) {STATUS_##from, EVENT_##event, STATUS_##to, JOB_##job, alarm},
#include "model/transition.def"
#undef X
};

/* AzureTRE's actions, in the order its clients expect; each stands for an event. */
static const struct action {
    const char *name;
    enum event event;
} ACTIONS[FLOW_ACTIONS_MAX] = {
    {"review", EVENT_APPROVE},
    {"cancel", EVENT_CANCEL},
    {"submit", EVENT_SUBMIT},
    {"revoke", EVENT_REVOKE},
};

const struct event_facts *event_facts(enum event event)
{
    return &EVENTS[event];
}

const char *event_name(enum event event)
{
    return EVENTS[event].name;
}

const char *job_name(enum job_kind job)
{
    if (job < JOB_COUNT)
        return JOBS[job].name;
    return job == JOB_SAME ? "same" : "none";
}

bool job_by_name(const char *name, enum job_kind *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(JOBS); i++)
        if (strcmp(JOBS[i].name, name) == 0) {
            *ret = (enum job_kind)i;
            return true;
        }
    return false;
}

enum job_worker job_worker(enum job_kind job)
{
    return JOBS[job].worker;
}

const char *job_worker_name(enum job_worker worker)
{
    return worker == WORKER_GATE ? "gate" : "mover";
}

const struct transition *flow_transitions(size_t *ret_count)
{
    *ret_count = ARRAY_LEN(TRANSITIONS);
    return TRANSITIONS;
}

const struct transition *flow_find(enum status from, enum event event)
{
    for (size_t i = 0; i < ARRAY_LEN(TRANSITIONS); i++)
        if (TRANSITIONS[i].from == from && TRANSITIONS[i].event == event)
            return &TRANSITIONS[i];
    return NULL;
}

static int check_role(enum event event, const struct actor *actor, struct error *err)
{
    const struct event_facts *facts = event_facts(event);

    if (facts->relation == RELATION_SYSTEM) {
        if (!actor->is_system)
            return error_set(err, E_FORBIDDEN, "Only airlock itself reports \"%s\"", facts->name);
        return 0;
    }
    /* The system never acts in a person's place, whatever bits it carries. */
    if (actor->is_system || !(actor->roles & facts->roles)) {
        AUTO_STR struct str text = STR_INIT(256);
        role_append_missing(&text, facts->roles);
        return error_set(err, E_FORBIDDEN, "%s", str_text(&text));
    }
    return 0;
}

/* 409: what the status is, and in which statuses the event would be possible. */
static int refuse_status(enum status from, enum event event, struct error *err)
{
    AUTO_STR struct str possible = STR_INIT(256);

    for (size_t i = 0; i < ARRAY_LEN(TRANSITIONS); i++) {
        if (TRANSITIONS[i].event != event || TRANSITIONS[i].from == STATUS_NONE)
            continue;
        str_append(&possible, possible.len > 0 ? ", " : "");
        str_append(&possible, status_name(TRANSITIONS[i].from));
    }
    if (from == STATUS_NONE)
        return error_set(err, E_CONFLICT, "There is no request yet");
    if (possible.len == 0)
        return error_set(err, E_CONFLICT, "Airlock request status change was illegal: the request exists already");
    return error_set(err, E_CONFLICT,
                     "Airlock request status change was illegal: the request is in status %s; %s is possible in %s",
                     status_name(from), event_name(event), str_text(&possible));
}

static int check_relation(enum event event, const struct actor *actor, struct error *err)
{
    switch (event_facts(event)->relation) {
    case RELATION_REQUESTOR:
        if (!actor->is_requestor)
            return error_set(err, E_FORBIDDEN, "Only the requestor may %s this request", event_name(event));
        return 0;
    case RELATION_REQUESTOR_OR_OVERSEER:
        if (!actor->is_requestor && !(actor->roles & OVERSEERS))
            return error_set(err, E_FORBIDDEN,
                             "Only the requestor, a Workspace Owner or a TRE administrator may %s this request",
                             event_name(event));
        return 0;
    case RELATION_NOT_REQUESTOR:
        if (actor->is_requestor)
            return error_set(err, E_FORBIDDEN, "Nobody decides on their own request");
        return 0;
    case RELATION_ANY:
    case RELATION_SYSTEM:
        return 0;
    }
    return error_set(err, E_INTERNAL, "Event %s has no relation", event_name(event));
}

int flow_decide(enum status from, enum event event, const struct actor *actor, const struct transition **ret_transition,
                struct error *err)
{
    int r = check_role(event, actor, err);
    if (r < 0)
        return r;
    const struct transition *transition = flow_find(from, event);
    if (!transition)
        return refuse_status(from, event, err);
    r = check_relation(event, actor, err);
    if (r < 0)
        return r;
    *ret_transition = transition;
    return 0;
}

void flow_append_who(struct str *s, enum event event)
{
    const struct event_facts *facts = event_facts(event);

    switch (facts->relation) {
    case RELATION_SYSTEM:
        str_append(s, "system");
        return;
    case RELATION_ANY:
        role_append_list(s, facts->roles);
        return;
    case RELATION_REQUESTOR:
        str_append(s, "requestor, as ");
        role_append_list(s, facts->roles);
        return;
    case RELATION_REQUESTOR_OR_OVERSEER:
        str_append(s, "requestor, ");
        role_append_list(s, facts->roles & OVERSEERS);
        return;
    case RELATION_NOT_REQUESTOR:
        role_append_list(s, facts->roles);
        str_append(s, " who is not the requestor");
        return;
    }
}

size_t flow_allowed_actions(enum status status, const struct actor *actor,
                            const char *ret_actions[static FLOW_ACTIONS_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < ARRAY_LEN(ACTIONS); i++) {
        const struct transition *unused;
        if (flow_decide(status, ACTIONS[i].event, actor, &unused, NULL) == 0)
            ret_actions[count++] = ACTIONS[i].name;
    }
    return count;
}

const char *flow_action_name(size_t i)
{
    return ACTIONS[i].name;
}

enum status flow_move_outcome(enum status status)
{
    const struct transition *moved = flow_find(status, EVENT_MOVED);
    return moved ? moved->to : STATUS_NONE;
}

enum account flow_move_target(enum status status, enum request_type type)
{
    enum status outcome = flow_move_outcome(status);
    return outcome == STATUS_NONE ? ACCOUNT_NONE : status_account(outcome, type);
}

enum account flow_draft_account(enum request_type type)
{
    return status_account(STATUS_DRAFT, type);
}

enum account flow_sealed_account(enum request_type type)
{
    return status_account(STATUS_SUBMITTED, type);
}
