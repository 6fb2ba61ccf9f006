/* The life cycle, exhaustively: every status, event, set of roles and relation against an expectation written by hand
 * from the design's tables, not computed from the tables in src/model. */
#include "../check.h"

#include "model/flow.h"

#define ROLE_SETS 32u /* every subset of the five roles */

/* What each event does in each status, by hand. "" is nothing: 409. */
struct expected {
    const char *event;
    const char *edges[STATUS_COUNT][2]; /* from, to */
};

static const struct expected EXPECTED[] = {
    {"create", {{0}}},
    {"submit", {{"draft", "submitted"}}},
    {"seal_mismatch", {{"submitted", "blocking_in_progress"}}},
    {"sealed_scan_on", {{"submitted", "submitted"}}},
    {"sealed_scan_off", {{"submitted", "in_review"}}},
    {"gates_clean", {{"submitted", "in_review"}}},
    {"gate_blocked", {{"submitted", "blocking_in_progress"}}},
    {"moved",
     {{"approval_in_progress", "approved"},
      {"rejection_in_progress", "rejected"},
      {"blocking_in_progress", "blocked_by_scan"}}},
    {"approve", {{"in_review", "approval_in_progress"}}},
    {"reject", {{"in_review", "rejection_in_progress"}}},
    {"hash_mismatch",
     {{"approval_in_progress", "blocking_in_progress"}, {"rejection_in_progress", "blocking_in_progress"}}},
    {"cancel", {{"draft", "cancelled"}, {"in_review", "cancelled"}}},
    {"revoke", {{"approved", "revoked"}}},
    {"give_up",
     {{"submitted", "failed"},
      {"approval_in_progress", "failed"},
      {"rejection_in_progress", "failed"},
      {"blocking_in_progress", "failed"}}},
    {"retry", {{"failed", "failed_from"}}},
};

static const char *expected_target(const struct expected *e, const char *status)
{
    for (size_t i = 0; i < STATUS_COUNT && e->edges[i][0]; i++)
        if (strcmp(e->edges[i][0], status) == 0)
            return e->edges[i][1];
    return NULL;
}

static bool has(unsigned roles, const char *name)
{
    enum role role;
    assert_true(role_by_name(name, &role));
    return roles & role;
}

static bool is_system_event(const char *event)
{
    static const char *const NAMES[] = {"seal_mismatch", "sealed_scan_on", "sealed_scan_off", "gates_clean",
                                        "gate_blocked",  "moved",          "hash_mismatch",   "give_up"};
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
        if (strcmp(NAMES[i], event) == 0)
            return true;
    return false;
}

/* Does the actor hold a role that lets them try at all? */
static bool expected_role(const char *event, const struct actor *a)
{
    if (is_system_event(event))
        return a->is_system;
    if (a->is_system)
        return false;
    bool researcher = has(a->roles, "WorkspaceResearcher");
    bool owner = has(a->roles, "WorkspaceOwner");
    bool manager = has(a->roles, "AirlockManager");
    bool admin = has(a->roles, "TREAdmin");
    if (strcmp(event, "create") == 0 || strcmp(event, "submit") == 0)
        return researcher || owner;
    if (strcmp(event, "approve") == 0 || strcmp(event, "reject") == 0)
        return manager;
    if (strcmp(event, "cancel") == 0)
        return researcher || owner || admin;
    if (strcmp(event, "revoke") == 0)
        return manager || owner;
    assert_string_equal(event, "retry");
    return admin;
}

static bool expected_relation(const char *event, const struct actor *a)
{
    if (strcmp(event, "submit") == 0)
        return a->is_requestor;
    if (strcmp(event, "cancel") == 0)
        return a->is_requestor || has(a->roles, "WorkspaceOwner") || has(a->roles, "TREAdmin");
    if (strcmp(event, "approve") == 0 || strcmp(event, "reject") == 0)
        return !a->is_requestor;
    return true;
}

