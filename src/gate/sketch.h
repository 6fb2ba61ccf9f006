/* How many different values there are, to some per cent, in 1 KiB, however many come (HyperLogLog). Runs in a sandboxed
 * child of airlock-gate; pure. Must never be trusted against somebody who picks values: it warns, it does not guard. */
#ifndef AIRLOCK_GATE_SKETCH_H
#define AIRLOCK_GATE_SKETCH_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SKETCH_BITS 10
#define SKETCH_SIZE (1U << SKETCH_BITS) /* registers of one byte; the error is about 1.04 / sqrt(SKETCH_SIZE): 3 % */

struct sketch {
    uint8_t registers[SKETCH_SIZE];
};

/* Eight bytes folded in: both halves of a wide product. */
static inline uint64_t sketch_mix(uint64_t a, uint64_t b)
{
    __extension__ unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* text must have 8 readable bytes behind it. */
static inline uint64_t sketch_hash(const char *text, size_t len)
{
    uint64_t hash = 0x9E3779B97F4A7C15U ^ len;
    uint64_t word;

    for (; len > 8; len -= 8, text += 8) {
        memcpy(&word, text, 8);
        hash = sketch_mix(hash ^ word, 0xE7037ED1A0B428DBU);
    }
    memcpy(&word, text, 8);
    word = len == 0 ? 0 : le64toh(word) << (64 - 8 * len);
    hash = sketch_mix(hash ^ word, 0xA0761D6478BD642FU);
    return sketch_mix(hash ^ 0x589965CC75374CC3U, 0xE7037ED1A0B428DBU);
}

static inline void sketch_add(struct sketch *sketch, const char *text, size_t len)
{
    uint64_t hash = sketch_hash(text, len);
    uint8_t *kept = &sketch->registers[hash >> (64 - SKETCH_BITS)];
    uint8_t rank = (uint8_t)(1 + __builtin_ctzll(hash | 1ULL << (64 - SKETCH_BITS)));

    if (rank > *kept)
        *kept = rank;
}

double sketch_estimate(const struct sketch *sketch);

#endif
