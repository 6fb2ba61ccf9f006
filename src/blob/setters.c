/* Set Blob Metadata and Set Blob HTTP Headers: the head says all of it, core replaces it. Runs in airlock-blob on
 * worker threads. Must never keep a part of what stood there: what is not said is cleared, as on Azure. */
#include "blob/operations.h"
#include "blob/properties.h"
#include "blob/reply.h"

/* field: `metadata` or `properties`; value is stolen. */
static void update_blob(struct request *rq, const char *field, json_t *value)
{
    AUTO_JSON json_t *ok = NULL;
    json_t *fields = request_fields_conditional(rq);
    struct error err = {0};

    (void)json_object_set_new(fields, field, value);
    if (ipc_call(rq->app->core, MESSAGE_BLOB_UPDATE, fields, &ok, &err) < 0) {
        reply_error(rq, &err);
        return;
    }
    reply_add_tags(rq, ok);
    http_header_add(rq->x, "x-ms-request-server-encrypted", "false");
    reply_empty(rq, 200);
}

void set_metadata(struct request *rq)
{
    AUTO_JSON json_t *metadata = NULL;
    enum azure_code code = metadata_from_head(rq->head, &metadata);

    if (code != AZURE_OK)
        reply_azure(rq, code, "");
    else
        update_blob(rq, "metadata", TAKE_PTR(metadata));
}

void set_properties(struct request *rq)
{
    AUTO_JSON json_t *properties = NULL;
    enum azure_code code = properties_from_head(rq->head, false, &properties);

    if (code != AZURE_OK)
        reply_azure(rq, code, "");
    else
        update_blob(rq, "properties", TAKE_PTR(properties));
}
