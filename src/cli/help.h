/* What `airlock help` and --help print, all of it from the tables. No I/O. */
#ifndef AIRLOCK_CLI_HELP_H
#define AIRLOCK_CLI_HELP_H

#include <stddef.h>

#include "base/str.h"
#include "cli/cli.h"

#define HELP_MAX ((size_t)64 * 1024)

/* Every command by group, with its summary. */
void help_overview(struct str *out, const struct command *table, size_t rows);
/* The commands that begin with prefix ("request"); false when there are none. */
bool help_group(struct str *out, const struct command *table, size_t rows, const char *prefix);
void help_command(struct str *out, const struct command *command);
/* The exit codes, from the table of errors. */
void help_exit_codes(struct str *out);
/* Environment variables and files. */
void help_environment(struct str *out);

#endif
