/* Log-ins at the built-in identity provider, as its process tells them: rows of the audit log. */
#ifndef AIRLOCK_CORE_LOGINS_H
#define AIRLOCK_CORE_LOGINS_H

#include "core/core.h"

call_handler idp_event;

#endif
