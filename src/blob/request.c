/* Understanding a request. Runs in airlock-blob on worker threads. Must never pick one of two contradicting values, and
 * never keep a link's parameters anywhere but in the question to core. */
#include "blob/request.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "model/name.h"
#include "model/sas.h"

#define VERSION_LEN 10 /* YYYY-MM-DD */

static void request_free(void *state)
{
    struct request *rq = state;

    if (rq->work_free)
        rq->work_free(rq->work);
    http_params_done(&rq->params);
    location_done(&rq->location);
    free(rq);
}

struct request *request_new(const struct app *app, struct http_exchange *x)
{
    struct request *rq = xcalloc(1, sizeof *rq);

    rq->app = app;
    rq->x = x;
    rq->head = http_exchange_head(x);
    uuid_new(rq->id);
    http_exchange_set_state(x, rq, request_free);
    return rq;
}

bool request_is_plain(const char *text)
{
    for (; *text; text++)
        if ((*text < ' ' && *text != '\t') || *text == 0x7f)
            return false;
    return true;
}

/* Names of SAS parameters in any letter case: a misspelt one is for core to refuse, not for us to overlook. */
static bool is_sas_name(const char *name)
{
    char lower[16];
    size_t len = strlen(name);

    if (len >= sizeof lower)
        return false;
    for (size_t i = 0; i <= len; i++)
        lower[i] = (char)tolower((unsigned char)name[i]);
    return sas_is_field(lower);
}

enum azure_code request_check_params(const struct http_params *params)
{
    for (size_t i = 0; i < params->count; i++) {
        const struct http_param *param = &params->items[i];
        bool is_text =
            name_is_text(param->name, strlen(param->name)) && name_is_text(param->value, strlen(param->value));
        if (is_sas_name(param->name)) {
            if (!is_text)
                return AZURE_AUTHENTICATION_FAILED;
        } else if (!is_text || http_params_count(params, param->name) > 1) {
            return AZURE_INVALID_QUERY_PARAMETER_VALUE;
        }
    }
    return AZURE_OK;
}

/* Headers that steer an operation: one value, plain text. */
static bool steers(const char *name)
{
    static const char *const NAMES[] = {"Range",         "If-Match",         "If-None-Match",   "If-Modified-Since",
                                        "If-Range",      "Content-MD5",      "Content-Type",    "If-Unmodified-Since",
                                        "Cache-Control", "Content-Encoding", "Content-Language",
                                        "Origin",        "Access-Control-Request-Method",
                                        "Access-Control-Request-Headers"};

    if (strncasecmp(name, "x-ms-", strlen("x-ms-")) == 0)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
        if (strcasecmp(name, NAMES[i]) == 0)
            return true;
    return false;
}

bool request_is_version(const char *text)
{
    return strlen(text) == VERSION_LEN && strspn(text, "0123456789-") == VERSION_LEN;
}

static enum azure_code check_headers(const struct request *rq, struct error *err)
{
    for (size_t i = 0; i < rq->head->header_count; i++) {
        const struct http_header *header = &rq->head->headers[i];
        if (!steers(header->name))
            continue;
        if (http_header_count(rq->head, header->name) > 1 || !request_is_plain(header->value)) {
            (void)error_set(err, E_BAD_REQUEST, "The header %.64s must be given once, in plain ASCII", header->name);
            return AZURE_INVALID_HEADER_VALUE;
        }
    }
    const char *version = request_header(rq, "x-ms-version");
    return version && !request_is_version(version) ? AZURE_INVALID_HEADER_VALUE : AZURE_OK;
}

static enum copy_source find_source(const struct request *rq)
{
    const char *sync = request_header(rq, "x-ms-requires-sync");

    if (sync && strcasecmp(sync, "true") == 0)
        return SOURCE_SYNC;
    return request_header(rq, "x-ms-copy-source") ? SOURCE_URL : SOURCE_NONE;
}

static enum azure_code find_operation(struct request *rq)
{
    const char *blob_type = request_header(rq, "x-ms-blob-type");
    struct operation_query query = {
        .method = rq->head->method,
        .level = rq->location.level,
        .restype = request_param(rq, "restype"),
        .comp = request_param(rq, "comp"),
        .blob_type = blob_type ? blob_type : "",
        .source = find_source(rq),
    };
    return operation_find(&query, &rq->operation);
}

enum azure_code request_parse(struct request *rq, struct error *err)
{
    if (http_params_parse(rq->head->query, REQUEST_PARAMS_MAX, false, &rq->params, err) < 0)
        return AZURE_INVALID_QUERY_PARAMETER_VALUE;
    enum azure_code code = request_check_params(&rq->params);
    if (code == AZURE_OK)
        code = check_headers(rq, err);
    if (code == AZURE_OK)
        code = location_parse(rq->head->host, rq->head->path, &rq->location, err);
    if (code == AZURE_OK)
        code = operation_check_inputs(rq->head, &rq->params);
    if (code == AZURE_OK)
        code = find_operation(rq);
    rq->conditional = (struct conditional){
        .if_match = request_header(rq, "If-Match"),
        .if_none_match = request_header(rq, "If-None-Match"),
        .if_modified_since = request_header(rq, "If-Modified-Since"),
        .if_unmodified_since = request_header(rq, "If-Unmodified-Since"),
    };
    return code;
}

const char *request_header(const struct request *rq, const char *name)
{
    const char *value = http_header(rq->head, name);
    return value && *value ? value : NULL;
}

const char *request_param(const struct request *rq, const char *name)
{
    const char *value = http_params_get(&rq->params, name);
    return value ? value : "";
}

const char *request_scheme(const struct request *rq)
{
    return http_exchange_tls(rq->x) || rq->app->behind_proxy ? "https" : "http";
}

json_t *request_sas_pairs(const struct http_params *params)
{
    json_t *pairs = json_array();

    for (size_t i = 0; i < params->count; i++) {
        const struct http_param *param = &params->items[i];
        if (is_sas_name(param->name))
            (void)json_array_append_new(pairs, json_pack("[s, s]", param->name, param->value));
    }
    return pairs;
}

json_t *request_fields(const struct request *rq)
{
    json_t *fields = json_pack("{s:s, s:s, s:s, s:s, s:o}", "scheme", request_scheme(rq), "address",
                               http_exchange_address(rq->x), "account", rq->location.account, "container",
                               rq->location.container, "sas", request_sas_pairs(&rq->params));

    if (rq->location.blob)
        (void)json_object_set_new(fields, "blob", json_string(rq->location.blob));
    return fields;
}

json_t *request_fields_conditional(const struct request *rq)
{
    json_t *fields = request_fields(rq);
    json_t *conditional = conditional_to_json(&rq->conditional);

    if (conditional)
        (void)json_object_set_new(fields, "cond", conditional);
    return fields;
}
