/* The tables of the life cycle checked against each other, at every start and in the tests. Pure. */
#include "model/flow.h"

#include <string.h>

static int check_edges_unique(const struct transition *edges, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = i + 1; k < count; k++)
            if (edges[i].from == edges[k].from && edges[i].event == edges[k].event)
                return error_set(err, E_INTERNAL, "Edge (%s, %s) stands in the table twice", status_name(edges[i].from),
                                 event_name(edges[i].event));
    return 0;
}

static int check_reachable(const struct transition *edges, size_t count, struct error *err)
{
    bool reached[STATUS_COUNT] = {false};
    bool grown = true;

    while (grown) {
        grown = false;
        for (size_t i = 0; i < count; i++) {
            bool from = edges[i].from == STATUS_NONE || (edges[i].from < STATUS_COUNT && reached[edges[i].from]);
            if (!from || edges[i].to >= STATUS_COUNT || reached[edges[i].to])
                continue;
            reached[edges[i].to] = true;
            grown = true;
        }
    }
    for (size_t i = 0; i < STATUS_COUNT; i++)
        if (!reached[i])
            return error_set(err, E_INTERNAL, "Status %s cannot be reached", status_name((enum status)i));
    return 0;
}

/* A closed or resting status has at most the one exit that a person may take. */
static int check_exits(const struct transition *edges, size_t count, struct error *err)
{
    size_t exits[STATUS_COUNT] = {0};

    for (size_t i = 0; i < count; i++) {
        enum status from = edges[i].from;
        if (from >= STATUS_COUNT)
            continue;
        exits[from]++;
        if (status_facts(from)->end == END_OPEN)
            continue;
        if (!(from == STATUS_FAILED && edges[i].event == EVENT_RETRY) &&
            !(from == STATUS_APPROVED && edges[i].event == EVENT_REVOKE))
            return error_set(err, E_INTERNAL, "Status %s must not be left by %s", status_name(from),
                             event_name(edges[i].event));
    }
    for (size_t i = 0; i < STATUS_COUNT; i++) {
        bool may_end = status_facts((enum status)i)->end == END_CLOSED && i != STATUS_FAILED;
        if (may_end != (exits[i] == 0))
            return error_set(err, E_INTERNAL, "Status %s has %zu exits", status_name((enum status)i), exits[i]);
    }
    return 0;
}

/* Where the bytes must be for a job, when the edge is taken: "moving" means an earlier move has not published. */
static bool job_may_start(enum job_kind job, enum account from, enum account draft, enum account sealed,
                          enum account approved)
{
    switch (job) {
    case JOB_SEAL:
        return from == draft;
    case JOB_GATES:
        return from == sealed;
    case JOB_MOVE:
        return from == sealed || from == ACCOUNT_MOVING;
    case JOB_PURGE:
        return from == draft || from == sealed;
    case JOB_REMOVE:
        return from == approved;
    case JOB_SAME:
        return from == ACCOUNT_STAYS;
    case JOB_NONE:
        return true;
    case JOB_DELIVER: /* these are never an edge's job: core queues them when their time has come */
    case JOB_SWEEP:
    case JOB_CHECK:
    case JOB_STEP:
    case JOB_COUNT:
        break;
    }
    return false;
}

static int check_job(const struct transition *edge, enum request_type type, struct error *err)
{
    enum account from = edge->from < STATUS_COUNT ? status_account(edge->from, type) : ACCOUNT_NONE;

    if (!job_may_start(edge->job, from, flow_draft_account(type), flow_sealed_account(type),
                       status_account(STATUS_APPROVED, type)))
        return error_set(err, E_INTERNAL, "Edge (%s, %s): job %s cannot start there", status_name(edge->from),
                         event_name(edge->event), job_name(edge->job));
    return 0;
}

