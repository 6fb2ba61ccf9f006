/* Which archive is it? Told by bytes, never by a name, from the table archive_kind.def. Runs in a sandboxed child;
 * reads the first 40 KiB of a file and its end, no more. */
#ifndef AIRLOCK_GATE_ARCHIVE_KIND_H
#define AIRLOCK_GATE_ARCHIVE_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct archive;

enum archive_kind {
#define X(name, wire, form, library, offset, signature, also) ARCHIVE_KIND_##name,
#include "gate/archive_kind.def"
#undef X
    ARCHIVE_KIND_COUNT
};

enum archive_form { ARCHIVE_STREAM, ARCHIVE_HOLDER, ARCHIVE_CLOSED };

struct archive_kind_facts {
    const char *name;
    enum archive_form form;
    int filter;                       /* of a STREAM: libarchive's code */
    int (*support)(struct archive *); /* of a HOLDER */
};

const struct archive_kind_facts *archive_kind_facts(enum archive_kind kind);

/* Bits 1 << enum archive_kind of all that fit. */
uint64_t archive_kinds(int fd, uint64_t size);
/* Is what a STREAM unpacks to a tar? Told by its first 512 bytes. */
#define ARCHIVE_TAR_HEAD 512
bool archive_stream_is_tar(const unsigned char *head, size_t len);
/* A program, which may be one that unpacks itself: bits of the kinds that it may carry, to be tried. */
uint64_t archive_kinds_carried(int fd);

#endif
