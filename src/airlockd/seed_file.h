/* The file of seed.file: the first people, workspaces and roles of a new TRE, read by airlockd and handed on like the
 * demo's. Holds secrets in clear; they go to the identity provider and to nobody else. Runs in airlockd. */
#ifndef AIRLOCK_AIRLOCKD_SEED_FILE_H
#define AIRLOCK_AIRLOCKD_SEED_FILE_H

#include "airlockd/settings.h"

#define SEED_FILE_MAX (1024 * 1024)

/* The seed (see seed_people.h), the caller's; NULL where none is set, where the file is gone after its use, and where
 * it has problems. */
json_t *seed_file_read(const struct settings *settings, struct problems *problems);

/* What a process is told to begin with: core the workspaces and who has which role there, the identity provider the
 * accounts with their secrets, nobody else anything (NULL). seed may be NULL. The caller's. */
json_t *seed_file_part(const json_t *seed, enum peer peer);

/* Did the first start leave a database and an accounts file? Then the file may go. */
bool seed_file_is_used(const struct settings *settings);

#endif
