/* CRC-64/NVME, sixteen bytes at a time: by tables, or by carry-less multiplication where the processor has it. Pure;
 * any process. Must never be trusted against somebody who wants a collision.
 *
 * Bits are reflected: the lowest bit of a word is the coefficient of x^63, and a right shift multiplies by x. */
#include "base/crc64.h"

#include <endian.h>
#include <pthread.h>
#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#define POLYNOMIAL 0x9A6C9329AC4BC9B5ULL /* 0xAD93D23594C93659 reflected */
#define ONE (1ULL << 63)                 /* the polynomial 1 */
#define STEP 16                          /* bytes of one step of either way */
#define LANES 4                          /* of the fast way: multiplications that do not wait for one another */

static struct {
    uint64_t bytes[STEP][256]; /* [n][b]: the byte b with n zero bytes behind it */
    uint64_t lane_low, lane_high; /* fold 16 bytes over LANES * STEP bytes */
    uint64_t step_low, step_high; /* fold 16 bytes over the next 16 */
    uint64_t (*update)(uint64_t state, const unsigned char *p, size_t len);
} tables;
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static uint64_t times_x(uint64_t a)
{
    return a >> 1 ^ (a & 1 ? POLYNOMIAL : 0);
}

/* x to the power n, for the few small n of the tables. */
static uint64_t power_of_x(unsigned n)
{
    uint64_t a = ONE;

    while (n-- > 0)
        a = times_x(a);
    return a;
}

static uint64_t load64(const unsigned char *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof word);
    return le64toh(word);
}

/* Two words of the text, one table look-up a byte; the first byte has the most bytes behind it. */
static uint64_t step_portable(uint64_t first, uint64_t second)
{
    uint64_t state = 0;

    for (unsigned i = 0; i < STEP / 2; i++) {
        state ^= tables.bytes[STEP - 1 - i][first >> 8 * i & 0xff];
        state ^= tables.bytes[STEP / 2 - 1 - i][second >> 8 * i & 0xff];
    }
    return state;
}

static uint64_t update_portable(uint64_t state, const unsigned char *p, size_t len)
{
    for (; len >= STEP; p += STEP, len -= STEP)
        state = step_portable(state ^ load64(p), load64(p + 8));
    for (; len > 0; p++, len--)
        state = state >> 8 ^ tables.bytes[0][(state ^ *p) & 0xff];
    return state;
}

#ifdef __x86_64__
#define FAST __attribute__((target("pclmul,sse2")))

/* Moves 16 bytes of text over a distance: each half is multiplied by the power of x that the distance stands for. The
 * product of two reflected words is short of one x, so the constants are too. */
FAST static __m128i fold(__m128i text, __m128i distance)
{
    return _mm_xor_si128(_mm_clmulepi64_si128(text, distance, 0x00), _mm_clmulepi64_si128(text, distance, 0x11));
}

FAST static __m128i load128(const unsigned char *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

FAST static uint64_t update_pclmul(uint64_t state, const unsigned char *p, size_t len)
{
    const __m128i over_lanes = _mm_set_epi64x((long long)tables.lane_high, (long long)tables.lane_low);
    const __m128i over_step = _mm_set_epi64x((long long)tables.step_high, (long long)tables.step_low);
    unsigned char rest[STEP];
    __m128i lane[LANES];

    if (len < 2 * LANES * STEP)
        return update_portable(state, p, len);
    for (int i = 0; i < LANES; i++, p += STEP)
        lane[i] = load128(p);
    lane[0] = _mm_xor_si128(lane[0], _mm_set_epi64x(0, (long long)state));
    for (len -= LANES * STEP; len >= LANES * STEP; len -= LANES * STEP)
        for (int i = 0; i < LANES; i++, p += STEP)
            lane[i] = _mm_xor_si128(fold(lane[i], over_lanes), load128(p));
    for (int i = 1; i < LANES; i++)
        lane[0] = _mm_xor_si128(fold(lane[0], over_step), lane[i]);
    _mm_storeu_si128((__m128i *)(void *)rest, lane[0]);
    return update_portable(update_portable(0, rest, sizeof rest), p, len);
}
#endif

static void make_tables(void)
{
    for (unsigned b = 0; b < 256; b++) {
        uint64_t state = b;
        for (unsigned n = 0; n < STEP; n++) {
            for (int bit = 0; bit < 8; bit++)
                state = times_x(state);
            tables.bytes[n][b] = state;
        }
    }
    tables.lane_low = power_of_x(8 * LANES * STEP + 64 - 1);
    tables.lane_high = power_of_x(8 * LANES * STEP - 1);
    tables.step_low = power_of_x(8 * STEP + 64 - 1);
    tables.step_high = power_of_x(8 * STEP - 1);
    tables.update = update_portable;
#ifdef __x86_64__
    if (__builtin_cpu_supports("pclmul"))
        tables.update = update_pclmul;
#endif
}

uint64_t crc64_update(uint64_t crc, const void *bytes, size_t len)
{
    (void)pthread_once(&tables_once, make_tables);
    return ~tables.update(~crc, bytes, len);
}

uint64_t crc64_update_portable(uint64_t crc, const void *bytes, size_t len)
{
    (void)pthread_once(&tables_once, make_tables);
    return ~update_portable(~crc, bytes, len);
}
