/* Files that are valid as more than one kind, so that the reviewer sees one thing and a program another. Runs in a
 * sandboxed child; looks at the first and the last 64 KiB. */
#ifndef AIRLOCK_GATE_POLYGLOT_H
#define AIRLOCK_GATE_POLYGLOT_H

#include <stdint.h>

/* What else it is, in a few words of ours; NULL: nothing that is known. */
const char *polyglot_what(int fd, uint64_t size);

#endif
