/* Text of other people, made fit for one line of a mail: whatever would end the line, end the text, or turn its
 * direction becomes a space. Pure; part of airlock-notify and airlockd. */
#ifndef AIRLOCK_NOTIFY_PLAIN_H
#define AIRLOCK_NOTIFY_PLAIN_H

#include "base/str.h"

/* Appends the len bytes. What is no UTF-8 becomes ?. */
void plain_append(struct str *out, const char *text, size_t len);
/* At most max bytes of text, cut between characters, with … where something was cut; the caller's. */
char *plain_cut(const char *text, size_t max);
bool plain_is_utf8(const char *text, size_t len);

#endif
