/* Lists that AzureTRE's clients ask for when they start and that an airlock has none of: deployments under way, shared
 * services, costs, templates. Core says only whether the caller may see them (dispatch.c has their rights); airlock-api makes the empty list. */
#ifndef AIRLOCK_CORE_NOTHING_H
#define AIRLOCK_CORE_NOTHING_H

#include "core/core.h"

call_handler nothing_of_tre, nothing_of_workspace;

#endif
