/* The gates disclosure and identifiers over one file or one member of an archive: read once, from front to back, in a
 * few hundred KiB of memory, however large it is. Runs in a sandboxed child of airlock-gate, which has read-only
 * descriptors and no way out. Neither the report nor the error ever has a byte of a cell or a line: headings and
 * numbers only. */
#ifndef AIRLOCK_GATE_TEXT_H
#define AIRLOCK_GATE_TEXT_H

#include "gate/check.h"

/* Reads fd (size bytes, from offset 0, without moving its offset). name: of the file; member: its path within the file,
 * or NULL for the file itself, as in struct spot; type: as libmagic calls it, or NULL. check->gates says which of the
 * two run; with neither, or for what is no text, nothing is found. E_IO: it cannot be read, or ends before size. */
int text_check(const struct check *check, int fd, uint64_t size, const char *name, const char *member, const char *type,
               struct report *report, struct error *err) MUST_USE;

#endif
