/* Names of members, as foreign archives have them. Pure; nothing is ever opened by such a name. */
#ifndef AIRLOCK_GATE_MEMBER_NAME_H
#define AIRLOCK_GATE_MEMBER_NAME_H

#include <stdbool.h>
#include <stdint.h>

/* Why a program that unpacks it could write outside of its directory, in a few words; NULL: it could not. */
const char *member_name_escape(const char *name);

/* What follows the last slash (of either kind); never empty unless the name is. */
const char *member_name_last(const char *name);

/* What the one member of a compressed file is called: "x.csv" for "data/x.csv.gz", "x.tar" for "x.tgz", "data" where
 * nothing tells. The caller's. */
char *member_name_unpacked(const char *name);

/* The names of one archive, by digests: which come twice. "a//b", "./a/b" and "a/b" are one name. */
struct member_names;
struct member_names *member_names_new(void);
void member_names_free(struct member_names *names);
/* False: it was there already. */
bool member_names_add(struct member_names *names, const char *name);

#endif
