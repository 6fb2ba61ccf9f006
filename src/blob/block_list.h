/* The XML body of Put Block List, read as it comes: <BlockList><Latest>ID</Latest>…</BlockList>. airlock-blob only.
 * No document type, no entities, no depth, every size bounded before it is used.
 * Source: Azure "Put Block List": Latest, Committed, Uncommitted; ids are base64 of 1 to 64 bytes. */
#ifndef AIRLOCK_BLOB_BLOCK_LIST_H
#define AIRLOCK_BLOB_BLOCK_LIST_H

#include "base/json.h"
#include "blob/azure.h"

#define BLOCK_LIST_BYTES_MAX (8u * 1024 * 1024)
#define BLOCK_LIST_BLOCKS_MAX 50000u
#define BLOCK_ID_BYTES_MAX 64u
#define BLOCK_ID_TEXT_MAX 88u /* base64 of that */

/* Is this a block id as sent? */
bool block_id_check(const char *text, size_t len);

struct block_list;
struct block_list *block_list_new(void);
void block_list_free(struct block_list *list);
/* Feeds the next piece; is_last ends the document. After a refusal nothing more may be fed. */
enum azure_code block_list_feed(struct block_list *list, const void *bytes, size_t len, bool is_last) MUST_USE;
/* After the last piece: the array of [kind, id] of block.commit. The caller's. */
json_t *block_list_take(struct block_list *list);

#endif
