/* Schemas from their table, and the enumerations from the tables of the rules. Pure; part of airlock-api. */
#include "api/schema.h"

#include <string.h>

#include "base/str.h"
#include "model/flow.h"

struct property {
    const char *name;
    const char *type;
    const char *help;
};

struct schema {
    const char *name;
    const struct property *properties;
};

/* clang-format off */
#define SCHEMA(name) static const struct property PROPERTIES_##name[] = {
#define P(name, type, help) {name, type, help},
#define END {NULL, NULL, NULL}};
#include "api/schemas.def"
#undef SCHEMA
#undef P
#undef END

static const struct schema SCHEMAS[] = {
#define SCHEMA(name) {#name, PROPERTIES_##name},
#define P(name, type, help)
#define END
#include "api/schemas.def"
#undef SCHEMA
#undef P
#undef END
};
/* clang-format on */

static const char *const ENUMERATIONS[] = {"Status", "RequestType", "Action"};

static const struct schema *schema_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(SCHEMAS); i++)
        if (strcmp(SCHEMAS[i].name, name) == 0)
            return &SCHEMAS[i];
    return NULL;
}

bool schema_has(const char *schema, const char *property)
{
    const struct schema *s = schema_find(schema);

    for (const struct property *p = s ? s->properties : NULL; p && p->name; p++)
        if (strcmp(p->name, property) == 0)
            return true;
    return false;
}

json_t *schema_empty(const char *schema, const json_t *facts)
{
    const struct schema *s = schema_find(schema);
    json_t *value = json_object();

    for (const struct property *p = s ? s->properties : NULL; p && p->name; p++)
        if (p->type[0] == '[')
            json_object_set_new(value, p->name, json_array());
        else
            json_object_set(value, p->name, json_object_get(facts, p->name));
    return value;
}

bool schema_exists(const char *type)
{
    type += type[0] == '[';
    for (size_t i = 0; i < ARRAY_LEN(ENUMERATIONS); i++)
        if (strcmp(ENUMERATIONS[i], type) == 0)
            return true;
    return strcmp(type, "string") == 0 || schema_find(type);
}

static json_t *name_reference(const char *name)
{
    AUTO_FREE char *path = xasprintf("#/components/schemas/%s", name);
    return json_pack("{s:s}", "$ref", path);
}

json_t *schema_reference(const char *type)
{
    if (type[0] == '[')
        return json_pack("{s:s, s:o}", "type", "array", "items", schema_reference(type + 1));
    if (strcmp(type, "string") == 0)
        return json_pack("{s:s}", "type", "string");
    return name_reference(type);
}

static json_t *property_type(const char *type)
{
    if (type[0] == '[')
        return json_pack("{s:s, s:o}", "type", "array", "items", property_type(type + 1));
    if (type[0] == '@')
        return name_reference(type + 1);
    if (strcmp(type, "uuid") == 0)
        return json_pack("{s:s, s:s}", "type", "string", "format", "uuid");
    return json_pack("{s:s}", "type", type);
}

static json_t *render_schema(const struct schema *schema)
{
    json_t *properties = json_object();

    for (const struct property *p = schema->properties; p->name; p++) {
        json_t *type = property_type(p->type);
        if (p->help[0] != '\0')
            json_object_set_new(type, "description", json_string(p->help));
        json_object_set_new(properties, p->name, type);
    }
    return json_pack("{s:s, s:o}", "type", "object", "properties", properties);
}

static json_t *render_enumeration(json_t *names)
{
    return json_pack("{s:s, s:o}", "type", "string", "enum", names);
}

static json_t *status_names(void)
{
    json_t *names = json_array();
    for (int i = 0; i < STATUS_COUNT; i++)
        json_array_append_new(names, json_string(status_name((enum status)i)));
    return names;
}

static json_t *type_names(void)
{
    json_t *names = json_array();
    for (int i = 0; i < REQUEST_TYPE_COUNT; i++)
        json_array_append_new(names, json_string(request_type_name((enum request_type)i)));
    return names;
}

static json_t *action_names(void)
{
    json_t *names = json_array();
    for (size_t i = 0; i < FLOW_ACTIONS_MAX; i++)
        json_array_append_new(names, json_string(flow_action_name(i)));
    return names;
}

json_t *schema_components(void)
{
    json_t *components = json_object();

    for (size_t i = 0; i < ARRAY_LEN(SCHEMAS); i++)
        json_object_set_new(components, SCHEMAS[i].name, render_schema(&SCHEMAS[i]));
    json_object_set_new(components, "Status", render_enumeration(status_names()));
    json_object_set_new(components, "RequestType", render_enumeration(type_names()));
    json_object_set_new(components, "Action", render_enumeration(action_names()));
    return components;
}
