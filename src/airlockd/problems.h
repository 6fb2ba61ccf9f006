/* A list of what is wrong with a configuration, one line each, to show all of it at once. Runs in airlockd. */
#ifndef AIRLOCK_AIRLOCKD_PROBLEMS_H
#define AIRLOCK_AIRLOCKD_PROBLEMS_H

#include "base/str.h"

#define PROBLEMS_TEXT_MAX (64 * 1024) /* more than a person reads; what comes after is counted and dropped */

struct problems {
    struct str text; /* "WHERE: message\n" … */
    unsigned count;
};
#define PROBLEMS_INIT ((struct problems){.text = STR_INIT(PROBLEMS_TEXT_MAX)})

/* where: "FILE:LINE", "FILE" or "--set NAME". */
void problems_add(struct problems *problems, const char *where, const char *fmt, ...) PRINTF_LIKE(3, 4);
void problems_done(struct problems *problems);
#define AUTO_PROBLEMS CLEANUP(problems_done)

#endif
