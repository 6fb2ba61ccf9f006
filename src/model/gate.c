/* The tables of gates and findings. Pure. */
#include "model/gate.h"

#include <string.h>

static const struct gate_facts GATES[] = {
#define X(name, wire, child, sealed, action, what) {wire, GATE_CHILD_##child, sealed, GATE_POLICY_##action, what},
#include "model/gate.def"
#undef X
};

static const struct finding_facts FINDINGS[] = {
#define X(name, gate, wire, level, what) {GATE_##gate, wire, FINDING_LEVEL_##level, what},
#include "model/finding.def"
#undef X
};

static const char *const VERDICTS[VERDICT_COUNT] = {"pass", "warn", "block", "unsure"};

const struct gate_facts *gate_facts(enum gate gate)
{
    return &GATES[gate];
}

bool gate_by_name(const char *name, enum gate *ret)
{
    for (int i = 0; i < GATE_COUNT; i++)
        if (strcmp(GATES[i].name, name) == 0) {
            *ret = (enum gate)i;
            return true;
        }
    return false;
}

bool gate_name_is_own(const char *name)
{
    static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyz";
    enum gate gate;
    size_t len = strlen(name);

    return len > 0 && len <= GATE_OWN_NAME_MAX && strchr(LETTERS, name[0]) &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len && !gate_by_name(name, &gate);
}

const struct finding_facts *finding_facts(enum finding finding)
{
    return &FINDINGS[finding];
}

bool finding_by_name(const char *name, enum finding *ret)
{
    for (int i = 0; i < FINDING_COUNT; i++)
        if (strcmp(FINDINGS[i].name, name) == 0) {
            *ret = (enum finding)i;
            return true;
        }
    return false;
}

const char *verdict_name(enum verdict verdict)
{
    return VERDICTS[verdict];
}

bool verdict_by_name(const char *name, enum verdict *ret)
{
    for (int i = 0; i < VERDICT_COUNT; i++)
        if (strcmp(VERDICTS[i], name) == 0) {
            *ret = (enum verdict)i;
            return true;
        }
    return false;
}

enum verdict finding_verdict(enum finding finding, const struct gate_policy *policy)
{
    const struct finding_facts *facts = &FINDINGS[finding];

    if (facts->level == FINDING_LEVEL_NOTE)
        return VERDICT_PASS;
    if (facts->level == FINDING_LEVEL_BLOCK)
        return VERDICT_BLOCK;
    switch (gate_policy_action(policy, GATES[facts->gate].action)) {
    case GATE_OFF:
        return VERDICT_PASS;
    case GATE_WARN:
        return VERDICT_WARN;
    default:
        return VERDICT_BLOCK;
    }
}
