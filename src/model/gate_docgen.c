/* Prints docs/generated/gates.md from the tables of gates, findings and policy rows, so that the page cannot say
 * anything else. A build tool; no part of the running system. */
#include <inttypes.h>
#include <stdio.h>

#include "model/gate.h"

static void print_gates(void)
{
    puts("## Gates\n");
    puts("| gate | looks at | needs the seal | by default |");
    puts("|---|---|---|---|");
    for (int i = 0; i < GATE_COUNT; i++) {
        const struct gate_facts *facts = gate_facts((enum gate)i);
        printf("| `%s` | %s | %s | %s |\n", facts->name, facts->what, facts->needs_seal ? "yes" : "no",
               gate_policy_facts(facts->action)->fallback);
    }
}

static const char *level_text(enum finding_level level)
{
    switch (level) {
    case FINDING_LEVEL_NOTE:
        return "is told only";
    case FINDING_LEVEL_POLICY:
        return "as the policy says";
    default:
        return "always blocks";
    }
}

static void print_findings(void)
{
    puts("\n## Findings\n");
    puts("| finding | gate | what it means | what it does |");
    puts("|---|---|---|---|");
    for (int i = 0; i < FINDING_COUNT; i++) {
        const struct finding_facts *facts = finding_facts((enum finding)i);
        printf("| `%s` | %s | %s | %s |\n", facts->name, gate_facts(facts->gate)->name, facts->what,
               level_text(facts->level));
    }
}

static void print_values(const struct gate_policy_facts *facts)
{
    if (facts->kind == GATE_POLICY_ACTION)
        fputs("off, warn, block", stdout);
    else if (facts->kind == GATE_POLICY_NUMBER)
        printf("%" PRId64 " to %" PRId64, facts->min, facts->max);
    else
        fputs("words with spaces between (commas in a setting)", stdout);
}

static void print_policy(void)
{
    puts("\n## Policy\n");
    puts("Each row once for imports and once for exports: settings `gates.import` and `gates.export` for the whole TRE,");
    puts("`airlock admin workspace update --gates-import … --gates-export …` for one workspace.\n");
    puts("| row | values | default | what it means |");
    puts("|---|---|---|---|");
    for (int i = 0; i < GATE_POLICY_COUNT; i++) {
        const struct gate_policy_facts *facts = gate_policy_facts((enum gate_policy_row)i);
        printf("| `%s` | ", facts->name);
        print_values(facts);
        printf(" | %s | %s |\n", *facts->fallback ? facts->fallback : "empty", facts->what);
    }
}

int main(void)
{
    puts("# Gates, findings, policy\n");
    puts("Generated from `src/model/gate.def`, `finding.def` and `gate_policy.def` by `build/src/model/gate-docs`; a test");
    puts("fails when this page is stale. What the gates do, and what they cannot see, stands in [GATES.md](../GATES.md).\n");
    print_gates();
    print_findings();
    print_policy();
    return 0;
}
