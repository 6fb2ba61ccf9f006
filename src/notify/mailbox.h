/* Addresses of mail: whose it is, whom it is for, and which server takes it. Pure; part of airlock-notify, and of
 * airlockd, which checks the settings. */
#ifndef AIRLOCK_NOTIFY_MAILBOX_H
#define AIRLOCK_NOTIFY_MAILBOX_H

#include <stdbool.h>

#include "base/error.h"

#define MAILBOX_ADDRESS_MAX 254 /* bytes; RFC 5321 */
#define MAILBOX_NAME_MAX 200    /* bytes */

struct mailbox {
    char name[MAILBOX_NAME_MAX + 1]; /* may be empty */
    char address[MAILBOX_ADDRESS_MAX + 1];
};

/* LOCAL@DOMAIN that can stand in a header and in an envelope as it is: no spaces, controls, quotes, comments, brackets
 * or separators. UTF-8 passes. E_INVALID with a sentence that goes on after "the address". */
int mailbox_check(const char *address, struct error *err) MUST_USE;
bool mailbox_is_ascii(const char *address);
/* "ADDRESS" or "NAME <ADDRESS>". E_INVALID with a sentence that goes on after what holds it. */
int mailbox_parse(const char *text, struct mailbox *ret, struct error *err) MUST_USE;

/* How a server is spoken to. */
enum smtp_security {
    SMTP_STARTTLS, /* encrypted before anything of the mail or the log-in is said; a server that does not offer it gets
                      none */
    SMTP_TLS,      /* encrypted from the first byte */
    SMTP_PLAIN,    /* on loopback */
};

/* smtp://HOST[:PORT] or smtps://HOST[:PORT], nothing else; plain for smtp:// to 127.0.0.1, [::1] or localhost only.
 * False: it has another form. */
bool smtp_url_parse(const char *url, enum smtp_security *ret);

#endif
