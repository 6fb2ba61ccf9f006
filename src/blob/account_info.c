/* Get Account Info: AzCopy asks for it before it copies or sets a tier. Runs in airlock-blob. Any valid link may. */
#include "blob/operations.h"
#include "blob/reply.h"

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
