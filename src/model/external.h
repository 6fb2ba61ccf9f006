/* External gates: an organisation's own checks, which are called over HTTP and answer by the API; and the steps, checks
 * of either kind (external gates and programs of gates.commands) that it puts before a movement of data. The forms of their settings. Pure; used by airlockd, which checks the settings,
 * and by core, which follows them. */
#ifndef AIRLOCK_MODEL_EXTERNAL_H
#define AIRLOCK_MODEL_EXTERNAL_H

#include <stdbool.h>

#include "base/error.h"
#include "model/gate.h"

#define EXTERNAL_NAME_MAX GATE_OWN_NAME_MAX
#define EXTERNAL_SUBJECT_MAX 255
#define EXTERNAL_URL_MAX 1000
#define EXTERNAL_GATES_MAX 16
#define FLOW_STEP_CHECKS_MAX EXTERNAL_GATES_MAX /* of one step */

struct external_gate {
    char name[EXTERNAL_NAME_MAX + 1];
    char subject[EXTERNAL_SUBJECT_MAX + 1]; /* the only account that may answer */
    char url[EXTERNAL_URL_MAX + 1];         /* https, or http on loopback */
};

struct external_gates {
    size_t count;
    struct external_gate items[EXTERNAL_GATES_MAX];
};

/* When a check is asked: REVIEW by the policy of gates, the others by flow.steps, SUBMIT before the seal and the rest
 * before the move. */
enum step { STEP_REVIEW, STEP_SUBMIT, STEP_APPROVE, STEP_REJECT, STEP_BLOCK, STEP_COUNT };

struct flow_steps {
    char names[STEP_COUNT][(EXTERNAL_NAME_MAX + 1) * FLOW_STEP_CHECKS_MAX]; /* with spaces between; "": none */
};

/* The next of some names with spaces between; false at the end. */
bool external_name_next(const char **names, char ret[static EXTERNAL_NAME_MAX + 1]);

/* "NAME=SUBJECT,URL" with spaces between. E_INVALID with a sentence that goes on after the setting's name. */
int external_gates_parse(const char *text, struct external_gates *ret, struct error *err) MUST_USE;
const struct external_gate *external_gates_find(const struct external_gates *gates, const char *name);
/* The first of the names that is no external gate, or true; ret_missing is its copy. */
bool external_gates_have(const struct external_gates *gates, const char *names,
                         char ret_missing[static EXTERNAL_NAME_MAX + 1]);

const char *step_name(enum step step); /* "review", "submit", "approve", "reject", "block" */
bool step_by_name(const char *name, enum step *ret);
/* "submit:NAME approve:NAME,NAME reject:NAME block:NAME". E_INVALID as above. */
int flow_steps_parse(const char *text, struct flow_steps *ret, struct error *err) MUST_USE;

#endif
