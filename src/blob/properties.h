/* A blob's properties and metadata: from request headers into messages, and from messages into response headers. Pure
 * but for the header building. airlock-blob only. Source: Azure "Put Blob", "Put Block List", "Get Blob". */
#ifndef AIRLOCK_BLOB_PROPERTIES_H
#define AIRLOCK_BLOB_PROPERTIES_H

#include "base/crypto.h"
#include "base/json.h"
#include "blob/azure.h"
#include "http/http.h"

#define PROPERTIES_BYTES_MAX 3072u /* all values together: they come back as headers of one response */
#define METADATA_BYTES_MAX 8192u   /* names and values together (Azure) */

/* *ret is the caller's `properties`. is_content: the body is the blob (Put Blob), so that the standard headers count
 * where no x-ms-blob- header stands; otherwise they describe something else (the XML of Put Block List). */
enum azure_code properties_from_head(const struct http_head *head, bool is_content, json_t **ret) MUST_USE;
/* *ret is the caller's `metadata`; names keep their letter case. */
enum azure_code metadata_from_head(const struct http_head *head, json_t **ret) MUST_USE;

/* Copy Blob leaves in the properties what HEAD shows of it afterwards; a copy of that copy begins anew. source: the
 * source's URL without its link, or NULL. */
void properties_note_copy(json_t *properties, const char *id, const char *source);
void properties_forget_copy(json_t *properties);
void properties_add_copy_headers(struct http_exchange *x, const json_t *properties, uint64_t size);

/* A header that holds an MD5. *ret_given tells whether it was there. */
enum azure_code md5_from_head(const struct http_head *head, const char *name, bool *ret_given,
                              unsigned char ret_md5[static MD5_SIZE]) MUST_USE;

/* The response headers of a blob's properties but Content-Type and Content-MD5. override: what the link says instead,
 * or NULL. Values that cannot be headers are left out. */
void properties_add_headers(struct http_exchange *x, const json_t *properties, const json_t *override);
void metadata_add_headers(struct http_exchange *x, const json_t *metadata);
/* The type to send; never "". Borrowed from one of the two. */
const char *properties_type(const json_t *properties, const json_t *override);

#endif
