/* How a file becomes blocks. A block's id is made of its index and the SHA-256 of its bytes, so an uncommitted block
 * with the right id and size is proof that those bytes are there already: that is what makes an upload resumable. No
 * I/O. */
#ifndef AIRLOCK_CLI_UPLOAD_PLAN_H
#define AIRLOCK_CLI_UPLOAD_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/crypto.h"
#include "base/str.h"
#include "cli/blob_xml.h"

#define BLOCK_SIZE_MIN ((uint64_t)8 * 1024 * 1024)
#define BLOCK_SIZE_MAX ((uint64_t)4000 * 1024 * 1024) /* Azure: Put Block */
#define BLOCKS_MAX 50000                              /* Azure: Put Block List */
#define BLOCK_ID_LEN 48                               /* base64 of 36 bytes: no padding */
#define BLOCK_ID_SIZE (BLOCK_ID_LEN + 1)

/* The size of all blocks but the last: 8 MiB, doubled until BLOCKS_MAX suffice; 0 when size is beyond what a blob
 * holds. */
uint64_t upload_block_size(uint64_t size);
uint64_t upload_block_count(uint64_t size, uint64_t block_size);
uint64_t upload_block_len(uint64_t size, uint64_t block_size, uint64_t index);

/* index (big-endian, 4 bytes) and the digest, in base64. */
void upload_block_id(uint64_t index, const unsigned char digest[static SHA256_SIZE], char id[static BLOCK_ID_SIZE]);

/* Sorts blocks by id, for upload_has_block. */
void upload_sort_blocks(struct block_list *blocks);
/* Whether an uncommitted block with this id and size is there. blocks must be sorted. */
bool upload_has_block(const struct block_list *blocks, const char *id, uint64_t size);
/* Uncommitted blocks of another program: ids of another length, which the server will not mix with ours. */
bool upload_has_foreign_blocks(const struct block_list *blocks);

/* The body of Put Block List. ids: count ids of BLOCK_ID_SIZE bytes each. */
void upload_append_list(struct str *xml, const char (*ids)[BLOCK_ID_SIZE], uint64_t count);

#endif
