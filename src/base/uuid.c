/* UUID version 4, as a rule from the kernel's random source. */
#include "base/uuid.h"

#include <stdio.h>
#include <string.h>

#include "base/crypto.h"

void uuid_new(char out[static UUID_TEXT_SIZE])
{
    unsigned char bytes[UUID_BYTES];

    random_fill(bytes, sizeof bytes);
    uuid_from_bytes(bytes, out);
}

void uuid_from_bytes(const unsigned char bytes[static UUID_BYTES], char out[static UUID_TEXT_SIZE])
{
    unsigned char b[UUID_BYTES];

    memcpy(b, bytes, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0F) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3F) | 0x80);
    (void)snprintf(out, UUID_TEXT_SIZE, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
                   b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

bool uuid_is_v4(const char *text)
{
    if (strlen(text) != UUID_TEXT_SIZE - 1)
        return false;
    for (int i = 0; i < UUID_TEXT_SIZE - 1; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text[i] != '-')
                return false;
        } else if (!strchr("0123456789abcdef", text[i])) {
            return false;
        }
    }
    return text[14] == '4' && strchr("89ab", text[19]) != NULL;
}