/* The account of the target must be what the edge's job makes true. */
static bool target_fits(const struct transition *edge, enum request_type type)
{
    if (edge->to >= STATUS_COUNT)
        return edge->job == JOB_SAME;
    enum account to = status_account(edge->to, type);
    if (edge->job == JOB_MOVE)
        return to == ACCOUNT_MOVING;
    if (edge->job == JOB_PURGE || edge->job == JOB_REMOVE)
        return to == ACCOUNT_NONE;
    if (edge->job == JOB_SEAL || edge->job == JOB_GATES)
        return to == flow_sealed_account(type);
    if (edge->event == EVENT_MOVED)
        return to < ACCOUNT_COUNT && to != flow_sealed_account(type) && to != flow_draft_account(type);
    /* Without a job the bytes stay where they are. */
    return edge->from >= STATUS_COUNT || to == ACCOUNT_STAYS || to == status_account(edge->from, type);
}

static int check_data(const struct transition *edges, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++)
        for (int type = 0; type < REQUEST_TYPE_COUNT; type++) {
            int r = check_job(&edges[i], (enum request_type)type, err);
            if (r < 0)
                return r;
            if (!target_fits(&edges[i], (enum request_type)type))
                return error_set(err, E_INTERNAL, "Edge (%s, %s): status %s says the bytes are elsewhere",
                                 status_name(edges[i].from), event_name(edges[i].event), status_name(edges[i].to));
        }
    return 0;
}

/* Every status in which bytes move ends somewhere, and every job that can fail may give up. */
static int check_moves(const struct transition *edges, size_t count, struct error *err)
{
    for (int status = 0; status < STATUS_COUNT; status++) {
        bool moving = status_account((enum status)status, REQUEST_IMPORT) == ACCOUNT_MOVING;
        size_t moved = 0, give_up = 0;
        for (size_t i = 0; i < count; i++) {
            if (edges[i].from != (enum status)status)
                continue;
            moved += edges[i].event == EVENT_MOVED;
            give_up += edges[i].event == EVENT_GIVE_UP;
        }
        if (moving != (moved == 1) || give_up != (moving || status == STATUS_SUBMITTED))
            return error_set(err, E_INTERNAL, "Status %s: a move must be able to end and to give up, and only a move",
                             status_name((enum status)status));
    }
    return 0;
}

int flow_check_transitions(const struct transition *edges, size_t count, struct error *err)
{
    static int (*const CHECKS[])(const struct transition *, size_t, struct error *) = {
        check_edges_unique, check_reachable, check_exits, check_data, check_moves,
    };

    for (size_t i = 0; i < ARRAY_LEN(CHECKS); i++) {
        int r = CHECKS[i](edges, count, err);
        if (r < 0)
            return r;
    }
    return 0;
}

int flow_check_statuses(const struct status_facts *statuses, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct status_facts *s = &statuses[i];
        for (size_t k = i + 1; k < count; k++)
            if (strcmp(s->name, statuses[k].name) == 0)
                return error_set(err, E_INTERNAL, "Two statuses are named %s", s->name);
        if ((s->link == LINK_NOBODY) != (s->link_permissions[0] == '\0'))
            return error_set(err, E_INTERNAL, "Status %s: link readers and permissions disagree", s->name);
        for (int type = 0; type < REQUEST_TYPE_COUNT; type++) {
            enum account account = s->account[type];
            if (s->link != LINK_NOBODY && account >= ACCOUNT_COUNT)
                return error_set(err, E_INTERNAL, "Status %s gives links but its bytes do not rest", s->name);
            bool writes = strpbrk(s->link_permissions, "acwd") != NULL;
            if (writes && account_facts(account)->use != USE_DRAFT)
                return error_set(err, E_INTERNAL, "Status %s gives writing links to sealed bytes", s->name);
        }
    }
    return 0;
}

int flow_self_check(struct error *err)
{
    size_t count;
    const struct transition *edges = flow_transitions(&count);

    int r = flow_check_statuses(status_facts((enum status)0), STATUS_COUNT, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < EVENT_COUNT; i++)
        for (size_t k = i + 1; k < EVENT_COUNT; k++)
            if (strcmp(event_name((enum event)i), event_name((enum event)k)) == 0)
                return error_set(err, E_INTERNAL, "Two events are named %s", event_name((enum event)i));
    return flow_check_transitions(edges, count, err);
}
