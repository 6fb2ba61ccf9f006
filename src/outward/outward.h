/* The frame of a program that connects to the outside by libcurl beside its channel to core: its sandbox, the
 * certificates of authorities, and waiting for transfers and sockets at once. Linked by airlock-jwks and airlock-notify;
 * who is called, and what is made of the answer, is theirs. */
#ifndef AIRLOCK_OUTWARD_OUTWARD_H
#define AIRLOCK_OUTWARD_OUTWARD_H

#include <curl/curl.h>

#include "ipc/child.h"

#define OUTWARD_FDS_MAX 8 /* sockets of one's own to wait for */

/* The certificates of authorities, PEM, read now so that no file is needed later; the caller's. file "": those of the
 * machine; where it has none *ret_pem stays NULL, and only what needs no TLS can be called. setting names the file in
 * the error. E_CONFIG when it cannot be read. */
int outward_read_authorities(const char *setting, const char *file, char **ret_pem, size_t *ret_len,
                             struct error *err) MUST_USE;

/* Confines the process to outgoing TCP and to the files that name resolution reads; ends it when that cannot be. */
void outward_confine(const struct child *child);

/* Waits for the transfers of multi and for the descriptors (-1 is passed over), at most timeout_ms, and moves the
 * transfers on; sets readable[i]. At most OUTWARD_FDS_MAX descriptors. */
void outward_wait(CURLM *multi, const int *fds, bool *readable, size_t count, int timeout_ms);

#endif
