/* Questions to the person at the terminal. */
#ifndef AIRLOCK_CLI_PROMPT_H
#define AIRLOCK_CLI_PROMPT_H

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"

#define PROMPT_SECRET_MAX 4096

/* Asks on the controlling terminal without echo. *ret is the caller's (wipe it). E_USAGE when there is no terminal. */
int prompt_secret(const char *question, char **ret, struct error *err) MUST_USE;
/* "QUESTION [y/N] " on standard error; true for y or yes. Only sensible when prompt_possible(). */
bool prompt_confirm(const char *question);
bool prompt_possible(void);

#endif
