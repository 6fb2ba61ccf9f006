/* Prints docs/generated/lifecycle.md from the tables, so that the page cannot say anything else. A build tool; no part
 * of the running system. */
#include <stdio.h>

#include "base/str.h"
#include "model/authz.h"
#include "model/flow.h"

static const char *account_text(enum account account)
{
    switch (account) {
    case ACCOUNT_MOVING:
        return "moving";
    case ACCOUNT_STAYS:
        return "stays where it is";
    case ACCOUNT_NONE:
        return "removed";
    default:
        return account_facts(account)->prefix;
    }
}

static void print_bits(unsigned bits, const char *const *names, size_t count, const char *nobody)
{
    bool first = true;

    for (size_t i = 0; i < count; i++) {
        if (!(bits & 1U << i))
            continue;
        printf("%s%s", first ? "" : ", ", names[i]);
        first = false;
    }
    if (first)
        fputs(nobody, stdout);
}

static void print_accounts(void)
{
    puts("## Accounts\n");
    puts("| account | suffix | zone | a listener may |");
    puts("|---|---|---|---|");
    for (int i = 0; i < ACCOUNT_COUNT; i++) {
        const struct account_facts *facts = account_facts((enum account)i);
        printf("| `%s` | %s | %s | %s |\n", facts->prefix,
               facts->scope == SCOPE_TRE ? "TRE id" : "8 hex digits of the workspace id", zone_name(facts->zone),
               facts->use == USE_DRAFT ? "read and write" : "read");
    }
}

static void print_statuses(void)
{
    static const char *const ENDS[] = {"", "rests", "terminal"};
    static const char *const NOTIFY[] = {"requestor", "Airlock Managers", "Workspace Owners"};

    puts("\n## Statuses\n");
    puts("| status | import bytes | export bytes | end | told on arrival |");
    puts("|---|---|---|---|---|");
    for (int i = 0; i < STATUS_COUNT; i++) {
        const struct status_facts *facts = status_facts((enum status)i);
        printf("| `%s` | %s | %s | %s | ", facts->name, account_text(facts->account[REQUEST_IMPORT]),
               account_text(facts->account[REQUEST_EXPORT]), ENDS[facts->end]);
        print_bits(facts->notify, NOTIFY, ARRAY_LEN(NOTIFY), "nobody");
        puts(" |");
    }
}

static void print_who(enum event event)
{
    AUTO_STR struct str who = STR_INIT(256);
    flow_append_who(&who, event);
    fputs(str_text(&who), stdout);
}

static const char *target_text(enum status status)
{
    return status == STATUS_FAILED_FROM ? "the status it failed from" : status_name(status);
}

static void print_transitions(void)
{
    size_t count;
    const struct transition *edges = flow_transitions(&count);

    puts("\n## Transitions\n");
    puts("Nothing else ever happens to a request. The role is judged first (403), then the status (409), then the "
         "relation");
    puts("to the request (403).\n");
    puts("| from | event | who | to | job | alarm |");
    puts("|---|---|---|---|---|---|");
    for (size_t i = 0; i < count; i++) {
        const struct transition *t = &edges[i];
        printf("| %s | %s | ", t->from == STATUS_NONE ? "–" : status_name(t->from), event_name(t->event));
        print_who(t->event);
        printf(" | %s | %s | %s |\n", target_text(t->to), t->job == JOB_NONE ? "–" : job_name(t->job),
               t->alarm ? "yes" : "");
    }
}

static void print_links(void)
{
    static const char *const READERS[] = {"requestor", "Airlock Manager", "Workspace Owner",
                                          "every researcher of the workspace, for an import"};

    puts("\n## Links\n");
    puts("| status | who may have a link | permissions |");
    puts("|---|---|---|");
    for (int i = 0; i < STATUS_COUNT; i++) {
        const struct status_facts *facts = status_facts((enum status)i);
        if (facts->link == LINK_NOBODY)
            continue;
        printf("| `%s` | ", facts->name);
        print_bits(facts->link, READERS, ARRAY_LEN(READERS), "");
        printf(" | `%s` |\n", facts->link_permissions);
    }
    puts("\nIn every other status nobody gets a link (409 naming the status).");
}

static void print_diagram(void)
{
    size_t count;
    const struct transition *edges = flow_transitions(&count);

    puts("\n## Diagram\n\n```mermaid\nstateDiagram-v2");
    for (size_t i = 0; i < count; i++) {
        const struct transition *t = &edges[i];
        if (t->from == STATUS_NONE)
            printf("    [*] --> %s: %s\n", status_name(t->to), event_name(t->event));
        else if (t->to < STATUS_COUNT)
            printf("    %s --> %s: %s\n", status_name(t->from), status_name(t->to), event_name(t->event));
    }
    for (size_t i = 0; i < count; i++) /* a retry goes back to wherever work can give up */
        if (edges[i].event == EVENT_GIVE_UP)
            printf("    %s --> %s: %s\n", status_name(edges[i].to), status_name(edges[i].from),
                   event_name(EVENT_RETRY));
    for (int i = 0; i < STATUS_COUNT; i++)
        if (status_is_terminal((enum status)i) && i != STATUS_FAILED)
            printf("    %s --> [*]\n", status_name((enum status)i));
    puts("```");
}

int main(void)
{
    puts("# The life of a request\n");
    puts("Generated from `src/model/*.def` by `build/src/model/model-docs`; a test fails when this page is stale.\n");
    print_accounts();
    print_statuses();
    print_transitions();
    print_links();
    print_diagram();
    return fflush(stdout) == 0 ? 0 : 1;
}
