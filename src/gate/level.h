/* One archive under the walk: its members come out of it byte by byte, each counted against every limit first. Part of
 * walk.c; runs in a sandboxed child. */
#ifndef AIRLOCK_GATE_LEVEL_H
#define AIRLOCK_GATE_LEVEL_H

#include "gate/member_name.h"
#include "gate/unpack.h"
#include "gate/walk.h"

/* The walk of one file. */
struct walker {
    const struct check *check;
    const struct walk *walk;
    int64_t deadline_ms;
    int64_t members;
    uint64_t bytes;
    int missed; /* WALK_… */
    bool ended; /* a limit of the whole walk was reached */
};

/* An archive that is being unpacked. */
struct level {
    struct walker *walker;
    struct level *outer;
    const struct member *file;
    enum archive_kind kind;
    int number;        /* how many archives it lies in: which scratch file is its members' */
    uint64_t unpacked; /* of it, at every depth */
    struct member_names *names;
    struct unpack *unpack;
};

int64_t walker_policy(const struct walker *walker, enum gate_policy_row row);
/* Adds to what was missed, and to the report where there is one. detail: NULL, or a text of ours. */
void walker_note(struct walker *walker, int missed, enum finding finding, const char *path, const char *detail);
/* A limit of everything together: the walk ends. */
void walker_limit(struct walker *walker, enum finding finding, const char *path);

/* libarchive gave up, at a member (path) or with the whole archive. Negative: it was our fault. */
int level_failed(struct level *level, const char *path, bool encrypted, struct error *err) MUST_USE;
/* Fills the member's scratch file, size and whole. A limit shows in walker->ended. */
int level_unpack(struct level *level, struct archive_entry *entry, struct member *member, struct error *err) MUST_USE;

#endif
