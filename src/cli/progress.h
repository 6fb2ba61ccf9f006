/* A progress bar on standard error, if that is a terminal; nothing otherwise. */
#ifndef AIRLOCK_CLI_PROGRESS_H
#define AIRLOCK_CLI_PROGRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct progress {
    const char *label; /* borrowed; made safe when drawn */
    uint64_t total;
    _Atomic uint64_t moved;   /* added to by the workers */
    _Atomic uint64_t resumed; /* of moved: was there before, does not count as speed */
    int64_t started_ms;
    bool terminal;
};

void progress_begin(struct progress *progress, const char *label, uint64_t total);
/* Counts bytes that an earlier run moved. Thread-safe. */
void progress_skip(struct progress *progress, uint64_t bytes);
void progress_draw(struct progress *progress);
/* Draws the last state (done) or leaves the line as it is, and ends the line. */
void progress_end(struct progress *progress, bool done);

/* One line without line feed: label, bar, per cent, bytes, rate, time left, cut to columns. For progress_draw and its
 * tests. */
void progress_render(const struct progress *progress, uint64_t moved, int64_t elapsed_ms, size_t columns,
                     struct str *out);

#endif
