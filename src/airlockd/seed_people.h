/* The form of a seed: who and what a new TRE begins with, as an operator writes it in JSON. Judged by the rules that
 * core and the identity provider apply to it later, so that a mistake is told before anything starts. Pure but for
 * random bytes. Runs in airlockd. */
#ifndef AIRLOCK_AIRLOCKD_SEED_PEOPLE_H
#define AIRLOCK_AIRLOCKD_SEED_PEOPLE_H

#include "airlockd/settings.h"

/* Two secrets each are hashed before the identity provider is ready, slowly on purpose: more than these could outlast
 * START_READY_MS. */
#define SEED_ACCOUNTS_MAX 50
#define SEED_WORKSPACES_MAX 100
#define SEED_ASSIGNMENTS_MAX 1000
#define SEED_SUBJECT_MAX 127 /* bytes of a person's id at the identity provider; core has room for no more */
#define SEED_TEXT_MAX 256    /* bytes of a name or a mail address */
#define SEED_SECRET_MAX 1024 /* bytes of a password or client secret */

/* The seed with nothing missing any more:
 *   {"workspaces":  [{"id","client_id","display_name","networks","enable_airlock"}, …],
 *    "accounts":    [{"oid","name","email","password","client_id","client_secret"}, …],
 *    "assignments": [{"workspace" (null: the TRE),"subject","name","email","role"}, …]}
 * An account without an oid gets one that is made from idp.tenant and its name, the same at every start: core and the
 * identity provider keep what they read at different moments, with a crash between them perhaps.
 * The answer is the caller's and means nothing when there were problems; file is what these are told to be in. */
json_t *seed_people_read(const json_t *document, const struct settings *settings, const char *file,
                         struct problems *problems);

#endif