static void check_one(const struct expected *e, enum event event, enum status from, const struct actor *a)
{
    const struct transition *t = NULL;
    struct error err = {0};
    const char *target = expected_target(e, status_name(from));
    int expected = !expected_role(e->event, a)       ? E_FORBIDDEN
                   : !target                         ? E_CONFLICT
                   : !expected_relation(e->event, a) ? E_FORBIDDEN
                                                     : 0;

    int got = flow_decide(from, event, a, &t, &err);
    if (got != expected)
        fail_msg("%s in %s, roles %u, requestor %d, system %d: %s instead of %s", e->event, status_name(from), a->roles,
                 a->is_requestor, a->is_system, error_name(got), error_name(expected));
    if (got != 0) {
        assert_null(t);
        assert_true(err.detail[0] != '\0');
        if (got == E_CONFLICT && strcmp(e->event, "create") != 0)
            assert_non_null(strstr(err.detail, status_name(from)));
        return;
    }
    assert_non_null(t);
    assert_string_equal(status_name(t->to), target);
    assert_int_equal(t->from, from);
    assert_int_equal(t->event, event);
}

static enum event event_named(const char *name)
{
    for (int i = 0; i < EVENT_COUNT; i++)
        if (strcmp(event_name((enum event)i), name) == 0)
            return (enum event)i;
    fail_msg("no event is called %s", name);
    return EVENT_COUNT;
}

static void test_every_combination(void **state)
{
    (void)state;
    assert_int_equal(ARRAY_LEN(EXPECTED), EVENT_COUNT);
    for (size_t i = 0; i < ARRAY_LEN(EXPECTED); i++) {
        enum event event = event_named(EXPECTED[i].event);
        for (int from = 0; from < STATUS_COUNT; from++)
            for (unsigned roles = 0; roles < ROLE_SETS; roles++)
                for (unsigned who = 0; who < 4; who++) {
                    struct actor a = {.roles = roles, .is_requestor = who & 1, .is_system = who & 2};
                    check_one(&EXPECTED[i], event, (enum status)from, &a);
                }
    }
}

static void test_create(void **state)
{
    (void)state;
    const struct transition *t;

    for (unsigned roles = 0; roles < ROLE_SETS; roles++) {
        struct actor a = {.roles = roles, .is_requestor = true};
        bool may = roles & (unsigned)(ROLE_RESEARCHER | ROLE_OWNER);
        assert_int_equal(flow_decide(STATUS_NONE, EVENT_CREATE, &a, &t, NULL), may ? 0 : E_FORBIDDEN);
    }
    struct actor a = {.roles = ROLE_RESEARCHER};
    assert_int_equal(flow_decide(STATUS_NONE, EVENT_CREATE, &a, &t, NULL), 0);
    assert_int_equal(t->to, STATUS_DRAFT);
    assert_int_equal(t->job, JOB_NONE);
    for (int event = 0; event < EVENT_COUNT; event++)
        if (event != EVENT_CREATE)
            assert_null(flow_find(STATUS_NONE, (enum event)event));
    assert_refused(flow_decide(STATUS_NONE, EVENT_SUBMIT, &a, &t, err), E_CONFLICT, "no request yet");
    assert_refused(flow_decide(STATUS_DRAFT, EVENT_CREATE, &a, &t, err), E_CONFLICT, "exists already");
}

