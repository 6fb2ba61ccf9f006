/* A zip file read by its central directory, strictly and with nothing but bounds: what the directory says, what stands
 * before each member, and whether the two agree. Programs differ in which of them they believe, and a file on which
 * they do not agree shows one thing to the scanner and another to its reader. Runs in a sandboxed child. */
#ifndef AIRLOCK_GATE_ZIP_INDEX_H
#define AIRLOCK_GATE_ZIP_INDEX_H

#include "model/gate.h"

/* Where it ends, as its last end record says. */
struct zip_end {
    uint64_t start;     /* bytes before the zip: its offsets count from here */
    uint64_t directory; /* from the file's start, as all below */
    uint64_t directory_size;
    uint64_t entries;
    uint64_t record; /* what follows the directory: the first of the end records */
    uint64_t after;  /* behind the comment: the zip's end */
    bool ambiguous;  /* there is a second end record that is as good */
};

/* Looks in the last 64 KiB for an end record whose directory is where it says. */
bool zip_end_find(int fd, uint64_t size, struct zip_end *ret);

/* What is wrong: name is a member's (raw, cut at a NUL) or NULL; detail is ours. */
typedef void zip_problem(void *ctx, enum finding finding, const char *name, const char *detail);

enum zip_index {
    ZIP_INDEX_GOOD, /* the directory can be followed; members may still have problems */
    ZIP_INDEX_NONE, /* it cannot: only what stands before each member is left */
    ZIP_INDEX_BOMB, /* members share bytes, or there are more than max_entries: not to be unpacked at all */
};

/* Reads the directory and the head of every member. Time and memory grow with max_entries only. */
enum zip_index zip_index_check(int fd, uint64_t size, uint64_t max_entries, zip_problem *problem, void *ctx);

#endif
