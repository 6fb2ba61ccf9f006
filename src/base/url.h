/* Which URLs may carry what nobody else shall read or change. Reads a strict subset of RFC 3986, so that every other
 * reader of an accepted URL sees the same host. Pure; never resolves a name. */
#ifndef AIRLOCK_BASE_URL_H
#define AIRLOCK_BASE_URL_H

#include <stdbool.h>

/* https://HOST[:PORT]…, or http:// to exactly 127.0.0.1, [::1] or localhost. No user info, spaces, backslashes,
 * control characters or bytes beyond ASCII. */
bool url_is_private(const char *url);

#endif
