/* What operators and monitors ask. */
#ifndef AIRLOCK_CORE_ADMIN_H
#define AIRLOCK_CORE_ADMIN_H

#include "core/core.h"

call_handler admin_audit, core_health, core_metadata;

#endif
