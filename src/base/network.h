/* Networks: CIDR blocks and numeric addresses, IPv4 and IPv6. An IPv4 address mapped into IPv6
 * (::ffff:a.b.c.d) is that IPv4 address. Pure; never resolves a name. Sources: RFC 4632, RFC 4291. */
#ifndef AIRLOCK_BASE_NETWORK_H
#define AIRLOCK_BASE_NETWORK_H

#include <stdbool.h>

#include "base/error.h"

#define NETWORK_TEXT_MAX 50 /* the longest CIDR text and its NUL */

struct address {
    unsigned char bytes[16]; /* network order; the first 4 for IPv4 */
    unsigned bits;           /* 32 or 128 */
};

struct network {
    struct address base; /* host bits are zero */
    unsigned prefix;     /* 0 … base.bits */
};

/* A numeric address, nothing else (no port, no zone, no brackets). */
bool address_parse(const char *text, struct address *ret_address);
/* -1, 0 or 1; addresses of different families are ordered IPv4 first. */
int address_compare(const struct address *a, const struct address *b);

/* "10.1.0.0/16", "2001:db8::/32". E_INVALID for anything else, also for host bits that are not zero. */
int network_parse(const char *text, struct network *ret_network, struct error *err) MUST_USE;
void network_format(const struct network *network, char ret_text[static NETWORK_TEXT_MAX]);
bool network_contains(const struct network *network, const struct address *address);
/* The same for text; a text that is no address is in no network. */
bool network_contains_text(const struct network *network, const char *address);
bool network_overlaps(const struct network *a, const struct network *b);

#endif
