/* Where a file of a known kind ends by its own structure, and whether anything follows. Runs in a sandboxed child;
 * reads lengths and markers only, decodes nothing. */
#ifndef AIRLOCK_GATE_FILE_END_H
#define AIRLOCK_GATE_FILE_END_H

#include <stdbool.h>
#include <stdint.h>

/* Is there data behind the end of a PNG, JPEG, GIF, PDF, RIFF, zip or 7z? False for everything else, and for a file
 * that is damaged before its end. Zeroes and, in a PDF, white space are no data. */
bool file_end_trails(int fd, uint64_t size);

#endif
