/* What the identity provider tells core, and asks it. */
#ifndef AIRLOCK_CORE_IDENTITY_H
#define AIRLOCK_CORE_IDENTITY_H

#include "core/core.h"

call_handler idp_publish, idp_scope;

#endif
