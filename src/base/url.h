/* Which URLs may carry what nobody else shall read or change. Reads a strict subset of RFC 3986, so that every other
 * reader of an accepted URL sees the same host. Pure; never resolves a name. */
#ifndef AIRLOCK_BASE_URL_H
#define AIRLOCK_BASE_URL_H

#include <stdbool.h>
#include <stdint.h>

/* https://HOST[:PORT]…, or http:// to exactly 127.0.0.1, [::1] or localhost. No user info, spaces, backslashes,
 * control characters or bytes beyond ASCII. */
bool url_is_private(const char *url);

#define BROKER_URL_PART_MAX 255

/* A message broker's: amqps://USER@HOST[:PORT][/VHOST], or amqp:// to exactly 127.0.0.1, [::1] or localhost. */
struct broker_url {
    bool tls;
    uint16_t port;                       /* 5671 or 5672 where it says none */
    char user[BROKER_URL_PART_MAX + 1];  /* percent-decoded, as vhost is */
    char host[BROKER_URL_PART_MAX + 1];  /* without brackets */
    char vhost[BROKER_URL_PART_MAX + 1]; /* "/" where it says none */
};

/* False: it has another form, a password, or goes in the clear to another machine. */
bool broker_url_parse(const char *url, struct broker_url *ret);

#endif
