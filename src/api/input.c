/* Shaping of frames, from the table alone. Pure; part of airlock-api. */
#include "api/input.h"

#include <string.h>
#include <strings.h>

#include "base/num.h"

static int refuse_type(const struct route_field *field, const char *what, struct error *err)
{
    return error_set_field(err, E_INVALID, field->name, "\"%s\" must be %s", field->name, what);
}

/* json_string refuses what is not UTF-8. */
static int text_value(const struct route_field *field, const char *text, json_t **ret, struct error *err)
{
    json_t *value = json_string(text);

    if (!value)
        return refuse_type(field, "valid UTF-8", err);
    *ret = value;
    return 0;
}

static int number_value(const struct route_field *field, const char *text, json_t **ret, struct error *err)
{
    uint64_t number;

    if (!num_parse(text, 0, INT64_MAX, &number))
        return refuse_type(field, "a whole number", err);
    *ret = json_integer((json_int_t)number);
    return 0;
}

static int flag_value(const struct route_field *field, const char *text, json_t **ret, struct error *err)
{
    if (strcasecmp(text, "true") != 0 && strcasecmp(text, "false") != 0)
        return refuse_type(field, "true or false", err);
    *ret = json_boolean(strcasecmp(text, "true") == 0);
    return 0;
}

/* A text from the query or a header becomes the value that the field's kind asks for. */
static int convert(const struct route_field *field, const char *text, json_t **ret, struct error *err)
{
    int r;

    switch (field->kind) {
    case FIELD_NUMBER:
        return number_value(field, text, ret, err);
    case FIELD_FLAG:
        return flag_value(field, text, ret, err);
    case FIELD_UUID:
        return uuid_is_v4(text) ? text_value(field, text, ret, err) : refuse_type(field, "a UUID of version 4", err);
    case FIELD_ONE_OF_ARRAY:
        r = text_value(field, text, ret, err);
        if (r == 0)
            *ret = json_pack("[o]", *ret);
        return r;
    case FIELD_TEXT:
    case FIELD_OBJECT:
    case FIELD_ARRAY:
        return text_value(field, text, ret, err);
    }
    return error_set(err, E_INTERNAL, "A field has no kind");
}

static int from_query(const struct route_field *field, const struct http_params *params, json_t **ret,
                      struct error *err)
{
    const char *text = http_params_get(params, field->name);

    if (!text)
        return 0;
    if (http_params_count(params, field->name) > 1)
        return error_set_field(err, E_INVALID, field->name, "\"%s\" is given twice", field->name);
    return convert(field, text, ret, err);
}

static int from_header(const struct route_field *field, const struct http_head *head, json_t **ret, struct error *err)
{
    const char *text = head ? http_header(head, field->name) : NULL;

    if (!text)
        return 0;
    if (http_header_count(head, field->name) > 1)
        return error_set_field(err, E_INVALID, field->name, "The header \"%s\" is given twice", field->name);
    return convert(field, text, ret, err);
}

/* A value of the body passes as it is, and core judges it; only what makes up the frame itself has its type here. */
static int from_body(const struct route_field *field, const json_t *body, json_t **ret, struct error *err)
{
    json_t *value = json_object_get(body, field->name);

    if (!value || json_is_null(value))
        return 0;
    if (*ret)
        return error_set_field(err, E_INVALID, field->name, "\"%s\" is given in the query and in the body",
                               field->name);
    if (field->kind == FIELD_OBJECT && !json_is_object(value))
        return refuse_type(field, "an object", err);
    if (field->kind == FIELD_ARRAY && !json_is_array(value))
        return refuse_type(field, "a list", err);
    *ret = json_incref(value);
    return 0;
}

