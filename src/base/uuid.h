/* UUID version 4 in its canonical lower-case text form. */
#ifndef AIRLOCK_BASE_UUID_H
#define AIRLOCK_BASE_UUID_H

#include <stdbool.h>

#define UUID_TEXT_SIZE 37
#define UUID_BYTES 16

void uuid_new(char out[static UUID_TEXT_SIZE]);
/* The same from given bytes, but for the six bits that say version and variant. */
void uuid_from_bytes(const unsigned char bytes[static UUID_BYTES], char out[static UUID_TEXT_SIZE]);
bool uuid_is_v4(const char *text); /* canonical lower-case version 4, nothing else */

#endif
