/* One archive, opened by libarchive on a descriptor: exactly one format and at most one layer of compression, as our
 * own look at its bytes said. Runs in a sandboxed child. */
#ifndef AIRLOCK_GATE_UNPACK_H
#define AIRLOCK_GATE_UNPACK_H

#include <archive.h>
#include <archive_entry.h>

#include "gate/archive_kind.h"

struct unpack {
    struct archive *archive;
    int fd;
    uint64_t size, at;
    int64_t deadline_ms; /* may be moved between calls; reading past it fails */
    bool late;           /* it was passed */
    int failed;          /* errno of a read of ours that failed; 0: whatever is wrong is the file's fault */
    unsigned char *block;
};

/* filter: libarchive's code, or ARCHIVE_FILTER_NONE. support: registers the format. False: there is no memory for it,
 * or libarchive does not take it: unpack->archive tells why, and unpack_done is owed in each case. */
bool unpack_open(struct unpack *unpack, int filter, int (*support)(struct archive *));
void unpack_done(struct unpack *unpack);
#define AUTO_UNPACK CLEANUP(unpack_done)

/* Takes a stream of no further format for one member, without asking, so that an error stays what it was. */
int unpack_support_plain(struct archive *archive);

/* Where what was consumed of the file ends, once everything was read. */
uint64_t unpack_consumed(const struct unpack *unpack);
/* The library ran out of memory. */
bool unpack_lacks_memory(const struct unpack *unpack);

#endif