static int take_field(const struct route_field *field, const struct http_params *params, const struct http_head *head,
                      const json_t *body, json_t *frame, struct error *err)
{
    AUTO_JSON json_t *value = NULL;
    int r = 0;

    if (field->places & PLACE_QUERY)
        r = from_query(field, params, &value, err);
    if (r == 0 && (field->places & PLACE_HEADER))
        r = from_header(field, head, &value, err);
    if (r == 0 && (field->places & PLACE_BODY))
        r = from_body(field, body, &value, err);
    if (r < 0)
        return r;
    if (!value && field->required)
        return error_set_field(err, E_INVALID, field->name, "\"%s\" is missing", field->name);
    if (value)
        json_object_set(frame, field->frame_name, value);
    return 0;
}

static int check_closed(const struct route *route, const json_t *body, struct error *err)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)body, name, value)
    {
        bool known = false;
        for (size_t i = 0; i < route->field_count && !known; i++)
            known = (route->fields[i].places & PLACE_BODY) && strcmp(route->fields[i].name, name) == 0;
        if (!known)
            return error_set_field(err, E_INVALID, name, "\"%.64s\" is not a field that can be set", name);
    }
    return 0;
}

/* No body is an empty object: core then names the field that is missing. */
static int parse_body(const struct route *route, const struct input *input, json_t **ret, struct error *err)
{
    if (route->body == BODY_NONE || input->body_len == 0) {
        *ret = json_object();
        return 0;
    }
    int r = json_parse_object(input->body, input->body_len, ret, err);
    if (r == 0 && route->body == BODY_CLOSED)
        r = check_closed(route, *ret, err);
    return r;
}

static void set_id(json_t *frame, const char *name, const char *id)
{
    if (id[0] != '\0')
        json_object_set_new(frame, name, json_string(id));
}

static int take_fields(const struct route_match *match, const struct input *input, const struct http_params *params,
                       json_t *frame, struct error *err)
{
    const struct route *route = match->route;
    AUTO_JSON json_t *body = NULL;

    int r = parse_body(route, input, &body, err);
    for (size_t i = 0; r == 0 && i < route->field_count; i++)
        r = take_field(&route->fields[i], params, input->head, body, frame, err);
    return r;
}

int input_frame(const struct route_match *match, const struct input *input, json_t **ret_frame, struct error *err)
{
    AUTO_JSON json_t *frame = json_pack("{s:s, s:s}", "token", input->token, "address", input->address);
    struct http_params params = {0};

    if (!frame)
        return error_set(err, E_UNAUTHENTICATED, "Could not validate credentials"); /* a token that is not even text */
    set_id(frame, "workspace", match->workspace);
    set_id(frame, "request", match->request);
    set_id(frame, "user", match->user);
    set_id(frame, "gate", match->gate);
    if (http_params_parse(input->query, INPUT_PARAMS_MAX, true, &params, err) != 0)
        return error_set_field(err, E_INVALID, "query", "The query is not a list of at most %d well-formed parameters",
                               INPUT_PARAMS_MAX);
    int r = take_fields(match, input, &params, frame, err);
    http_params_done(&params);
    if (r == 0)
        *ret_frame = TAKE_PTR(frame);
    return r;
}

const char *input_bearer(const char *header)
{
    static const char SCHEME[] = "Bearer ";

    if (!header || strncasecmp(header, SCHEME, sizeof SCHEME - 1) != 0)
        return "";
    header += sizeof SCHEME - 1;
    return header + strspn(header, " ");
}

/* ";charset=utf-8" in the spellings that clients use. */
static bool charset_is_utf8(const char *parameters)
{
    const char *charset = strcasestr(parameters, "charset=");

    if (!charset)
        return true;
    charset += strlen("charset=");
    charset += *charset == '"';
    return strncasecmp(charset, "utf-8", 5) == 0 || strncasecmp(charset, "utf8", 4) == 0;
}

bool input_is_json(const char *content_type)
{
    static const char JSON_TYPE[] = "application/json";
    size_t len = content_type ? strcspn(content_type, "; \t") : 0;

    return len == sizeof JSON_TYPE - 1 && strncasecmp(content_type, JSON_TYPE, len) == 0 &&
           charset_is_utf8(content_type + len);
}
