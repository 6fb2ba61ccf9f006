/* Is a RAR 5 archive encrypted? libarchive passes over the mark of a member and unpacks what is encrypted as if it were
 * not. Looks at every block's head, with nothing but bounds. Runs in a sandboxed child. */
#ifndef AIRLOCK_GATE_RAR5_H
#define AIRLOCK_GATE_RAR5_H

#include <stdint.h>

enum rar5_look {
    RAR5_OPEN,      /* no mark up to its end, or to where it is damaged */
    RAR5_ENCRYPTED, /* the list of members, or at least one member */
    RAR5_CROWDED,   /* it has more than max_blocks blocks, and was not looked through */
};

/* The archive may begin behind a program that unpacks it. */
enum rar5_look rar5_look(int fd, uint64_t size, uint64_t max_blocks);

#endif
