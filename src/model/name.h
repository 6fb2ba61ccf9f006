/* Names of blobs and of their metadata. A name is never a path here: it is data until it was judged. Pure.
 * Sources: Azure "Naming and referencing containers, blobs, and metadata"; Unicode normalisation form C and default
 * case folding for twins. */
#ifndef AIRLOCK_MODEL_NAME_H
#define AIRLOCK_MODEL_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* Characters of a blob name: code points, whatever they take in UTF-8. */
#define NAME_CHARS_MAX 1024
#define NAME_BYTES_MAX (NAME_CHARS_MAX * 4) /* of UTF-8 */
#define NAME_SEGMENT_MAX 255  /* bytes of one component of a delivered path (NAME_MAX of Linux) */
#define NAME_PATH_MAX 4095    /* bytes of a delivered path (PATH_MAX of Linux without the NUL) */
#define NAME_METADATA_MAX 128 /* bytes of a metadata name */

/* A blob name of len bytes: valid UTF-8 (no overlong form, no surrogate), 1 to NAME_CHARS_MAX characters, no NUL, no C0
 * control but the tab, no DEL, no C1 control, no noncharacter. E_INVALID with the reason. */
int name_check(const char *name, size_t len, struct error *err) MUST_USE;

/* Valid UTF-8 without those control characters, of any length, also empty. */
bool name_is_text(const char *text, size_t len);

/* The key under which two names are twins (NFC and case folded): equal keys may not be in one request. name must have
 * passed name_check. The result is the caller's. */
char *name_fold(const char *name) MUST_USE;

/* Can the name become a file below a directory? No empty, "." or ".." segment, no slash at either end, segments and
 * path within Linux's limits. E_INVALID naming the file. */
int name_check_relative(const char *name, struct error *err) MUST_USE;
/* Can all the names together become one tree? Each relative, none twice, and none both a file and a directory of
 * another. E_INVALID naming the file. */
int name_check_tree(const char *const *names, size_t count, struct error *err) MUST_USE;

/* Azure's rule for metadata names: a C# identifier (here: its ASCII part, since names travel in headers). */
bool name_is_metadata(const char *name);

#endif
