/* Prints docs/generated/mail.md from the table of values and the built-in templates, so that the page cannot say
 * anything else. A build tool; no part of the running system. */
#include <stdio.h>
#include <string.h>

#include "notify/templates.h"

enum { MAIL, ITEM, BOTH, LIST };

static const struct {
    int scope;
    const char *name, *what;
} VALUES[] = {
#define X(scope, name, what, sample) {scope, name, what},
#include "notify/value.def"
#undef X
};

static const char *const WHERE[] = {[MAIL] = "the mail",
                                    [ITEM] = "inside `{{#items}}`",
                                    [BOTH] = "the mail, and inside `{{#items}}`",
                                    [LIST] = "a list"};

static void print_values(void)
{
    puts("## Values\n");
    puts("| name | what it says | where |");
    puts("|---|---|---|");
    for (size_t i = 0; i < ARRAY_LEN(VALUES); i++)
        printf("| `%s` | %s | %s |\n", VALUES[i].name, VALUES[i].what, WHERE[VALUES[i].scope]);
}

static void print_builtins(void)
{
    puts("\n## The built-in templates\n");
    puts("Their HTML parts, which have the same values, stand in src/notify/templates/.");
    for (const struct template_builtin *b = TEMPLATE_BUILTINS; b->name; b++)
        if (strcmp(b->kind, "html") != 0)
            printf("\n`%s.%s`\n\n```\n%s```\n", b->name, b->kind, b->text);
}

int main(void)
{
    puts("# What a template of mail may say\n");
    puts("Generated from `src/notify/value.def` and the built-in templates by `build/src/notify/mail-docs`; a test "
         "fails when\n"
         "this page is stale. How to replace the templates stands in [OPERATIONS.md](../OPERATIONS.md#mail). A value "
         "that a mail\n"
         "does not have is empty.\n");
    print_values();
    print_builtins();
    return 0;
}
