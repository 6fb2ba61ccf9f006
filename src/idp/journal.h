/* A small durable log of JSON records: what airlock-idp must not forget when it is killed. It is two files that take
 * turns, because a process that can open no file any more cannot replace one by another: records are appended to one of
 * them, and when it grows long a snapshot is written into the other, which counts from the moment it is whole. Each
 * line carries a checksum; a torn last line, as a kill or a power cut leaves it, is as if it had never been written.
 * Not thread-safe. */
#ifndef AIRLOCK_IDP_JOURNAL_H
#define AIRLOCK_IDP_JOURNAL_H

#include <stdbool.h>

#include "base/error.h"
#include "base/json.h"

#define JOURNAL_MAX ((size_t)64 * 1024 * 1024) /* bytes of one file */
#define JOURNAL_RECORD_MAX 4096

struct journal;

/* Takes one record (borrowed) while the journal is read. An error means that it makes no sense. */
typedef int journal_apply_fn(void *ctx, const json_t *record, struct error *err);
/* Appends the present state by journal_put. */
typedef int journal_dump_fn(void *ctx, struct journal *journal, struct error *err);

/* Opens, or makes (0600), the files PATH.0 and PATH.1 and applies what they say. E_INVALID when what stands there is
 * damaged other than at its end: nothing was kept then, *ret is an empty journal all the same, and the caller says so.
 * PATH is absolute. */
int journal_open(const char *path, journal_apply_fn *apply, void *ctx, struct journal **ret,
                 struct error *err) MUST_USE;
void journal_close(struct journal *journal);

/* Durable when it returns 0. After an error the record does not count, now or after a restart; when not even that can
 * be had, every later append fails too. */
int journal_append(struct journal *journal, const json_t *record, struct error *err) MUST_USE;

/* Should it be compacted? */
bool journal_is_long(const struct journal *journal);
int journal_compact(struct journal *journal, journal_dump_fn *dump, void *ctx, struct error *err) MUST_USE;
/* One record of a snapshot; for a journal_dump_fn alone. */
int journal_put(struct journal *journal, const json_t *record, struct error *err) MUST_USE;

#endif
