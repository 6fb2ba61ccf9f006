/* Rules of notices and the people whom they mean. Part of airlock-core; it writes nothing. */
#include "core/notice_plan.h"

#include <string.h>

#include "base/log.h"

#define PEOPLE_MAX 1000 /* of one role in one workspace */

static const struct {
    const char *name, *words;
} OUTCOMES[] = {
#define X(name, wire, what) [NOTICE_IS_##name] = {wire, what},
#include "core/notice_outcome.def"
#undef X
};

const char *notice_outcome_name(enum notice_outcome outcome)
{
    return OUTCOMES[outcome].name;
}

const char *notice_outcome_words(enum notice_outcome outcome)
{
    return OUTCOMES[outcome].words;
}

/* --- People --- */

void recipient_done(struct recipient *who)
{
    free(who->subject);
    free(who->name);
    free(who->email);
    *who = (struct recipient){0};
}

/* Columns of NOTICE_PEOPLE and NOTICE_PERSON. */
static void recipient_read(const struct db_rows *row, struct recipient *ret)
{
    *ret = (struct recipient){
        .subject = xstrdup(db_text(row, 0)), .name = xstrdup(db_text(row, 1)), .email = xstrdup(db_text(row, 2))};
    (void)notice_choice_by_name(db_text(row, 3), &ret->choice); /* who never chose has the first */
}

int recipient_load(struct core *core, const char *subject, struct recipient *ret, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int r = db_first(core->db, Q_NOTICE_PERSON, ARGS(DB_T(subject)), &row, err);

    if (r == 1)
        recipient_read(row, ret);
    return r;
}

static const struct {
    unsigned whom;
    enum role role;
} ROLES[] = {{NOTIFY_MANAGERS, ROLE_MANAGER}, {NOTIFY_OWNERS, ROLE_OWNER}, {NOTIFY_RESEARCHERS, ROLE_RESEARCHER}};

static enum role role_of(unsigned whom)
{
    for (size_t i = 0; i < ARRAY_LEN(ROLES); i++)
        if (ROLES[i].whom == whom)
            return ROLES[i].role;
    return 0;
}

int recipient_is_meant(struct core *core, const struct request *req, const char *subject, unsigned whom, bool *ret,
                       struct error *err)
{
    unsigned roles = 0;
    int r = whom == NOTIFY_REQUESTOR ? 0 : member_mail_roles(core, req->workspace, subject, &roles, err);

    if (r == 0)
        *ret = whom == NOTIFY_REQUESTOR ? strcmp(subject, req->creator) == 0 : (roles & role_of(whom)) != 0;
    return r;
}

/* --- The plan --- */

void notice_plan_done(struct notice_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        recipient_done(&plan->items[i].who);
    free(plan->items);
    *plan = (struct notice_plan){0};
}

static struct notice *plan_append(struct notice_plan *plan, const struct rule *rule, enum notice_outcome outcome)
{
    if (plan->count == plan->cap) {
        plan->cap = plan->cap ? 2 * plan->cap : 8;
        plan->items = xrealloc(plan->items, plan->cap * sizeof *plan->items);
    }
    plan->items[plan->count] = (struct notice){.rule = rule, .outcome = outcome};
    return &plan->items[plan->count++];
}

/* The row by which the person is told already. */
static struct notice *plan_find(const struct notice_plan *plan, const char *subject)
{
    for (size_t i = 0; i < plan->count; i++) {
        struct notice *notice = &plan->items[i];
        if (notice->has_person && notice->outcome != NOTICE_IS_OWN && strcmp(notice->who.subject, subject) == 0)
            return notice;
    }
    return NULL;
}

static bool must_know(const struct request *req, const struct rule *rule)
{
    return rule_is_mandatory(req->status, rule->whom);
}

static enum notice_outcome outcome_of(const struct request *req, const struct rule *rule, const struct recipient *who)
{
    bool asks_to_review = req->status == STATUS_IN_REVIEW && rule->whom != NOTIFY_REQUESTOR;

    if (asks_to_review && strcmp(who->subject, req->creator) == 0)
        return NOTICE_IS_OWN;
    if (!must_know(req, rule) && who->choice == NOTICE_OFF)
        return NOTICE_IS_OFF;
    if (*who->email == '\0')
        return NOTICE_IS_NO_ADDRESS;
    return !must_know(req, rule) && who->choice == NOTICE_DIGEST ? NOTICE_IS_DIGEST : NOTICE_IS_NOW;
}

