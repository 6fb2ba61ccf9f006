/* Text that came from a server or a file name, made safe to print: what could steer a terminal or reorder what a
 * person reads is shown as an escape. Plus the small formats of people: sizes and times. No I/O. */
#ifndef AIRLOCK_CLI_TEXT_H
#define AIRLOCK_CLI_TEXT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define TEXT_SIZE_MAX 24

/* Appends text in safe form. Controls, format characters (bidi marks, zero width), line separators and unassigned code
 * points become \u{HEX}; bytes that are not UTF-8 become \xHH; a tab or line feed too, so that a cell stays one line.
 */
void text_append_safe(struct str *s, const char *text);
/* Columns that safe text fills on a terminal (wide characters fill two). */
size_t text_width(const char *text);
/* The largest prefix (in bytes) of safe text that fits into columns. */
size_t text_fit(const char *text, size_t columns);

/* "812 B", "1.4 MiB". */
void text_format_size(uint64_t bytes, char out[static TEXT_SIZE_MAX]);
/* POSIX seconds, whole or with a fraction, as "2026-11-22T14:33:01Z"; appends "-" for anything else. */
void text_append_time(struct str *s, const json_t *seconds);

#endif