/* Jobs and alarms, by hand. */
static void test_jobs(void **state)
{
    (void)state;
    static const struct {
        enum status from;
        enum event event;
        enum job_kind job;
        bool alarm;
    } ROWS[] = {
        {STATUS_NONE, EVENT_CREATE, JOB_NONE, false},
        {STATUS_DRAFT, EVENT_SUBMIT, JOB_SEAL, false},
        {STATUS_SUBMITTED, EVENT_SEAL_MISMATCH, JOB_MOVE, true},
        {STATUS_SUBMITTED, EVENT_SEALED_SCAN_ON, JOB_GATES, false},
        {STATUS_SUBMITTED, EVENT_SEALED_SCAN_OFF, JOB_NONE, false},
        {STATUS_SUBMITTED, EVENT_GATES_CLEAN, JOB_NONE, false},
        {STATUS_SUBMITTED, EVENT_GATE_BLOCKED, JOB_MOVE, false},
        {STATUS_BLOCKING_IN_PROGRESS, EVENT_MOVED, JOB_NONE, false},
        {STATUS_IN_REVIEW, EVENT_APPROVE, JOB_MOVE, false},
        {STATUS_IN_REVIEW, EVENT_REJECT, JOB_MOVE, false},
        {STATUS_APPROVAL_IN_PROGRESS, EVENT_MOVED, JOB_NONE, false},
        {STATUS_APPROVAL_IN_PROGRESS, EVENT_HASH_MISMATCH, JOB_MOVE, true},
        {STATUS_REJECTION_IN_PROGRESS, EVENT_HASH_MISMATCH, JOB_MOVE, true},
        {STATUS_REJECTION_IN_PROGRESS, EVENT_MOVED, JOB_NONE, false},
        {STATUS_DRAFT, EVENT_CANCEL, JOB_PURGE, false},
        {STATUS_IN_REVIEW, EVENT_CANCEL, JOB_PURGE, false},
        {STATUS_APPROVED, EVENT_REVOKE, JOB_REMOVE, false},
        {STATUS_SUBMITTED, EVENT_GIVE_UP, JOB_NONE, true},
        {STATUS_APPROVAL_IN_PROGRESS, EVENT_GIVE_UP, JOB_NONE, true},
        {STATUS_REJECTION_IN_PROGRESS, EVENT_GIVE_UP, JOB_NONE, true},
        {STATUS_BLOCKING_IN_PROGRESS, EVENT_GIVE_UP, JOB_NONE, true},
        {STATUS_FAILED, EVENT_RETRY, JOB_SAME, false},
    };
    size_t count;

    (void)flow_transitions(&count);
    assert_int_equal(count, ARRAY_LEN(ROWS));
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        const struct transition *t = flow_find(ROWS[i].from, ROWS[i].event);
        assert_non_null(t);
        assert_int_equal(t->job, ROWS[i].job);
        assert_int_equal(t->alarm, ROWS[i].alarm);
    }
}

static void test_refusals_explain(void **state)
{
    (void)state;
    const struct transition *t;
    struct actor researcher = {.roles = ROLE_RESEARCHER};
    struct actor requestor = {.roles = ROLE_RESEARCHER, .is_requestor = true};
    struct actor erin = {.roles = ROLE_RESEARCHER | ROLE_MANAGER, .is_requestor = true};

    assert_refused(flow_decide(STATUS_IN_REVIEW, EVENT_APPROVE, &erin, &t, err), E_FORBIDDEN,
                   "Nobody decides on their own request");
    assert_refused(flow_decide(STATUS_IN_REVIEW, EVENT_REJECT, &erin, &t, err), E_FORBIDDEN,
                   "Nobody decides on their own request");
    assert_refused(flow_decide(STATUS_DRAFT, EVENT_SUBMIT, &researcher, &t, err), E_FORBIDDEN, "Only the requestor");
    assert_refused(flow_decide(STATUS_DRAFT, EVENT_CANCEL, &researcher, &t, err), E_FORBIDDEN,
                   "Only the requestor, a Workspace Owner or a TRE administrator");
    assert_refused(flow_decide(STATUS_IN_REVIEW, EVENT_APPROVE, &researcher, &t, err), E_FORBIDDEN,
                   "The user is missing a required role: ['AirlockManager']");
    assert_refused(flow_decide(STATUS_DRAFT, EVENT_APPROVE, &researcher, &t, err), E_FORBIDDEN, "AirlockManager");
    assert_refused(flow_decide(STATUS_APPROVED, EVENT_CANCEL, &requestor, &t, err), E_CONFLICT,
                   "in status approved; cancel is possible in draft, in_review");
    assert_refused(flow_decide(STATUS_SUBMITTED, EVENT_MOVED, &requestor, &t, err), E_FORBIDDEN, "airlock itself");
}

