/* A JSON value against a JSON Schema, as far as those of events use the language; stricter in one thing: a property
 * that the schema does not know is a mistake of ours. */
#ifndef AIRLOCK_TESTS_CORE_SCHEMA_CHECK_H
#define AIRLOCK_TESTS_CORE_SCHEMA_CHECK_H

#include <jansson.h>

/* Fails the test with the place that does not fit. */
void assert_fits_schema(const json_t *schema, const json_t *value);

#endif
