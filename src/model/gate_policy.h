/* What the gates do in a workspace, for one direction: the table gate_policy.def. A policy begins with the table's
 * defaults; the TRE's settings and then the workspace change rows of it. Pure; used by airlockd, which checks the
 * settings, by core, which keeps workspaces' policies, and by airlock-gate, which applies one. */
#ifndef AIRLOCK_MODEL_GATE_POLICY_H
#define AIRLOCK_MODEL_GATE_POLICY_H

#include "base/json.h"

enum gate_policy_row {
#define X(name, kind, wire, min, max, fallback, what) GATE_POLICY_##name,
#include "model/gate_policy.def"
#undef X
    GATE_POLICY_COUNT
};

enum gate_policy_kind { GATE_POLICY_ACTION, GATE_POLICY_NUMBER, GATE_POLICY_LIST, GATE_POLICY_NAMES };
enum gate_action { GATE_OFF, GATE_WARN, GATE_BLOCK };

struct gate_policy_facts {
    const char *name;
    enum gate_policy_kind kind;
    int64_t min, max;
    const char *fallback;
    const char *what;
};

struct gate_policy {
    int64_t number[GATE_POLICY_COUNT]; /* of a NUMBER, or enum gate_action */
    char *list[GATE_POLICY_COUNT];     /* of a LIST, or NAMES; never NULL there */
};

const struct gate_policy_facts *gate_policy_facts(enum gate_policy_row row);
const char *gate_action_name(enum gate_action action);

void gate_policy_init(struct gate_policy *ret); /* the defaults */
void gate_policy_done(struct gate_policy *policy);
#define AUTO_GATE_POLICY CLEANUP(gate_policy_done)

/* Changes one row. E_INVALID naming the row, its bounds and its meaning. */
int gate_policy_set(struct gate_policy *policy, enum gate_policy_row row, const char *value, struct error *err) MUST_USE;
/* Changes the rows that an object names: actions and lists are texts, numbers numbers; a list may be an array of
 * texts, too. Unknown names are E_INVALID. On an error some rows may have been changed. */
int gate_policy_apply(struct gate_policy *policy, const json_t *object, struct error *err) MUST_USE;
/* The same from a setting's text: "disclosure=block threshold=7 types_refused=text/html,image/png" (lists with commas).
 * *ret_object (the caller's) is what gate_policy_apply takes. */
int gate_policy_parse(const char *text, json_t **ret_object, struct error *err) MUST_USE;
/* Every row, as gate_policy_apply takes it. The caller's. */
json_t *gate_policy_render(const struct gate_policy *policy);

enum gate_action gate_policy_action(const struct gate_policy *policy, enum gate_policy_row row);
/* Is the type ("text/csv") named by a list of patterns ("text/csv", or "image/" and an asterisk)? Without regard to case. */
bool gate_policy_lists(const struct gate_policy *policy, enum gate_policy_row row, const char *type);

#endif
