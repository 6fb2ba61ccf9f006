/* Whom calls of one kind may reach, and by whose word they know who answers: the networks and the authorities that their
 * own settings name. Part of airlock-notify; read before its confinement. */
#ifndef AIRLOCK_NOTIFY_TERMS_H
#define AIRLOCK_NOTIFY_TERMS_H

#include "notify/reach.h"

struct terms {
    const char *networks_setting; /* its name, for whoever is to mend a refusal */
    struct reach reach;
    char *ca; /* PEM; NULL where the machine has none */
    size_t ca_len;
};

/* networks and ca_file: texts of the settings that the names say. terms_done, also after an error. E_CONFIG. */
int terms_init(struct terms *terms, const char *networks_setting, const char *networks, const char *ca_setting,
               const char *ca_file, struct error *err) MUST_USE;
void terms_done(struct terms *terms);

#endif
