/* Documents and files that are encrypted without being archives: office documents with a password, PDF, PGP, age. Runs
 * in a sandboxed child; looks at the first and the last 64 KiB. */
#ifndef AIRLOCK_GATE_ENCRYPTED_H
#define AIRLOCK_GATE_ENCRYPTED_H

#include <stdbool.h>
#include <stdint.h>

/* What is encrypted, in a few words; NULL: nothing that it knows. path: as in struct member, or NULL. *ret_opaque:
 * nobody can look inside without a secret; false for a PDF, which many people may open and only some may print: whether
 * a scanner could read it, the scanner says. */
const char *encrypted_what(int fd, uint64_t size, const char *path, bool *ret_opaque);

#endif
