/* Which operation a request asks for, or why it is refused: the table in operation.def. Pure; runs in airlock-blob. */
#ifndef AIRLOCK_BLOB_OPERATION_H
#define AIRLOCK_BLOB_OPERATION_H

#include "blob/azure.h"
#include "blob/location.h"
#include "http/http.h"

enum operation {
    OPERATION_ACCOUNT_INFO,
    OPERATION_LIST_BLOBS,
    OPERATION_PUT_BLOB,
    OPERATION_PUT_BLOCK,
    OPERATION_PUT_BLOCK_LIST,
    OPERATION_GET_BLOCK_LIST,
    OPERATION_GET_BLOB,
    OPERATION_HEAD_BLOB,
    OPERATION_DELETE_BLOB,
    OPERATION_COUNT
};

struct operation_query {
    enum http_method method;
    enum location_level level;
    const char *restype; /* "" when absent, as the next two */
    const char *comp;
    const char *blob_type;
};

enum azure_code operation_find(const struct operation_query *query, enum operation *ret) MUST_USE;
/* Does the request carry a header or parameter that is never ignored? An empty value counts as absent: some clients
 * send every header they know. */
enum azure_code operation_check_inputs(const struct http_head *head, const struct http_params *params) MUST_USE;

/* The table itself, for the test that walks it. */
struct operation_route {
    unsigned methods; /* 1 << enum http_method */
    unsigned levels;
    const char *restype; /* NULL: any text */
    const char *comp;
    const char *blob_type;
    enum azure_code refusal; /* AZURE_OK: operation */
    enum operation operation;
};
const struct operation_route *operation_routes(size_t *ret_count);

#endif