/* One mail a person, whatever roles they hold; the strongest reason counts. */
static void plan_add_person(struct notice_plan *plan, const struct request *req, const struct rule *rule,
                            const struct db_rows *row)
{
    const struct notice *told = plan_find(plan, db_text(row, 0));
    struct notice *before, *notice = plan_append(plan, rule, NOTICE_IS_TOLD);

    notice->has_person = true;
    recipient_read(row, &notice->who);
    enum notice_outcome outcome = outcome_of(req, rule, &notice->who);
    if (!told || outcome == NOTICE_IS_OWN) {
        notice->outcome = outcome;
        return;
    }
    before = plan_find(plan, notice->who.subject); /* the rows may have moved */
    if ((before->outcome == NOTICE_IS_DIGEST || before->outcome == NOTICE_IS_OFF) &&
        (outcome == NOTICE_IS_NOW || outcome == NOTICE_IS_NO_ADDRESS))
        before->outcome = outcome;
}

static int plan_add_requestor(struct core *core, const struct request *req, const struct rule *rule,
                              struct notice_plan *plan, struct error *err)
{
    AUTO_ROWS struct db_rows *row = NULL;
    int r = db_first(core->db, Q_NOTICE_PERSON, ARGS(DB_T(req->creator)), &row, err);

    if (r == 1)
        plan_add_person(plan, req, rule, row);
    return r < 0 ? r : 0;
}

static int plan_add_role(struct core *core, const struct request *req, const struct rule *rule,
                         struct notice_plan *plan, struct error *err)
{
    AUTO_ROWS struct db_rows *rows = NULL;
    size_t count = 0;
    int r = db_select(core->db, Q_NOTICE_PEOPLE,
                      ARGS(DB_T(req->workspace), DB_T(role_name(role_of(rule->whom))), DB_I(PEOPLE_MAX)), &rows, err);

    while (r == 0 && (r = db_rows_next(rows, err)) == 1) {
        plan_add_person(plan, req, rule, rows);
        count++;
        r = 0;
    }
    if (count == PEOPLE_MAX)
        log_warning("the workspace %s has more than %d %s: only so many are told", req->workspace, PEOPLE_MAX,
                    rule_whom_name(rule->whom));
    return r;
}

int notice_plan_add(struct core *core, const struct request *req, const struct rule *rule, struct notice_plan *plan,
                    struct error *err)
{
    bool is_requestor = rule->whom == NOTIFY_REQUESTOR;

    if (is_requestor ? *req->creator == '\0' : *req->workspace == '\0') {
        (void)plan_append(plan, rule, NOTICE_IS_NOW);
        return 0;
    }
    return is_requestor ? plan_add_requestor(core, req, rule, plan, err) : plan_add_role(core, req, rule, plan, err);
}

static enum notice_outcome outcome_of_receiver(const struct request *req, const struct rule *rule,
                                               const struct endpoint *endpoint)
{
    if (*endpoint->workspace && *req->workspace && strcmp(endpoint->workspace, req->workspace) != 0)
        return NOTICE_IS_NOT_ITS;
    if (endpoint->kinds & 1U << CLOUD_EVENT_NOTIFICATION)
        return NOTICE_IS_GETS_ALL;
    return rule->delay_s ? NOTICE_IS_LATER : NOTICE_IS_NOW;
}

int notice_plan_make(struct core *core, const struct request *req, struct notice_plan *plan, struct error *err)
{
    const struct rule *rule;
    size_t at = 0;
    int r = 0;

    while (r == 0 && (rule = rules_next(&core->config.rules, req->status, req->type, &at))) {
        const struct endpoint *endpoint = endpoints_find(&core->endpoints, rule->channel);
        if (strcmp(rule->channel, RULE_MAIL) != 0 && endpoint)
            (void)plan_append(plan, rule, outcome_of_receiver(req, rule, endpoint));
        else if (!endpoint)
            (void)plan_append(plan, rule, NOTICE_IS_NO_MAIL);
        else if (rule->delay_s)
            (void)plan_append(plan, rule, NOTICE_IS_LATER);
        else
            r = notice_plan_add(core, req, rule, plan, err);
    }
    return r;
}
