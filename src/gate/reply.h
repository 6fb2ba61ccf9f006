/* What clamd says, read strictly: of everything that could come, exactly one text means that a file is clean. Pure;
 * used in the sandboxed children of airlock-gate and in its main process. */
#ifndef AIRLOCK_GATE_REPLY_H
#define AIRLOCK_GATE_REPLY_H

#include "base/json.h"

#define REPLY_TEXT_MAX 256  /* of a signature's name, an error or a version; a longer one is nonsense */
#define REPLY_ENGINE_MAX 32 /* "1.4.6" */
#define REPLY_BASE_MAX 16   /* "27500" */

enum reply_kind {
    REPLY_CLEAN,     /* "fd[9]: OK", and nothing else is */
    REPLY_FOUND,     /* text is the name of what was found */
    REPLY_ENCRYPTED, /* not scanned: it is encrypted, or something in it is */
    REPLY_LIMIT,     /* not scanned completely: it goes beyond a limit of clamd */
    REPLY_ERROR,     /* text says what failed */
    REPLY_NONSENSE,  /* everything else: nothing at all, cut off, too long, bytes behind, characters that no name has */
    REPLY_KIND_COUNT
};

struct reply {
    enum reply_kind kind;
    char text[REPLY_TEXT_MAX]; /* printable ASCII; "" where there is none to tell */
};

/* The answer to FILDES: the bytes in front of the NUL, and behind the session's number. */
void reply_scan(const char *bytes, size_t len, struct reply *ret);

struct version {
    char text[REPLY_TEXT_MAX]; /* as it came: two are the same engine and base when these are the same */
    char engine[REPLY_ENGINE_MAX];
    char base[REPLY_BASE_MAX]; /* "": it has no number, as a base of an organisation's own signatures alone */
    int64_t base_s; /* its date in seconds since 1970; 0: it has none. clamd tells it in its own local time, which is
                     * taken as UTC: it may be off by half a day */
};

/* The answer to VERSION: "ClamAV 1.4.6", or "ClamAV 1.4.6/27500/Mon Nov 23 08:26:24 2026". false: it is none. A date
 * that cannot be read counts as none. */
bool reply_version(const char *bytes, size_t len, struct version *ret);
/* {"name": "clamav", "version", "base"?, "baseDate"?}: the caller's. */
json_t *version_render(const struct version *version);

#endif
