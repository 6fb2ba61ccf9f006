/* A growable byte string with a maximum fixed at birth. Appending past the maximum sets a latch (overflow) that stays
 * until str_reset: check it once, at the end. Running out of memory ends the process (state is in the database).
 * The content is always NUL-terminated. */
#ifndef AIRLOCK_BASE_STR_H
#define AIRLOCK_BASE_STR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

struct str {
    char *p;       /* borrowed by readers; NULL until something was appended: use str_text */
    size_t len;
    size_t cap;
    size_t max;
    bool overflow;
};

#define STR_INIT(maximum) ((struct str){.max = (maximum)})
#define AUTO_STR CLEANUP(str_done)

void str_done(struct str *s);
void str_reset(struct str *s);
const char *str_text(const struct str *s); /* never NULL */

void str_append(struct str *s, const char *text);
void str_append_len(struct str *s, const void *bytes, size_t len);
void str_append_char(struct str *s, char c);
void str_printf(struct str *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
void str_append_xml(struct str *s, const char *text);      /* escapes & < > " and characters that XML 1.0 forbids */
void str_append_url(struct str *s, const char *text);      /* percent-encodes all but unreserved characters */

/* Allocation that ends the process on failure. Sizes that a client chooses must have met a limit before. */
void *xmalloc(size_t size) MUST_USE;
void *xcalloc(size_t count, size_t size) MUST_USE;
void *xrealloc(void *p, size_t size) MUST_USE;
char *xstrdup(const char *text) MUST_USE;
char *xstrndup(const char *text, size_t len) MUST_USE;
char *xasprintf(const char *fmt, ...) PRINTF_LIKE(1, 2) MUST_USE;

/* Copies text into a fixed array; false (and "" in dst) when it does not fit. */
bool str_copy(char *dst, size_t size, const char *text);
bool str_starts(const char *text, const char *prefix);
/* Overwrites a secret so that the compiler cannot drop the write. */
void secret_wipe(void *p, size_t len);

#endif
