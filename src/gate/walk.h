/* Walks a file and, where it is an archive or a compressed file, everything in it, at every depth. Runs in a sandboxed
 * child of airlock-gate, on descriptors that are open already. What an archive is, its bytes tell, never its name:
 * office documents and programs for Java or Android are archives, too. Nothing is unpacked into a directory: each
 * member is written into the scratch file of its depth, shown, and overwritten by the next. */
#ifndef AIRLOCK_GATE_WALK_H
#define AIRLOCK_GATE_WALK_H

#include "gate/check.h"

struct member {
    const char *path; /* NULL: the file itself; otherwise as in struct spot: "inner.zip!/data/x.csv" */
    const char *name; /* the last part of the path, or the file's name: never NULL */
    int fd;           /* its bytes, seekable, its offset at 0; the visitor may move it, and must not write */
    uint64_t size;
    int depth;           /* 0: the file itself; 1: a member of it; a compressed tar is one archive */
    const char *archive; /* what it is, where it is an archive that will be walked ("zip", "tar", "gzip"); or NULL */
    bool whole; /* false: it is damaged, and these are the bytes that could be unpacked; none where size is 0 */
};

struct walk {
    /* The file itself first, then every member that is no directory or link; a member before what is in it. Everything
     * is borrowed, and gone after the call. 0, or a negative code, which ends the walk. Its time does not count as
     * unpacking. */
    int (*visit)(void *ctx, const struct member *member, struct error *err);
    void *ctx;
    /* NULL, or called when a compressed file or an archive ends before its bytes do: what follows is not unpacked. */
    void (*trailing)(void *ctx, const struct member *archive);
    /* NULL; otherwise the findings of GATE_ARCHIVE are added to it, and the members that cannot be shown are listed. */
    struct report *report;
};

/* Why the visitor did not see everything: bits. */
enum {
    WALK_LIMIT = 1,     /* a limit of the policy was reached: the walk ended there */
    WALK_ENCRYPTED = 2, /* something is encrypted and was left out, or shown as it is */
    WALK_BROKEN = 4,    /* something is damaged, or in a form that is not unpacked */
};

/* To be called once before the sandbox: what the libraries would read from files later, they read now. */
void walk_prepare(void);
/* 0: every byte was shown. Positive: bits WALK_…, some were not: this file must not be called clean. Negative: the
 * visitor's code, or a failure of our own (E_IO, E_NO_SPACE, E_INTERNAL without a scratch file). */
int walk_members(const struct check *check, const struct walk *walk, struct error *err) MUST_USE;

#endif
