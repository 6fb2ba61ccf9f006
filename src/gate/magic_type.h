/* What a file is, as libmagic calls it. Runs in a sandboxed child; the database is read before the sandbox. */
#ifndef AIRLOCK_GATE_MAGIC_TYPE_H
#define AIRLOCK_GATE_MAGIC_TYPE_H

#include <stddef.h>

#include "base/error.h"

#define MAGIC_TYPE_MAX 128
#define MAGIC_TYPE_UNKNOWN "application/octet-stream"

/* Loads Debian's database (libmagic-mgc). E_CONFIG: it is missing. Loading it twice is nothing. */
int magic_type_open(struct error *err) MUST_USE;
/* The type of the first bytes of a file. E_INTERNAL before magic_type_open, or without memory. */
int magic_type_of(const void *head, size_t len, char ret_type[static MAGIC_TYPE_MAX], struct error *err) MUST_USE;

#endif
