/* The only number parser: digits, nothing else, inside stated bounds. Plus checked arithmetic. */
#ifndef AIRLOCK_BASE_NUM_H
#define AIRLOCK_BASE_NUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Accepts exactly the len bytes as an unsigned decimal (no sign, no space, no hex) within [min, max]. */
bool num_parse_len(const char *text, size_t len, uint64_t min, uint64_t max, uint64_t *ret_value);
bool num_parse(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value);
int num_hex_digit(char c); /* its value, or -1 */
/* Hex digits only, at most 16. */
bool num_parse_hex_len(const char *text, size_t len, uint64_t max, uint64_t *ret_value);

bool num_add(uint64_t a, uint64_t b, uint64_t *ret_sum); /* false on overflow */
bool num_mul(uint64_t a, uint64_t b, uint64_t *ret_product);

#endif
