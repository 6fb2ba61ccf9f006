/* Whom the rules tell of a status: a plan, which core/notices.c carries out and an administrator can look at. */
#ifndef AIRLOCK_CORE_NOTICE_PLAN_H
#define AIRLOCK_CORE_NOTICE_PLAN_H

#include "core/request.h"
#include "model/notice.h"

enum notice_outcome {
#define X(name, wire, what) NOTICE_IS_##name,
#include "core/notice_outcome.def"
#undef X
    NOTICE_OUTCOME_COUNT
};
const char *notice_outcome_name(enum notice_outcome outcome);
const char *notice_outcome_words(enum notice_outcome outcome);

struct recipient {
    char *subject, *name, *email; /* email may be empty */
    enum notice_choice choice;
};
void recipient_done(struct recipient *who);
#define AUTO_RECIPIENT CLEANUP(recipient_done)

/* The person as they are now. 1; 0: there is none who gets mail (unknown, disabled, a service). */
int recipient_load(struct core *core, const char *subject, struct recipient *ret, struct error *err) MUST_USE;
/* Does a rule that names whom still mean this person? */
int recipient_is_meant(struct core *core, const struct request *req, const char *subject, unsigned whom, bool *ret,
                       struct error *err) MUST_USE;

/* One row: a rule, and a person whom it means. */
struct notice {
    const struct rule *rule; /* borrowed */
    enum notice_outcome outcome;
    bool has_person; /* false: a receiver, people who are looked up later, or who are not known yet */
    struct recipient who;
};

struct notice_plan {
    size_t count, cap;
    struct notice *items;
};
void notice_plan_done(struct notice_plan *plan);
#define AUTO_PLAN CLEANUP(notice_plan_done)

/* All rules for the request's type and status. A request of no workspace, or with no creator, is one that is imagined:
 * its people are not known. */
int notice_plan_make(struct core *core, const struct request *req, struct notice_plan *plan, struct error *err) MUST_USE;
/* Those whom one rule of mail means, whatever its delay. */
int notice_plan_add(struct core *core, const struct request *req, const struct rule *rule, struct notice_plan *plan,
                    struct error *err) MUST_USE;

#endif
