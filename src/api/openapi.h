/* The OpenAPI 3.1 description, made from the route table. Pure; part of airlock-api. */
#ifndef AIRLOCK_API_OPENAPI_H
#define AIRLOCK_API_OPENAPI_H

#include "base/json.h"

json_t *openapi_render(const char *version); /* the caller's */

#endif
