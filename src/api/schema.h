/* The bodies of answers as tables, for the OpenAPI description. Pure; part of airlock-api. */
#ifndef AIRLOCK_API_SCHEMA_H
#define AIRLOCK_API_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>

/* Does the schema of that name have the property? */
bool schema_has(const char *schema, const char *property);
/* Is there a schema of that name, or, after "[", a list of one? */
bool schema_exists(const char *type);

/* An object of that schema whose lists are empty; the other properties are those of facts. The caller's. */
json_t *schema_empty(const char *schema, const json_t *facts);

/* A JSON Schema for "Name", "[Name" or "string", by reference. The caller's. */
json_t *schema_reference(const char *type);
/* All schemas, for components.schemas. The caller's. */
json_t *schema_components(void);

#endif
