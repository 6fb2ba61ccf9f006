/* Reading at an offset. Runs in a sandboxed child; opens nothing, moves no offset. */
#include "gate/peek.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define ZEROES_BLOCK ((size_t)64 * 1024)

size_t peek(int fd, uint64_t offset, void *to, size_t len)
{
    size_t done = 0;

    if (offset > INT64_MAX - len)
        return 0;
    while (done < len) {
        ssize_t n = pread(fd, (char *)to + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    return done;
}

bool peek_all(int fd, uint64_t offset, void *to, size_t len)
{
    return peek(fd, offset, to, len) == len;
}

bool peek_zeroes(int fd, uint64_t offset, uint64_t end)
{
    static const unsigned char ZEROES[ZEROES_BLOCK];
    unsigned char block[ZEROES_BLOCK];

    while (offset < end) {
        size_t len = end - offset < sizeof block ? (size_t)(end - offset) : sizeof block;
        if (!peek_all(fd, offset, block, len) || memcmp(block, ZEROES, len) != 0)
            return false;
        offset += len;
    }
    return true;
}

const unsigned char *peek_find(const void *bytes, size_t len, const char *needle)
{
    return memmem(bytes, len, needle, strlen(needle));
}

const unsigned char *peek_find_last(const void *bytes, size_t len, const char *needle)
{
    size_t needle_len = strlen(needle);

    for (size_t at = len >= needle_len ? len - needle_len + 1 : 0; at-- > 0;)
        if (memcmp((const unsigned char *)bytes + at, needle, needle_len) == 0)
            return (const unsigned char *)bytes + at;
    return NULL;
}
