/* `airlockd --demo DIR`: a whole TRE with made-up people in one directory. Makes what is missing there, keeps what is
 * there, and says on standard output how to reach it. Runs in airlockd.
 *
 * DIR/demo.json         ids, passwords and client secrets (0600), made once
 * DIR/airlock.conf      the settings, written anew at every start
 * DIR/secrets/sas.key   master key of the links (0600), made once
 * DIR/state, DIR/idp, DIR/storage: what the processes keep */
#ifndef AIRLOCK_AIRLOCKD_DEMO_H
#define AIRLOCK_AIRLOCKD_DEMO_H

#include "airlockd/settings.h"

#define DEMO_PORTS 5

struct demo;

/* E_CONFLICT when another airlockd uses the directory. */
int demo_open(const char *dir, unsigned port_base, struct demo **ret, struct error *err) MUST_USE;
void demo_free(struct demo *demo);

const char *demo_config_file(const struct demo *demo);

/* What a process is told to begin with: core the workspaces and who has which role there, idp the accounts with their
 * secrets, nobody else anything (NULL). The caller's. */
json_t *demo_seed(const struct demo *demo, enum peer peer);

/* The line for standard output (without the line feed): addresses, workspaces, accounts. The caller's. */
json_t *demo_line(const struct demo *demo, const struct settings *settings);

#endif
