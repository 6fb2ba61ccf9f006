/* The bytes of a file as UTF-8 (or what passes for it), from front to back: a byte order mark is taken off, UTF-16 is
 * decoded, anything else comes as it is. Runs in a sandboxed child of airlock-gate; reads one descriptor by offset, and
 * never holds more than a buffer. */
#ifndef AIRLOCK_GATE_TEXT_SOURCE_H
#define AIRLOCK_GATE_TEXT_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

enum text_coding { TEXT_BYTES, TEXT_UTF16_LE, TEXT_UTF16_BE };

struct text_source {
    int fd; /* borrowed */
    uint64_t offset, size;
    enum text_coding coding;
};

/* Looks at the byte order mark. E_IO: the file cannot be read. */
int text_source_init(struct text_source *ret, int fd, uint64_t size, struct error *err) MUST_USE;
/* Up to cap (at least 64) bytes; 0 at the end. E_IO; also when the file is shorter than it was said to be. */
ssize_t text_source_read(struct text_source *source, char *buffer, size_t cap, struct error *err) MUST_USE;

#endif
