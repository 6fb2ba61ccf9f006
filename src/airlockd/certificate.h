/* The certificate of the listeners and its key: read from their files, and checked before a process gets them. Runs in
 * airlockd, with what the operator wrote; never with what a client sent. */
#ifndef AIRLOCK_AIRLOCKD_CERTIFICATE_H
#define AIRLOCK_AIRLOCKD_CERTIFICATE_H

#include "airlockd/settings.h"

#define CERTIFICATE_FILE_MAX ((size_t)256 * 1024) /* bytes of each file */

/* PEM texts; chain is NULL without TLS. */
struct certificate {
    char *chain, *key;
    size_t chain_len, key_len;
    bool outdated; /* its time is over, or has not come */
};

/* Reads both files anew. E_CONFIG says which file is missing, unreadable, open to others, or does not fit. Without TLS
 * in the settings it is success and nothing is read. *ret is the caller's on success. */
int certificate_read(const struct settings *settings, struct certificate *ret, struct error *err) MUST_USE;
void certificate_done(struct certificate *certificate); /* wipes the key */

#endif
