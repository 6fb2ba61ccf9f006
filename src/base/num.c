/* Bounded number parsing. Linked into every program; no I/O. */
#include "base/num.h"

#include <string.h>

bool num_add(uint64_t a, uint64_t b, uint64_t *ret_sum)
{
    return !__builtin_add_overflow(a, b, ret_sum);
}

bool num_mul(uint64_t a, uint64_t b, uint64_t *ret_product)
{
    return !__builtin_mul_overflow(a, b, ret_product);
}

bool num_parse_len(const char *text, size_t len, uint64_t min, uint64_t max, uint64_t *ret_value)
{
    uint64_t value = 0;

    if (len == 0)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        if (!num_mul(value, 10, &value) || !num_add(value, (uint64_t)(text[i] - '0'), &value))
            return false;
    }
    if (value < min || value > max)
        return false;
    *ret_value = value;
    return true;
}

bool num_parse(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value)
{
    return num_parse_len(text, strlen(text), min, max, ret_value);
}

int num_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool num_parse_hex_len(const char *text, size_t len, uint64_t max, uint64_t *ret_value)
{
    uint64_t value = 0;

    if (len == 0 || len > 16)
        return false;
    for (size_t i = 0; i < len; i++) {
        int digit = num_hex_digit(text[i]);
        if (digit < 0)
            return false;
        value = value << 4 | (uint64_t)digit;
    }
    if (value > max)
        return false;
    *ret_value = value;
    return true;
}
