/* Reading refusals and saying them. No I/O. */
#include "cli/problem.h"

#include <string.h>

#include "base/json.h"
#include "cli/blob_xml.h"
#include "cli/text.h"

#define TEXT_CUT 400

static const struct {
    int status;
    int code;
} STATUS_CODES[] = {
    {400, E_BAD_REQUEST}, {401, E_UNAUTHENTICATED}, {403, E_FORBIDDEN},   {404, E_NOT_FOUND},
    {405, E_METHOD},      {409, E_CONFLICT},        {412, E_CONDITION},   {413, E_TOO_LARGE},
    {415, E_MEDIA_TYPE},  {417, E_CONFLICT},        {422, E_INVALID},     {429, E_RATE},
    {500, E_INTERNAL},    {502, E_UNAVAILABLE},     {503, E_UNAVAILABLE}, {504, E_UNAVAILABLE},
    {507, E_NO_SPACE},
};

/* What a person can do about it. */
static const struct {
    int code;
    const char *advice;
} ADVICE[] = {
    {E_UNAUTHENTICATED, "Log in again: airlock login --help"},
    {E_FORBIDDEN, "See your roles with: airlock whoami --workspace WORKSPACE"},
    {E_STALE, "Look at the request again before deciding: airlock request show"},
    {E_EXISTS, "Use --overwrite to replace it"},
    {E_BLOB_EXISTS, "Use --overwrite to replace it"},
    {E_SAS, "The link may have ended, or the request has moved on; see: airlock request show"},
    {E_SAS_PERMISSION, "The request's present status does not allow this; see: airlock request show"},
    {E_ZONE, "Run the command inside the workspace's network"},
    {E_NO_SPACE, "Free some space and run the command again"},
    {E_RATE, "Wait a little and run the command again"},
    {E_UNAVAILABLE, "Run the command again in a moment"},
    {E_UNKNOWN, "Look whether it happened before trying again: airlock request show"},
};

/* The data plane's codes that mean more than their status. */
static const struct {
    const char *name;
    int code;
} BLOB_CODES[] = {
    {"BlobAlreadyExists", E_BLOB_EXISTS},
    {"BlobNotFound", E_BLOB_NOT_FOUND},
    {"ContainerNotFound", E_CONTAINER_NOT_FOUND},
    {"AuthenticationFailed", E_SAS},
    {"AuthorizationPermissionMismatch", E_SAS_PERMISSION},
    {"AuthorizationProtocolMismatch", E_SAS_PROTOCOL},
    {"AuthorizationSourceIPMismatch", E_SAS_ADDRESS},
    {"AuthorizationFailure", E_ZONE},
    {"InvalidBlockList", E_BLOCK_LIST},
    {"InvalidBlobOrBlock", E_BLOCK_ID},
    {"BlockCountExceedsLimit", E_BLOCK_COUNT},
};

int problem_code(int status)
{
    for (size_t i = 0; i < ARRAY_LEN(STATUS_CODES); i++)
        if (STATUS_CODES[i].status == status)
            return STATUS_CODES[i].code;
    return status / 100 == 5 ? E_UNAVAILABLE : E_PROTOCOL;
}

/* A wire name of error.def, or fallback. */
static int code_by_name(const char *name, int fallback)
{
    int code = error_code_by_name(name);
    return strcmp(error_name(code), name) == 0 ? code : fallback;
}

static int from_json(struct error *err, const json_t *body, int code)
{
    const char *type = json_text(body, "type");
    const char *slash = strrchr(type, '/');
    const char *colon = strrchr(type, ':');
    const char *name = slash ? slash + 1 : colon ? colon + 1 : type;
    const char *detail = json_text(body, "detail");
    const char *field = json_text(body, "field");

    code = code_by_name(json_text(body, "code"), code_by_name(name, code));
    if (!*detail)
        detail = json_text(body, "error_description");
    if (!*detail)
        detail = *json_text(body, "title") ? json_text(body, "title") : json_text(body, "error");
    return error_set_field(err, code, field, "%.*s", TEXT_CUT, *detail ? detail : error_title(code));
}

static int from_blob(struct error *err, const struct web_answer *answer, int code)
{
    AUTO_STR struct str message = STR_INIT(TEXT_CUT);

    for (size_t i = 0; i < ARRAY_LEN(BLOB_CODES); i++)
        if (strcmp(BLOB_CODES[i].name, answer->error_code) == 0)
            code = BLOB_CODES[i].code;
    blob_xml_message(str_text(&answer->body), answer->body.len, &message);
    return error_set(err, code, "%s (%s)", message.len ? str_text(&message) : error_title(code), answer->error_code);
}

int problem_from_answer(struct error *err, const struct web_answer *answer)
{
    int code = problem_code(answer->status);
    const char *text = str_text(&answer->body);
    AUTO_JSON json_t *body = NULL;

    if (answer->error_code[0])
        return from_blob(err, answer, code);
    if (strstr(answer->content_type, "json") && json_parse_object(text, answer->body.len, &body, NULL) == 0)
        return from_json(err, body, code);
    if (str_starts(answer->content_type, "text/plain") && *text)
        return error_set(err, code, "%.*s", TEXT_CUT, text);
    return error_set(err, code, "%s (HTTP status %d)", error_title(code), answer->status);
}

void problem_render(const struct error *err, struct str *out)
{
    const char *advice = NULL;

    for (size_t i = 0; i < ARRAY_LEN(ADVICE); i++)
        if (ADVICE[i].code == err->code)
            advice = ADVICE[i].advice;
    str_append(out, "airlock: ");
    text_append_safe(out, *err->detail ? err->detail : error_title(err->code));
    if (out->len && !strchr(".!?", out->p[out->len - 1]))
        str_append_char(out, '.');
    if (advice)
        str_printf(out, " %s.", advice);
    str_append_char(out, '\n');
}
