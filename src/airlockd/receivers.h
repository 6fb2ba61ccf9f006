/* What the settings of events, mail and rules must have in common. */
#ifndef AIRLOCK_AIRLOCKD_RECEIVERS_H
#define AIRLOCK_AIRLOCKD_RECEIVERS_H

#include "airlockd/settings.h"

/* Adds a problem for each receiver without what signs or signs in, and for each rule whose channel or template is not
 * there. Settings that were refused by themselves are passed over. */
void receivers_check(const struct settings *settings, struct problems *problems);

#endif
