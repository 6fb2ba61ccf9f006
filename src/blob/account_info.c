/* What is told about an account and a container: Get Account Info (AzCopy asks before it copies or sets a tier), Get
 * Container Properties and Metadata (clients ask to see whether the container is there). Runs in airlock-blob. */
#include <string.h>

#include "blob/operations.h"
#include "blob/reply.h"

/* Any valid link may. */
void get_account_info(struct request *rq)
{
    struct error err = {0};

    if (ipc_call(rq->app->core, MESSAGE_BLOB_ACCESS, request_fields(rq), NULL, &err) < 0) {
        reply_error(rq, &err);
        return;
    }
    http_header_add(rq->x, "x-ms-sku-name", "Standard_LRS");
    http_header_add(rq->x, "x-ms-account-kind", "StorageV2");
    http_header_add(rq->x, "x-ms-is-hns-enabled", "false");
    reply_empty(rq, 200);
}

/* A link that may read or list. There is no metadata. */
void get_container_properties(struct request *rq)
{
    AUTO_JSON json_t *ok = NULL;
    struct error err = {0};

    if (ipc_call(rq->app->core, MESSAGE_BLOB_ACCESS, request_fields(rq), &ok, &err) < 0) {
        reply_error(rq, &err);
        return;
    }
    if (!strpbrk(json_text(ok, "permissions"), "rl")) {
        reply_azure(rq, AZURE_AUTHORIZATION_PERMISSION_MISMATCH, "");
        return;
    }
    reply_add_tags(rq, ok);
    http_header_add(rq->x, "x-ms-lease-state", "available");
    http_header_add(rq->x, "x-ms-lease-status", "unlocked");
    http_header_add(rq->x, "x-ms-has-immutability-policy", "false");
    http_header_add(rq->x, "x-ms-has-legal-hold", "false");
    reply_empty(rq, 200);
}
