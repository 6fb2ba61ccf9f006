/* Which blob names may become files below a directory. No I/O. */
#ifndef AIRLOCK_CLI_LOCAL_NAME_H
#define AIRLOCK_CLI_LOCAL_NAME_H

#include "base/error.h"
#include "base/macros.h"

/* 0 when name is a relative path of plain components: none empty, "." or "..", none longer than 240 bytes (a suffix
 * must fit), no control character, no backslash. E_INVALID with the name in safe form otherwise. */
int local_name_check(const char *name, struct error *err) MUST_USE;

/* The blob name for a local file: its last component. NULL when there is none. Borrowed from path. */
const char *local_name_base(const char *path);

#endif