struct allowed_row {
    const char *status;
    unsigned roles;
    bool is_requestor;
    const char *actions;
};

static void test_allowed_actions(void **state)
{
    (void)state;
    static const struct allowed_row ROWS[] = {
        {"draft", ROLE_RESEARCHER, true, "cancel submit "},
        {"draft", ROLE_RESEARCHER, false, ""},
        {"draft", ROLE_OWNER, false, "cancel "},
        {"draft", ROLE_TRE_ADMIN, false, "cancel "},
        {"draft", ROLE_MANAGER, false, ""},
        {"draft", ROLE_MANAGER, true, ""},
        {"submitted", ROLE_RESEARCHER | ROLE_OWNER | ROLE_MANAGER, true, ""},
        {"in_review", ROLE_RESEARCHER, true, "cancel "},
        {"in_review", ROLE_MANAGER, false, "review "},
        {"in_review", ROLE_MANAGER | ROLE_OWNER, false, "review cancel "},
        {"in_review", ROLE_MANAGER | ROLE_RESEARCHER, true, "cancel "},
        {"approved", ROLE_MANAGER, false, "revoke "},
        {"approved", ROLE_OWNER, false, "revoke "},
        {"approved", ROLE_RESEARCHER, true, ""},
        {"failed", ROLE_TRE_ADMIN | ROLE_OWNER | ROLE_MANAGER, false, ""},
        {"revoked", ROLE_TRE_ADMIN | ROLE_OWNER | ROLE_MANAGER, false, ""},
        {"rejected", ROLE_TRE_ADMIN | ROLE_OWNER | ROLE_MANAGER, false, ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct actor a = {.roles = ROWS[i].roles, .is_requestor = ROWS[i].is_requestor};
        const char *actions[FLOW_ACTIONS_MAX];
        char joined[64] = "";
        enum status status;
        assert_true(status_by_name(ROWS[i].status, &status));
        size_t count = flow_allowed_actions(status, &a, actions);
        for (size_t k = 0; k < count; k++) {
            strcat(joined, actions[k]); /* four short words */
            strcat(joined, " ");
        }
        assert_string_equal(joined, ROWS[i].actions);
    }
}

static void test_moves(void **state)
{
    (void)state;
    static const struct {
        enum status from;
        enum status outcome;
        enum account import;
        enum account export;
    } ROWS[] = {
        {STATUS_APPROVAL_IN_PROGRESS, STATUS_APPROVED, ACCOUNT_IMAPP, ACCOUNT_EXAPP},
        {STATUS_REJECTION_IN_PROGRESS, STATUS_REJECTED, ACCOUNT_IMREJ, ACCOUNT_EXREJ},
        {STATUS_BLOCKING_IN_PROGRESS, STATUS_BLOCKED_BY_SCAN, ACCOUNT_IMBLOCKED, ACCOUNT_EXBLOCKED},
        {STATUS_DRAFT, STATUS_NONE, ACCOUNT_NONE, ACCOUNT_NONE},
        {STATUS_APPROVED, STATUS_NONE, ACCOUNT_NONE, ACCOUNT_NONE},
    };

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        assert_int_equal(flow_move_outcome(ROWS[i].from), ROWS[i].outcome);
        assert_int_equal(flow_move_target(ROWS[i].from, REQUEST_IMPORT), ROWS[i].import);
        assert_int_equal(flow_move_target(ROWS[i].from, REQUEST_EXPORT), ROWS[i].export);
    }
    assert_int_equal(flow_draft_account(REQUEST_IMPORT), ACCOUNT_IMEX);
    assert_int_equal(flow_draft_account(REQUEST_EXPORT), ACCOUNT_EXINT);
    assert_int_equal(flow_sealed_account(REQUEST_IMPORT), ACCOUNT_IMIP);
    assert_int_equal(flow_sealed_account(REQUEST_EXPORT), ACCOUNT_EXIP);
}

