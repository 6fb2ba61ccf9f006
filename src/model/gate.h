/* The gates, what they can find and what they answer: the tables gate.def and finding.def. Pure; used by airlock-gate,
 * which runs them, by core, which judges their results, and by the documentation. */
#ifndef AIRLOCK_MODEL_GATE_H
#define AIRLOCK_MODEL_GATE_H

#include <stdbool.h>

#include "model/gate_policy.h"

#define GATE_OWN_NAME_MAX 32

enum gate {
#define X(name, wire, child, sealed, action, what) GATE_##name,
#include "model/gate.def"
#undef X
    GATE_COUNT
};

/* The sandboxed process that runs a gate. */
enum gate_child { GATE_CHILD_SCAN, GATE_CHILD_INSPECT };

/* In the order of their weight: the verdict of many is the heaviest. UNSURE is none at all: it is tried again, and
 * nothing that has one goes on. */
enum verdict { VERDICT_PASS, VERDICT_WARN, VERDICT_BLOCK, VERDICT_UNSURE, VERDICT_COUNT };

enum finding {
#define X(name, gate, wire, level, what) FINDING_##name,
#include "model/finding.def"
#undef X
    FINDING_COUNT
};

enum finding_level { FINDING_LEVEL_NOTE, FINDING_LEVEL_POLICY, FINDING_LEVEL_BLOCK };

struct gate_facts {
    const char *name;
    enum gate_child child;
    bool needs_seal;
    enum gate_policy_row action;
    const char *what;
};

struct finding_facts {
    enum gate gate;
    const char *name;
    enum finding_level level;
    const char *what;
};

const struct gate_facts *gate_facts(enum gate gate);
/* May an organisation call a check of its own so? A lower-case letter, then letters, digits and hyphens, at most
 * GATE_OWN_NAME_MAX; no name of gate.def. */
bool gate_name_is_own(const char *name);
bool gate_by_name(const char *name, enum gate *ret);
const struct finding_facts *finding_facts(enum finding finding);
bool finding_by_name(const char *name, enum finding *ret);
const char *verdict_name(enum verdict verdict); /* "pass", "warn", "block", "unsure" */
bool verdict_by_name(const char *name, enum verdict *ret);

/* What a finding makes of its file under a policy. */
enum verdict finding_verdict(enum finding finding, const struct gate_policy *policy);

#endif
