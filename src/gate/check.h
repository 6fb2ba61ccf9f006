/* What a check is given. Runs in a sandboxed child of airlock-gate, which has these descriptors and nothing else: no
 * file can be opened, no socket made. */
#ifndef AIRLOCK_GATE_CHECK_H
#define AIRLOCK_GATE_CHECK_H

#include "gate/report.h"

#define CHECK_SCRATCH_MAX 17 /* deepest archive, and one for what it holds */

struct check {
    int fd;           /* the file, for reading: offset 0 to size, seekable; shared with nobody who moves its offset */
    uint64_t size;
    const char *name; /* as the requestor named it: its extension tells what it should be */
    unsigned gates;   /* bits 1 << enum gate: those to run */
    const struct gate_policy *policy;
    int scratch[CHECK_SCRATCH_MAX]; /* empty files without a name, for unpacked members, one a depth; -1: none */
    int scanner;                    /* a connected socket of clamd, for GATE_MALWARE; -1 otherwise */
    int64_t scanner_max_bytes;      /* files beyond cannot be scanned */
};

#endif
