/* List Blobs and Get Block List. Runs in airlock-blob on worker threads. Must never answer an unbounded page. */
#include <string.h>

#include "base/num.h"
#include "blob/operations.h"
#include "blob/reply.h"
#include "blob/xml.h"
#include "model/name.h"

/* Empty means the most (some clients send every parameter they know). Digits too many for a number are more than that.
 */
static enum azure_code take_max_results(const char *text, unsigned *ret)
{
    uint64_t value = LIST_RESULTS_MAX;

    if (*text && strspn(text, "0123456789") != strlen(text))
        return AZURE_INVALID_QUERY_PARAMETER_VALUE;
    if (*text && num_parse(text, 0, UINT64_MAX, &value) && value == 0)
        return AZURE_OUT_OF_RANGE_QUERY_PARAMETER;
    *ret = value < LIST_RESULTS_MAX ? (unsigned)value : LIST_RESULTS_MAX;
    return AZURE_OK;
}

/* Is word in the comma list? Words that mean nothing here are passed over, as Azure's newer ones must be. */
static bool includes(const char *list, const char *word)
{
    size_t len = strlen(word);

    while (*list) {
        size_t item = strcspn(list, ",");
        if (item == len && memcmp(list, word, len) == 0)
            return true;
        list += item + (list[item] == ',');
    }
    return false;
}

static void append_endpoint(const struct request *rq, struct str *out)
{
    str_printf(out, "%s://%s/", request_scheme(rq), rq->head->host ? rq->head->host : "");
    if (!rq->location.host_style)
        str_printf(out, "%s/", rq->location.account);
}

static int ask_page(struct request *rq, const struct xml_list *list, const char *marker, json_t **ret_page,
                    struct error *err)
{
    json_t *fields = request_fields(rq);

    (void)json_object_set_new(fields, "prefix", json_string(list->prefix));
    (void)json_object_set_new(fields, "delimiter", json_string(list->delimiter));
    (void)json_object_set_new(fields, "marker", json_string(marker));
    (void)json_object_set_new(fields, "maxresults", json_integer(list->max_results));
    (void)json_object_set_new(fields, "metadata", json_boolean(list->metadata));
    (void)json_object_set_new(fields, "uncommitted",
                              json_boolean(includes(request_param(rq, "include"), "uncommittedblobs")));
    return ipc_call(rq->app->core, MESSAGE_BLOB_LIST, fields, ret_page, err);
}

/* A parameter that holds text of names: many clients write a space in it as "+", as forms do; a plus is always "%2B".
 */
static const char *name_param(const struct http_params *form, const char *name)
{
    const char *value = http_params_get(form, name);
    return value ? value : "";
}

void list_blobs(struct request *rq)
{
    CLEANUP(http_params_done) struct http_params form = {0};
    struct error err = {0};

    if (http_params_parse(rq->head->query, REQUEST_PARAMS_MAX, true, &form, &err) < 0) {
        reply_error(rq, &err);
        return;
    }
    struct xml_list list = {
        .container = rq->location.container,
        .prefix = name_param(&form, "prefix"),
        .marker = name_param(&form, "marker"),
        .delimiter = name_param(&form, "delimiter"),
        .metadata = includes(request_param(rq, "include"), "metadata"),
    };
    AUTO_STR struct str endpoint = STR_INIT(HTTP_HEAD_MAX);
    AUTO_STR struct str xml = STR_INIT(XML_LIST_MAX);
    AUTO_FREE char *marker = xml_marker_decode(list.marker);
    AUTO_JSON json_t *page = NULL;

    enum azure_code code = take_max_results(request_param(rq, "maxresults"), &list.max_results);
    if (code == AZURE_OK && (strlen(list.prefix) > NAME_BYTES_MAX || strlen(list.delimiter) > NAME_BYTES_MAX))
        code = AZURE_OUT_OF_RANGE_QUERY_PARAMETER;
    /* a marker's bytes go into JSON, and nothing but UTF-8 may */
    if (code == AZURE_OK && (!marker || !name_is_text(marker, strlen(marker))))
        code = AZURE_INVALID_QUERY_PARAMETER_VALUE;
    if (code != AZURE_OK) {
        reply_azure(rq, code, "");
        return;
    }
    if (ask_page(rq, &list, marker, &page, &err) < 0) {
        reply_error(rq, &err);
        return;
    }
    append_endpoint(rq, &endpoint);
    list.endpoint = str_text(&endpoint);
    xml_append_list(&list, page, &xml);
    reply_xml(rq, &xml);
}

void get_block_list(struct request *rq)
{
    const char *which = request_param(rq, "blocklisttype");
    AUTO_STR struct str xml = STR_INIT(XML_LIST_MAX);
    AUTO_JSON json_t *blocks = NULL;
    struct error err = {0};

    if (!*which)
        which = "committed";
    if (strcmp(which, "committed") != 0 && strcmp(which, "uncommitted") != 0 && strcmp(which, "all") != 0) {
        reply_azure(rq, AZURE_INVALID_QUERY_PARAMETER_VALUE, "blocklisttype is committed, uncommitted or all");
        return;
    }
    json_t *fields = request_fields(rq);
    (void)json_object_set_new(fields, "which", json_string(which));
    if (ipc_call(rq->app->core, MESSAGE_BLOCK_LIST, fields, &blocks, &err) < 0) {
        reply_error(rq, &err);
        return;
    }
    reply_add_tags(rq, blocks);
    http_header_addf(rq->x, "x-ms-blob-content-length", "%lld", (long long)json_int(blocks, "size"));
    xml_append_blocks(blocks, which, &xml);
    reply_xml(rq, &xml);
}
