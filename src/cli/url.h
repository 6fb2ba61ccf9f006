/* URLs as the client needs them: which may carry a secret, how a server's URL is kept, and blob URLs. No I/O. */
#ifndef AIRLOCK_CLI_URL_H
#define AIRLOCK_CLI_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#define URL_MAX 8192

/* "http://127.0.0.1:8400/x" and the like: traffic that never leaves this machine. */
bool url_is_loopback(const char *url);
/* https, or http to this machine: anything else would show tokens and links to the network. E_CONFIG names the URL
 * without its query. */
int url_check_private(const char *url, struct error *err) MUST_USE;
/* The form under which a server is kept: checked as above, no query or fragment, no slash at the end. */
int url_normalise(const char *url, char **ret, struct error *err) MUST_USE;
/* "scheme://host[:port]" of url, for messages. */
void url_append_origin(struct str *s, const char *url);

/* Appends "name=value" with value percent-encoded, after '?' or '&' as it fits. */
void url_append_query(struct str *s, const char *name, const char *value);

/* A container's link, split at its '?'. Both are the caller's. */
struct link {
    char *base;
    char *sas;
};
int link_parse(const char *container_url, struct link *ret, struct error *err) MUST_USE;
void link_done(struct link *link);
/* The URL of a blob ("": of the container) with query (without '?', may be "") and then the signature. */
void link_append_url(struct str *s, const struct link *link, const char *blob, const char *query);

/* Percent-decodes len bytes into out (with a NUL). form: '+' is a space. false: a bad escape, a NUL, or no room. */
bool url_decode(const char *text, size_t len, bool form, char *out, size_t out_size);
/* The value of a parameter in a query string, percent-decoded ('+' is a space): false when absent, malformed or too
 * long. */
bool query_get(const char *query, const char *name, char *out, size_t out_size);

#endif
