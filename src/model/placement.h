/* Where a staged block will probably go: clients number their blocks inside the block id, each in its own way. The hint
 * lets a block be written at its final place at once; the block list decides in the end, so a wrong hint costs time and
 * never correctness. Pure; used by airlock-blob. Forms as sent by the clients, see placement.c. */
#ifndef AIRLOCK_MODEL_PLACEMENT_H
#define AIRLOCK_MODEL_PLACEMENT_H

#include <stdbool.h>
#include <stdint.h>

#define PLACEMENT_ALIGN 4096u
#define PLACEMENT_BLOB_MAX ((uint64_t)5 << 40) /* 5 TiB */
#define PLACEMENT_INDEX_MAX 50000u             /* blocks of one blob (Azure) */

enum placement_client {
    PLACEMENT_UNKNOWN,
    PLACEMENT_AZCOPY,        /* index */
    PLACEMENT_JS,            /* index */
    PLACEMENT_GO,            /* index: Go SDK streams and rclone up to 1.63 */
    PLACEMENT_RCLONE,        /* index: rclone from 1.64 */
    PLACEMENT_PYTHON,        /* offset: Python SDK and az */
    PLACEMENT_PYTHON_STREAM, /* index: Python SDK with large blocks from a file */
    PLACEMENT_DOTNET,        /* offset */
};

/* What a block id (base64 text as sent) says: its client and the block's index, or its offset where
 * placement_is_offset. */
enum placement_client placement_decode(const char *block_id, uint64_t *ret_number);
bool placement_is_offset(enum placement_client client);

/* The predicted offset of a block of block_len bytes. false when the id says nothing, or the place would not be aligned
 * to PLACEMENT_ALIGN or would pass PLACEMENT_BLOB_MAX. All blocks but the last are equally long in every client, so a
 * shorter last block is predicted only where the id carries the offset itself. */
bool placement_hint(const char *block_id, uint64_t block_len, uint64_t *ret_offset);

#endif
