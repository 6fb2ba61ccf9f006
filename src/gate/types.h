/* The gate types: what a file and each member is, whether it is allowed here, whether its name says so, whether it is
 * more than one thing, and whether data follows its end. Runs in a sandboxed child. */
#ifndef AIRLOCK_GATE_TYPES_H
#define AIRLOCK_GATE_TYPES_H

#include "gate/magic_type.h"
#include "gate/walk.h"

/* What is kept between a file and its members. */
struct types {
    int document_depth; /* of the document whose parts are shown; -1: none. Parts of a docx are not listed as allowed */
};

void types_init(struct types *ret);

/* To be called once before the sandbox; a process that forks children calls it for all of them. E_CONFIG: libmagic's
 * database is missing. */
int types_open(struct error *err) MUST_USE;

/* Judges one member as the walk shows it, the file itself first. report: NULL, or gets the findings and, for the file
 * itself, its type. ret_type: its type. E_INTERNAL: types_open was not called. */
int types_check(struct types *types, const struct check *check, const struct member *member, struct report *report,
                char ret_type[static MAGIC_TYPE_MAX], struct error *err) MUST_USE;

/* Data follows where the walk saw an archive or a compressed file end. */
void types_trailing(const struct member *archive, struct report *report);

/* Does a name's extension promise this? Names without a known extension promise nothing. head: the first bytes. */
bool types_name_fits(const char *name, const char *type, const void *head, size_t len);

#endif
