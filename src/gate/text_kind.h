/* Is a file text, and which? Told by its name, its type and its beginning. Runs in a sandboxed child of airlock-gate;
 * pure. */
#ifndef AIRLOCK_GATE_TEXT_KIND_H
#define AIRLOCK_GATE_TEXT_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum text_form {
    TEXT_BINARY,
    TEXT_UNREADABLE, /* binary, with the name of a text */
    TEXT_PROSE,      /* anything that is read line by line: notes, JSON, XML, programs, logs */
    TEXT_TABLE
};

struct text_kind {
    enum text_form form;
    char separator;   /* of a TABLE */
    char line_end;    /* LF or CR */
    uint64_t columns; /* of a TABLE, as its beginning has them */
};

/* name: of the file or member; type: as libmagic calls it, or NULL. head: its decoded beginning; decoded: it had a mark
 * of UTF-16, which only text has. */
struct text_kind text_kind_of(const char *name, const char *type, const char *head, size_t len, bool decoded);

#endif