static void test_names(void **state)
{
    (void)state;
    enum job_kind job;

    for (int i = 0; i < JOB_COUNT; i++) {
        assert_true(job_by_name(job_name((enum job_kind)i), &job));
        assert_int_equal(job, i);
    }
    assert_false(job_by_name("none", &job));
    assert_string_equal(job_name(JOB_NONE), "none");
    assert_string_equal(job_name(JOB_SAME), "same");
    assert_string_equal(event_facts(EVENT_SUBMIT)->name, "submit");
}

/* --- the self-check finds what is wrong with a table --- */

#define EDGES_MAX 64

struct edges {
    struct transition rows[EDGES_MAX];
    size_t count;
};

static struct edges good_edges(void)
{
    struct edges e;
    const struct transition *rows = flow_transitions(&e.count);
    assert_true(e.count < EDGES_MAX);
    memcpy(e.rows, rows, e.count * sizeof *rows);
    return e;
}

static struct transition *edge(struct edges *e, enum status from, enum event event)
{
    for (size_t i = 0; i < e->count; i++)
        if (e->rows[i].from == from && e->rows[i].event == event)
            return &e->rows[i];
    fail_msg("no such edge");
    return NULL;
}

static void remove_edge(struct edges *e, enum status from, enum event event)
{
    *edge(e, from, event) = e->rows[e->count - 1];
    e->count--;
}

static void add_edge(struct edges *e, enum status from, enum event event, enum status to, enum job_kind job)
{
    e->rows[e->count++] = (struct transition){from, event, to, job, false};
}

static void assert_bad(const struct edges *e, const char *text)
{
    assert_refused(flow_check_transitions(e->rows, e->count, err), E_INTERNAL, text);
}

static void test_self_check(void **state)
{
    (void)state;
    struct error err = {0};
    if (flow_self_check(&err) != 0)
        fail_msg("%s", err.detail);
}

static void test_self_check_edges(void **state)
{
    (void)state;
    struct edges e = good_edges();
    assert_int_equal(flow_check_transitions(e.rows, e.count, NULL), 0);

    add_edge(&e, STATUS_DRAFT, EVENT_SUBMIT, STATUS_CANCELLED, JOB_PURGE);
    assert_bad(&e, "(draft, submit) stands in the table twice");

    e = good_edges();
    remove_edge(&e, STATUS_APPROVED, EVENT_REVOKE);
    assert_bad(&e, "revoked cannot be reached");

    e = good_edges();
    add_edge(&e, STATUS_CANCELLED, EVENT_RETRY, STATUS_DRAFT, JOB_NONE);
    assert_bad(&e, "cancelled must not be left by retry");

    e = good_edges();
    add_edge(&e, STATUS_APPROVED, EVENT_CANCEL, STATUS_CANCELLED, JOB_REMOVE);
    assert_bad(&e, "approved must not be left by cancel");

    e = good_edges();
    remove_edge(&e, STATUS_FAILED, EVENT_RETRY);
    assert_bad(&e, "failed has 0 exits");
}

