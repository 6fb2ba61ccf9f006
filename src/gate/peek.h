/* Bounded looks at the bytes of a descriptor, for readers of foreign formats: nothing here trusts an offset. */
#ifndef AIRLOCK_GATE_PEEK_H
#define AIRLOCK_GATE_PEEK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads up to len bytes at an offset, without moving the descriptor's own. How many there were: fewer at the end of the
 * file and after an error, 0 beyond it. */
size_t peek(int fd, uint64_t offset, void *to, size_t len);
/* All len bytes, or false. */
bool peek_all(int fd, uint64_t offset, void *to, size_t len);
/* Is every byte from offset up to end a zero? Reads up to the first that is not. */
bool peek_zeroes(int fd, uint64_t offset, uint64_t end);
/* Where the needle begins in len bytes, or NULL. */
const unsigned char *peek_find(const void *bytes, size_t len, const char *needle);
/* Where it begins the last time. */
const unsigned char *peek_find_last(const void *bytes, size_t len, const char *needle);

static inline uint16_t peek_le16(const unsigned char *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t peek_le32(const unsigned char *p)
{
    return (uint32_t)peek_le16(p) | (uint32_t)peek_le16(p + 2) << 16;
}

static inline uint64_t peek_le64(const unsigned char *p)
{
    return (uint64_t)peek_le32(p) | (uint64_t)peek_le32(p + 4) << 32;
}

static inline uint16_t peek_be16(const unsigned char *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t peek_be32(const unsigned char *p)
{
    return (uint32_t)peek_be16(p) << 16 | peek_be16(p + 2);
}

#endif
