/* From a request's head to its operation. Runs in airlock-blob on worker threads. */
#include "blob/app.h"

#include "blob/operations.h"
#include "blob/reply.h"

static void (*const OPERATIONS[OPERATION_COUNT])(struct request *rq) = {
    [OPERATION_PREFLIGHT] = preflight,
    [OPERATION_ACCOUNT_INFO] = get_account_info,
    [OPERATION_CONTAINER_PROPERTIES] = get_container_properties,
    [OPERATION_LIST_BLOBS] = list_blobs,
    [OPERATION_PUT_BLOB] = put_blob,
    [OPERATION_PUT_BLOCK] = put_block,
    [OPERATION_PUT_BLOCK_LIST] = put_block_list,
    [OPERATION_GET_BLOCK_LIST] = get_block_list,
    [OPERATION_GET_BLOB] = get_blob,
    [OPERATION_HEAD_BLOB] = head_blob,
    [OPERATION_GET_METADATA] = get_metadata,
    [OPERATION_SET_METADATA] = set_metadata,
    [OPERATION_SET_PROPERTIES] = set_properties,
    [OPERATION_DELETE_BLOB] = delete_blob,
    [OPERATION_PUT_BLOB_FROM_URL] = put_blob_from_url,
    [OPERATION_PUT_BLOCK_FROM_URL] = put_block_from_url,
    [OPERATION_COPY_BLOB] = copy_blob,
    [OPERATION_ABORT_COPY] = abort_copy,
};

void app_handle(struct http_exchange *x, void *ctx)
{
    struct request *rq = request_new(ctx, x);
    struct error err = {0};
    enum azure_code code = request_parse(rq, &err);

    if (code != AZURE_OK)
        reply_azure(rq, code, err.detail);
    else
        OPERATIONS[rq->operation](rq);
}
