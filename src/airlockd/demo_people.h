/* The people and workspaces of the demo: a fixed table of who has which role, and ids and secrets made once and kept as
 * one JSON object (DIR/demo.json):
 *   {"tenant", "core_client_id",
 *    "workspaces": [{"id","client_id","display_name","networks","enable_airlock"}, …],
 *    "accounts": [{"oid","name","email","password","client_id","client_secret"}, …]}
 * Pure but for random bytes. Runs in airlockd. */
#ifndef AIRLOCK_AIRLOCKD_DEMO_PEOPLE_H
#define AIRLOCK_AIRLOCKD_DEMO_PEOPLE_H

#include "base/json.h"

/* All answers are the caller's. */
json_t *people_new_ids(void);
/* Is this what people_new_ids made? E_CONFIG. */
int people_check_ids(const json_t *ids, struct error *err) MUST_USE;

char *people_scope(const char *client_id); /* "api://CLIENT-ID/.default" */

/* {"workspaces": […], "assignments": [{"workspace" (null: the TRE), "subject", "name", "email", "role"}, …]} */
json_t *people_core_seed(const json_t *ids);
/* {"accounts": […]} */
json_t *people_idp_seed(const json_t *ids);

/* For the line on standard output: [{"id","scope"}, …] and [{"name","password","client_id","client_secret",
 * "roles": {"tre": […], WORKSPACE-ID: […]}}, …]. */
json_t *people_line_workspaces(const json_t *ids);
json_t *people_line_accounts(const json_t *ids);

#endif
