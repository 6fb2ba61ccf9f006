/* Which operation a request asks for, or why it is refused: the table in operation.def. Pure; runs in airlock-blob. */
#ifndef AIRLOCK_BLOB_OPERATION_H
#define AIRLOCK_BLOB_OPERATION_H

#include "blob/azure.h"
#include "blob/location.h"
#include "http/http.h"

enum operation {
    OPERATION_PREFLIGHT,
    OPERATION_ACCOUNT_INFO,
    OPERATION_CONTAINER_PROPERTIES,
    OPERATION_LIST_BLOBS,
    OPERATION_PUT_BLOB,
    OPERATION_PUT_BLOCK,
    OPERATION_PUT_BLOCK_LIST,
    OPERATION_GET_BLOCK_LIST,
    OPERATION_GET_BLOB,
    OPERATION_HEAD_BLOB,
    OPERATION_GET_METADATA,
    OPERATION_SET_METADATA,
    OPERATION_SET_PROPERTIES,
    OPERATION_DELETE_BLOB,
    OPERATION_PUT_BLOB_FROM_URL,
    OPERATION_PUT_BLOCK_FROM_URL,
    OPERATION_COPY_BLOB,
    OPERATION_ABORT_COPY,
    OPERATION_COUNT
};

/* Where the bytes of a PUT come from. Bits, for the table. */
enum copy_source {
    SOURCE_NONE = 1 << 0, /* the body */
    SOURCE_URL = 1 << 1,  /* x-ms-copy-source */
    SOURCE_SYNC = 1 << 2, /* the same with x-ms-requires-sync, or that alone */
};

struct operation_query {
    enum http_method method;
    enum location_level level;
    const char *restype; /* "" when absent, as the next two */
    const char *comp;
    const char *blob_type;
    enum copy_source source;
};

enum azure_code operation_find(const struct operation_query *query, enum operation *ret) MUST_USE;
/* Does the request carry a header or parameter that is never ignored? An empty value counts as absent: some clients
 * send every header they know. */
enum azure_code operation_check_inputs(const struct http_head *head, const struct http_params *params) MUST_USE;
enum azure_code operation_check_params(const struct http_params *params) MUST_USE; /* the parameters alone */

/* The table itself, for the test that walks it and the page about it (docgen.c). */
struct operation_route {
    unsigned methods; /* 1 << enum http_method */
    unsigned levels;
    unsigned sources;
    const char *restype; /* NULL: any text */
    const char *comp;
    const char *blob_type;
    enum azure_code refusal; /* AZURE_OK: operation */
    enum operation operation;
};
const struct operation_route *operation_routes(size_t *ret_count);

struct operation_refusal {
    const char *name;
    enum azure_code code;
};
const struct operation_refusal *operation_refused_headers(size_t *ret_count);
const struct operation_refusal *operation_refused_params(size_t *ret_count);

#endif
