/* The command line, parsed against a command's own table of options. No I/O. */
#ifndef AIRLOCK_CLI_ARGS_H
#define AIRLOCK_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"

#define ARGS_OPTIONS_MAX 64
#define ARGS_POSITIONAL_MAX 4096

struct command;

struct option_spec {
    const char *name;  /* without the dashes; NULL ends a table */
    const char *value; /* what stands for the value in help, or NULL for a switch */
    const char *help;
};

/* Options every command takes: --output, --url, --help, --version. */
extern const struct option_spec GLOBAL_OPTIONS[];

struct args {
    size_t option_count;
    struct {
        const char *name;
        const char *value; /* "" for a switch */
    } options[ARGS_OPTIONS_MAX];
    size_t count; /* positional arguments */
    const char **items;
};

/* Finds the longest command path that argv begins with; *ret_used says how many words it took. NULL: none. */
const struct command *command_find(const struct command *table, size_t rows, const char *const *argv, size_t argc,
                                   size_t *ret_used);

/* Parses words (which must outlive ret) for command; command NULL accepts the global options only. Checks names and
 * values of options, not the number of positional arguments: args_check_count does, after --help had its turn. E_USAGE.
 */
int args_parse(const struct command *command, const char *const *words, size_t count, struct args *ret,
               struct error *err) MUST_USE;
int args_check_count(const struct command *command, const struct args *args, struct error *err) MUST_USE;
void args_done(struct args *args);

/* Look-ups. A repeated option: the last wins, except for args_next, which walks them all (*at starts at 0). */
bool args_has(const struct args *args, const char *name);
const char *args_get(const struct args *args, const char *name); /* NULL when absent */
const char *args_next(const struct args *args, const char *name, size_t *at);
int args_need(const struct args *args, const char *name, const char **ret, struct error *err) MUST_USE;
int args_number(const struct args *args, const char *name, uint64_t fallback, uint64_t min, uint64_t max, uint64_t *ret,
                struct error *err) MUST_USE;
/* The option's value must be one of choices (NULL-terminated); absent is fine and leaves NULL. */
int args_choice(const struct args *args, const char *name, const char *const *choices, const char **ret,
                struct error *err) MUST_USE;

#endif
