/* A table of fixed size from keys that clients choose (names, addresses) to small records: whatever they send, it never
 * grows. Only a digest of a key is kept, under a secret of this process, so that nobody can choose keys that share a
 * place. When a new key's place is full, the record that is worth least gives way. Not thread-safe; any process. */
#ifndef AIRLOCK_BASE_SLOTS_H
#define AIRLOCK_BASE_SLOTS_H

#include <stddef.h>
#include <stdint.h>

#define SLOTS_SETS 1024 /* places */
#define SLOTS_WAYS 4    /* records of one place */

struct slots;

/* worth: what would be lost with the record. */
struct slots *slots_new(size_t record_size, int64_t (*worth)(const void *record));
void slots_free(struct slots *slots);

/* The key's record, or NULL. What comes back is valid until the next slots_make. */
void *slots_find(struct slots *slots, const void *key, size_t len);
/* The key's record, or a new one of zeroes. */
void *slots_make(struct slots *slots, const void *key, size_t len);
void slots_drop(struct slots *slots, const void *key, size_t len);

#endif
