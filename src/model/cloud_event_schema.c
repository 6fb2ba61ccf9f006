/* Schemas and examples of events' data from the rows of their table. Pure; any process. */
#include "model/cloud_event_schema.h"

#include <string.h>

#include "model/flow.h"

#define LIST_MAX 1000

static const struct cloud_event_field FIELDS[] = {
#define X(kind, path, form, presence, what, example) \
    {CLOUD_EVENT_##kind, path, EVENT_FORM_##form, EVENT_##presence, what, example},
#include "model/cloud_event_field.def"
#undef X
};

static const char *const FORMS[] = {
    [EVENT_FORM_TEXT] = "text",
    [EVENT_FORM_UUID] = "UUID",
    [EVENT_FORM_DIGEST] = "SHA-256 in hex",
    [EVENT_FORM_DIRECTION] = "import or export",
    [EVENT_FORM_STATUS] = "status",
    [EVENT_FORM_STATUS_OR_NULL] = "status or null",
    [EVENT_FORM_STEP] = "step",
    [EVENT_FORM_VERDICT] = "pass, warn or block",
    [EVENT_FORM_SCAN_TYPE] = "No threats found or Malicious",
    [EVENT_FORM_COUNT] = "whole number",
    [EVENT_FORM_NUMBER] = "number",
    [EVENT_FORM_FLAG] = "true or false",
    [EVENT_FORM_LIST_OF_TEXT] = "list of texts",
    [EVENT_FORM_OBJECT] = "object",
    [EVENT_FORM_LIST] = "list of objects",
};

const struct cloud_event_field *cloud_event_fields(size_t *ret_count)
{
    *ret_count = ARRAY_LEN(FIELDS);
    return FIELDS;
}

const char *cloud_event_form_name(enum cloud_event_form form)
{
    return FORMS[form];
}

char *cloud_event_schema_name(enum cloud_event kind)
{
    return xasprintf("%s.v1.json", cloud_event_name(kind));
}

static bool field_is_of(const struct cloud_event_field *field, enum cloud_event kind)
{
    return field->kind == kind || field->kind == CLOUD_EVENT_ANY;
}

/* --- Places --- */

/* The first name of a path, the caller's; *path goes on behind it. is_list: it stands for each object of a list. */
static char *path_next(const char **path, bool *is_list)
{
    size_t len = strcspn(*path, ".[");
    char *name = xstrndup(*path, len);

    *is_list = (*path)[len] == '[';
    *path += len + (*is_list ? strlen("[].") : (*path)[len] ? 1 : 0);
    return name;
}

/* The schema of the object in which the path's last name stands; *path is left on that name. */
static json_t *schema_place(json_t *schema, const char **path)
{
    while (strpbrk(*path, ".[")) {
        bool is_list;
        AUTO_FREE char *name = path_next(path, &is_list);
        schema = json_object_get(json_object_get(schema, "properties"), name);
        if (is_list)
            schema = json_object_get(schema, "items");
    }
    return schema;
}

/* The same in an example; NULL below something that the example does not have. */
static json_t *example_place(json_t *value, const char **path)
{
    while (value && strpbrk(*path, ".[")) {
        bool is_list;
        AUTO_FREE char *name = path_next(path, &is_list);
        value = json_object_get(value, name);
        if (is_list)
            value = json_array_get(value, 0);
    }
    return value;
}

/* --- Schemas --- */

static json_t *object_schema(void)
{
    return json_pack("{s:s, s:{}, s:[]}", "type", "object", "properties", "required");
}

static json_t *enumeration(json_t *names)
{
    return json_pack("{s:o}", "enum", names);
}

static json_t *status_enumeration(bool or_null)
{
    json_t *names = json_array();

    for (int i = 0; i < STATUS_COUNT; i++)
        json_array_append_new(names, json_string(status_name((enum status)i)));
    if (or_null)
        json_array_append_new(names, json_null());
    return enumeration(names);
}

static json_t *step_enumeration(void)
{
    json_t *names = json_array();

    for (int i = 0; i < JOB_COUNT; i++)
        json_array_append_new(names, json_string(job_name((enum job_kind)i)));
    return enumeration(names);
}

static json_t *form_schema(enum cloud_event_form form)
{
    switch (form) {
    case EVENT_FORM_TEXT:
        return json_pack("{s:s}", "type", "string");
    case EVENT_FORM_UUID:
        return json_pack("{s:s, s:s}", "type", "string", "format", "uuid");
    case EVENT_FORM_DIGEST:
        return json_pack("{s:s, s:s}", "type", "string", "pattern", "^[0-9a-f]{64}$");
    case EVENT_FORM_DIRECTION:
        return enumeration(json_pack("[s, s]", request_type_name(REQUEST_IMPORT), request_type_name(REQUEST_EXPORT)));
    case EVENT_FORM_STATUS:
    case EVENT_FORM_STATUS_OR_NULL:
        return status_enumeration(form == EVENT_FORM_STATUS_OR_NULL);
    case EVENT_FORM_STEP:
        return step_enumeration();
    case EVENT_FORM_VERDICT:
        return enumeration(json_pack("[s, s, s]", "pass", "warn", "block"));
    case EVENT_FORM_SCAN_TYPE:
        return enumeration(json_pack("[s, s]", "No threats found", "Malicious"));
    case EVENT_FORM_COUNT:
        return json_pack("{s:s, s:i}", "type", "integer", "minimum", 0);
    case EVENT_FORM_NUMBER:
        return json_pack("{s:s}", "type", "number");
    case EVENT_FORM_FLAG:
        return json_pack("{s:s}", "type", "boolean");
    case EVENT_FORM_LIST_OF_TEXT:
        return json_pack("{s:s, s:i, s:{s:s}}", "type", "array", "maxItems", LIST_MAX, "items", "type", "string");
    case EVENT_FORM_OBJECT:
        return object_schema();
    case EVENT_FORM_LIST:
        break;
    }
    return json_pack("{s:s, s:i, s:o}", "type", "array", "maxItems", LIST_MAX, "items", object_schema());
}

json_t *cloud_event_schema(enum cloud_event kind, const char *base)
{
    AUTO_FREE char *name = cloud_event_schema_name(kind);
    AUTO_FREE char *id = xasprintf("%s/api/events/schemas/%s", base, name);
    json_t *schema = json_pack("{s:s, s:s, s:s, s:s}", "$schema", "https://json-schema.org/draft/2020-12/schema", "$id",
                               id, "title", cloud_event_name(kind), "description", cloud_event_what(kind));
    AUTO_JSON json_t *object = object_schema();

    json_object_update(schema, object);
    for (size_t i = 0; i < ARRAY_LEN(FIELDS); i++) {
        const struct cloud_event_field *field = &FIELDS[i];
        const char *path = field->path;
        if (!field_is_of(field, kind))
            continue;
        json_t *place = schema_place(schema, &path);
        json_t *property = form_schema(field->form);
        json_object_set_new(property, "description", json_string(field->what));
        json_object_set_new(json_object_get(place, "properties"), path, property);
        if (field->presence == EVENT_ALWAYS)
            json_array_append_new(json_object_get(place, "required"), json_string(path));
    }
    return schema;
}

/* --- Examples --- */

static json_t *form_example(const struct cloud_event_field *field)
{
    if (field->form == EVENT_FORM_OBJECT)
        return json_object();
    if (field->form == EVENT_FORM_LIST)
        return json_pack("[{}]");
    return json_loads(field->example, JSON_DECODE_ANY, NULL);
}

json_t *cloud_event_example(enum cloud_event kind)
{
    json_t *example = json_object();

    for (size_t i = 0; i < ARRAY_LEN(FIELDS); i++) {
        const char *path = FIELDS[i].path;
        if (!field_is_of(&FIELDS[i], kind) || FIELDS[i].presence == EVENT_PERSONAL)
            continue;
        json_t *place = example_place(example, &path);
        if (place)
            json_object_set_new(place, path, form_example(&FIELDS[i]));
    }
    return example;
}
