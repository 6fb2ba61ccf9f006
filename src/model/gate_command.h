/* An organisation's own programs as gates: the names in the setting gates.commands, "NAME=/program" with spaces between.
 * Pure; airlockd checks that a policy names none that is not there, core tells airlock-gate which to run. */
#ifndef AIRLOCK_MODEL_GATE_COMMAND_H
#define AIRLOCK_MODEL_GATE_COMMAND_H

#include "model/external.h"

/* Does the setting's text have a program of every name? Otherwise ret_missing is the first that it has not. */
bool gate_commands_have(const char *setting, const char *names, char ret_missing[static EXTERNAL_NAME_MAX + 1]);
/* Is name one of names (words with spaces between)? */
bool gate_names_hold(const char *names, const char *name);

#endif