static void test_self_check_data(void **state)
{
    (void)state;
    struct edges e = good_edges();
    edge(&e, STATUS_DRAFT, EVENT_SUBMIT)->job = JOB_MOVE;
    assert_bad(&e, "job move cannot start there");

    e = good_edges();
    edge(&e, STATUS_SUBMITTED, EVENT_SEALED_SCAN_ON)->job = JOB_SEAL;
    assert_bad(&e, "job seal cannot start there");

    e = good_edges();
    edge(&e, STATUS_APPROVED, EVENT_REVOKE)->job = JOB_PURGE;
    assert_bad(&e, "job purge cannot start there");

    e = good_edges();
    edge(&e, STATUS_APPROVED, EVENT_REVOKE)->job = JOB_DELIVER;
    assert_bad(&e, "job deliver cannot start there");

    e = good_edges();
    edge(&e, STATUS_DRAFT, EVENT_CANCEL)->job = JOB_REMOVE;
    assert_bad(&e, "job remove cannot start there");

    e = good_edges();
    edge(&e, STATUS_DRAFT, EVENT_CANCEL)->job = JOB_GATES;
    assert_bad(&e, "job gates cannot start there");

    e = good_edges();
    edge(&e, STATUS_IN_REVIEW, EVENT_CANCEL)->job = JOB_SAME;
    assert_bad(&e, "job same cannot start there");

    e = good_edges(); /* cancelled without a purge: the bytes would stay */
    edge(&e, STATUS_DRAFT, EVENT_CANCEL)->job = JOB_NONE;
    assert_bad(&e, "cancelled says the bytes are elsewhere");

    e = good_edges(); /* approve without a move: readable where nobody put it */
    edge(&e, STATUS_IN_REVIEW, EVENT_APPROVE)->job = JOB_NONE;
    assert_bad(&e, "approval_in_progress says the bytes are elsewhere");

    e = good_edges(); /* approved at once, past the verification */
    add_edge(&e, STATUS_IN_REVIEW, EVENT_SUBMIT, STATUS_APPROVED, JOB_MOVE);
    assert_bad(&e, "approved says the bytes are elsewhere");

    e = good_edges();
    edge(&e, STATUS_FAILED, EVENT_RETRY)->job = JOB_NONE;
    assert_bad(&e, "bytes are elsewhere");

    e = good_edges();
    edge(&e, STATUS_DRAFT, EVENT_SUBMIT)->to = STATUS_CANCELLED;
    add_edge(&e, STATUS_DRAFT, EVENT_RETRY, STATUS_SUBMITTED, JOB_SEAL);
    assert_bad(&e, "cancelled says the bytes are elsewhere");
}

static void test_self_check_moves(void **state)
{
    (void)state;
    struct edges e = good_edges();
    remove_edge(&e, STATUS_BLOCKING_IN_PROGRESS, EVENT_GIVE_UP);
    assert_bad(&e, "blocking_in_progress: a move must be able to end and to give up");

    e = good_edges();
    add_edge(&e, STATUS_DRAFT, EVENT_GIVE_UP, STATUS_FAILED, JOB_NONE);
    assert_bad(&e, "draft: a move must be able to end and to give up, and only a move");
}

static void test_self_check_statuses(void **state)
{
    (void)state;
    struct status_facts rows[STATUS_COUNT];
    const size_t size = sizeof rows;

    memcpy(rows, status_facts((enum status)0), size);
    rows[STATUS_FAILED].name = "draft";
    assert_refused(flow_check_statuses(rows, STATUS_COUNT, err), E_INTERNAL, "Two statuses are named draft");

    memcpy(rows, status_facts((enum status)0), size);
    rows[STATUS_SUBMITTED].link = LINK_MANAGERS;
    assert_refused(flow_check_statuses(rows, STATUS_COUNT, err), E_INTERNAL, "readers and permissions disagree");

    memcpy(rows, status_facts((enum status)0), size);
    rows[STATUS_FAILED].link = LINK_OWNERS;
    rows[STATUS_FAILED].link_permissions = "rl";
    assert_refused(flow_check_statuses(rows, STATUS_COUNT, err), E_INTERNAL, "do not rest");

    memcpy(rows, status_facts((enum status)0), size);
    rows[STATUS_IN_REVIEW].link_permissions = "rwl";
    assert_refused(flow_check_statuses(rows, STATUS_COUNT, err), E_INTERNAL, "writing links to sealed bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_combination),
        cmocka_unit_test(test_create),
        cmocka_unit_test(test_jobs),
        cmocka_unit_test(test_refusals_explain),
        cmocka_unit_test(test_allowed_actions),
        cmocka_unit_test(test_moves),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_self_check),
        cmocka_unit_test(test_self_check_edges),
        cmocka_unit_test(test_self_check_data),
        cmocka_unit_test(test_self_check_moves),
        cmocka_unit_test(test_self_check_statuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
