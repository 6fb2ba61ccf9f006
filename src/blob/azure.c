/* Azure's error codes. Pure; runs in airlock-blob. Must never show a person what an internal failure looked like. */
#include "blob/azure.h"

#include "base/clock.h"

static const struct azure_facts FACTS[AZURE_COUNT] = {
#define X(name, code, http, message) [AZURE_##name] = {code, http, message},
#include "blob/azure.def"
#undef X
};

static const enum azure_code BY_ERROR[ERROR_ROW_COUNT] = {
    [ERROR_ROW_INTERNAL] = AZURE_INTERNAL_ERROR,
    [ERROR_ROW_IO] = AZURE_INTERNAL_ERROR,
    [ERROR_ROW_PROTOCOL] = AZURE_INTERNAL_ERROR,
    [ERROR_ROW_LIMIT] = AZURE_OUT_OF_RANGE_INPUT,
    [ERROR_ROW_CONFIG] = AZURE_INTERNAL_ERROR,
    [ERROR_ROW_USAGE] = AZURE_INTERNAL_ERROR,
    [ERROR_ROW_BAD_REQUEST] = AZURE_INVALID_HEADER_VALUE,
    [ERROR_ROW_INVALID] = AZURE_INVALID_INPUT,
    [ERROR_ROW_UNAUTHENTICATED] = AZURE_AUTHENTICATION_FAILED,
    [ERROR_ROW_FORBIDDEN] = AZURE_AUTHORIZATION_FAILURE,
    [ERROR_ROW_NOT_FOUND] = AZURE_RESOURCE_NOT_FOUND,
    [ERROR_ROW_METHOD] = AZURE_UNSUPPORTED_HTTP_VERB,
    [ERROR_ROW_DISABLED] = AZURE_ACCOUNT_IS_DISABLED,
    [ERROR_ROW_CONFLICT] = AZURE_INVALID_OPERATION,
    [ERROR_ROW_EXISTS] = AZURE_RESOURCE_ALREADY_EXISTS,
    [ERROR_ROW_STALE] = AZURE_INVALID_OPERATION,
    [ERROR_ROW_TOO_LARGE] = AZURE_REQUEST_BODY_TOO_LARGE,
    [ERROR_ROW_MEDIA_TYPE] = AZURE_INVALID_HEADER_VALUE,
    [ERROR_ROW_RATE] = AZURE_SERVER_BUSY,
    [ERROR_ROW_UNAVAILABLE] = AZURE_SERVER_BUSY,
    [ERROR_ROW_UNKNOWN] = AZURE_SERVER_BUSY,
    [ERROR_ROW_NO_SPACE] = AZURE_INSUFFICIENT_STORAGE,
    [ERROR_ROW_SAS] = AZURE_AUTHENTICATION_FAILED,
    [ERROR_ROW_SAS_PERMISSION] = AZURE_AUTHORIZATION_PERMISSION_MISMATCH,
    [ERROR_ROW_SAS_PROTOCOL] = AZURE_AUTHORIZATION_PROTOCOL_MISMATCH,
    [ERROR_ROW_SAS_ADDRESS] = AZURE_AUTHORIZATION_SOURCE_IP_MISMATCH,
    [ERROR_ROW_ZONE] = AZURE_AUTHORIZATION_FAILURE,
    [ERROR_ROW_NO_CREDENTIALS] = AZURE_NO_AUTHENTICATION,
    [ERROR_ROW_BLOB_NOT_FOUND] = AZURE_BLOB_NOT_FOUND,
    [ERROR_ROW_CONTAINER_NOT_FOUND] = AZURE_CONTAINER_NOT_FOUND,
    [ERROR_ROW_BLOB_EXISTS] = AZURE_BLOB_ALREADY_EXISTS,
    [ERROR_ROW_CONDITION] = AZURE_CONDITION_NOT_MET,
    [ERROR_ROW_CONDITION_UNSATISFIABLE] = AZURE_UNSATISFIABLE_CONDITION,
    [ERROR_ROW_CONDITION_MULTIPLE] = AZURE_MULTIPLE_CONDITION_HEADERS,
    [ERROR_ROW_NOT_MODIFIED] = AZURE_NOT_MODIFIED,
    [ERROR_ROW_BLOCK_LIST] = AZURE_INVALID_BLOCK_LIST,
    [ERROR_ROW_BLOCK_ID] = AZURE_INVALID_BLOB_OR_BLOCK,
    [ERROR_ROW_BLOCK_COUNT] = AZURE_BLOCK_COUNT_EXCEEDS_LIMIT,
};

static const struct {
    int status;
    enum azure_code code;
} BY_STATUS[] = {
    {400, AZURE_INVALID_INPUT},
    {408, AZURE_OPERATION_TIMED_OUT},
    {411, AZURE_MISSING_CONTENT_LENGTH},
    {413, AZURE_REQUEST_BODY_TOO_LARGE},
    {414, AZURE_REQUEST_URI_TOO_LONG},
    {417, AZURE_UNSUPPORTED_HEADER},
    {429, AZURE_SERVER_BUSY},
    {431, AZURE_REQUEST_HEADERS_TOO_LARGE},
    {501, AZURE_NOT_IMPLEMENTED},
    {503, AZURE_SERVER_BUSY},
    {505, AZURE_UNSUPPORTED_HTTP_VERSION},
};

const struct azure_facts *azure_facts(enum azure_code code)
{
    return &FACTS[code > AZURE_OK && code < AZURE_COUNT ? code : AZURE_INTERNAL_ERROR];
}

enum azure_code azure_from_error(int error_code)
{
    int row = -1 - error_code;
    enum azure_code code = row >= 0 && row < ERROR_ROW_COUNT ? BY_ERROR[row] : AZURE_OK;
    return code == AZURE_OK ? AZURE_INTERNAL_ERROR : code;
}

enum azure_code azure_from_status(int status)
{
    for (size_t i = 0; i < ARRAY_LEN(BY_STATUS); i++)
        if (BY_STATUS[i].status == status)
            return BY_STATUS[i].code;
    return status < 500 ? AZURE_INVALID_INPUT : AZURE_INTERNAL_ERROR;
}

/* Where Azure explains refused credentials; every other explanation is a line of the message, which clients show. */
static bool explains_credentials(enum azure_code code)
{
    return code == AZURE_AUTHENTICATION_FAILED || code == AZURE_NO_AUTHENTICATION;
}

void azure_render(enum azure_code code, const char *request_id, const char *detail, struct str *out)
{
    const struct azure_facts *facts = azure_facts(code);
    char time[CLOCK_TEXT_MAX];

    if ((facts->http >= 500 && code != AZURE_NOT_IMPLEMENTED) || str_starts(facts->message, detail))
        detail = ""; /* internal, or said already */
    clock_format_iso(clock_now_us(), time);
    str_append(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>");
    str_append(out, facts->code);
    str_append(out, "</Code><Message>");
    str_append_xml(out, facts->message);
    if (*detail && !explains_credentials(code)) {
        str_append_char(out, '\n');
        str_append_xml(out, detail);
    }
    str_printf(out, "\nRequestId:%s\nTime:%s</Message>", request_id, time);
    if (*detail && explains_credentials(code)) {
        str_append(out, "<AuthenticationErrorDetail>");
        str_append_xml(out, detail);
        str_append(out, "</AuthenticationErrorDetail>");
    }
    str_append(out, "</Error>");
}
