/* The public clients and where a browser may be sent for them: the guard against open redirects. */
#ifndef AIRLOCK_IDP_CLIENT_H
#define AIRLOCK_IDP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#define REDIRECT_URI_MAX 512
#define ORIGIN_SIZE 256

enum {
    REDIRECT_LOOPBACK = 1 << 0,   /* http:// and 127.0.0.1, [::1] or localhost, any port and path (RFC 8252 §7.3) */
    REDIRECT_API = 1 << 1,        /* the origin that serves the web UI, with or without the slash */
    REDIRECT_CONFIGURED = 1 << 2, /* the texts of idp.redirect_uris, byte by byte */
};

struct client {
    const char *id;
    const char *title; /* shown on the login page */
    unsigned redirects;
};

const struct client *client_find(const char *id); /* NULL: no such public client */

struct redirect_policy {
    const char *api_origin; /* "https://tre.example.org" */
    const char *configured; /* URIs with spaces between */
};
bool redirect_is_allowed(const struct client *client, const struct redirect_policy *policy, const char *uri);

/* scheme://host[:port] of a URL; false when it is none of http and https or does not fit. */
bool url_origin(const char *url, char out[static ORIGIN_SIZE]);
/* Is this the origin of the web UI or of a configured redirect? Those may read answers in a browser. */
bool redirect_origin_is_known(const struct redirect_policy *policy, const char *origin);

#endif
