/* An organisation's own check: a program that the operator names in gates.commands. It runs as every check does, but
 * for being executed: it may read and execute itself, its interpreter and the system's libraries, and nothing else. Its
 * standard input is the file, for reading; it writes {"verdict","findings"} to its standard output. Part of
 * airlock-gate. */
#ifndef AIRLOCK_GATE_COMMAND_H
#define AIRLOCK_GATE_COMMAND_H

#include "base/json.h"
#include "base/sandbox.h"

#define COMMANDS_MAX 8 /* so that all their rules fit SANDBOX_RULES_MAX */
#define COMMAND_NAME_MAX 40
#define COMMAND_FILES_MAX 64           /* descriptors */
#define COMMAND_JSON_MAX (1024 * 1024) /* bytes that it may say */
#define COMMAND_CODE_MAX 60

struct command {
    char name[COMMAND_NAME_MAX + 1];
    char *program;     /* absolute */
    char *interpreter; /* of a script; NULL: none */
    struct sandbox_rule rules[SANDBOX_RULES_MAX];
    size_t rule_count;
};

struct commands {
    struct command *rows;
    size_t count;
};

/* From the setting: "NAME=/absolute/program …". E_CONFIG for a program that is not there. */
int commands_read(const char *setting, struct commands *ret, struct error *err) MUST_USE;
void commands_done(struct commands *commands);
/* What all of them together may reach, for the process that starts them: at most max rules. Returns their number. */
size_t commands_rules(const struct commands *commands, struct sandbox_rule *ret, size_t max);
const struct command *command_by_name(const struct commands *commands, const char *name); /* NULL: unknown */

/* In the confined child: becomes the program. */
void command_exec(const struct command *command, char *const *env) NORETURN;

#endif
