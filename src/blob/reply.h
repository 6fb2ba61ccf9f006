/* Answers of the data plane: the headers that every one carries, errors in Azure's form, and the tags of a blob.
 * airlock-blob only. Source: Azure "Common response headers"; facts of each header in reply.c. */
#ifndef AIRLOCK_BLOB_REPLY_H
#define AIRLOCK_BLOB_REPLY_H

#include "blob/request.h"

#define REPLY_VERSION "2021-12-02" /* x-ms-version of clients that send none */

/* Each of these ends the exchange's handling, except the _add ones, which come before. */
void reply_azure(struct request *rq, enum azure_code code, const char *detail);
void reply_error(struct request *rq, const struct error *err);
void reply_empty(struct request *rq, int status);
void reply_xml(struct request *rq, struct str *xml); /* an overflown xml is answered as an internal error */

void reply_add_common(struct request *rq);
void reply_add_no_store(struct request *rq);
/* ETag and Last-Modified from `etag` and `modified` of core's answer; nothing where it has none. */
void reply_add_tags(struct request *rq, const json_t *ok);

/* http_server_set_refusal: what the HTTP layer refuses before there is a request. */
void reply_refusal(struct http_exchange *x, int status, const char *detail);

#endif
